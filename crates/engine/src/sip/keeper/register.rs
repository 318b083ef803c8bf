//! Being registered with a trunk: REGISTER.

use std::sync::Arc;
use std::time::Duration;

use super::super::registrar::Reply;
use super::super::trunk::Trunk;
use super::super::trunks::Entry;
use super::super::{Binding, Refused, Register};
use super::Post;

/// How long a trunk may take to take a registration back; it runs out by itself.
const REMOVE: Duration = Duration::from_secs(3);

/// A registration, and with which trunk.
struct Bound {
    entry: Entry,
    binding: Binding,
}

impl Post {
    /// Registers when it is due, and takes the registration back when it is not wanted any more.
    pub(super) async fn register(mut self, mut chance: fastrand::Rng) {
        let mut bound: Option<Bound> = None;
        // Which destination, counted from the first by priority.
        let mut turn = 0;
        while let Some(entry) = self.entry() {
            if let Some(old) = bound.take_if(|old| !old.entry.trunk.registers_like(&entry.trunk)) {
                old.remove().await;
            }
            let due = entry.standing.known().registrar.as_ref().map(|one| one.next());
            let time = self.time.clone();
            tokio::select! {
                () = time.until_any(due) => {}
                () = self.changed() => continue,
            }
            let bound = match &mut bound {
                Some(bound) => bound,
                none => none.insert(self.bind(&entry, turn)),
            };
            // A reload may have changed who is to be registered, and then this says nothing any more.
            let Some(reply) = self.refresh(&entry, &mut bound.binding).await else { continue };
            self.note(&entry, reply, &mut chance);
            if !matches!(reply, Reply::Registered(_)) {
                turn += 1;
                bound.binding = self.bind(&entry, turn).binding;
            }
        }
        if let Some(bound) = bound {
            bound.remove().await;
        }
    }

    /// A registration to be, with a destination of the trunk.
    fn bind(&self, entry: &Entry, turn: usize) -> Bound {
        let hop = &places(&entry.trunk)[turn % entry.trunk.destinations.len()].hop;
        let domain = entry.trunk.caller.domain.as_deref().unwrap_or(&hop.host);
        let register = Register {
            hop: hop.clone(),
            registrar: format!("sip:{}", super::super::trunk::uri_host(domain)),
            party: self.ourselves(entry, hop),
            credentials: entry.trunk.credentials.clone(),
        };
        Bound { entry: entry.clone(), binding: self.stack.binding(register) }
    }

    /// None if there is a reload, or the keeper stops, meanwhile.
    async fn refresh(&mut self, entry: &Entry, binding: &mut Binding) -> Option<Reply> {
        let asked = entry.standing.known().registrar.as_ref()?.asked();
        tokio::select! {
            answer = binding.refresh(asked) => Some(match answer {
                Ok(granted) => Reply::Registered(granted),
                Err(Refused { code: Some(code), retry_after, .. }) => {
                    Reply::Refused { code, retry_after }
                }
                Err(Refused { code: None, .. }) => Reply::Nothing,
            }),
            () = self.changed() => None,
        }
    }

    fn note(&self, entry: &Entry, reply: Reply, chance: &mut fastrand::Rng) {
        let now = self.time.now();
        let mut known = entry.standing.known();
        let Some(registrar) = known.registrar.as_mut() else { return };
        let was_right = registrar.is_right(now);
        registrar.replied(reply, now, chance);
        let is_right = registrar.is_right(now);
        drop(known);
        let trunk = &entry.trunk.name;
        match (was_right, is_right, reply) {
            (Some(true), Some(true), _) | (Some(false), Some(false), _) => {}
            (_, Some(true), _) => tracing::info!(trunk, "Registered with a trunk."),
            (_, _, Reply::Refused { code, .. }) => {
                tracing::warn!(trunk, code, "A trunk does not register us.");
            }
            (_, _, Reply::Registered(_) | Reply::Nothing) => {
                tracing::warn!(trunk, "Nothing came back from a trunk that we register with.");
            }
        }
    }
}

impl Bound {
    async fn remove(mut self) {
        // It runs out by itself if this fails.
        let _ = tokio::time::timeout(REMOVE, self.binding.remove()).await;
    }
}

/// The destinations of a trunk by priority.
fn places(trunk: &Arc<Trunk>) -> Vec<&super::super::Destination> {
    let mut places: Vec<_> = trunk.destinations.iter().collect();
    places.sort_by_key(|there| there.rank.priority);
    places
}
