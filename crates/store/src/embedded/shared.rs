//! What the callers may look at without asking the writer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use model::AccountId;
use tokio::sync::watch;

use super::desk::Desk;
use crate::{Health, Result, StoreError};

/// What the callers may look at without asking the writer. The writer alone writes it, after each
/// commit and before it answers what was in it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    accounts: RwLock<BTreeMap<AccountId, Arc<Glance>>>,
    poison: OnceLock<String>,
    /// Fates that were called in and have not taken effect.
    pub(super) fates: AtomicU64,
    /// Those of them that may make something pending.
    pub(super) returns: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) commands: AtomicU64,
    /// Changes whenever there may be work.
    pub(super) work: watch::Sender<u64>,
    /// Changes whenever accounts, keys or decks do.
    pub(super) settings: watch::Sender<u64>,
    /// When the commit that is under way began.
    commit_began: Mutex<Option<Instant>>,
}

/// A commit that takes longer hangs. On a full disk the engine may wait without end for room.
const STALLED_AFTER: Duration = Duration::from_secs(20);

/// One account, at a glance.
#[derive(Debug)]
pub(super) struct Glance {
    pub(super) pending: AtomicU64,
    pub(super) in_flight: AtomicU64,
    /// The first pending report's number.
    pub(super) oldest: AtomicU64,
    /// Keys whose window is open.
    pub(super) keys: AtomicU64,
    pub(super) wake: watch::Sender<u64>,
    desk: Mutex<Desk>,
}

impl Glance {
    /// What is shared of the account's calls; nobody keeps it for long.
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Glance {
    fn default() -> Self {
        Self {
            pending: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            oldest: AtomicU64::new(0),
            keys: AtomicU64::new(0),
            wake: watch::Sender::new(0),
            desk: Mutex::default(),
        }
    }
}

impl Shared {
    /// The account, if there is one of that id.
    pub(super) fn account(&self, id: AccountId) -> Result<Arc<Glance>> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.get(&id).cloned().ok_or(StoreError::NoSuchAccount)
    }

    /// Every account, in the order of their ids.
    pub(super) fn accounts(&self) -> Vec<(AccountId, Arc<Glance>)> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.iter().map(|(id, glance)| (*id, Arc::clone(glance))).collect()
    }

    pub(super) fn add_account(&self, id: AccountId, glance: Arc<Glance>) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        accounts.insert(id, glance);
    }

    /// Whether a take would find nothing, without asking the writer. The order matters: the writer
    /// shows what became pending before it takes the fate off the count.
    pub(super) fn nothing_for(&self, glance: &Glance, keyed: bool) -> bool {
        self.returns.load(Ordering::SeqCst) == 0
            && glance.pending.load(Ordering::SeqCst) == 0
            && !(keyed && glance.keys.load(Ordering::SeqCst) > 0)
    }

    pub(super) fn poison(&self, reason: String) {
        if self.poison.set(reason).is_ok() {
            tracing::error!(
                error = self.poison.get().map_or("", String::as_str),
                "The ledger could not be written to. It takes on nothing more; restart it."
            );
        }
    }

    /// Runs a commit, and lets everybody see for how long.
    pub(super) fn committing<T>(&self, commit: impl FnOnce() -> T) -> T {
        let note = |began| {
            *self.commit_began.lock().unwrap_or_else(PoisonError::into_inner) = began;
        };
        note(Some(Instant::now()));
        let done = commit();
        note(None);
        done
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poison.get().is_some()
    }

    pub(super) fn health(&self) -> Health {
        if let Some(reason) = self.poison.get() {
            return Health::Poisoned(reason.clone());
        }
        let began = *self.commit_began.lock().unwrap_or_else(PoisonError::into_inner);
        match began.map(|began| began.elapsed()) {
            Some(under_way) if under_way >= STALLED_AFTER => Health::Stalled(under_way),
            Some(_) | None => Health::Ready,
        }
    }

    /// The error of every verb that would write, if the ledger cannot be written to.
    pub(super) fn writable(&self) -> Result<()> {
        match self.health() {
            Health::Ready => Ok(()),
            Health::Stalled(_) | Health::Unreachable(_) => Err(StoreError::Busy),
            Health::Poisoned(reason) => Err(StoreError::Poisoned(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_hangs_is_seen_and_what_comes_meanwhile_is_refused() {
        let shared = Shared::default();
        shared.committing(|| assert_eq!(shared.health(), Health::Ready));
        *shared.commit_began.lock().unwrap() = Instant::now().checked_sub(STALLED_AFTER);
        assert!(matches!(shared.health(), Health::Stalled(span) if span >= STALLED_AFTER));
        assert!(matches!(shared.writable(), Err(StoreError::Busy)));
        shared.committing(|| ());
        assert_eq!(shared.health(), Health::Ready);
    }
}
