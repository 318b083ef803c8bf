//! "Did you ever give me this report?"

use model::{AccountId, Timestamp};

use crate::{ReturnReason, TakeId, TakenBy};

/// Everything known of what happened to one message of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The account.
    pub account: AccountId,
    /// The report.
    pub report: AuditedReport,
    /// The takes that had it, oldest first.
    pub takes: Vec<TakeEntry>,
}

/// The report that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedReport {
    /// Its `bulkId`.
    pub bulk_id: String,
    /// Its `messageId`.
    pub message_id: String,
    /// Its place in the account's ledger.
    pub seq: u64,
    /// When it entered the ledger.
    pub fed_at: Timestamp,
    /// Where it is.
    pub state: ReportState,
}

/// Where a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportState {
    /// Not yet returned.
    Pending,
    /// Taken, the answer's fate open.
    InFlight,
    /// The client has it.
    Settled,
}

/// One take, as the audit shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeEntry {
    /// The take.
    pub take: TakeId,
    /// When.
    pub at: Timestamp,
    /// Who and from where; of the latest replay, if there was one.
    pub by: TakenBy,
    /// The `Idempotency-Key`, if there was one.
    pub key: Option<String>,
    /// Reports in it.
    pub reports: u64,
    /// Bytes of the answer that the client's kernel acknowledged.
    pub bytes_acknowledged: u64,
    /// How often it was given again.
    pub replays: u32,
    /// What became of it.
    pub state: TakeState,
    /// When that was known.
    pub ended_at: Option<Timestamp>,
}

/// What became of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeState {
    /// Not known yet.
    InFlight,
    /// The client has it.
    Settled,
    /// The client has it not.
    Returned(ReturnReason),
}
