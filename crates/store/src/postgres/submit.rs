//! Submitting: messages become calls, each `messageId` once, all of a request or none of it.

use std::collections::HashMap;

use model::Timestamp;
use tokio_postgres::types::ToSql;

use super::line::Parameters;
use super::page::Page;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::judge::{Verdict, answer, bulk_of, verdict};
use crate::order::{DraftItem, SubmitOrder};
use crate::record::{
    BatchRecord, CallRecord, ChangeRecord, EndedRecord, SubmitRecord, read_message_head,
};
use crate::{BulkState, Record, Recording, ReplayKey, StoreError, Submitted};

/// What the account has of a name already: the message, if it is known what was asked for.
struct Namesake {
    name: String,
    message: Option<Vec<u8>>,
}

/// New calls, column by column.
#[derive(Default)]
struct Sheet {
    messages: Vec<i64>,
    dues: Vec<i64>,
    valid_untils: Vec<Option<i64>>,
    records: Vec<Vec<u8>>,
}

impl Page {
    pub(super) async fn submit(&mut self, order: &SubmitOrder) -> Done<Submitted> {
        if let Some(key) = &order.key
            && let Some(before) = self.answered(key).await?
        {
            return Ok(before);
        }
        let verdicts = self.judge(order).await?;
        let new = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::New)).count() as u64;
        if new > 0 {
            self.has_room(new, order.waiting_max).await?;
            self.keep(order, &verdicts).await?;
        }
        let bulk_id = bulk_of(&verdicts).unwrap_or(&order.bulk_id).to_owned();
        let answers = order.drafts.iter().zip(&verdicts).map(answer).collect();
        let submitted = Submitted { bulk_id, answers, replayed: false };
        if let Some(key) = &order.key {
            self.note_answered(key, &submitted).await?;
        }
        Ok(submitted)
    }

    /// What the key was answered before, within the window.
    async fn answered(&self, key: &ReplayKey) -> Done<Option<Submitted>> {
        const ANSWERED: &str = "SELECT record FROM submit WHERE account = $1 AND key = $2";
        let found = self.maybe(ANSWERED, &[&self.id(), &key.value.as_bytes()]).await?;
        let Some(found) = found else { return Ok(None) };
        let record = SubmitRecord::read(found.bytes("record")?)?;
        if record.at.plus(self.office.keeping.submit_window) <= self.now {
            return Ok(None);
        }
        if record.fingerprint != key.fingerprint {
            return Err(StoreError::KeyReused.into());
        }
        let SubmitRecord { bulk_id, answers, .. } = record;
        Ok(Some(Submitted { bulk_id, answers, replayed: true }))
    }

    /// Says what is to become of each draft, and changes nothing.
    async fn judge(&self, order: &SubmitOrder) -> Done<Vec<Verdict>> {
        let known = self.namesakes(order).await?;
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
            let namesakes = known.get(&row::bits(draft.message_hash)).into_iter().flatten();
            let mut namesakes = namesakes.filter(|known| known.name == draft.message_id);
            if let Some(earlier) = new.get(draft.message_id.as_str()) {
                verdicts.push(verdict(self.account, message, Some(earlier))?);
            } else if let Some(known) = namesakes.next() {
                verdicts.push(verdict(self.account, message, known.message.as_deref())?);
            } else {
                new.insert(&draft.message_id, message);
                verdicts.push(Verdict::New);
            }
        }
        Ok(verdicts)
    }

    /// What the account has under the names of the drafts: calls first.
    async fn namesakes(&self, order: &SubmitOrder) -> Done<HashMap<i64, Vec<Namesake>>> {
        const CALLS: &str =
            "SELECT message, record FROM call WHERE account = $1 AND message = ANY ($2)";
        const REPORTS: &str = "SELECT r.message, r.record, e.record AS ended FROM report r \
            LEFT JOIN ended e ON e.account = r.account AND e.seq = r.seq \
            WHERE r.account = $1 AND r.message = ANY ($2)";
        let hash = |draft: &DraftItem| row::bits(draft.message_hash);
        let hashes: Vec<i64> = order.drafts.iter().map(hash).collect();
        let (account, mut known) = (self.id(), HashMap::<i64, Vec<Namesake>>::new());
        let with: Parameters<'_> = &[&account, &hashes];
        let (calls, reports) =
            tokio::try_join!(self.query(CALLS, with), self.query(REPORTS, with))?;
        for row in &calls {
            let call = CallRecord::read(row.bytes("record")?)?;
            let name = call.head()?.message_id.to_owned();
            let message = Some(call.message.to_vec());
            known.entry(row.try_get("message")?).or_default().push(Namesake { name, message });
        }
        for row in &reports {
            let record = Record::from_slice(row.bytes("record")?.into());
            let name = record.ids()?.1.to_owned();
            let ended = row.maybe_bytes("ended")?.map(EndedRecord::read).transpose()?;
            let message = ended.map(|ended| ended.message.to_vec());
            known.entry(row.try_get("message")?).or_default().push(Namesake { name, message });
        }
        Ok(known)
    }

    async fn has_room(&self, new: u64, most: u64) -> Done<()> {
        const WAITING: &str = "SELECT q.calls \
            - (SELECT count(*) FROM call c WHERE c.account = $1 AND c.token IS NOT NULL) \
            - (SELECT count(*) FROM call c WHERE c.account = $1 AND c.token IS NULL \
               AND (c.started OR c.cancelled)) AS waiting, \
            (SELECT sum(calls) FROM queue)::bigint AS open \
            FROM queue q WHERE q.account = $1";
        let row = self.one(WAITING, &[&self.id()]).await?;
        let waiting = row.number("waiting")? + new;
        if waiting > most {
            return Err(StoreError::QueueFull { waiting, most }.into());
        }
        // Of other accounts, what is committed.
        if row.number("open")? + new > self.office.keeping.calls_open_max {
            return Err(StoreError::Busy.into());
        }
        Ok(())
    }

    /// Makes calls of the new ones, as one batch.
    async fn keep(&mut self, order: &SubmitOrder, verdicts: &[Verdict]) -> Done<()> {
        const GROW: &str = "UPDATE queue SET calls = calls + $2, next_call = next_call + $2 \
            WHERE account = $1 RETURNING next_call - $2 AS first";
        const KEEP: &str = "INSERT INTO call \
            (account, number, message, batch, due, valid_until, paused, record) \
            SELECT $1, $2 + place - 1, message, $2, due, valid_until, $3, record \
            FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[]) \
            WITH ORDINALITY AS new (message, due, valid_until, record, place)";
        const BATCH: &str = "INSERT INTO batch (account, first, bulk, calls, record, change) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let state = self.bulk(&order.bulk_id).await?.map(|bulk| bulk.state);
        let paused = state == Some(BulkState::Paused);
        let new = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::New)).count();
        let calls = row::many(new);
        let grown = self.rewrite(GROW, &[&self.id(), &calls]).await?;
        let first: i64 = grown.first().ok_or(StoreError::NoSuchAccount)?.try_get("first")?;
        let mut batch = BatchRecord {
            bulk_id: order.bulk_id.clone(),
            calls: new as u64,
            send_at: Timestamp::from_millis(i64::MAX),
            begun: false,
        };
        let mut sheet = Sheet::default();
        for (draft, verdict) in order.drafts.iter().zip(verdicts) {
            let (Verdict::New, Ok(message)) = (verdict, &draft.message) else { continue };
            let head = read_message_head(message)?;
            batch.send_at = batch.send_at.min(head.send_at);
            sheet.messages.push(row::bits(draft.message_hash));
            sheet.dues.push(row::time(head.send_at));
            sheet.valid_untils.push(head.valid_until.map(row::time));
            sheet.records.push(self.new_call(head.send_at, first, message).write());
        }
        let Sheet { messages, dues, valid_untils, records } = sheet;
        let account = self.id();
        let with: [&(dyn ToSql + Sync); 7] =
            [&account, &first, &paused, &messages, &dues, &valid_untils, &records];
        self.execute(KEEP, &with).await?;
        let change = ChangeRecord { calls: batch.calls, paused, ..ChangeRecord::default() };
        let (bulk, batch, change) = (row::bits(order.bulk_hash), batch.write(), change.write());
        let with: [&(dyn ToSql + Sync); 6] = [&account, &first, &bulk, &calls, &batch, &change];
        self.execute(BATCH, &with).await?;
        self.news.calls = true;
        Ok(())
    }

    fn new_call<'a>(&self, due: Timestamp, batch: i64, message: &'a [u8]) -> CallRecord<'a> {
        CallRecord {
            submitted_at: self.now,
            due,
            batch: batch.cast_unsigned(),
            started: None,
            cancelled_at: None,
            cdrs: Vec::new(),
            legs_up: Vec::new(),
            recording: Recording::default(),
            message,
        }
    }

    async fn note_answered(&mut self, key: &ReplayKey, submitted: &Submitted) -> Done<()> {
        const NOTE: &str = "INSERT INTO submit (account, key, at, record) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (account, key) DO UPDATE SET at = excluded.at, record = excluded.record";
        let record = SubmitRecord {
            at: self.now,
            fingerprint: key.fingerprint,
            bulk_id: submitted.bulk_id.clone(),
            answers: submitted.answers.clone(),
        };
        let (account, at, record) = (self.id(), row::time(self.now), record.write());
        self.execute(NOTE, &[&account, &key.value.as_bytes(), &at, &record]).await?;
        Ok(())
    }
}
