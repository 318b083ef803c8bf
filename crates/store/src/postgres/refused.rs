//! Fates that the database refused to note: they are kept and called in again, one by one and with
//! pauses, so that one that can never be noted holds up nobody.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use model::AccountId;
use tokio::time::Instant;

use super::command::Command;

/// The first pause; each one doubles.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The most that are kept of one account: a hundred bytes each. What is beyond, its takes are in
/// flight until this node leaves.
const KEPT_MAX: usize = 65_536;

/// Fates that were refused, by account.
#[derive(Default)]
pub(super) struct Refused(HashMap<AccountId, Put>);

struct Put {
    fates: VecDeque<Command>,
    again: Instant,
    pause: Duration,
}

impl Put {
    fn is_due(&self, now: Instant) -> bool {
        self.again <= now && !self.fates.is_empty()
    }
}

impl Refused {
    /// Keeps what was refused, and gives what there is no room for.
    pub(super) fn keep(&mut self, account: AccountId, fates: Vec<Command>) -> Vec<Command> {
        if fates.is_empty() {
            return fates;
        }
        let put = self.0.entry(account).or_insert_with(|| Put {
            fates: VecDeque::new(),
            again: Instant::now() + PAUSE_MIN,
            pause: PAUSE_MIN,
        });
        put.fates.extend(fates);
        let beyond = put.fates.len().saturating_sub(KEPT_MAX);
        put.fates.drain(..beyond).collect()
    }

    /// When the next ones are to be called in again, but for those of accounts that are busy.
    pub(super) fn again(&self, busy: &HashSet<AccountId>) -> Option<Instant> {
        let waits =
            |(account, put): &(&AccountId, &Put)| !put.fates.is_empty() && !busy.contains(account);
        self.0.iter().filter(waits).map(|(_, put)| put.again).min()
    }

    /// The accounts whose time it is.
    pub(super) fn due(&self) -> Vec<AccountId> {
        let now = Instant::now();
        self.0.iter().filter(|(_, put)| put.is_due(now)).map(|(account, _)| *account).collect()
    }

    /// It is time for all of them.
    pub(super) fn hurry(&mut self) {
        self.0.values_mut().for_each(|put| put.again = Instant::now());
    }

    /// Those of the account, if it is time to call them in again.
    pub(super) fn take(&mut self, account: AccountId) -> Vec<Command> {
        let now = Instant::now();
        let Some(put) = self.0.get_mut(&account).filter(|put| put.is_due(now)) else {
            return Vec::new();
        };
        put.pause = (put.pause * 2).min(PAUSE_MAX);
        put.again = now + put.pause;
        std::mem::take(&mut put.fates).into()
    }

    /// None of the account were refused again.
    pub(super) fn forget(&mut self, account: AccountId) {
        if self.0.get(&account).is_some_and(|put| put.fates.is_empty()) {
            self.0.remove(&account);
        }
    }
}
