//! Bulks, as every engine tells how far they are.

use std::ops::Range;

use model::Timestamp;

use crate::record::{BatchRecord, ChangeRecord};
use crate::{Bulk, BulkChange, BulkState};

/// Calls of one bulk that were submitted together.
pub(crate) struct Batch {
    /// The number of the first of them.
    pub(crate) first: u64,
    pub(crate) record: BatchRecord,
    pub(crate) change: ChangeRecord,
    /// How many of them have no report.
    pub(crate) open: u64,
}

impl Batch {
    pub(crate) const fn numbers(&self) -> Range<u64> {
        self.first..self.first + self.record.calls
    }

    pub(crate) const fn is_cancelled(&self) -> bool {
        self.change.cancelled_at.is_some()
    }

    pub(crate) const fn send_at(&self) -> Timestamp {
        self.change.moved(self.record.send_at)
    }
}

/// The bulk that those are the batches of, if there are any.
pub(crate) fn tell(bulk_id: &str, batches: &[Batch]) -> Option<Bulk> {
    let alive = || batches.iter().filter(|batch| !batch.is_cancelled());
    let send_at = alive().map(Batch::send_at).min();
    let send_at = send_at.or_else(|| batches.iter().map(Batch::send_at).min())?;
    let open = batches.iter().map(|batch| batch.open).sum();
    let state = if alive().next().is_none() {
        BulkState::Canceled
    } else if open == 0 {
        BulkState::Finished
    } else if alive().any(|batch| batch.change.paused && batch.open > 0) {
        BulkState::Paused
    } else if alive().any(|batch| batch.record.begun) {
        BulkState::Processing
    } else {
        BulkState::Pending
    };
    Some(Bulk { bulk_id: bulk_id.to_owned(), send_at, state, open })
}

/// Whether a bulk that is so can be changed so.
pub(crate) const fn is_possible(change: BulkChange, state: BulkState) -> bool {
    use BulkState::{Canceled, Finished, Paused, Pending, Processing};
    match change {
        BulkChange::SendAt(_) | BulkChange::Resume => matches!(state, Paused),
        BulkChange::Pause => matches!(state, Pending | Processing),
        BulkChange::Cancel => match state {
            Pending | Paused | Processing | Canceled => true,
            Finished => false,
        },
    }
}
