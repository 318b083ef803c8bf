//! Looking without taking: the records of a take, the archive, the audit.

use std::collections::BTreeSet;
use std::ops::Range;

use model::deck::DeckFile;
use model::{Account, AccountId, Amount, ApiKey, Timestamp};

use super::feed::missing;
use super::files::{Files, View};
use super::group::Group;
use super::keys::{self, TAKEN_SPAN_MAX, Table};
use crate::query::report_matches;
use crate::record::{TakeRecord, read_account, read_deck, read_key};
use crate::{
    ArchiveQuery, Audit, AuditedReport, Record, ReportState, Result, StoreError, TakeEntry, TakeId,
    TakeState,
};

/// Every account, oldest first.
pub(super) fn accounts(files: &Files) -> Result<Vec<Account>> {
    let entries = files.view().prefix(Table::Account, &[]);
    entries
        .map(|entry| {
            let (key, bytes) = entry?;
            let id = key.first_chunk().copied().map_or(0, u32::from_be_bytes);
            Ok(read_account(AccountId(id), &bytes)?)
        })
        .collect()
}

/// Every key, oldest first.
pub(super) fn api_keys(files: &Files) -> Result<Vec<ApiKey>> {
    let entries = files.view().prefix(Table::Key, &[]);
    let mut found = entries
        .map(|entry| {
            let (key, bytes) = entry?;
            let id = std::str::from_utf8(&key)
                .map_err(|_| StoreError::Corrupt("a key's id is not text".into()))?;
            Ok(read_key(id.to_owned(), &bytes)?)
        })
        .collect::<Result<Vec<_>>>()?;
    found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(found)
}

/// Every deck, by name.
pub(super) fn decks(files: &Files) -> Result<Vec<DeckFile>> {
    let entries = files.view().prefix(Table::Deck, &[]);
    entries
        .map(|entry| {
            let (key, bytes) = entry?;
            let name = std::str::from_utf8(&key)
                .map_err(|_| StoreError::Corrupt("a deck's name is not text".into()))?;
            Ok(read_deck(name.to_owned(), &bytes)?)
        })
        .collect()
}

/// What the account has spent on that day.
pub(super) fn spent(group: &Group<'_>, account: AccountId, day: i32) -> Result<Amount> {
    let Some(bytes) = group.get(Table::Spent, keys::spent(account, day))? else {
        return Ok(Amount::ZERO);
    };
    let text = std::str::from_utf8(&bytes).ok();
    let amount = text.and_then(|text| text.parse().ok());
    amount.ok_or_else(|| StoreError::Corrupt("what was spent is not an amount".into()))
}

/// The records of a take.
pub(super) fn records(
    files: &Files,
    account: AccountId,
    ranges: &[Range<u64>],
) -> Result<Vec<Record>> {
    let view = files.view();
    let mut records = Vec::new();
    for range in ranges {
        let (first, last) = (keys::pair(account, range.start), keys::pair(account, range.end - 1));
        let mut expected = range.clone();
        for entry in view.range(Table::Report, &first, &last) {
            let (key, bytes) = entry?;
            if expected.next() != Some(keys::last_number(&key)) {
                break;
            }
            records.push(Record::from_slice(bytes));
        }
        if !expected.is_empty() {
            return Err(missing(account, expected.start));
        }
    }
    Ok(records)
}

/// When the report entered the ledger, if it is still there.
pub(super) fn fed_at(files: &Files, account: AccountId, seq: u64) -> Result<Option<Timestamp>> {
    files.view().record(account, seq)?.map(|record| record.fed_at()).transpose()
}

/// What the query asks for, the newest first.
pub(super) fn list(files: &Files, account: AccountId, query: &ArchiveQuery) -> Result<Vec<Record>> {
    let view = files.view();
    if !query.message_ids.is_empty() {
        return matching(query, named(&view, account, &query.message_ids)?.map(Ok));
    }
    if !query.bulk_ids.is_empty() {
        let seqs = of_bulks(&view, account, &query.bulk_ids)?;
        let records = seqs.filter_map(|seq| view.record(account, seq).transpose());
        return matching(query, records);
    }
    let all = view.prefix(Table::Report, &keys::account(account)).rev();
    matching(query, all.map(|entry| entry.map(|(_, bytes)| Record::from_slice(bytes))))
}

