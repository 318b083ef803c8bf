//! A take: reports removed from pending and handed out, in one durable step.

use model::Report;

use crate::{Record, Result};

/// Names a take. Later takes have larger ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TakeId(pub u64);

/// What is asked of a take.
#[derive(Clone, Debug)]
pub struct TakeAsk {
    /// Which reports fit.
    pub filter: Filter,
    /// At most that many.
    pub limit: usize,
    /// Makes the take repeatable.
    pub key: Option<ReplayKey>,
    /// Who asks, for the audit.
    pub by: TakenBy,
}

/// Which reports fit. Both given: both must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of that bulk.
    pub bulk_id: Option<String>,
    /// Of that message.
    pub message_id: Option<String>,
}

/// The client's name for a take, so that it can ask for the same one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayKey {
    /// The `Idempotency-Key`.
    pub value: String,
    /// Digest of the request's parameters; the same key with another one is refused.
    pub fingerprint: u64,
}

/// Who took, for the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBy {
    /// The credential: a key's id, or `password`.
    pub credential: String,
    /// Address of the peer.
    pub peer: String,
    /// The request's id.
    pub request_id: String,
}

/// What a take gave.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// To be resolved once the fate of the answer is known; absent if nothing was taken.
    pub take: Option<TakeId>,
    /// The reports, oldest first.
    pub records: Vec<Record>,
    /// Whether they were given before, under the same key.
    pub replayed: bool,
}

impl Taken {
    /// The reports, oldest first.
    ///
    /// # Errors
    /// A record is damaged.
    pub fn reports(&self) -> Result<Vec<Report<&str>>> {
        self.records.iter().map(Record::report).collect()
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The client's kernel has every byte. Not final: a reset may still follow.
    Acknowledged {
        /// Bytes of the answer, headers included.
        bytes: u64,
    },
    /// The client has it. Final.
    Settled,
    /// The client has it not. Final: without a key the reports are pending again, in their old
    /// place; with one they stay reserved for the key until its window ends.
    Returned(ReturnReason),
}

/// Why an answer does not count as returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnReason {
    /// It was dropped before all of it was handed to the kernel.
    NotWritten,
    /// The connection was reset.
    Reset,
    /// Bytes were still unacknowledged after the time allowed.
    NotAcknowledged,
    /// The process died with the take in flight.
    Crash,
    /// The replay window ended and no answer was acknowledged.
    WindowEnded,
}
