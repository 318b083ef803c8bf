//! Submitting: messages become calls, each `messageId` once, all of a request or none of it.

use std::collections::HashMap;

use model::{AccountId, Timestamp};

use super::calls::Call;
use super::group::Group;
use super::keys::{self, Table};
use super::writer::Writer;
use crate::judge::{Verdict, answer, bulk_of, verdict};
use crate::order::{DraftItem, SubmitOrder};
use crate::record::{
    BatchRecord, CallRecord, ChangeRecord, EndedRecord, SubmitRecord, read_message_head,
};
use crate::{CallId, Recording, ReplayKey, Result, StoreError, Submitted};

impl Writer {
    pub(super) fn submit(
        &mut self,
        account: AccountId,
        order: SubmitOrder,
        group: &mut Group<'_>,
    ) -> Result<Submitted> {
        let now = self.clock.now();
        if let Some(key) = &order.key
            && let Some(before) = self.answered(account, key, now, group)?
        {
            return Ok(before);
        }
        let verdicts = self.judge(account, &order, group)?;
        let new = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::New)).count();
        self.has_room(account, new, order.waiting_max)?;
        if new > 0 {
            self.keep(account, &order, &verdicts, group)?;
        }
        let bulk_id = bulk_of(&verdicts).unwrap_or(&order.bulk_id).to_owned();
        let answers = order.drafts.iter().zip(&verdicts).map(answer).collect();
        let submitted = Submitted { bulk_id, answers, replayed: false };
        if let Some(key) = order.key {
            note_answered(account, &key, &submitted, now, group);
        }
        Ok(submitted)
    }

    /// What the key was answered before, within the window.
    fn answered(
        &self,
        account: AccountId,
        key: &ReplayKey,
        now: Timestamp,
        group: &Group<'_>,
    ) -> Result<Option<Submitted>> {
        self.state.calls.book(account)?;
        let bytes = group.get(Table::Submit, keys::submit(account, &key.value))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let (at, fingerprint) = SubmitRecord::head(&bytes)?;
        if at.plus(self.keeping.submit_window) <= now {
            return Ok(None);
        }
        if fingerprint != key.fingerprint {
            return Err(StoreError::KeyReused);
        }
        let SubmitRecord { bulk_id, answers, .. } = SubmitRecord::read(&bytes)?;
        Ok(Some(Submitted { bulk_id, answers, replayed: true }))
    }

    /// Says what is to become of each draft, and changes nothing.
    fn judge(
        &self,
        account: AccountId,
        order: &SubmitOrder,
        group: &Group<'_>,
    ) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::with_capacity(order.drafts.len());
        let mut new: HashMap<&str, &[u8]> = HashMap::new();
        for draft in &order.drafts {
            let message = match &draft.message {
                Ok(message) => message.as_slice(),
                Err(row) => {
                    verdicts.push(Verdict::Refused(*row));
                    continue;
                }
            };
            let earlier = match new.get(draft.message_id.as_str()) {
                Some(earlier) => Some(verdict(account, message, Some(earlier))?),
                None => self.known(account, draft, message, group)?,
            };
            if earlier.is_none() {
                new.insert(&draft.message_id, message);
            }
            verdicts.push(earlier.unwrap_or(Verdict::New));
        }
        Ok(verdicts)
    }

    /// What becomes of a message whose id the account has already.
    fn known(
        &self,
        account: AccountId,
        draft: &DraftItem,
        message: &[u8],
        group: &Group<'_>,
    ) -> Result<Option<Verdict>> {
        let numbers = self.state.calls.book(account)?.desk().named(draft.message_hash);
        for number in numbers {
            let Some(bytes) = group.get(Table::Call, keys::pair(account, number))? else {
                continue;
            };
            let call = CallRecord::read(&bytes)?;
            if call.head()?.message_id == draft.message_id {
                return verdict(account, message, Some(call.message)).map(Some);
            }
        }
        let Some((seq, _)) = group.report_of(account, &draft.message_id)? else { return Ok(None) };
        let ended = group.get(Table::Cdr, keys::pair(account, seq))?;
        let ended = ended.as_ref().map(|bytes| EndedRecord::read(bytes)).transpose()?;
        verdict(account, message, ended.map(|ended| ended.message)).map(Some)
    }

    fn has_room(&self, account: AccountId, new: usize, most: u64) -> Result<()> {
        let waiting = self.state.calls.book(account)?.waiting() + new as u64;
        if new > 0 && waiting > most {
            return Err(StoreError::QueueFull { waiting, most });
        }
        if new > 0 && (self.state.calls.open() + new) as u64 > self.keeping.calls_open_max {
            return Err(StoreError::Busy);
        }
        Ok(())
    }

    /// Makes calls of the new ones, as one batch.
    fn keep(
        &mut self,
        account: AccountId,
        order: &SubmitOrder,
        verdicts: &[Verdict],
        group: &mut Group<'_>,
    ) -> Result<()> {
        let submitted_at = self.clock.now();
        let first = self.state.calls.book(account)?.next();
        let paused = self.is_paused(account, &order.bulk_id, group)?;
        let mut batch = BatchRecord {
            bulk_id: order.bulk_id.clone(),
            calls: 0,
            send_at: Timestamp::from_millis(i64::MAX),
            begun: false,
        };
        let mut calls = Vec::new();
        for (draft, verdict) in order.drafts.iter().zip(verdicts) {
            let (Verdict::New, Ok(message)) = (verdict, &draft.message) else { continue };
            let head = read_message_head(message)?;
            let record = CallRecord {
                submitted_at,
                due: head.send_at,
                batch: first,
                started: None,
                cancelled_at: None,
                cdrs: Vec::new(),
                legs_up: Vec::new(),
                recording: Recording::default(),
                message,
            };
            let id = CallId { account, number: first + batch.calls };
            group.put(Table::Call, keys::pair(account, id.number), record.write());
            batch.calls += 1;
            batch.send_at = batch.send_at.min(head.send_at);
            calls.push((id, draft.message_hash, Call::new(head.send_at, head.valid_until)));
        }
        if paused {
            let change = ChangeRecord { calls: batch.calls, paused, ..ChangeRecord::default() };
            group.put(Table::Change, keys::pair(account, first), change.write());
            self.state.calls.change_batch(account, first, change);
        }
        for (id, hash, call) in calls {
            self.state.calls.add(id, hash, call)?;
        }
        group.put(Table::Batch, keys::triple(account, order.bulk_hash, first), batch.write());
        let next = first + batch.calls;
        group.put(Table::Meta, keys::next_call(account), next.to_be_bytes());
        self.state.calls.wake();
        Ok(())
    }
}

fn note_answered(
    account: AccountId,
    key: &ReplayKey,
    submitted: &Submitted,
    at: Timestamp,
    group: &mut Group<'_>,
) {
    let record = SubmitRecord {
        at,
        fingerprint: key.fingerprint,
        bulk_id: submitted.bulk_id.clone(),
        answers: submitted.answers.clone(),
    };
    group.put(Table::Submit, keys::submit(account, &key.value), record.write());
    group.put(Table::Answered, keys::answered(at, account, &key.value), []);
}
