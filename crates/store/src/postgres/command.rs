//! What the callers ask of an account's desk.

use model::deck::DeckFile;
use model::{Account, AccountId, ApiKey, Cdr, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::takes::Claim;
use crate::order::{Ending, FeedItem, SubmitOrder};
use crate::{
    Bulk, BulkChange, Cancelled, Fate, Fed, LeaseId, Leased, LegUp, Result, Started, StoreError,
    Submitted, TakeAsk, TakeId, Taken, Upkept,
};

/// A question, and where its answer goes once it is known to be kept.
pub(super) struct Ask<Q, A> {
    pub(super) what: Q,
    pub(super) answer: Option<Result<A>>,
    reply: Option<oneshot::Sender<Result<A>>>,
}

impl<Q, A> Ask<Q, A> {
    pub(super) fn new(what: Q) -> (Self, oneshot::Receiver<Result<A>>) {
        let (reply, answer) = oneshot::channel();
        (Self { what, answer: None, reply: Some(reply) }, answer)
    }
}

/// What all asks have.
pub(super) trait Asked: Send {
    /// Nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// Sends the answer.
    fn deliver(&mut self);
    /// Sends an error instead.
    fn fail(&mut self, error: StoreError);
}

impl<Q: Send, A: Send> Asked for Ask<Q, A> {
    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn deliver(&mut self) {
        if let (Some(reply), Some(answer)) = (self.reply.take(), self.answer.take()) {
            // Nobody waits for it any more: what was done is done, and a claim in it is dropped.
            let _ = reply.send(answer);
        }
    }

    fn fail(&mut self, error: StoreError) {
        self.answer = Some(Err(error));
        self.deliver();
    }
}

/// Calls of the account that are wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) most: usize,
    pub(super) under_way_max: u64,
    pub(super) until: Timestamp,
    /// To be closed, not to be placed.
    pub(super) closing: bool,
    pub(super) asked_at: Timestamp,
}

/// What the callers ask of an account's desk. Settings are asked for at that of account 0.
pub(super) enum Command {
    AddAccount(Ask<Account, Account>),
    ReplaceAccount(Ask<Account, ()>),
    PutKey(Ask<ApiKey, ()>),
    PutDeck(Ask<DeckFile, ()>),
    Feed(Ask<Vec<FeedItem>, Vec<Fed>>),
    Take(Ask<TakeAsk, (Taken, Option<Claim>)>),
    Submit(Ask<SubmitOrder, Submitted>),
    /// With every lease that is over ended first.
    Lease(Ask<Wanted, Vec<Leased>>),
    Renew(Ask<(Vec<LeaseId>, Timestamp), Vec<LeaseId>>),
    Start(Ask<(LeaseId, Started), ()>),
    Note(Ask<(LeaseId, LegUp), ()>),
    Record(Ask<(LeaseId, u64, Vec<u8>), ()>),
    Release(Ask<(LeaseId, Timestamp), ()>),
    Retry(Ask<(LeaseId, Cdr, Timestamp), ()>),
    Finish(Ask<(LeaseId, Ending), ()>),
    Cancel(Ask<String, Option<Cancelled>>),
    ChangeBulk(Ask<(String, BulkChange), Option<Bulk>>),
    /// A step; whether there is more to do at once.
    Upkeep(Ask<(), (Upkept, bool)>),
    /// What that node had open is ended: it is no more.
    EndNode(Ask<i64, ()>),
    /// Answered once everything called before it has taken effect.
    Barrier(Ask<(), ()>),
    /// With the time at which it was called in.
    Fate(TakeId, Fate, Timestamp),
}

impl Command {
    /// What is asked; nobody waits for what becomes of a fate.
    pub(super) fn asked(&mut self) -> Option<&mut dyn Asked> {
        Some(match self {
            Self::AddAccount(ask) => ask,
            Self::ReplaceAccount(ask) => ask,
            Self::PutKey(ask) => ask,
            Self::PutDeck(ask) => ask,
            Self::Feed(ask) => ask,
            Self::Take(ask) => ask,
            Self::Submit(ask) => ask,
            Self::Lease(ask) => ask,
            Self::Renew(ask) => ask,
            Self::Start(ask) => ask,
            Self::Note(ask) => ask,
            Self::Record(ask) => ask,
            Self::Release(ask) => ask,
            Self::Retry(ask) => ask,
            Self::Finish(ask) => ask,
            Self::Cancel(ask) => ask,
            Self::ChangeBulk(ask) => ask,
            Self::Upkeep(ask) => ask,
            Self::EndNode(ask) => ask,
            Self::Barrier(ask) => ask,
            Self::Fate(..) => return None,
        })
    }

    pub(super) fn is_abandoned(&mut self) -> bool {
        self.asked().is_some_and(|asked| asked.is_abandoned())
    }

    /// Whether its answer promises what was there already, if it has written nothing.
    pub(super) fn is_promise(&self) -> bool {
        matches!(self, Self::Feed(_) | Self::Submit(_))
    }

    /// Whether it is done by an exchange: one round trip, together with others of its kind.
    pub(super) fn is_light(&self) -> bool {
        match self {
            Self::Fate(..) => true,
            Self::Take(Ask { what, .. }) => what.key.is_none() && what.filter == Default::default(),
            _ => false,
        }
    }
}

/// A command, with its place in the bounded queue.
pub(super) struct Queued {
    pub(super) account: AccountId,
    pub(super) command: Command,
    /// Bytes of it, in KiB.
    pub(super) weight: u32,
    pub(super) place: Option<OwnedSemaphorePermit>,
}
