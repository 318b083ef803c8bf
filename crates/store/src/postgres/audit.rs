//! "Did you ever give me this report?", and how much is waiting.

use model::{AccountId, Timestamp};
use tokio_postgres::Row;

use super::line::Lent;
use super::row::{self, Columns};
use super::take::ranges;
use super::trouble::Done;
use crate::hash::hash;
use crate::{
    Audit, AuditedReport, Due, Record, ReportState, ReturnReason, StoreError, TakeEntry, TakeState,
    TakenBy, Waiting,
};

/// Calls that are counted as due, of one account, at most: what is beyond does not change what a
/// scheduler asks for.
const DUE_MAX: i64 = 10_000;

/// Everything known of what happened to the message, of each account that has it.
pub(super) async fn audit(line: &Lent, message: &str) -> Done<Vec<Audit>> {
    const REPORTS: &str = "SELECT q.account, r.seq, r.record FROM queue q CROSS JOIN LATERAL \
        (SELECT seq, record FROM report WHERE report.account = q.account AND report.message = $1) r \
        ORDER BY q.account, r.seq";
    let mut audits: Vec<Audit> = Vec::new();
    for row in line.query(REPORTS, &[&row::bits(hash(message))]).await? {
        let account = row.account()?;
        let record = Record::from_slice(row.bytes("record")?.into());
        let (bulk_id, message_id) = record.ids()?;
        if message_id != message {
            continue;
        }
        let seq = row.number("seq")?;
        let takes = takes(line, account, seq).await?;
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
        audits.push(Audit { account, report, takes });
    }
    Ok(audits)
}

/// The takes that had the report, oldest first.
async fn takes(line: &Lent, account: AccountId, seq: u64) -> Done<Vec<TakeEntry>> {
    const TAKES: &str = "SELECT t.* FROM taken n \
        JOIN take t ON t.account = n.account AND t.take = n.take \
        WHERE n.account = $1 AND n.range_end > $2 AND n.range_end <= $2 + 4096 \
          AND n.range_start <= $2 AND t.account = $1 ORDER BY t.take";
    let rows = line.query(TAKES, &[&row::account(account), &row::number(seq)]).await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &Row) -> Done<TakeEntry> {
    let key = row.maybe_bytes("key")?.map(|_| row.text("key")).transpose()?;
    Ok(TakeEntry {
        take: row.take()?,
        at: row.time("at")?,
        by: TakenBy {
            credential: row.text("credential")?,
            peer: row.text("peer")?,
            request_id: row.text("request_id")?,
        },
        key,
        reports: ranges(row)?.iter().map(|range| (range.end - range.start).cast_unsigned()).sum(),
        bytes_acknowledged: row.number("bytes_acknowledged")?,
        replays: row.try_get::<_, i32>("replays")?.cast_unsigned(),
        state: state(row.try_get("state")?)?,
        ended_at: row.maybe_time("ended_at")?,
    })
}

pub(super) fn state(code: i16) -> Done<TakeState> {
    Ok(match code {
        0 => TakeState::InFlight,
        1 => TakeState::Settled,
        2 => TakeState::Returned(ReturnReason::NotWritten),
        3 => TakeState::Returned(ReturnReason::Reset),
        4 => TakeState::Returned(ReturnReason::NotAcknowledged),
        5 => TakeState::Returned(ReturnReason::Crash),
        6 => TakeState::Returned(ReturnReason::WindowEnded),
        _ => return Err(StoreError::Corrupt("a take is in no known state".into()).into()),
    })
}

/// How much is waiting, in the account's queue or in all of them.
pub(super) async fn waiting(
    line: &Lent,
    account: Option<AccountId>,
) -> Done<Vec<(AccountId, Waiting)>> {
    const WAITING: &str = "SELECT q.account, q.pending, q.in_flight, \
        (SELECT r.fed_at FROM report r WHERE q.pending > 0 AND r.account = q.account AND r.seq = \
            least(q.head, (SELECT p.range_start FROM pending p WHERE p.account = q.account \
                ORDER BY p.range_end LIMIT 1))) AS oldest \
        FROM queue q WHERE q.account > 0 AND q.account = coalesce($1, q.account) \
        ORDER BY q.account";
    let rows = line.query(WAITING, &[&account.map(row::account)]).await?;
    let waiting = |row: &Row| {
        let waiting = Waiting {
            pending: row.number("pending")?,
            in_flight: row.number("in_flight")?,
            oldest: row.maybe_time("oldest")?,
        };
        Ok((row.account()?, waiting))
    };
    rows.iter().map(waiting).collect()
}

/// The accounts that have calls without a report.
pub(super) async fn due(line: &Lent, now: Timestamp) -> Done<Vec<Due>> {
    const DUE: &str = "SELECT q.account, \
        (SELECT count(*) FROM (SELECT FROM call c \
            WHERE c.account = q.account AND c.turn <= $1 LIMIT $2) ready) AS due, \
        (SELECT count(*) FROM call c WHERE c.account = q.account AND c.token IS NOT NULL) \
            AS under_way, \
        (SELECT c.turn FROM call c WHERE c.account = q.account AND c.turn > $1 \
            ORDER BY c.turn LIMIT 1) AS next \
        FROM queue q WHERE q.calls > 0 ORDER BY q.account";
    let rows = line.query(DUE, &[&row::time(now), &DUE_MAX]).await?;
    let due = |row: &Row| {
        Ok(Due {
            account: row.account()?,
            due: row.number("due")?,
            under_way: row.number("under_way")?,
            next: row.maybe_time("next")?,
        })
    };
    rows.iter().map(due).collect()
}

/// Bytes of the tables and indexes.
pub(super) async fn disk_bytes(line: &Lent) -> Done<u64> {
    const BYTES: &str = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS bytes \
        FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace";
    line.one(BYTES, &[]).await?.number("bytes")
}
