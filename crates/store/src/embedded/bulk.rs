//! Bulks: the batches of calls that they were submitted in, and what was changed of them since.
//!
//! A change is written once for each batch, not for each call of it: whoever reads a call reads
//! what was changed of its batch with it.

use std::collections::BTreeMap;
use std::ops::Range;

use model::AccountId;

use super::group::Group;
use super::keys::{self, Table};
use super::writer::Writer;
use crate::bulk::{Batch, is_possible, tell};
use crate::record::{BatchRecord, ChangeRecord};
use crate::{Bulk, BulkChange, BulkState, Result, StoreError};

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