/// The first that match, of records that come with the newest first.
fn matching(
    query: &ArchiveQuery,
    records: impl Iterator<Item = Result<Record>>,
) -> Result<Vec<Record>> {
    let mut found = Vec::new();
    for record in records {
        if found.len() >= query.limit {
            break;
        }
        let record = record?;
        if query.fed_since.is_some_and(|since| record.fed_at().is_ok_and(|at| at < since)) {
            break;
        }
        if report_matches(query, &record.report()?) {
            found.push(record);
        }
    }
    Ok(found)
}

/// The account's reports of those names, the newest first.
fn named(
    view: &View<'_>,
    account: AccountId,
    names: &[String],
) -> Result<impl Iterator<Item = Record>> {
    let mut seqs = BTreeSet::new();
    for name in names {
        let entry = view.get(Table::Message, &keys::pair(account, keys::hash(name)))?;
        seqs.extend(entry.iter().flat_map(|entry| keys::numbers(entry)));
    }
    let records: Vec<Record> = seqs
        .into_iter()
        .rev()
        .filter_map(|seq| view.record(account, seq).transpose())
        .collect::<Result<_>>()?;
    Ok(records.into_iter())
}

/// The numbers of the account's reports of those bulks, the newest first.
fn of_bulks(
    view: &View<'_>,
    account: AccountId,
    bulks: &[String],
) -> Result<impl Iterator<Item = u64> + use<>> {
    let hashes: BTreeSet<u64> = bulks.iter().map(|bulk| keys::hash(bulk)).collect();
    let mut runs = Vec::new();
    for hash in hashes {
        let (first, last) = (keys::triple(account, hash, 0), keys::triple(account, hash, u64::MAX));
        for entry in view.range(Table::Bulk, &first, &last) {
            let (key, count) = entry?;
            let first = keys::last_number(&key);
            runs.push((first, first + keys::last_number(&count)));
        }
    }
    runs.sort_unstable();
    Ok(runs.into_iter().rev().flat_map(|(first, end)| (first..end).rev()))
}

/// What happened to the account's message of that name.
pub(super) fn audit(files: &Files, account: AccountId, message: &str) -> Result<Option<Audit>> {
    let view = files.view();
    let seqs = view.get(Table::Message, &keys::pair(account, keys::hash(message)))?;
    for seq in seqs.iter().flat_map(|seqs| keys::numbers(seqs)) {
        let record = view.record(account, seq)?.ok_or_else(|| missing(account, seq))?;
        let (bulk_id, message_id) = record.ids()?;
        if message_id != message {
            continue;
        }
        let takes = takes_of(&view, account, seq)?;
        let state = match takes.last().map(|take| take.state) {
            None | Some(TakeState::Returned(_)) => ReportState::Pending,
            Some(TakeState::InFlight) => ReportState::InFlight,
            Some(TakeState::Settled) => ReportState::Settled,
        };
        let report = AuditedReport {
            bulk_id: bulk_id.to_owned(),
            message_id: message_id.to_owned(),
            seq,
            fed_at: record.fed_at()?,
            state,
        };
        return Ok(Some(Audit { account, report, takes }));
    }
    Ok(None)
}

/// The takes that had the report, oldest first.
fn takes_of(view: &View<'_>, account: AccountId, seq: u64) -> Result<Vec<TakeEntry>> {
    let first = keys::triple(account, seq + 1, 0);
    let last = keys::triple(account, seq.saturating_add(TAKEN_SPAN_MAX), u64::MAX);
    let mut takes = Vec::new();
    for entry in view.range(Table::Taken, &first, &last) {
        let (key, start) = entry?;
        if keys::last_number(&start) > seq {
            continue;
        }
        let take = keys::last_number(&key);
        let bytes = view
            .get(Table::Take, &keys::take(take))?
            .ok_or_else(|| StoreError::Corrupt(format!("take {take} is missing")))?;
        takes.push(take_entry(TakeId(take), TakeRecord::read(&bytes)?));
    }
    takes.sort_by_key(|entry| entry.take);
    Ok(takes)
}

fn take_entry(take: TakeId, record: TakeRecord) -> TakeEntry {
    TakeEntry {
        take,
        at: record.at,
        reports: record.reports(),
        by: record.by,
        key: record.key.map(|key| key.value),
        bytes_acknowledged: record.bytes_acknowledged,
        replays: record.replays,
        state: record.state,
        ended_at: record.ended_at,
    }
}
