//! Calls in the ledger: messages, from their submission to their report.
//!
//! ```text
//!            submit                lease             start            finish
//! (message) ───────> waiting ────────────> leased ────────> started ────────> report, archive
//!                       ^                     │                │
//!                       ├────── release ──────┘                │
//!                       └────── retry ─────────────────────────┘
//! ```
//! A lease has an expiry. A call whose lease has expired, or whose process died, waits again if it
//! had not started; if it had, it is handed out to be closed, and is never dialled again.

use model::cdr::{Cdr, Charged, Leg};
use model::message::Draft;
use model::{AccountId, Amount, Message, Report, Status, Timestamp};

use crate::{Record, ReplayKey};

/// Names a call inside the ledger. Of one account, later submitted calls have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// Whose it is.
    pub account: AccountId,
    /// Never used again within the account.
    pub number: u64,
}

/// The messages of one request, to be kept in one durable step, or not at all.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The bulk that they are; the account may have one of that name already, which then grows. What
    /// is submitted into a paused one waits with it; what is submitted into a cancelled one does not
    /// share its fate.
    pub bulk_id: String,
    /// Every message of the request, the refused ones too, in its order.
    pub drafts: Vec<Draft>,
    /// Makes the request repeatable.
    pub key: Option<ReplayKey>,
    /// How many calls of the account may wait, these included.
    pub waiting_max: u64,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its bulk; that of the first submission if everything in this one had been submitted before.
    pub bulk_id: String,
    /// One for each draft, in their order.
    pub answers: Vec<Answer>,
    /// Whether this is what the same key was answered before.
    pub replayed: bool,
}

/// What became of one message of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its id.
    pub message_id: String,
    /// Its destination.
    pub to: String,
    /// Accepted, or why not. A `messageId` that the account has already is accepted again if it
    /// asks for the same call, and there is still one call; else it is refused.
    pub status: Status,
}

/// Calls of one account, as the scheduler has to know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The account.
    pub account: AccountId,
    /// Calls to be placed that could be leased now.
    pub due: u64,
    /// Calls that are leased, by anybody.
    pub under_way: u64,
    /// When the next one will be due; none if nothing waits for its time.
    pub next: Option<Timestamp>,
}

/// What a scheduler asks for.
#[derive(Clone, Debug, Default)]
pub struct LeaseAsk {
    /// How many due calls of which accounts, at most; none of any other.
    pub shares: Vec<Share>,
    /// How many calls to be closed, at most.
    pub closing_max: usize,
    /// When the leases expire, unless they are renewed.
    pub until: Timestamp,
}

/// How many due calls of one account are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The account.
    pub account: AccountId,
    /// At most that many.
    pub most: usize,
    /// And only while fewer than that many of its calls are leased, by anybody.
    pub under_way_max: u64,
}

/// Work for a scheduler.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// To be placed, each account's earliest due first.
    pub due: Vec<Leased>,
    /// To be closed without being placed: cancelled while they waited, or left behind started.
    pub closing: Vec<Leased>,
    /// Leased calls that have been cancelled since; told until they are finished.
    pub cancelled: Vec<CallId>,
}

/// A call with a lease on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Leased {
    /// Names the lease; no later lease has the same.
    pub lease: LeaseId,
    /// The call.
    pub call: OpenCall,
}

/// Names a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId {
    /// The leased call.
    pub call: CallId,
    /// Which lease of it: a fence against whoever had it before.
    pub token: u64,
}

/// A call that has no report yet.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenCall {
    /// Names it.
    pub id: CallId,
    /// What was submitted; its times as last changed by `change_bulk`.
    pub message: Message,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When it is, or was, to be placed next.
    pub due: Timestamp,
    /// The attempt that has started and is not over.
    pub started: Option<Started>,
    /// The attempts that are over, oldest first.
    pub cdrs: Vec<Cdr>,
    /// When its account cancelled it.
    pub cancelled_at: Option<Timestamp>,
    /// What is up of the attempt that has started, as far as it was noted.
    pub legs_up: Vec<LegUp>,
    /// What has been recorded of it.
    pub recording: Recording,
}

/// A leg that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegUp {
    /// Which one.
    pub leg: Leg,
    /// When.
    pub at: Timestamp,
    /// What its carrier needs to hang it up, should the process die that called it.
    pub dialog: Vec<u8>,
}

/// How much was recorded of a call: samples of both sides in turn, A's first, µ-law at 8000 a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// In how many parts.
    pub parts: u32,
    /// How many bytes in all.
    pub bytes: u64,
}

/// An attempt under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// From 1.
    pub attempt: u8,
    /// When.
    pub at: Timestamp,
}

/// The end of a call.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What the account sees of it.
    pub report: Report,
    /// Its last attempt; none if that was never over, or there was none.
    pub cdr: Option<Cdr>,
    /// What it was charged, and by which lines.
    pub charged: Charged,
    /// The day of the account that is charged, in days since 1970-01-01 in its time zone.
    pub day: i32,
}

/// What became of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and will not be placed. Its report comes at once.
    Waiting,
    /// It is under way, and is ended.
    UnderWay,
    /// It had its report already, and nothing has changed.
    Finished,
}

/// The messages of one bulk, together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Its name.
    pub bulk_id: String,
    /// When its first message is, or was, to be placed.
    pub send_at: Timestamp,
    /// How far it is.
    pub state: BulkState,
    /// Messages of it without a report.
    pub open: u64,
}

/// How far a bulk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkState {
    /// Nothing of it has started.
    Pending,
    /// None of it is started until it is resumed; what is under way goes on.
    Paused,
    /// Calls of it have started.
    Processing,
    /// Cancelled by its account.
    Canceled,
    /// Every message of it has its report.
    Finished,
}

/// A change of a bulk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkChange {
    /// Begin at another time, each message as long after the first as it was; only while paused.
    SendAt(Timestamp),
    /// Start nothing more of it; only while pending or processing.
    Pause,
    /// Go on; only while paused.
    Resume,
    /// Cancel every message of it; only while it is not finished.
    Cancel,
}

/// Everything that is known of one call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEntry {
    /// It has no report yet.
    Open(Box<OpenCall>),
    /// It has one.
    Finished(Box<ArchivedCall>),
}

/// A call that has its report, for the retention time.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedCall {
    /// What was submitted.
    pub message: Message,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Its attempts, oldest first.
    pub cdrs: Vec<Cdr>,
    /// What it was charged, and by which lines.
    pub charged: Charged,
    /// What was recorded of it; nothing if it has no bytes.
    pub recording: Recording,
    /// Its report.
    pub report: Record,
}

/// What an account has spent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// In days since 1970-01-01, in the account's time zone.
    pub day: i32,
    /// In the currency of its deck.
    pub amount: Amount,
}
