//! Looking at calls, beside the writer: what was leased, what is open, what has ended, bulks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use model::AccountId;

use super::bulk;
use super::command::Grant;
use super::files::{Files, View};
use super::group::Group;
use super::keys::{self, Table};
use crate::bulk::tell;
use crate::query::{call_matches, may_be_open, open_call};
use crate::record::{CallRecord, ChangeRecord, EndedRecord};
use crate::{ArchiveQuery, ArchivedCall, Bulk, CallEntry, CallId, Leased, OpenCall, Result};

/// What those that were leased are. One that has ended already is left out: so has its lease.
pub(super) fn leased(files: &Files, grants: Vec<Grant>) -> Result<Vec<Leased>> {
    let view = files.view();
    let mut leased = Vec::with_capacity(grants.len());
    for Grant { lease, change } in grants {
        let id = lease.call;
        if let Some(bytes) = view.get(Table::Call, &keys::pair(id.account, id.number))? {
            leased.push(Leased { lease, call: open_call(id, &bytes, &change)? });
        }
    }
    Ok(leased)
}

/// What the query asks for of the calls without a report, the newest first. `named` are the numbers
/// of those that may have the names asked for.
pub(super) fn open_calls(
    files: &Files,
    account: AccountId,
    query: &ArchiveQuery,
    named: &BTreeSet<u64>,
) -> Result<Vec<OpenCall>> {
    if !may_be_open(query) {
        return Ok(Vec::new());
    }
    let view = files.view();
    let changes = changes_of(&view, account)?;
    let look = |(key, bytes): (fjall::Slice, fjall::Slice)| {
        let number = keys::last_number(&key);
        open_call(CallId { account, number }, &bytes, &bulk::of_call(&changes, number))
    };
    if !query.message_ids.is_empty() {
        let entries = named.iter().rev().map(|number| {
            let key = keys::pair(account, *number);
            Ok(view.get(Table::Call, &key)?.map(|bytes| (fjall::Slice::from(key), bytes)))
        });
        return matching(query, entries.filter_map(Result::transpose), look);
    }
    if !query.bulk_ids.is_empty() {
        let mut runs = BTreeSet::new();
        for bulk_id in &query.bulk_ids {
            let uncounted = |_| Ok(0);
            let batches = bulk::batches(&Group::new(files), account, bulk_id, uncounted)?;
            runs.extend(batches.iter().map(|batch| (batch.numbers().start, batch.numbers().end)));
        }
        let entries = runs.into_iter().rev().flat_map(|(first, end)| {
            let (first, last) = (keys::pair(account, first), keys::pair(account, end - 1));
            view.range(Table::Call, &first, &last).rev()
        });
        return matching(query, entries, look);
    }
    matching(query, view.prefix(Table::Call, &keys::account(account)).rev(), look)
}

/// The first that match, of calls that come with the newest first.
fn matching<E>(
    query: &ArchiveQuery,
    entries: impl Iterator<Item = Result<E>>,
    look: impl Fn(E) -> Result<OpenCall>,
) -> Result<Vec<OpenCall>> {
    let mut found = Vec::new();
    for entry in entries {
        if found.len() >= query.limit {
            break;
        }
        let call = look(entry?)?;
        if query.fed_since.is_some_and(|since| call.submitted_at < since) {
            break;
        }
        if call_matches(query, &call) {
            found.push(call);
        }
    }
    Ok(found)
}

/// What was changed of the account's batches, by the first call of each.
fn changes_of(view: &View<'_>, account: AccountId) -> Result<BTreeMap<u64, ChangeRecord>> {
    let entries = view.prefix(Table::Change, &keys::account(account));
    entries
        .map(|entry| {
            let (key, bytes) = entry?;
            Ok((keys::last_number(&key), ChangeRecord::read(&bytes)?))
        })
        .collect()
}

/// Everything that is known of the call. `named` are the numbers of those that may have its name.
pub(super) fn call(
    files: &Files,
    account: AccountId,
    message_id: &str,
    named: &BTreeSet<u64>,
) -> Result<Option<CallEntry>> {
    let group = Group::new(files);
    for number in named {
        let Some(bytes) = group.get(Table::Call, keys::pair(account, *number))? else { continue };
        let record = CallRecord::read(&bytes)?;
        if record.head()?.message_id == message_id {
            let change = bulk::change(&group, account, record.batch)?;
            let id = CallId { account, number: *number };
            return Ok(Some(CallEntry::Open(Box::new(open_call(id, &bytes, &change)?))));
        }
    }
    let Some((seq, report)) = group.report_of(account, message_id)? else { return Ok(None) };
    let Some(bytes) = group.get(Table::Cdr, keys::pair(account, seq))? else { return Ok(None) };
    let ended = EndedRecord::read(&bytes)?;
    Ok(Some(CallEntry::Finished(Box::new(ArchivedCall {
        message: ended.message(account)?,
        submitted_at: ended.submitted_at,
        cdrs: ended.cdrs,
        charged: ended.charged,
        recording: ended.recording,
        report,
    }))))
}

/// The bulk as it is.
pub(super) fn bulk(files: &Files, account: AccountId, bulk_id: &str) -> Result<Option<Bulk>> {
    // The calls are counted after the batches were read: a batch is never seen before its calls.
    let (group, view) = (Group::new(files), files.view());
    let open = |numbers: Range<u64>| {
        let (first, last) =
            (keys::pair(account, numbers.start), keys::pair(account, numbers.end - 1));
        view.range(Table::Call, &first, &last).try_fold(0, |open, entry| entry.map(|_| open + 1))
    };
    Ok(tell(bulk_id, &bulk::batches(&group, account, bulk_id, open)?))
}

/// A part of what was recorded of a call with a report.
pub(super) fn recording(
    files: &Files,
    account: AccountId,
    message_id: &str,
    part: u32,
) -> Result<Option<Vec<u8>>> {
    let group = Group::new(files);
    let Some((seq, report)) = group.report_of(account, message_id)? else { return Ok(None) };
    if !report.is_recorded() {
        return Ok(None);
    }
    let Some(bytes) = group.get(Table::Cdr, keys::pair(account, seq))? else { return Ok(None) };
    let number = EndedRecord::read(&bytes)?.number;
    let bytes = group.get(Table::Recording, keys::triple(account, number, u64::from(part)))?;
    Ok(bytes.map(|bytes| bytes.to_vec()))
}
