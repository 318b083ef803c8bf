//! What the writer and those who look share of an account's calls: whose turn it is, and how they
//! are named. Kept as it is now, also by what is not committed yet.

use std::collections::BTreeSet;

use model::Timestamp;

/// The calls of one account that wait for their turn, and the names of all that have no report.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Those that were due when somebody last looked.
    ready: BTreeSet<(Timestamp, u64)>,
    /// Those that were not.
    later: BTreeSet<(Timestamp, u64)>,
    /// Hash of the `messageId`, and number.
    names: BTreeSet<(u64, u64)>,
    /// Calls without a report.
    pub(super) open: u64,
    /// Calls with a lease.
    pub(super) leased: u64,
}

impl Desk {
    /// The call waits until then.
    pub(super) fn wait(&mut self, due: Timestamp, number: u64) {
        self.later.insert((due, number));
    }

    /// The call waits no more.
    pub(super) fn leave(&mut self, due: Timestamp, number: u64) {
        if !self.ready.remove(&(due, number)) {
            self.later.remove(&(due, number));
        }
    }

    /// The call whose turn it is, the earliest due: it waits no more.
    pub(super) fn turn(&mut self, now: Timestamp) -> Option<u64> {
        self.look(now);
        self.ready.pop_first().map(|(_, number)| number)
    }

    /// How many are due, and when the next one will be.
    pub(super) fn due(&mut self, now: Timestamp) -> (u64, Option<Timestamp>) {
        self.look(now);
        (self.ready.len() as u64, self.later.first().map(|(due, _)| *due))
    }

    pub(super) fn name(&mut self, hash: u64, number: u64) {
        self.names.insert((hash, number));
    }

    pub(super) fn forget(&mut self, hash: u64, number: u64) {
        self.names.remove(&(hash, number));
    }

    /// The numbers of the calls whose `messageId` has the hash, almost always none or one.
    pub(super) fn named(&self, hash: u64) -> Vec<u64> {
        self.names.range((hash, 0)..=(hash, u64::MAX)).map(|(_, number)| *number).collect()
    }

    fn look(&mut self, now: Timestamp) {
        while let Some(first) = self.later.first().copied().filter(|(due, _)| *due <= now) {
            self.later.remove(&first);
            self.ready.insert(first);
        }
    }
}
