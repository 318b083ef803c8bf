//! Looking, beside the desks: settings, the archive, audits, calls, figures.

use std::collections::BTreeSet;

use model::deck::DeckFile;
use model::{Account, AccountId, Amount, ApiKey};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::line::Lent;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::bulk::{Batch, tell};
use crate::hash::hash;
use crate::query::{call_matches, may_be_open, open_call, report_matches};
use crate::record::{
    BatchRecord, CallRecord, ChangeRecord, EndedRecord, read_account, read_deck, read_key,
};
use crate::{
    ArchiveQuery, ArchivedCall, Bulk, CallEntry, CallId, OpenCall, Record, Result, StoreError,
};

/// Records that are looked through at once.
const PAGE: i64 = 1_000;

/// The batches of a bulk, and how many calls of each have no report.
pub(super) const BATCHES: &str = "SELECT b.first, b.record, b.change, \
    (SELECT count(*) FROM call c WHERE c.account = b.account \
     AND c.number >= b.first AND c.number < b.first + b.calls) AS open \
    FROM batch b WHERE b.account = $1 AND b.bulk = $2 ORDER BY b.first";

/// The batches that are of the bulk: another one may share the hash.
pub(super) fn batches(rows: &[Row], bulk_id: &str) -> Done<Vec<Batch>> {
    let mut batches = Vec::with_capacity(rows.len());
    for row in rows {
        let record = BatchRecord::read(row.bytes("record")?)?;
        if record.bulk_id == bulk_id {
            let change = ChangeRecord::read(row.bytes("change")?)?;
            let (first, open) = (row.number("first")?, row.number("open")?);
            batches.push(Batch { first, record, change, open });
        }
    }
    Ok(batches)
}

/// What was spent.
pub(super) fn amount(row: &Row) -> Done<Amount> {
    let text: &str = row.try_get("amount")?;
    let damaged = |_| StoreError::Corrupt("what was spent is not an amount".into());
    Ok(text.parse().map_err(damaged)?)
}

/// Refuses an account that is not there.
pub(super) async fn is_there(line: &Lent, account: AccountId) -> Done<()> {
    const THERE: &str = "SELECT 1 FROM queue WHERE account = $1";
    let found = line.maybe(THERE, &[&row::account(account)]).await?;
    found.map(|_| ()).ok_or_else(|| StoreError::NoSuchAccount.into())
}

/// Every account, oldest first.
pub(super) async fn accounts(line: &Lent) -> Done<Vec<Account>> {
    let rows = line.query("SELECT account, record FROM account ORDER BY account", &[]).await?;
    rows.iter().map(|row| Ok(read_account(row.account()?, row.bytes("record")?)?)).collect()
}

/// Every key, oldest first.
pub(super) async fn api_keys(line: &Lent) -> Done<Vec<ApiKey>> {
    let rows = line.query("SELECT id, record FROM api_key", &[]).await?;
    let keys = rows.iter().map(|row| Ok(read_key(row.text("id")?, row.bytes("record")?)?));
    let mut keys = keys.collect::<Done<Vec<_>>>()?;
    keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(keys)
}

/// Every deck, by name.
pub(super) async fn decks(line: &Lent) -> Done<Vec<DeckFile>> {
    let rows = line.query("SELECT name, record FROM deck ORDER BY name", &[]).await?;
    rows.iter().map(|row| Ok(read_deck(row.text("name")?, row.bytes("record")?)?)).collect()
}

/// What the account has spent on that day.
pub(super) async fn spent(line: &Lent, account: AccountId, day: i32) -> Done<Amount> {
    const SPENT: &str = "SELECT amount FROM spent WHERE account = $1 AND day = $2";
    is_there(line, account).await?;
    let row = line.maybe(SPENT, &[&row::account(account), &day]).await?;
    row.map_or(Ok(Amount::ZERO), |row| amount(&row))
}

fn hashes(ids: &[String]) -> Vec<i64> {
    let hashes: BTreeSet<i64> = ids.iter().map(|id| row::bits(hash(id))).collect();
    hashes.into_iter().collect()
}

