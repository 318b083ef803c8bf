//! What the callers ask of the writer.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use model::deck::DeckFile;
use model::{Account, AccountId, ApiKey, Cdr, Clock, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::shared::Shared;
use crate::order::{Ending, FeedItem, SubmitOrder};
use crate::record::ChangeRecord;
use crate::{
    Bulk, BulkChange, CallId, Cancelled, Fate, Fed, LeaseAsk, LeaseId, LegUp, Result, ReturnReason,
    Started, Submitted, TakeAsk, TakeId, Upkept,
};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

/// What the callers ask of the writer.
pub(super) enum Command {
    AddAccount(Account, Reply<Account>),
    ReplaceAccount(Account, Reply<()>),
    PutKey(ApiKey, Reply<()>),
    Feed(AccountId, Vec<FeedItem>, Reply<Vec<Fed>>),
    Take(AccountId, TakeAsk, Reply<Assigned>),
    Submit(AccountId, SubmitOrder, Reply<Submitted>),
    Lease(LeaseAsk, Reply<Granted>),
    Start(LeaseId, Started, Reply<()>),
    Note(LeaseId, LegUp, Reply<()>),
    Record(LeaseId, u64, Vec<u8>, Reply<()>),
    Renew(Vec<LeaseId>, Timestamp, Reply<Vec<LeaseId>>),
    Release(LeaseId, Timestamp, Reply<()>),
    Retry(LeaseId, Box<Cdr>, Timestamp, Reply<()>),
    Finish(LeaseId, Box<Ending>, Reply<()>),
    Cancel(AccountId, String, Reply<Option<Cancelled>>),
    ChangeBulk(AccountId, String, BulkChange, Reply<Option<Bulk>>),
    PutDeck(DeckFile, Reply<()>),
    /// With the time at which it was called in.
    Resolve(TakeId, Fate, Timestamp),
    Upkeep(Reply<UpkeepStep>),
    /// Answered once everything called before it has taken effect.
    Barrier(Reply<()>),
    /// The last handle is gone: finish what is waiting, and end.
    Close,
}

/// A command, with its place in the bounded queue.
pub(super) struct Queued {
    pub(super) command: Command,
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// Who got which calls.
#[derive(Default)]
pub(super) struct Granted {
    pub(super) due: Vec<Grant>,
    pub(super) closing: Vec<Grant>,
    pub(super) cancelled: Vec<CallId>,
}

/// A lease, and what was changed of its call's batch.
pub(super) struct Grant {
    pub(super) lease: LeaseId,
    pub(super) change: ChangeRecord,
}

/// A bounded piece of an upkeep.
pub(super) struct UpkeepStep {
    pub(super) upkept: Upkept,
    /// There is more to do at once.
    pub(super) more: bool,
}

/// Which reports a take has.
#[derive(Default)]
pub(super) struct Assigned {
    pub(super) ranges: Vec<Range<u64>>,
    pub(super) replayed: bool,
    /// Absent if there are none.
    pub(super) claim: Option<Claim>,
}

/// The duty to resolve a take. If whoever asked goes away before the reports were handed over, the
/// take counts as not written.
pub(super) struct Claim {
    take: TakeId,
    fates: Option<Fates>,
}

impl Claim {
    pub(super) const fn new(take: TakeId, fates: Fates) -> Self {
        Self { take, fates: Some(fates) }
    }

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

/// Where fates are called in. Never waits.
#[derive(Clone)]
pub(super) struct Fates {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue: Sender<Queued>,
}

impl Fates {
    pub(super) fn send(&self, take: TakeId, fate: Fate) {
        self.shared.fates.fetch_add(1, Ordering::SeqCst);
        if matches!(fate, Fate::Returned(_)) {
            self.shared.returns.fetch_add(1, Ordering::SeqCst);
        }
        // Without a writer there is nothing to note it in; the next start settles it.
        let command = Command::Resolve(take, fate, self.clock.now());
        let _ = self.queue.send(Queued { command, place: None });
    }
}
