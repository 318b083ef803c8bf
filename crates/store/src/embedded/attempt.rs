//! The life of a call between its submission and its report: leased, started, tried again,
//! cancelled, finished.

use model::{AccountId, Amount, Cdr, Timestamp};

use super::command::Granted;
use super::group::Group;
use super::keys::{self, Table};
use super::writer::Writer;
use crate::order::Ending;
use crate::record::{BatchRecord, CallRecord, EndedRecord};
use crate::{CallId, Cancelled, LeaseAsk, LeaseId, LegUp, Result, Started, StoreError};

impl Writer {
    /// Says who gets which calls. What they are is read by whoever asked.
    pub(super) fn lease(&mut self, ask: &LeaseAsk) -> Result<Granted> {
        let (now, calls) = (self.clock.now(), &mut self.state.calls);
        for share in &ask.shares {
            calls.book(share.account)?;
        }
        calls.expire(now);
        let mut granted = Granted::default();
        for share in &ask.shares {
            for _ in 0..share.most {
                if calls.book(share.account)?.leased() >= share.under_way_max {
                    break;
                }
                let Some(lease) = calls.lease_due(share.account, now, ask.until) else { break };
                granted.due.push(calls.grant(lease)?);
            }
        }
        while granted.closing.len() < ask.closing_max
            && let Some(lease) = calls.lease_closing(ask.until)
        {
            granted.closing.push(calls.grant(lease)?);
        }
        granted.cancelled = calls.cancelled();
        Ok(granted)
    }

    pub(super) fn start(
        &mut self,
        lease: LeaseId,
        started: Started,
        group: &mut Group<'_>,
    ) -> Result<()> {
        self.state.calls.held_to_place(lease)?;
        let id = lease.call;
        let bytes = call_bytes(group, id)?;
        let mut record = CallRecord::read(&bytes)?;
        record.started = Some(started);
        group.put(Table::Call, keys::pair(id.account, id.number), record.write());
        begin_batch(group, id.account, &record)?;
        self.state.calls.change(id, |call| call.started = true);
        Ok(())
    }

    pub(super) fn note(&self, lease: LeaseId, up: LegUp, group: &mut Group<'_>) -> Result<()> {
        self.state.calls.held(lease)?;
        let bytes = call_bytes(group, lease.call)?;
        let mut record = CallRecord::read(&bytes)?;
        record.legs_up.retain(|other| other.leg != up.leg);
        record.legs_up.push(up);
        group.put(Table::Call, keys::pair(lease.call.account, lease.call.number), record.write());
        Ok(())
    }

    pub(super) fn record(
        &self,
        lease: LeaseId,
        from: u64,
        part: Vec<u8>,
        group: &mut Group<'_>,
    ) -> Result<()> {
        self.state.calls.held(lease)?;
        let CallId { account, number } = lease.call;
        let bytes = call_bytes(group, lease.call)?;
        let mut record = CallRecord::read(&bytes)?;
        if record.recording.bytes > from {
            return Ok(());
        }
        let key = keys::triple(account, number, u64::from(record.recording.parts));
        record.recording.parts += 1;
        record.recording.bytes += part.len() as u64;
        group.put(Table::Recording, key, part);
        group.put(Table::Call, keys::pair(account, number), record.write());
        Ok(())
    }

    /// Those that have been lost are given.
    pub(super) fn renew(
        &mut self,
        mut leases: Vec<LeaseId>,
        until: Timestamp,
    ) -> Result<Vec<LeaseId>> {
        leases.retain(|lease| !self.state.calls.renew(*lease, until));
        Ok(leases)
    }

    /// A drain gives back what it has as it was; there is nothing to write then.
    pub(super) fn release(
        &mut self,
        lease: LeaseId,
        due: Timestamp,
        group: &mut Group<'_>,
    ) -> Result<()> {
        self.state.calls.held(lease)?;
        let id = lease.call;
        let bytes = call_bytes(group, id)?;
        let mut record = CallRecord::read(&bytes)?;
        let change = self.state.calls.book(id.account)?.change_of(id.number);
        let due = change.unmoved(due);
        if due != record.due {
            record.due = due;
            group.put(Table::Call, keys::pair(id.account, id.number), record.write());
            self.state.calls.change(id, |call| call.due = due);
        }
        self.state.calls.give_back(id);
        Ok(())
    }

