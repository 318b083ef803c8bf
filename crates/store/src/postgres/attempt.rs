//! The life of a call between its lease and its report: started, given back, tried again,
//! cancelled, finished.

use model::{Amount, Cdr, Timestamp};

use super::page::Page;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::hash::hash;
use crate::order::Ending;
use crate::record::{BatchRecord, CallRecord, ChangeRecord, EndedRecord};
use crate::{Cancelled, LeaseId, LegUp, Record, Started, StoreError};

/// What is read of a call that somebody has.
const HELD: &str = "SELECT c.token, c.closing, c.started, c.record, b.record AS batch, b.change \
    FROM call c JOIN batch b ON b.account = c.account AND b.first = c.batch \
    WHERE c.account = $1 AND c.number = $2 AND c.token = $3";

/// A call that somebody has, with what was changed of its batch.
struct Held {
    /// To be closed, not placed.
    closing: bool,
    record: Vec<u8>,
    batch: Vec<u8>,
    change: ChangeRecord,
}

impl Page {
    /// The call; refused if the lease has ended.
    async fn held(&self, lease: LeaseId) -> Done<Held> {
        let (number, token) = (row::number(lease.call.number), row::number(lease.token));
        let row = self.maybe(HELD, &[&self.id(), &number, &token]).await?;
        let row = row.ok_or(StoreError::LeaseLost)?;
        Ok(Held {
            closing: row.is("closing")?,
            record: row.bytes("record")?.to_vec(),
            batch: row.bytes("batch")?.to_vec(),
            change: ChangeRecord::read(row.bytes("change")?)?,
        })
    }

    pub(super) async fn start(&mut self, lease: LeaseId, started: Started) -> Done<()> {
        const START: &str =
            "UPDATE call SET started = true, record = $3 WHERE account = $1 AND number = $2";
        const BEGIN: &str = "UPDATE batch SET record = $3 WHERE account = $1 AND first = $2";
        let held = self.held(lease).await?;
        let mut record = CallRecord::read(&held.record)?;
        if held.closing || record.started.is_some() {
            return Err(StoreError::LeaseLost.into());
        }
        record.started = Some(started);
        let (account, number) = (self.id(), row::number(lease.call.number));
        self.execute(START, &[&account, &number, &record.write()]).await?;
        let mut batch = BatchRecord::read(&held.batch)?;
        if !batch.begun {
            batch.begun = true;
            let first = row::number(record.batch);
            self.execute(BEGIN, &[&account, &first, &batch.write()]).await?;
        }
        Ok(())
    }

    pub(super) async fn note(&mut self, lease: LeaseId, up: &LegUp) -> Done<()> {
        let held = self.held(lease).await?;
        let mut record = CallRecord::read(&held.record)?;
        record.legs_up.retain(|other| other.leg != up.leg);
        record.legs_up.push(up.clone());
        self.rewrite_call(lease, &record).await
    }

    pub(super) async fn record(&mut self, lease: LeaseId, from: u64, bytes: &[u8]) -> Done<()> {
        const PART: &str = "INSERT INTO recording_part (account, number, part, bytes) \
            VALUES ($1, $2, $3, $4)";
        let held = self.held(lease).await?;
        let mut record = CallRecord::read(&held.record)?;
        if record.recording.bytes > from {
            return Ok(());
        }
        let (number, part) = (row::number(lease.call.number), i64::from(record.recording.parts));
        record.recording.parts += 1;
        record.recording.bytes += bytes.len() as u64;
        self.execute(PART, &[&self.id(), &number, &part, &bytes]).await?;
        self.rewrite_call(lease, &record).await
    }

    async fn rewrite_call(&mut self, lease: LeaseId, record: &CallRecord<'_>) -> Done<()> {
        const REWRITE: &str = "UPDATE call SET record = $3 WHERE account = $1 AND number = $2";
        let (account, number) = (self.id(), row::number(lease.call.number));
        self.execute(REWRITE, &[&account, &number, &record.write()]).await?;
        Ok(())
    }

    pub(super) async fn release(&mut self, lease: LeaseId, due: Timestamp) -> Done<()> {
        let held = self.held(lease).await?;
        let mut record = CallRecord::read(&held.record)?;
        record.due = held.change.unmoved(due);
        self.give_back(lease, &record).await
    }

