//! Bulks: the batches of calls that they were submitted in, and what was changed of them since.
//!
//! A change is written once for each batch, not for each call of it: whoever reads a call reads
//! what was changed of its batch with it.

use std::collections::BTreeMap;
use std::ops::Range;

use model::{AccountId, Timestamp};

use super::group::Group;
use super::keys::{self, Table};
use super::writer::Writer;
use crate::record::{BatchRecord, ChangeRecord};
use crate::{Bulk, BulkChange, BulkState, Result, StoreError};

/// Calls of one bulk that were submitted together.
pub(super) struct Batch {
    /// The number of the first of them.
    first: u64,
    record: BatchRecord,
    change: ChangeRecord,
    /// How many of them have no report.
    open: u64,
}

impl Batch {
    pub(super) const fn numbers(&self) -> Range<u64> {
        self.first..self.first + self.record.calls
    }

    const fn is_cancelled(&self) -> bool {
        self.change.cancelled_at.is_some()
    }

    const fn send_at(&self) -> Timestamp {
        self.change.moved(self.record.send_at)
    }
}

impl Writer {
    pub(super) fn change_bulk(
        &mut self,
        account: AccountId,
        bulk_id: &str,
        change: BulkChange,
        group: &mut Group<'_>,
    ) -> Result<Option<Bulk>> {
        let mut batches = self.batches(account, bulk_id, group)?;
        let Some(bulk) = tell(bulk_id, &batches) else { return Ok(None) };
        if !is_possible(change, bulk.state) {
            return Err(StoreError::BulkState(bulk.state));
        }
        let now = self.clock.now();
        for batch in batches.iter_mut().filter(|batch| !batch.is_cancelled()) {
            batch.change.calls = batch.record.calls;
            match change {
                BulkChange::SendAt(at) => {
                    let shift = at.as_millis().saturating_sub(bulk.send_at.as_millis());
                    batch.change.shift = batch.change.shift.saturating_add(shift);
                }
                BulkChange::Pause => batch.change.paused = true,
                BulkChange::Resume => batch.change.paused = false,
                BulkChange::Cancel => batch.change.cancelled_at = Some(now),
            }
            let key = keys::pair(account, batch.first);
            group.put(Table::Change, key, batch.change.write());
            self.state.calls.change_batch(account, batch.first, batch.change);
        }
        self.state.calls.wake();
        Ok(tell(bulk_id, &batches))
    }

    /// Whether what is submitted into the bulk has to wait until it is resumed.
    pub(super) fn is_paused(
        &self,
        account: AccountId,
        bulk_id: &str,
        group: &Group<'_>,
    ) -> Result<bool> {
        if !self.state.calls.book(account)?.has_paused() {
            return Ok(false);
        }
        let bulk = tell(bulk_id, &self.batches(account, bulk_id, group)?);
        Ok(bulk.is_some_and(|bulk| bulk.state == BulkState::Paused))
    }

    fn batches(&self, account: AccountId, bulk_id: &str, group: &Group<'_>) -> Result<Vec<Batch>> {
        let book = self.state.calls.book(account)?;
        batches(group, account, bulk_id, |numbers| Ok(book.open(numbers)))
    }
}

/// The batches of the bulk, oldest first. `open` counts the calls without a report.
pub(super) fn batches(
    group: &Group<'_>,
    account: AccountId,
    bulk_id: &str,
    open: impl Fn(Range<u64>) -> Result<u64>,
) -> Result<Vec<Batch>> {
    let key = |first| keys::triple(account, keys::hash(bulk_id), first);
    let mut batches = Vec::new();
    let mut from = 0;
    while let Some((found, bytes)) = group.first(Table::Batch, &key(from), &key(u64::MAX))? {
        let first = keys::last_number(&found);
        from = first + 1;
        let record = BatchRecord::read(&bytes)?;
        // Another bulk may share the hash.
        if record.bulk_id == bulk_id {
            let change = change(group, account, first)?;
            let open = open(first..first + record.calls)?;
            batches.push(Batch { first, record, change, open });
        }
    }
    Ok(batches)
}

/// What was changed of the batch.
pub(super) fn change(group: &Group<'_>, account: AccountId, first: u64) -> Result<ChangeRecord> {
    let bytes = group.get(Table::Change, keys::pair(account, first))?;
    Ok(bytes.map(|bytes| ChangeRecord::read(&bytes)).transpose()?.unwrap_or_default())
}

/// What was changed of the batch that the call is of, out of the changes by the first call of each.
pub(super) fn of_call(changes: &BTreeMap<u64, ChangeRecord>, number: u64) -> ChangeRecord {
    let batch = changes.range(..=number).next_back();
    let batch = batch.filter(|(first, change)| number - **first < change.calls);
    batch.map(|(_, change)| *change).unwrap_or_default()
}

/// The bulk that those are the batches of, if there are any.
pub(super) fn tell(bulk_id: &str, batches: &[Batch]) -> Option<Bulk> {
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

const fn is_possible(change: BulkChange, state: BulkState) -> bool {
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
