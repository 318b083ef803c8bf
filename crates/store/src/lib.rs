//! The ledger: durable calls and reports, the one-time queue, the takes that handed them out, the
//! archive, and the accounts they belong to.
//!
//! One trait, [`Ledger`]; every engine passes the one suite in `conformance`. A report's life:
//!
//! ```text
//! feed ──> pending ──take──> in flight ──settle──> settled ──retention──> gone
//!             ^                  │
//!             └──── return ──────┘
//! ```
//!
//! All the while it is in the archive, where `list` looks and leaves. What comes before a report,
//! from a submission on, is drawn in `call`. Nothing here knows HTTP, or how a call is made.

mod audit;
mod bulk;
mod call;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod copy;
mod embedded;
mod error;
mod hash;
mod judge;
mod order;
mod postgres;
mod query;
pub mod record;
mod take;

use async_trait::async_trait;
use model::deck::DeckFile;
use model::{Account, AccountId, Amount, ApiKey, Cdr, Report, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

pub use audit::{Audit, AuditedReport, ReportState, TakeEntry, TakeState};
pub use call::{
    Answer, ArchivedCall, Bulk, BulkChange, BulkState, CallEntry, CallId, Cancelled, Due, Finished,
    LeaseAsk, LeaseId, Leased, LegUp, OpenCall, Recording, Share, Spent, Started, Submission,
    Submitted, Work,
};
pub use embedded::Embedded;
pub use error::StoreError;
pub use postgres::{Postgres, PostgresSettings};
pub use record::Record;
pub use take::{Fate, Filter, ReplayKey, ReturnReason, TakeAsk, TakeId, Taken, TakenBy};

/// What a verb gives back.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The durable record of everything Callslip must not forget.
///
/// Every verb that changes something is durable before it answers, but for [`Ledger::resolve`] and
/// the leases: a lease may be forgotten by a crash, which ends it.
/// An account that is not there is refused with [`StoreError::NoSuchAccount`]. After a failed write
/// every verb that would change something is refused with [`StoreError::Poisoned`], a take that
/// would find nothing as well; looking still works.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Adds an account and gives it its id. Refused if the name is taken.
    async fn add_account(&self, account: Account) -> Result<Account>;

    /// Replaces the account of that id.
    async fn replace_account(&self, account: Account) -> Result<()>;

    /// Every account, oldest first.
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// Adds the key, or replaces the one with its id.
    async fn put_key(&self, key: ApiKey) -> Result<()>;

    /// Every key, revoked ones too, oldest first.
    async fn keys(&self) -> Result<Vec<ApiKey>>;

    /// Appends reports to the account's pending queue and archive, in their order.
    ///
    /// A `messageId` that the account has already is not appended again. Gives one answer per
    /// report, in the same order.
    async fn feed(&self, account: AccountId, reports: Vec<Report>) -> Result<Vec<Fed>>;

    /// Removes the oldest pending reports that fit and gives them back.
    ///
    /// They are in flight until [`Ledger::resolve`] says what became of the answer. With a key
    /// that was seen within the replay window, the same reports again; nothing else is taken.
    /// A take that finds nothing leaves no trace. Cancel-safe: if the future is dropped before it
    /// gave its result, whatever it had taken is returned.
    async fn take(&self, account: AccountId, ask: TakeAsk) -> Result<Taken>;

    /// Whether a take would find nothing, as far as can be told at once and for free; what polls
    /// ask most. `false` may also mean that it cannot be told.
    fn has_nothing(&self, account: AccountId, keyed: bool) -> bool;

    /// Notes what became of an answer. Takes effect in the order called, before any verb called
    /// after it, and is durable with the next commit, within milliseconds.
    fn resolve(&self, take: TakeId, fate: Fate);

    /// Looks into the archive and leaves it as it is; the newest first.
    async fn list(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<Record>>;

    /// Everything known of what happened to a message.
    async fn audit(&self, message_id: &str) -> Result<Vec<Audit>>;

    /// How much is waiting in an account's queue.
    async fn waiting(&self, account: AccountId) -> Result<Waiting>;

    /// Changes whenever something becomes pending for the account. Watch before you look.
    fn watch(&self, account: AccountId) -> watch::Receiver<u64>;

    /// Keeps the messages of a request: durable before it answers, all of them or none.
    ///
    /// With a key that was seen within the submit window, what was answered then; nothing else is
    /// kept. Refused with [`StoreError::QueueFull`] if too many calls of the account would wait, and
    /// with [`StoreError::Busy`] if there were more than [`Keeping::calls_open_max`] in the ledger.
    async fn submit(&self, account: AccountId, submission: Submission) -> Result<Submitted>;

    /// The accounts that have calls without a report.
    async fn due(&self) -> Result<Vec<Due>>;

    /// Leases calls, so that nobody else gets them until the lease ends. The leases that the clock
    /// has ended by then are ended first, on calls that have started those of this process alone:
    /// whoever asks has renewed what it still has. A call that has started is its process's for as
    /// long as that is not known to be dead, however long the ledger was away.
    async fn lease(&self, ask: LeaseAsk) -> Result<Work>;

    /// Notes that an attempt starts, before anything of it leaves the machine. After that the call
    /// is not started again for this attempt, whatever happens.
    async fn start(&self, lease: LeaseId, started: Started) -> Result<()>;

    /// Notes that a leg of a started call was answered, so that it can be hung up should this process
    /// die. Forgotten when the attempt ends.
    async fn note(&self, lease: LeaseId, up: LegUp) -> Result<()>;

    /// Adds to what was recorded of a started call, at most
    /// [`model::limits::RECORDING_PART_BYTES_MAX`] at once. It is kept for as long as the report.
    /// `from` is where the part begins: one that is kept already is not added again, so that it can
    /// be told again.
    async fn record(&self, lease: LeaseId, from: u64, part: Vec<u8>) -> Result<()>;

    /// A part of what was recorded of a call that has its report, from 0. None if there is no such
    /// part.
    async fn recording(
        &self,
        account: AccountId,
        message_id: &str,
        part: u32,
    ) -> Result<Option<Vec<u8>>>;

    /// Puts the end of leases off, and gives those that have been lost: somebody else may have the
    /// call, or it is finished.
    async fn renew(&self, leases: Vec<LeaseId>, until: Timestamp) -> Result<Vec<LeaseId>>;

    /// Gives back a call that has not started; it is due then. A crash may forget when, as it may
    /// the lease: the call is then due as it was before it was leased.
    async fn release(&self, lease: LeaseId, due: Timestamp) -> Result<()>;

    /// Ends an attempt, and lets the call wait for its next one.
    async fn retry(&self, lease: LeaseId, cdr: Cdr, due: Timestamp) -> Result<()>;

    /// Ends a call: its report is pending, its archive entry written and its charge added to what
    /// the account has spent, in one durable step.
    async fn finish(&self, lease: LeaseId, finished: Finished) -> Result<()>;

    /// Cancels a call that has no report yet. None if the account has no such message.
    async fn cancel(&self, account: AccountId, message_id: &str) -> Result<Option<Cancelled>>;

    /// The bulk of that name. None if the account has none.
    async fn bulk(&self, account: AccountId, bulk_id: &str) -> Result<Option<Bulk>>;

    /// Changes a bulk, and gives what it is then. Refused with [`StoreError::BulkState`] if it
    /// cannot be changed so as it is.
    async fn change_bulk(
        &self,
        account: AccountId,
        bulk_id: &str,
        change: BulkChange,
    ) -> Result<Option<Bulk>>;

    /// The account's calls without a report that fit, the newest first. Sent is a call when its
    /// attempt started or, until one has, when it is due. Its status group is `PENDING`; of the
    /// query, what only a report can have fits none.
    async fn open_calls(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<OpenCall>>;

    /// Everything that is known of the call. None if the account has none of that name, or only
    /// its report was fed.
    async fn call(&self, account: AccountId, message_id: &str) -> Result<Option<CallEntry>>;

    /// What the account has spent on that day.
    async fn spent(&self, account: AccountId, day: i32) -> Result<Amount>;

    /// Changes whenever there may be work that was not there before: a call was submitted, given
    /// back, cancelled or closed. Watch before you look.
    fn watch_calls(&self) -> watch::Receiver<u64>;

    /// Adds the deck, or replaces the one of its name.
    async fn put_deck(&self, deck: DeckFile) -> Result<()>;

    /// Every deck, by name.
    async fn decks(&self) -> Result<Vec<DeckFile>>;

    /// Changes whenever accounts, keys or decks do. Watch before you look.
    fn watch_settings(&self) -> watch::Receiver<u64>;

    /// Ends what the clock has ended: leases on calls that have not started, windows, retention, the
    /// maximum age of the pending.
    /// A window ends once the fate of each of its answers is known; until then its reports stay in
    /// flight, but the key is free. What the retention has ended may be dropped a little later.
    /// Called about once a second; does a bounded amount of work and says what it did.
    async fn upkeep(&self) -> Result<Upkept>;

    /// Whether the ledger can be written to.
    fn health(&self) -> Health;

    /// Figures for the metrics page.
    async fn figures(&self) -> Result<Figures>;
}

/// How the ledger keeps what it has.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// How long a settled report stays in the archive.
    pub retention: Duration,
    /// How long a pending report may wait; forever, if not given.
    pub pending_max_age: Option<Duration>,
    /// How long a take is reserved for its key.
    pub replay_window: Duration,
    /// What becomes of a take that was in flight, unacknowledged, when the process died.
    pub in_flight_at_start: InFlightAtStart,
    /// How long the answer to a submission is kept for its key.
    pub submit_window: Duration,
    /// Calls without a report, of all accounts. A submission beyond is refused with
    /// [`StoreError::Busy`].
    pub calls_open_max: u64,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(48 * 3600),
            pending_max_age: None,
            replay_window: Duration::from_secs(15 * 60),
            in_flight_at_start: InFlightAtStart::Return,
            submit_window: Duration::from_secs(24 * 3600),
            calls_open_max: model::limits::CALLS_OPEN_MAX,
        }
    }
}

