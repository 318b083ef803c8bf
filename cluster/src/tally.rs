//! What the clients know of each report, and of when requests were acknowledged.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A node, between two of its deaths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) node: usize,
    pub(crate) number: usize,
}

/// What a client received whole.
pub(crate) struct Received {
    pub(crate) taker: usize,
    pub(crate) key: Option<String>,
    /// Each report's name, and its error.
    pub(crate) reports: Vec<(String, u64)>,
    pub(crate) body: String,
    pub(crate) from: Life,
    pub(crate) at: Instant,
}

/// What the clients know.
#[derive(Default)]
pub(crate) struct Tally {
    known: Mutex<Known>,
    pub(crate) refused: AtomicU64,
    pub(crate) in_doubt: AtomicU64,
}

/// The same, once nobody writes to it.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) fed: HashSet<String>,
    pub(crate) calls: HashSet<String>,
    pub(crate) received: Vec<Received>,
    missing: HashSet<String>,
    had: HashSet<String>,
    pub(crate) wrong: Vec<String>,
    /// When feeds were sent, and when they were acknowledged.
    acknowledged: Vec<(Instant, Instant)>,
}

impl Known {
    fn expect(&mut self, name: &str) {
        if !self.had.contains(name) {
            self.missing.insert(name.to_owned());
        }
    }
}

impl Tally {
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A feed that was sent then is acknowledged.
    pub(crate) fn acknowledge(&self, names: Vec<String>, sent: Instant) {
        let mut known = self.known();
        known.acknowledged.push((sent, Instant::now()));
        names.iter().for_each(|name| known.expect(name));
        known.fed.extend(names);
    }

    /// Calls are accepted.
    pub(crate) fn accept(&self, names: Vec<String>) {
        let mut known = self.known();
        names.iter().for_each(|name| known.expect(name));
        known.calls.extend(names);
    }

    /// A taker has an answer whole. Says how many reports.
    pub(crate) fn receive(&self, taker: usize, key: Option<&str>, from: Life, body: &str) -> usize {
        let parsed: Result<Value, _> = serde_json::from_str(body);
        let Some(results) = parsed.as_ref().ok().and_then(|body| body["results"].as_array()) else {
            self.wrong(format!("an answer is no list of reports: {body}"));
            return 0;
        };
        let report = |report: &Value| {
            let name = report["messageId"].as_str().unwrap_or_default().to_owned();
            (name, report["error"]["id"].as_u64().unwrap_or_default())
        };
        let reports: Vec<_> = results.iter().map(report).collect();
        let count = reports.len();
        if count > 0 {
            let mut known = self.known();
            for (name, _) in &reports {
                known.missing.remove(name);
                known.had.insert(name.clone());
            }
            let (key, body, at) = (key.map(str::to_owned), body.to_owned(), Instant::now());
            known.received.push(Received { taker, key, reports, body, from, at });
        }
        count
    }

    pub(crate) fn wrong(&self, what: String) {
        self.known().wrong.push(what);
    }

    /// Acknowledged reports, and reports of accepted calls, that nobody has yet.
    pub(crate) fn missing(&self) -> usize {
        self.known().missing.len()
    }

    /// Accepted calls that nobody has the report of yet.
    pub(crate) fn open_calls(&self) -> usize {
        let known = self.known();
        known.calls.intersection(&known.missing).count()
    }

    /// When the first feed sent after that instant was acknowledged.
    pub(crate) fn recovered(&self, since: Instant) -> Option<Instant> {
        let known = self.known();
        known
            .acknowledged
            .iter()
            .rev()
            .take_while(|(_, at)| *at > since)
            .filter(|(sent, _)| *sent > since)
            .map(|(_, at)| *at)
            .min()
    }

    /// When the first feed was acknowledged after that instant.
    pub(crate) fn first_after(&self, since: Instant) -> Option<Instant> {
        let known = self.known();
        known.acknowledged.iter().map(|(_, at)| *at).find(|at| *at >= since)
    }

    /// The longest time after that instant in which no feed was acknowledged.
    pub(crate) fn longest_gap(&self, since: Instant) -> Duration {
        let known = self.known();
        let times = known.acknowledged.iter().map(|(_, at)| *at).filter(|at| *at > since);
        let (mut last, mut longest) = (since, Duration::ZERO);
        for at in times.chain([Instant::now()]) {
            longest = longest.max(at.saturating_duration_since(last));
            last = at;
        }
        longest
    }
}
