//! Reading the shared ledger from one end to the other, one statement for each part.

use std::pin::Pin;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};

use super::super::audit;
use super::super::line::Lent;
use super::super::row::Columns;
use super::super::take::ranges;
use super::super::trouble::{Done, Trouble};
use crate::copy::{self, Batch, Item, Part, Place, Source, damaged, join_batch};
use crate::record::TakeRecord;
use crate::{ReplayKey, TakenBy};

/// A ledger that stands still as long as the line is in its transaction, or that nobody knows yet.
pub(super) struct Export {
    line: Lent,
    parts: std::vec::IntoIter<Part>,
    rows: Option<(Part, Pin<Box<RowStream>>)>,
}

impl Export {
    pub(super) fn new(line: Lent) -> Self {
        Self { line, parts: Vec::new().into_iter(), rows: None }
    }

    /// Asks for the items of the part after that key.
    async fn ask(&mut self, part: Part, after: Option<&[u8]>) -> Done<()> {
        let with = after_key(part, after)?;
        let with = with.iter().map(|with| with.as_ref() as &(dyn ToSql + Sync));
        let with: Vec<&(dyn ToSql + Sync)> = with.collect();
        let rows = self.line.client.query_raw(statement(part), with).await?;
        self.rows = Some((part, Box::pin(rows)));
        Ok(())
    }

    async fn row(&mut self) -> Done<Option<Item>> {
        loop {
            if let Some((part, rows)) = &mut self.rows {
                if let Some(row) = rows.try_next().await? {
                    return item(*part, &row).map(Some);
                }
                self.rows = None;
            }
            let Some(part) = self.parts.next() else { return Ok(None) };
            self.ask(part, None).await?;
        }
    }
}

#[async_trait]
impl Source for Export {
    async fn about(&mut self) -> copy::Result<u64> {
        const ABOUT: &str = "SELECT (SELECT count(*) FROM deck) + (SELECT count(*) FROM account) \
            + (SELECT count(*) FROM api_key) + (SELECT count(*) FROM spent) \
            + (SELECT count(*) FROM submit) + (SELECT count(*) FROM call) \
            + (SELECT count(*) FROM batch) + (SELECT count(*) FROM recording_part) \
            + (SELECT count(*) FROM report) + (SELECT count(*) FROM ended) \
            + (SELECT count(*) FROM pending) + (SELECT count(*) FROM take) \
            + (SELECT count(*) FROM queue) AS items";
        Ok(self.line.one(ABOUT, &[]).await?.number("items")?)
    }

    async fn seek(&mut self, after: Option<&Place>) -> copy::Result<()> {
        let first = after.map_or(Part::Deck, |place| place.part);
        let parts = Part::ALL.into_iter().filter(|part| *part > first || after.is_none());
        self.parts = parts.collect::<Vec<_>>().into_iter();
        self.rows = None;
        if let Some(Place { part, key }) = after {
            self.ask(*part, Some(key)).await?;
        }
        Ok(())
    }

    async fn next(&mut self) -> copy::Result<Vec<Item>> {
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some(item) = self.row().await?
        {
            batch.push(item);
        }
        Ok(batch.items())
    }
}

/// What gives the items of a part, in the order of their keys.
const fn statement(part: Part) -> &'static str {
    match part {
        Part::Deck => "SELECT name AS key, record AS value FROM deck WHERE name > $1 ORDER BY name",
        Part::Account => {
            "SELECT int4send(account::int) AS key, record AS value FROM account \
            WHERE account > $1 ORDER BY account"
        }
        Part::Key => "SELECT id AS key, record AS value FROM api_key WHERE id > $1 ORDER BY id",
        Part::Spent => {
            "SELECT int4send(account::int) || int8send(day) AS key, \
            convert_to(amount, 'UTF8') AS value FROM spent \
            WHERE (account, day) > ($1, $2::bigint) ORDER BY account, day"
        }
        Part::Submit => {
            "SELECT int4send(account::int) || key AS key, record AS value FROM submit \
            WHERE (account, key) > ($1, $2::bytea) ORDER BY account, submit.key"
        }
        Part::Call => {
            "SELECT int4send(account::int) || int8send(number) AS key, record AS value FROM call \
            WHERE (account, number) > ($1, $2) ORDER BY account, number"
        }
        // Hashes have no sign, as keys.
        Part::Batch => {
            "SELECT int4send(account::int) || int8send(bulk) || int8send(first) AS key, \
            record, change FROM batch \
            WHERE (account, bulk < 0, bulk, first) > ($1, $2::bigint < 0, $2, $3) \
            ORDER BY account, bulk < 0, bulk, first"
        }
        Part::Recording => {
            "SELECT int4send(account::int) || int8send(number) || int8send(part) AS key, \
            bytes AS value FROM recording_part WHERE (account, number, part) > ($1, $2, $3) \
            ORDER BY account, number, part"
        }
        Part::Report => {
            "SELECT int4send(account::int) || int8send(seq) AS key, record AS value FROM report \
            WHERE (account, seq) > ($1, $2) ORDER BY account, seq"
        }
        Part::Ended => {
            "SELECT int4send(account::int) || int8send(seq) AS key, record AS value FROM ended \
            WHERE (account, seq) > ($1, $2) ORDER BY account, seq"
        }
        Part::Pending => {
            "SELECT int4send(account::int) || int8send(range_end) AS key, \
            int8send(range_start) AS value FROM pending \
            WHERE (account, range_end) > ($1, $2) ORDER BY account, range_end"
        }
        Part::Take => "SELECT *, int8send(take) AS item FROM take WHERE take > $1 ORDER BY take",
        Part::Queue => {
            "SELECT int4send(account::int) AS key, \
            int8send(head) || int8send(next_seq) || int8send(next_call) AS value FROM queue \
            WHERE account > greatest($1::bigint, 0) ORDER BY account"
        }
        Part::Counter => {
            // What was copied here, or one more than the last of any account.
            "SELECT ''::bytea AS key, int8send(max(next_take - \
            CASE WHEN account = 0 THEN 0 ELSE 16777215 END)) AS value \
            FROM queue HAVING $1::bigint < 0"
        }
    }
}