    pub(super) fn retry(
        &mut self,
        lease: LeaseId,
        cdr: Cdr,
        due: Timestamp,
        group: &mut Group<'_>,
    ) -> Result<()> {
        self.state.calls.held(lease)?;
        let id = lease.call;
        let bytes = call_bytes(group, id)?;
        let mut record = CallRecord::read(&bytes)?;
        let change = self.state.calls.book(id.account)?.change_of(id.number);
        record.due = change.unmoved(due);
        record.started = None;
        record.legs_up.clear();
        record.cdrs.push(cdr);
        group.put(Table::Call, keys::pair(id.account, id.number), record.write());
        let due = record.due;
        self.state.calls.change(id, |call| (call.started, call.due) = (false, due));
        self.state.calls.give_back(id);
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        lease: LeaseId,
        ending: Ending,
        group: &mut Group<'_>,
    ) -> Result<()> {
        self.state.calls.held(lease)?;
        let CallId { account, number } = lease.call;
        let bytes = call_bytes(group, lease.call)?;
        let CallRecord { submitted_at, mut cdrs, recording, message, .. } =
            CallRecord::read(&bytes)?;
        cdrs.extend(ending.cdr);
        let total = ending.charged.total;
        if !ending.report.is_recorded() {
            for part in 0..u64::from(recording.parts) {
                group.remove(Table::Recording, keys::triple(account, number, part));
            }
        }
        let charged = ending.charged;
        let ended = EndedRecord { submitted_at, cdrs, charged, number, recording, message };
        let hash = ending.report.message_hash;
        let seq = self.append(account, ending.report, group)?;
        group.put(Table::Cdr, keys::pair(account, seq), ended.write());
        group.remove(Table::Call, keys::pair(account, number));
        spend(group, account, ending.day, total)?;
        self.state.calls.end(lease, hash);
        self.state.calls.wake();
        Ok(())
    }

    pub(super) fn cancel(
        &mut self,
        account: AccountId,
        message_id: &str,
        group: &mut Group<'_>,
    ) -> Result<Option<Cancelled>> {
        let numbers = self.state.calls.book(account)?.desk().named(keys::hash(message_id));
        for number in numbers {
            let key = keys::pair(account, number);
            let Some(bytes) = group.get(Table::Call, key)? else { continue };
            let mut record = CallRecord::read(&bytes)?;
            if record.head()?.message_id != message_id {
                continue;
            }
            let id = CallId { account, number };
            let under_way = self.state.calls.is_leased(id) || record.started.is_some();
            let change = self.state.calls.book(account)?.change_of(number);
            if record.cancelled_at.or(change.cancelled_at).is_none() {
                record.cancelled_at = Some(self.clock.now());
                group.put(Table::Call, key, record.write());
                self.state.calls.change(id, |call| call.cancelled = true);
                self.state.calls.wake();
            }
            let cancelled = if under_way { Cancelled::UnderWay } else { Cancelled::Waiting };
            return Ok(Some(cancelled));
        }
        Ok(group.report_of(account, message_id)?.map(|_| Cancelled::Finished))
    }
}

/// The call's record; one that somebody has is there.
fn call_bytes(group: &Group<'_>, id: CallId) -> Result<fjall::Slice> {
    let bytes = group.get(Table::Call, keys::pair(id.account, id.number))?;
    bytes.ok_or_else(|| {
        StoreError::Corrupt(format!("call {} of account {} is missing", id.number, id.account.0))
    })
}

/// Notes that calls of the batch have started.
fn begin_batch(group: &mut Group<'_>, account: AccountId, call: &CallRecord<'_>) -> Result<()> {
    let key = keys::triple(account, keys::hash(call.head()?.bulk_id), call.batch);
    let Some(bytes) = group.get(Table::Batch, key)? else { return Ok(()) };
    let mut batch = BatchRecord::read(&bytes)?;
    if !batch.begun {
        batch.begun = true;
        group.put(Table::Batch, key, batch.write());
    }
    Ok(())
}

fn spend(group: &mut Group<'_>, account: AccountId, day: i32, amount: Amount) -> Result<()> {
    if amount != Amount::ZERO {
        let before = super::read::spent(group, account, day)?;
        let text = before.plus(amount).to_string();
        group.put(Table::Spent, keys::spent(account, day), text.into_bytes());
    }
    Ok(())
}