/// What the query asks for of the archive, the newest first, a part at a time.
pub(super) async fn list(
    line: &Lent,
    account: AccountId,
    query: &ArchiveQuery,
) -> Done<Vec<Record>> {
    const ALL: &str = "SELECT seq, record FROM report \
        WHERE account = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    const NAMED: &str = "SELECT seq, record FROM report \
        WHERE account = $1 AND seq < $2 AND message = ANY ($4) ORDER BY seq DESC LIMIT $3";
    const OF_BULKS: &str = "SELECT seq, record FROM report \
        WHERE account = $1 AND seq < $2 AND bulk = ANY ($4) ORDER BY seq DESC LIMIT $3";
    is_there(line, account).await?;
    let account = row::account(account);
    let (names, bulks) = (hashes(&query.message_ids), hashes(&query.bulk_ids));
    let (mut found, mut before) = (Vec::new(), i64::MAX);
    loop {
        let mut with: Vec<&(dyn ToSql + Sync)> = vec![&account, &before, &PAGE];
        let sql = match (names.is_empty(), bulks.is_empty()) {
            (false, _) => {
                with.push(&names);
                NAMED
            }
            (true, false) => {
                with.push(&bulks);
                OF_BULKS
            }
            (true, true) => ALL,
        };
        let rows = line.query(sql, &with).await?;
        for row in &rows {
            if found.len() >= query.limit {
                return Ok(found);
            }
            let record = Record::from_slice(row.bytes("record")?.into());
            if query.fed_since.is_some_and(|since| record.fed_at().is_ok_and(|at| at < since)) {
                return Ok(found);
            }
            if report_matches(query, &record.report()?) {
                found.push(record);
            }
        }
        match rows.last() {
            Some(last) if row::many(rows.len()) == PAGE => before = last.try_get("seq")?,
            Some(_) | None => return Ok(found),
        }
    }
}

/// What the query asks for of the calls without a report, the newest first, a part at a time.
pub(super) async fn open_calls(
    line: &Lent,
    account: AccountId,
    query: &ArchiveQuery,
) -> Done<Vec<OpenCall>> {
    const ALL: &str = "SELECT c.number, c.record, b.change FROM call c \
        JOIN batch b ON b.account = c.account AND b.first = c.batch \
        WHERE c.account = $1 AND c.number < $2 ORDER BY c.number DESC LIMIT $3";
    const NAMED: &str = "SELECT c.number, c.record, b.change FROM call c \
        JOIN batch b ON b.account = c.account AND b.first = c.batch \
        WHERE c.account = $1 AND c.number < $2 AND c.message = ANY ($4) \
        ORDER BY c.number DESC LIMIT $3";
    // Batch by batch: of a join a planner without fresh statistics makes a walk through all calls.
    const OF_BULKS: &str = "SELECT c.number, c.record, b.change FROM batch b CROSS JOIN LATERAL \
        (SELECT number, record FROM call WHERE account = $1 AND number < $2 \
            AND number >= b.first AND number < b.first + b.calls OFFSET 0) c \
        WHERE b.account = $1 AND b.bulk = ANY ($4) ORDER BY c.number DESC LIMIT $3";
    is_there(line, account).await?;
    if !may_be_open(query) {
        return Ok(Vec::new());
    }
    let id = row::account(account);
    let (names, bulks) = (hashes(&query.message_ids), hashes(&query.bulk_ids));
    let (mut found, mut before) = (Vec::new(), i64::MAX);
    loop {
        let mut with: Vec<&(dyn ToSql + Sync)> = vec![&id, &before, &PAGE];
        let sql = match (names.is_empty(), bulks.is_empty()) {
            (false, _) => {
                with.push(&names);
                NAMED
            }
            (true, false) => {
                with.push(&bulks);
                OF_BULKS
            }
            (true, true) => ALL,
        };
        let rows = line.query(sql, &with).await?;
        for row in &rows {
            if found.len() >= query.limit {
                return Ok(found);
            }
            let call = call_of(account, row)?;
            if query.fed_since.is_some_and(|since| call.submitted_at < since) {
                return Ok(found);
            }
            if call_matches(query, &call) {
                found.push(call);
            }
        }
        match rows.last() {
            Some(last) if row::many(rows.len()) == PAGE => before = last.try_get("number")?,
            Some(_) | None => return Ok(found),
        }
    }
}

