//! Changing bulks. What is changed is kept with each batch, as on disk; what it makes of the turns
//! of its calls is kept with each call, so that the earliest due can be found.

use super::look;
use super::page::Page;
use super::row;
use super::trouble::Done;
use crate::bulk::{is_possible, tell};
use crate::hash::hash;
use crate::{Bulk, BulkChange, StoreError};

impl Page {
    /// The bulk as it is.
    pub(super) async fn bulk(&self, bulk_id: &str) -> Done<Option<Bulk>> {
        let rows = self.query(look::BATCHES, &[&self.id(), &row::bits(hash(bulk_id))]).await?;
        Ok(tell(bulk_id, &look::batches(&rows, bulk_id)?))
    }

    pub(super) async fn change_bulk(
        &mut self,
        bulk_id: &str,
        change: BulkChange,
    ) -> Done<Option<Bulk>> {
        const BATCH: &str = "UPDATE batch SET change = $3 WHERE account = $1 AND first = $2";
        const CALLS: &str = "UPDATE call SET shift = $4, paused = $5, cancelled = cancelled OR $6 \
            WHERE account = $1 AND number >= $2 AND number < $3";
        let rows = self.query(look::BATCHES, &[&self.id(), &row::bits(hash(bulk_id))]).await?;
        let mut batches = look::batches(&rows, bulk_id)?;
        let Some(bulk) = tell(bulk_id, &batches) else { return Ok(None) };
        if !is_possible(change, bulk.state) {
            return Err(StoreError::BulkState(bulk.state).into());
        }
        let account = self.id();
        for batch in batches.iter_mut().filter(|batch| !batch.is_cancelled()) {
            batch.change.calls = batch.record.calls;
            match change {
                BulkChange::SendAt(at) => {
                    let shift = at.as_millis().saturating_sub(bulk.send_at.as_millis());
                    batch.change.shift = batch.change.shift.saturating_add(shift);
                }
                BulkChange::Pause => batch.change.paused = true,
                BulkChange::Resume => batch.change.paused = false,
                BulkChange::Cancel => batch.change.cancelled_at = Some(self.now),
            }
            let numbers = batch.numbers();
            let (first, end) = (row::number(numbers.start), row::number(numbers.end));
            let (shift, paused) = (batch.change.shift, batch.change.paused);
            let cancelled = batch.is_cancelled();
            self.execute(BATCH, &[&account, &first, &batch.change.write()]).await?;
            self.execute(CALLS, &[&account, &first, &end, &shift, &paused, &cancelled]).await?;
        }
        self.news.calls = true;
        Ok(tell(bulk_id, &batches))
    }
}
