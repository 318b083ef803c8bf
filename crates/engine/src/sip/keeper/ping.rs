//! Asking the destinations of a trunk whether they live: OPTIONS.

use std::collections::HashMap;
use std::time::Duration;

use model::Timestamp;

use super::super::Hop;
use super::super::trunks::Entry;
use super::Post;

impl Post {
    /// Pings every destination when it is due, one at a time.
    pub(super) async fn ping(mut self) {
        let mut due: HashMap<Hop, Timestamp> = HashMap::new();
        while let Some(entry) = self.entry() {
            let now = self.time.now();
            due.retain(|hop, _| entry.trunk.destinations.iter().any(|there| there.hop == *hop));
            let hops = entry.trunk.destinations.iter().map(|there| &there.hop);
            let next = hops.map(|hop| (due.get(hop).copied().unwrap_or(now), hop));
            let every = entry.trunk.ping;
            let next = next.min_by_key(|(at, _)| *at).filter(|_| every.is_some());
            let time = self.time.clone();
            tokio::select! {
                () = time.until_any(next.map(|(at, _)| at)) => {}
                () = self.changed() => continue,
            }
            if let (Some((_, hop)), Some(every)) = (next, every)
                && let Some(after) = self.ask(&entry, hop, every).await
            {
                due.insert(hop.clone(), self.time.now().plus(after));
            }
        }
    }

    /// Pings a destination, and tells how long it is until the next time; none if the keeper stops.
    async fn ask(&mut self, entry: &Entry, hop: &Hop, every: Duration) -> Option<Duration> {
        let from = self.ourselves(entry, hop);
        let options = self.stack.options(hop.clone(), from, hop.to_string());
        let code = tokio::select! {
            // What does not answer a call in that time is of no use to one.
            answer = tokio::time::timeout(entry.trunk.no_reply, options) => match answer {
                Ok(Ok(pong)) => Some(pong.code),
                Ok(Err(refused)) => refused.code,
                Err(_) => None,
            },
            _ = self.stop.changed() => return None,
        };
        let now = self.time.now();
        entry.note(hop, |health| health.pinged(code, now));
        let health = entry.standing.known().health.get(hop).copied().unwrap_or_default();
        Some(health.ping_after(every))
    }
}
