//! Feeding: reports enter the ledger, each `messageId` once. The feeds of a group are one.

use std::collections::HashMap;

use super::command::{Ask, Command};
use super::line::Parameters;
use super::page::Page;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::order::FeedItem;
use crate::record::{CallRecord, stamp};
use crate::{Fed, Record, StoreError};

/// What the account has already, by the hash of the `messageId`.
#[derive(Default)]
struct Known {
    reports: HashMap<i64, Vec<Record>>,
    /// The ids of calls: the reports of those are still to come.
    calls: HashMap<i64, Vec<String>>,
}

impl Known {
    fn judge(&self, hash: i64, record: &Record) -> Done<Option<Fed>> {
        let message = record.ids()?.1;
        for known in self.reports.get(&hash).into_iter().flatten() {
            if known.ids()?.1 == message {
                let same = known.same_content(record);
                return Ok(Some(if same { Fed::Duplicate } else { Fed::Conflict }));
            }
        }
        let mut calls = self.calls.get(&hash).into_iter().flatten();
        Ok(calls.any(|call| call == message).then_some(Fed::Conflict))
    }
}

/// New reports, column by column.
#[derive(Default)]
struct Sheet {
    messages: Vec<i64>,
    bulks: Vec<i64>,
    records: Vec<Vec<u8>>,
}

impl Page {
    /// Does the feeds, and nothing that is none.
    pub(super) async fn feed(&mut self, feeds: &mut [Command]) -> Done<()> {
        let mut known = self.known(feeds).await?;
        let mut sheet = Sheet::default();
        for command in feeds {
            let Command::Feed(Ask { what, answer, .. }) = command else { continue };
            let mut answers = Vec::with_capacity(what.len());
            for item in what.iter() {
                let mut bytes = item.encoded.clone();
                stamp(&mut bytes, self.now);
                let record = Record::from_slice(bytes.as_slice().into());
                let hash = row::bits(item.message_hash);
                let fed = known.judge(hash, &record)?.unwrap_or(Fed::New);
                if fed == Fed::New {
                    known.reports.entry(hash).or_default().push(record);
                    sheet.messages.push(hash);
                    sheet.bulks.push(row::bits(item.bulk_hash));
                    sheet.records.push(bytes);
                }
                answers.push(fed);
            }
            *answer = Some(Ok(answers));
        }
        self.append(sheet).await.map(|_| ())
    }

    /// What the account has under the names that are fed.
    async fn known(&self, feeds: &[Command]) -> Done<Known> {
        const REPORTS: &str =
            "SELECT message, record FROM report WHERE account = $1 AND message = ANY ($2)";
        const CALLS: &str =
            "SELECT message, record FROM call WHERE account = $1 AND message = ANY ($2)";
        let items = feeds.iter().filter_map(|command| match command {
            Command::Feed(ask) => Some(ask.what.iter()),
            _ => None,
        });
        let hashes: Vec<i64> = items.flatten().map(|item| row::bits(item.message_hash)).collect();
        let (account, mut known) = (self.id(), Known::default());
        let with: Parameters<'_> = &[&account, &hashes];
        let (reports, calls) =
            tokio::try_join!(self.query(REPORTS, with), self.query(CALLS, with))?;
        for row in &reports {
            let record = Record::from_slice(row.bytes("record")?.into());
            known.reports.entry(row.try_get("message")?).or_default().push(record);
        }
        for row in &calls {
            let name = CallRecord::read(row.bytes("record")?)?.head()?.message_id.to_owned();
            known.calls.entry(row.try_get("message")?).or_default().push(name);
        }
        Ok(known)
    }

    /// Appends the report of a call, and gives its number. No other has its `messageId`.
    pub(super) async fn append_one(&mut self, item: &FeedItem) -> Done<i64> {
        let mut record = item.encoded.clone();
        stamp(&mut record, self.now);
        self.append(Sheet {
            messages: vec![row::bits(item.message_hash)],
            bulks: vec![row::bits(item.bulk_hash)],
            records: vec![record],
        })
        .await
    }

    /// Appends the reports. Gives the number of the first.
    async fn append(&mut self, sheet: Sheet) -> Done<i64> {
        const GROW: &str = "UPDATE queue SET next_seq = next_seq + $2, pending = pending + $2 \
            WHERE account = $1 RETURNING next_seq - $2 AS first";
        const APPEND: &str = "INSERT INTO report (account, seq, message, bulk, fed_at, record) \
            SELECT $1, $2 + place - 1, message, bulk, $3, record \
            FROM unnest($4::bigint[], $5::bigint[], $6::bytea[]) \
            WITH ORDINALITY AS new (message, bulk, record, place)";
        if sheet.records.is_empty() {
            return Ok(0);
        }
        let count = row::many(sheet.records.len());
        let grown = self.rewrite(GROW, &[&self.id(), &count]).await?;
        let first = grown.first().ok_or(StoreError::NoSuchAccount)?.try_get::<_, i64>("first")?;
        let Sheet { messages, bulks, records } = sheet;
        let fed_at = row::time(self.now);
        self.execute(APPEND, &[&self.id(), &first, &fed_at, &messages, &bulks, &records]).await?;
        self.news.reports = true;
        Ok(first)
    }
}