    pub(super) async fn retry(&mut self, lease: LeaseId, cdr: &Cdr, due: Timestamp) -> Done<()> {
        let held = self.held(lease).await?;
        let mut record = CallRecord::read(&held.record)?;
        record.due = held.change.unmoved(due);
        record.started = None;
        record.legs_up.clear();
        record.cdrs.push(cdr.clone());
        self.give_back(lease, &record).await
    }

    /// Nobody has the call any more: it waits again, or is to be closed.
    async fn give_back(&mut self, lease: LeaseId, record: &CallRecord<'_>) -> Done<()> {
        const GIVE_BACK: &str = "UPDATE call SET token = NULL, until = NULL, closing = false, \
            node = NULL, started = $3, due = $4, record = $5 WHERE account = $1 AND number = $2";
        let (account, number) = (self.id(), row::number(lease.call.number));
        let (started, due) = (record.started.is_some(), row::time(record.due));
        self.execute(GIVE_BACK, &[&account, &number, &started, &due, &record.write()]).await?;
        self.news.calls = true;
        Ok(())
    }

    pub(super) async fn finish(&mut self, lease: LeaseId, ending: &Ending) -> Done<()> {
        const ENDED: &str = "INSERT INTO ended (account, seq, record) VALUES ($1, $2, $3)";
        const END: &str = "DELETE FROM call WHERE account = $1 AND number = $2";
        const FEWER: &str = "UPDATE queue SET calls = calls - 1 WHERE account = $1";
        let held = self.held(lease).await?;
        let CallRecord { submitted_at, mut cdrs, recording, message, .. } =
            CallRecord::read(&held.record)?;
        cdrs.extend(ending.cdr.clone());
        let (number, charged) = (lease.call.number, ending.charged.clone());
        let ended = EndedRecord { submitted_at, cdrs, charged, number, recording, message };
        let seq = self.append_one(&ending.report).await?;
        let account = self.id();
        if recording.parts > 0 && !ending.report.is_recorded() {
            self.drop_recordings(&[row::number(number)]).await?;
        }
        self.execute(ENDED, &[&account, &seq, &ended.write()]).await?;
        self.execute(END, &[&account, &row::number(lease.call.number)]).await?;
        self.execute(FEWER, &[&account]).await?;
        self.spend(ending.day, ending.charged.total).await?;
        self.news.calls = true;
        Ok(())
    }

    async fn spend(&mut self, day: i32, amount: Amount) -> Done<()> {
        const BEFORE: &str = "SELECT amount FROM spent WHERE account = $1 AND day = $2";
        const SPEND: &str = "INSERT INTO spent (account, day, amount) VALUES ($1, $2, $3) \
            ON CONFLICT (account, day) DO UPDATE SET amount = excluded.amount";
        if amount == Amount::ZERO {
            return Ok(());
        }
        let before = self.maybe(BEFORE, &[&self.id(), &day]).await?;
        let before = before.map(|row| super::look::amount(&row)).transpose()?;
        let sum = before.unwrap_or(Amount::ZERO).plus(amount).to_string();
        self.execute(SPEND, &[&self.id(), &day, &sum]).await?;
        Ok(())
    }

    pub(super) async fn cancel(&mut self, message_id: &str) -> Done<Option<Cancelled>> {
        const NAMED: &str = "SELECT c.number, c.token, c.started, c.cancelled, c.record \
            FROM call c WHERE c.account = $1 AND c.message = $2 ORDER BY c.number";
        const CANCEL: &str =
            "UPDATE call SET cancelled = true, record = $3 WHERE account = $1 AND number = $2";
        const REPORTS: &str = "SELECT record FROM report WHERE account = $1 AND message = $2";
        let (account, hash) = (self.id(), row::bits(hash(message_id)));
        for row in self.query(NAMED, &[&account, &hash]).await? {
            let mut record = CallRecord::read(row.bytes("record")?)?;
            if record.head()?.message_id != message_id {
                continue;
            }
            let is_leased = row.try_get::<_, Option<i64>>("token")?.is_some();
            if !row.is("cancelled")? {
                record.cancelled_at = Some(self.now);
                let number: i64 = row.try_get("number")?;
                self.execute(CANCEL, &[&account, &number, &record.write()]).await?;
                self.news.calls = true;
            }
            let under_way = is_leased || row.is("started")?;
            return Ok(Some(if under_way { Cancelled::UnderWay } else { Cancelled::Waiting }));
        }
        for row in self.query(REPORTS, &[&account, &hash]).await? {
            if Record::from_slice(row.bytes("record")?.into()).ids()?.1 == message_id {
                return Ok(Some(Cancelled::Finished));
            }
        }
        Ok(None)
    }
}