type Parameter = Box<dyn ToSql + Sync + Send>;

/// The parameters of the part's statement.
fn after_key(part: Part, after: Option<&[u8]>) -> Done<Vec<Parameter>> {
    let number = |number: i64| Box::new(number) as Parameter;
    let bytes = |bytes: &[u8]| Box::new(bytes.to_vec()) as Parameter;
    // Numbers count from 0.
    let before = -1;
    let columns: Option<Vec<Parameter>> = match (part, after) {
        (Part::Deck | Part::Key, after) => Some(vec![bytes(after.unwrap_or_default())]),
        (Part::Submit, None) => Some(vec![number(before), bytes(&[])]),
        (Part::Submit, Some(key)) => key.split_first_chunk().map(|(account, key)| {
            vec![number(i64::from(u32::from_be_bytes(*account))), bytes(key)]
        }),
        (Part::Account | Part::Queue | Part::Take | Part::Counter, None) => {
            Some(vec![number(before)])
        }
        (Part::Counter, Some(_)) => Some(vec![number(0)]),
        (Part::Take, Some(key)) => {
            key.first_chunk().map(|take| vec![number(i64::from_be_bytes(*take))])
        }
        (Part::Account | Part::Queue, Some(key)) => {
            key.first_chunk().map(|account| vec![number(i64::from(u32::from_be_bytes(*account)))])
        }
        (Part::Batch | Part::Recording, None) => {
            Some(vec![number(before), number(before), number(before)])
        }
        (_, None) => Some(vec![number(before), number(before)]),
        (_, Some(key)) => key.split_first_chunk().map(|(account, rest)| {
            let account = number(i64::from(u32::from_be_bytes(*account)));
            let rest = rest.as_chunks().0.iter().map(|rest| number(i64::from_be_bytes(*rest)));
            std::iter::once(account).chain(rest).collect()
        }),
    };
    columns.ok_or_else(|| damaged("how far the copy is").into())
}

fn item(part: Part, row: &Row) -> Done<Item> {
    let (key, value) = match part {
        Part::Take => (row.bytes("item")?.to_vec(), take(row)?.write()),
        Part::Batch => {
            let batch = join_batch(row.bytes("record")?, row.bytes("change")?);
            (row.bytes("key")?.to_vec(), batch)
        }
        _ => (row.bytes("key")?.to_vec(), row.bytes("value")?.to_vec()),
    };
    Ok(Item { part, key, value })
}

/// A take, as it is on disk.
fn take(row: &Row) -> Done<TakeRecord> {
    let key = match row.maybe_bytes("key")? {
        Some(_) => {
            Some(ReplayKey { value: row.text("key")?, fingerprint: row.number("fingerprint")? })
        }
        None => None,
    };
    let ranges = ranges(row)?.into_iter();
    let ranges = ranges.map(|range| range.start.cast_unsigned()..range.end.cast_unsigned());
    Ok(TakeRecord {
        account: row.account()?,
        at: row.time("at")?,
        by: TakenBy {
            credential: row.text("credential")?,
            peer: row.text("peer")?,
            request_id: row.text("request_id")?,
        },
        key,
        ranges: ranges.collect(),
        state: audit::state(row.try_get("state")?)?,
        acknowledged: row.try_get::<_, i32>("acknowledged")? > 0,
        settled_once: row.is("settled_once")?,
        bytes_acknowledged: row.number("bytes_acknowledged")?,
        replays: row.try_get::<_, i32>("replays")?.cast_unsigned(),
        ended_at: row.maybe_time("ended_at")?,
    })
}

impl From<tokio_postgres::Error> for copy::CopyError {
    fn from(error: tokio_postgres::Error) -> Self {
        Trouble::from(error).into()
    }
}
