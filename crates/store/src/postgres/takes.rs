//! The takes that this node has answers open of, and the duty to resolve each of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{AccountId, Clock};
use tokio::sync::mpsc::UnboundedSender;

use super::command::{Command, Queued};
use crate::{Fate, ReturnReason, TakeId};

/// Where fates are called in. Never waits.
pub(super) struct Fates {
    clock: Arc<dyn Clock>,
    /// Bounded by places, but for fates: there are as many as there were takes.
    queue: UnboundedSender<Queued>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// The account of each take, and how many of its answers are open here.
    takes: HashMap<TakeId, (AccountId, u32)>,
    /// Fates that were called in and are not noted yet, by account.
    called: BTreeMap<AccountId, u64>,
}

impl Fates {
    pub(super) fn new(clock: Arc<dyn Clock>, queue: UnboundedSender<Queued>) -> Self {
        Self { clock, queue, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer to the take is about to be given.
    pub(super) fn claim(self: &Arc<Self>, account: AccountId, take: TakeId) -> Claim {
        self.open().takes.entry(take).or_insert((account, 0)).1 += 1;
        Claim { take, fates: Some(Arc::clone(self)) }
    }

    pub(super) fn send(&self, take: TakeId, fate: Fate) {
        let mut open = self.open();
        let Some((account, answers)) = open.takes.get_mut(&take) else { return };
        let account = *account;
        match fate {
            Fate::Acknowledged { .. } => {}
            Fate::Settled | Fate::Returned(_) if *answers > 1 => *answers -= 1,
            Fate::Settled | Fate::Returned(_) => _ = open.takes.remove(&take),
        }
        *open.called.entry(account).or_default() += 1;
        let command = Command::Fate(take, fate, self.clock.now());
        // Sent with the lock held, so that the order is that of the calls.
        let _ = self.queue.send(Queued { account, command, weight: 0, place: None });
    }

    /// So many fates have taken effect.
    pub(super) fn noted(&self, account: AccountId, fates: u64) {
        let mut open = self.open();
        if let Some(called) = open.called.get_mut(&account) {
            *called = called.saturating_sub(fates);
            if *called == 0 {
                open.called.remove(&account);
            }
        }
    }

    /// The accounts with fates that have not taken effect.
    pub(super) fn waiting(&self) -> Vec<AccountId> {
        self.open().called.keys().copied().collect()
    }

    pub(super) fn is_waiting(&self, account: AccountId) -> bool {
        self.open().called.contains_key(&account)
    }
}

/// The duty to resolve a take. If whoever asked goes away before the reports were handed over, the
/// take counts as not written.
pub(super) struct Claim {
    take: TakeId,
    fates: Option<Arc<Fates>>,
}

impl Claim {
    /// Passes the duty on to the caller.
    pub(super) fn hand_over(mut self) -> TakeId {
        self.fates = None;
        self.take
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(fates) = &self.fates {
            fates.send(self.take, Fate::Returned(ReturnReason::NotWritten));
        }
    }
}