/// What becomes of a take that was in flight, unacknowledged, when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlightAtStart {
    /// Its reports go back to pending: none is lost, one may come twice.
    Return,
    /// It counts as settled: none comes twice, one may be lost.
    Keep,
}

/// What became of one report of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It is pending now.
    New,
    /// The account has it already, with this content.
    Duplicate,
    /// The account has its `messageId` already, with other content. It was not kept.
    Conflict,
}

/// What to look for in the archive. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct ArchiveQuery {
    /// Any of these bulks; any bulk if empty.
    pub bulk_ids: Vec<String>,
    /// Any of these messages; any message if empty.
    pub message_ids: Vec<String>,
    /// The caller's number.
    pub from: Option<String>,
    /// Destination A.
    pub to: Option<String>,
    /// Name of the status group, such as `DELIVERED`.
    pub status_group: Option<String>,
    /// Sent at or after.
    pub sent_since: Option<Timestamp>,
    /// Sent at or before.
    pub sent_until: Option<Timestamp>,
    /// Mobile country code.
    pub mcc: Option<String>,
    /// Mobile network code.
    pub mnc: Option<String>,
    /// Entered into the ledger at or after.
    pub fed_since: Option<Timestamp>,
    /// At most that many.
    pub limit: usize,
}

/// How much is waiting in an account's queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Reports that a take could have now.
    pub pending: u64,
    /// Reports of takes whose fate is open.
    pub in_flight: u64,
    /// When the oldest pending report entered the ledger.
    pub oldest: Option<Timestamp>,
}

/// What an upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkept {
    /// Keyed takes whose window ended with the answer known to have arrived.
    pub windows_settled: u64,
    /// Keyed takes whose window ended otherwise; their reports are pending again.
    pub windows_returned: u64,
    /// Settled reports dropped from the archive.
    pub reports_dropped: u64,
    /// Pending reports dropped because of their age.
    pub pending_dropped: u64,
}

/// Whether the ledger can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// A commit has been under way for that long: the disk hangs, or is full. What comes meanwhile
    /// is refused.
    Stalled(Duration),
    /// A write or an fsync failed, for this reason. It can not, until the process is restarted.
    Poisoned(String),
    /// The database cannot be reached, for this reason. What comes meanwhile waits a little and is
    /// refused; the ledger goes on by itself once it can.
    Unreachable(String),
}

/// Figures for the metrics page.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Per account, in the order of their ids.
    pub waiting: Vec<(AccountId, Waiting)>,
    /// Calls without a report, per account, in the order of their ids.
    pub calls: Vec<Due>,
    /// Commits since the start.
    pub commits: u64,
    /// Commands that those commits held; the mean group is this over that.
    pub commands: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}