fn call_of(account: AccountId, row: &Row) -> Done<OpenCall> {
    let id = CallId { account, number: row.number("number")? };
    let change = ChangeRecord::read(row.bytes("change")?)?;
    Ok(open_call(id, row.bytes("record")?, &change)?)
}

/// Everything that is known of the call. Those without a report are asked first: one that ends
/// meanwhile has its report by the time the others are.
pub(super) async fn call(line: &Lent, account: AccountId, name: &str) -> Done<Option<CallEntry>> {
    const CALLS: &str = "SELECT c.number, c.record, b.change FROM call c \
        JOIN batch b ON b.account = c.account AND b.first = c.batch \
        WHERE c.account = $1 AND c.message = $2 ORDER BY c.number";
    const REPORTS: &str = "SELECT r.record, e.record AS ended FROM report r \
        JOIN ended e ON e.account = r.account AND e.seq = r.seq \
        WHERE r.account = $1 AND r.message = $2 ORDER BY r.seq";
    is_there(line, account).await?;
    let (id, hash) = (row::account(account), row::bits(hash(name)));
    for row in line.query(CALLS, &[&id, &hash]).await? {
        if CallRecord::read(row.bytes("record")?)?.head()?.message_id == name {
            return Ok(Some(CallEntry::Open(Box::new(call_of(account, &row)?))));
        }
    }
    for row in line.query(REPORTS, &[&id, &hash]).await? {
        let report = Record::from_slice(row.bytes("record")?.into());
        if report.ids()?.1 == name {
            return Ok(Some(CallEntry::Finished(Box::new(archived(account, &row, report)?))));
        }
    }
    Ok(None)
}

fn archived(account: AccountId, row: &Row, report: Record) -> Result<ArchivedCall> {
    let bytes = row.bytes("ended").map_err(StoreError::from)?;
    let ended = EndedRecord::read(bytes)?;
    Ok(ArchivedCall {
        message: ended.message(account)?,
        submitted_at: ended.submitted_at,
        cdrs: ended.cdrs,
        charged: ended.charged,
        recording: ended.recording,
        report,
    })
}

/// The bulk as it is.
pub(super) async fn bulk(line: &Lent, account: AccountId, bulk_id: &str) -> Done<Option<Bulk>> {
    is_there(line, account).await?;
    let with: [&(dyn ToSql + Sync); 2] = [&row::account(account), &row::bits(hash(bulk_id))];
    let rows = line.query(BATCHES, &with).await?;
    Ok(tell(bulk_id, &batches(&rows, bulk_id)?))
}

/// A part of what was recorded of a call with a report.
pub(super) async fn recording(
    line: &Lent,
    account: AccountId,
    name: &str,
    part: u32,
) -> Done<Option<Vec<u8>>> {
    const REPORTS: &str = "SELECT r.record, e.record AS ended FROM report r \
        JOIN ended e ON e.account = r.account AND e.seq = r.seq \
        WHERE r.account = $1 AND r.message = $2 ORDER BY r.seq";
    const PART: &str =
        "SELECT bytes FROM recording_part WHERE account = $1 AND number = $2 AND part = $3";
    is_there(line, account).await?;
    let (id, hash) = (row::account(account), row::bits(hash(name)));
    for row in line.query(REPORTS, &[&id, &hash]).await? {
        let report = Record::from_slice(row.bytes("record")?.into());
        if report.ids()?.1 != name {
            continue;
        }
        if !report.is_recorded() {
            return Ok(None);
        }
        let number = row::number(EndedRecord::read(row.bytes("ended")?)?.number);
        let found = line.maybe(PART, &[&id, &number, &i64::from(part)]).await?;
        return found.map(|row| Ok(row.bytes("bytes")?.to_vec())).transpose();
    }
    Ok(None)
}
