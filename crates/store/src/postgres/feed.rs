//! Feeding: reports enter the ledger, each `messageId` once. The feeds of a group are one.

use std::collections::HashMap;

use model::Timestamp;

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
pub(super) struct Sheet {
    pub(super) fed_at: Timestamp,
    pub(super) messages: Vec<i64>,
    pub(super) bulks: Vec<i64>,
    pub(super) records: Vec<Vec<u8>>,
}

impl Sheet {
    /// With the time of its entry written into it.
    pub(super) fn add(&mut self, item: &FeedItem, now: Timestamp) {
        let mut record = item.encoded.clone();
        stamp(&mut record, now);
        self.fed_at = now;
        self.messages.push(row::bits(item.message_hash));
        self.bulks.push(row::bits(item.bulk_hash));
        self.records.push(record);
    }
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
                let record = Record::from_slice(item.encoded.as_slice().into());
                let hash = row::bits(item.message_hash);
                let fed = known.judge(hash, &record)?.unwrap_or(Fed::New);
                if fed == Fed::New {
                    known.reports.entry(hash).or_default().push(record);
                    sheet.add(item, self.now);
                }
                answers.push(fed);
            }
            *answer = Some(Ok(answers));
        }
        self.append(sheet).await.map(|_| ())
    }

    /// What the account has under the names that are fed.
    async fn known(&self, feeds: &[Command]) -> Done<Known> {
        const KNOWN: &str = "SELECT message, report, call FROM known($1, $2)";
        let items = feeds.iter().filter_map(|command| match command {
            Command::Feed(ask) => Some(ask.what.iter()),
            _ => None,
        });
        let hashes: Vec<i64> = items.flatten().map(|item| row::bits(item.message_hash)).collect();
        let mut known = Known::default();
        for row in &self.query(KNOWN, &[&self.id(), &hashes]).await? {
            let hash = row.try_get("message")?;
            if let Some(report) = row.maybe_bytes("report")? {
                let record = Record::from_slice(report.into());
                known.reports.entry(hash).or_default().push(record);
            }
            if let Some(call) = row.maybe_bytes("call")? {
                let name = CallRecord::read(call)?.head()?.message_id.to_owned();
                known.calls.entry(hash).or_default().push(name);
            }
        }
        Ok(known)
    }

    /// Appends the report of a call, and gives its number. No other has its `messageId`.
    pub(super) async fn append_one(&mut self, item: &FeedItem) -> Done<i64> {
        let mut sheet = Sheet::default();
        sheet.add(item, self.now);
        self.append(sheet).await
    }

    /// Appends the reports. Gives the number of the first.
    async fn append(&mut self, sheet: Sheet) -> Done<i64> {
        const APPEND: &str = "SELECT append($1, $2, $3, $4, $5) AS first";
        let Sheet { fed_at, messages, bulks, records } = sheet;
        if records.is_empty() {
            return Ok(0);
        }
        let with: Parameters<'_> = &[&self.id(), &row::time(fed_at), &messages, &bulks, &records];
        let appended = self.rewrite(APPEND, with).await?;
        self.news.reports = true;
        Ok(appended.first().ok_or(StoreError::NoSuchAccount)?.try_get("first")?)
    }
}
