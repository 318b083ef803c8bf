//! Writing a shared ledger, part by part, into a schema of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use model::{AccountId, Timestamp};
use tokio_postgres::types::ToSql;

use super::super::PostgresSettings;
use super::super::exchange::fate_code;
use super::super::line::{Lent, Pool};
use super::super::row;
use super::super::schema;
use super::super::trouble::{Done, Trouble};
use super::export::Export;
use super::{is_open, is_there, lend, pool};
use crate::copy::{self, Bookmark, CopyError, Item, Part, Source, Target, damaged, split_batch};
use crate::hash::hash;
use crate::record::{
    BatchRecord, CallRecord, ChangeRecord, SubmitRecord, TakeRecord, read_account, read_key,
};
use crate::{Fate, Record, TakeState};

/// The most reports in one piece of a range that a take had, as `depart` cuts it.
const TAKEN_SPAN_MAX: u64 = 4_096;

/// A ledger that is written beside the one that is to be.
pub(super) struct Import {
    line: Lent,
    pool: Arc<Pool>,
    /// Of the schema that is written.
    aside: PostgresSettings,
    /// The schema that it will be.
    schema: String,
    now: Timestamp,
    bookmark: Bookmark,
}

impl Import {
    pub(super) async fn open(
        settings: PostgresSettings,
        from: &str,
        now: Timestamp,
    ) -> copy::Result<Self> {
        const COPY: &str = "CREATE TABLE IF NOT EXISTS copy (bookmark bytea NOT NULL)";
        let schema = settings.schema.clone();
        let aside = PostgresSettings { schema: format!("{schema}_copy"), ..settings };
        let pool = Arc::new(pool(&aside)?);
        let line = lend(&pool, &aside).await?;
        is_alone(&line, &aside).await?;
        is_free(&line, &schema, &aside, now).await?;
        schema::migrate(&line, &aside.schema).await?;
        line.say(COPY).await?;
        let mut bookmark = Bookmark { from: from.to_owned(), ..Bookmark::default() };
        match line.maybe("SELECT bookmark FROM copy", &[]).await? {
            Some(row) => bookmark = Bookmark::read(row.try_get("bookmark")?)?,
            None => {
                let first = "INSERT INTO copy (bookmark) VALUES ($1)";
                line.execute(first, &[&bookmark.write()]).await?;
            }
        }
        if bookmark.from != from {
            return Err(CopyError::OfAnother { target: aside.url, from: bookmark.from });
        }
        Ok(Self { line, pool, aside, schema, now, bookmark })
    }

    async fn write(&self, items: &[Item], bookmark: &Bookmark) -> Done<()> {
        const PASS: &str = "UPDATE copy SET bookmark = $1";
        self.line.say("BEGIN").await?;
        for items in items.chunk_by(|one, next| one.part == next.part) {
            write(&self.line, items).await?;
        }
        self.line.execute(PASS, &[&bookmark.write()]).await?;
        self.line.say("COMMIT").await
    }
}

/// Waits until no other copy goes to the database: one that was killed is noticed in a moment.
async fn is_alone(line: &Lent, aside: &PostgresSettings) -> copy::Result<()> {
    const ALONE: &str =
        "SELECT pg_try_advisory_lock(hashtextextended('callslip copy ' || $1, 0)) AS alone";
    let alone = async {
        while !line.one(ALONE, &[&aside.schema]).await?.try_get::<_, bool>("alone")? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok::<_, Trouble>(())
    };
    match tokio::time::timeout(aside.patience, alone).await {
        Ok(alone) => Ok(alone?),
        Err(_) => Err(CopyError::InUse(aside.url.clone())),
    }
}

/// Refuses a schema with a ledger that has something in it, or a node.
async fn is_free(
    line: &Lent,
    schema: &str,
    aside: &PostgresSettings,
    now: Timestamp,
) -> copy::Result<()> {
    const EXISTS: &str = "SELECT to_regnamespace($1) IS NOT NULL AS is";
    const USED: &str = "SELECT EXISTS (SELECT FROM account) OR EXISTS (SELECT FROM deck) AS is";
    if !line.one(EXISTS, &[&schema]).await?.try_get::<_, bool>("is")? {
        return Ok(());
    }
    let not_empty = || CopyError::NotEmpty(aside.url.clone());
    if !is_there(line, schema).await? {
        return Err(not_empty());
    }
    line.say(&format!("BEGIN; SET LOCAL search_path = {schema}")).await?;
    let open = is_open(line, now).await?;
    // The statement is of this moment's tables: it is not kept.
    let used = line.client.query_one(USED, &[]).await?.try_get::<_, bool>("is")?;
    line.say("ROLLBACK").await?;
    match (open, used) {
        (_, true) => Err(not_empty()),
        (true, false) => Err(CopyError::InUse(aside.url.clone())),
        (false, false) => Ok(()),
    }
}

#[async_trait]
impl Target for Import {
    fn bookmark(&self) -> &Bookmark {
        &self.bookmark
    }

    async fn put(&mut self, items: Vec<Item>) -> copy::Result<()> {
        let mut bookmark = self.bookmark.clone();
        bookmark.pass(&items);
        self.write(&items, &bookmark).await?;
        self.bookmark = bookmark;
        Ok(())
    }

    async fn read(&mut self) -> copy::Result<Box<dyn Source>> {
        // The planner knows nothing of tables that were filled a moment ago.
        self.line.say("ANALYZE report, ended, call, batch, take, taken, submit").await?;
        Ok(Box::new(Export::new(lend(&self.pool, &self.aside).await?)))
    }

    async fn finish(self: Box<Self>) -> copy::Result<()> {
        let (schema, aside) = (&self.schema, &self.aside.schema);
        is_free(&self.line, schema, &self.aside, self.now).await?;
        let last = format!(
            "BEGIN; DROP SCHEMA IF EXISTS {schema} CASCADE; DROP TABLE {aside}.copy; \
             ALTER SCHEMA {aside} RENAME TO {schema}; COMMIT"
        );
        Ok(self.line.say(&last).await?)
    }

    async fn discard(self: Box<Self>) -> copy::Result<()> {
        Ok(self.line.say(&format!("DROP SCHEMA {} CASCADE", self.aside.schema)).await?)
    }
}

/// Rows, column by column.
#[derive(Default)]
struct Sheet {
    accounts: Vec<i64>,
    numbers: Vec<i64>,
    others: Vec<i64>,
    more: Vec<i64>,
    keys: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
}

/// Writes items of one part.
async fn write(line: &Lent, items: &[Item]) -> Done<()> {
    match items.first().map(|item| item.part) {
        None => Ok(()),
        Some(Part::Deck | Part::Account | Part::Key) => settings(line, items).await,
        Some(Part::Spent | Part::Submit) => beside(line, items).await,
        Some(Part::Call) => calls(line, items).await,
        Some(Part::Batch) => batches(line, items).await,
        Some(Part::Recording | Part::Ended | Part::Pending) => plain(line, items).await,
        Some(Part::Report) => reports(line, items).await,
        Some(Part::Take) => takes(line, items).await,
        Some(Part::Queue | Part::Counter) => counts(line, items).await,
    }
}

async fn settings(line: &Lent, items: &[Item]) -> Done<()> {
    const DECK: &str = "INSERT INTO deck (name, record) VALUES ($1, $2)";
    const ACCOUNT: &str = "INSERT INTO account (account, name, record) VALUES ($1, $2, $3)";
    const KEY: &str = "INSERT INTO api_key (id, account, record) VALUES ($1, $2, $3)";
    for Item { part, key, value } in items {
        match part {
            Part::Deck => line.execute(DECK, &[key, value]).await?,
            Part::Account => {
                let id = account(key)?;
                let name = read_account(id, value)?.name.into_bytes();
                line.execute(ACCOUNT, &[&row::account(id), &name, value]).await?
            }
            _ => {
                let of = read_key(String::new(), value)?.account;
                line.execute(KEY, &[key, &row::account(of), value]).await?
            }
        };
    }
    Ok(())
}

async fn beside(line: &Lent, items: &[Item]) -> Done<()> {
    const SPENT: &str = "INSERT INTO spent (account, day, amount) \
        SELECT account, day::int, convert_from(amount, 'UTF8') \
        FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS new (account, day, amount)";
    const SUBMIT: &str = "INSERT INTO submit (account, at, key, record) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])";
    let mut sheet = Sheet::default();
    for item in items {
        sheet.accounts.push(row::account(account(&item.key)?));
        sheet.values.push(item.value.clone());
        if item.part == Part::Submit {
            sheet.numbers.push(row::time(SubmitRecord::head(&item.value)?.0));
            sheet.keys.push(item.key.get(4..).unwrap_or_default().to_vec());
        } else {
            sheet.numbers.push(number(item, 0)?);
        }
    }
    let Sheet { accounts, numbers, keys, values, .. } = &sheet;
    match keys.is_empty() {
        true => line.execute(SPENT, &[accounts, numbers, values]).await?,
        false => line.execute(SUBMIT, &[accounts, numbers, keys, values]).await?,
    };
    Ok(())
}

async fn calls(line: &Lent, items: &[Item]) -> Done<()> {
    const CALLS: &str = "INSERT INTO call \
        (account, number, message, batch, due, valid_until, started, cancelled, record) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], \
        $5::bigint[], $6::bigint[], $7::boolean[], $8::boolean[], $9::bytea[])";
    let mut sheet = Sheet::default();
    let (mut dues, mut valid_untils) = (Vec::new(), Vec::new());
    let (mut started, mut cancelled) = (Vec::new(), Vec::new());
    for item in items {
        let record = CallRecord::read(&item.value)?;
        let head = record.head()?;
        sheet.accounts.push(row::account(account(&item.key)?));
        sheet.numbers.push(number(item, 0)?);
        sheet.others.push(row::bits(hash(head.message_id)));
        sheet.more.push(row::number(record.batch));
        sheet.values.push(item.value.clone());
        dues.push(row::time(record.due));
        valid_untils.push(head.valid_until.map(row::time));
        started.push(record.started.is_some());
        cancelled.push(record.cancelled_at.is_some());
    }
    let Sheet { accounts, numbers, others, more, values, .. } = &sheet;
    let with: [&(dyn ToSql + Sync); 9] =
        [accounts, numbers, others, more, &dues, &valid_untils, &started, &cancelled, values];
    line.execute(CALLS, &with).await?;
    Ok(())
}

/// Batches come after their calls, whose turns they change.
async fn batches(line: &Lent, items: &[Item]) -> Done<()> {
    const BATCH: &str = "INSERT INTO batch (account, bulk, first, calls, record, change) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    const CALLS: &str = "UPDATE call SET shift = $4, paused = $5, cancelled = cancelled OR $6 \
        WHERE account = $1 AND number >= $2 AND number < $3";
    let write = async |item: &Item| {
        let account = row::account(account(&item.key)?);
        let (bulk, first) = (number(item, 0)?, number(item, 1)?);
        let (batch, change) = split_batch(&item.value)?;
        let calls = BatchRecord::read(batch)?.calls;
        let (end, all) = (first.saturating_add(row::number(calls)), row::number(calls));
        let with: [&(dyn ToSql + Sync); 6] =
            [&account, &bulk, &first, &all, &batch, &change.write()];
        line.execute(BATCH, &with).await?;
        if change != (ChangeRecord { calls: change.calls, ..ChangeRecord::default() }) {
            let is_cancelled = change.cancelled_at.is_some();
            let with: [&(dyn ToSql + Sync); 6] =
                [&account, &first, &end, &change.shift, &change.paused, &is_cancelled];
            line.execute(CALLS, &with).await?;
        }
        Ok::<_, Trouble>(())
    };
    try_join_all(items.iter().map(write)).await?;
    Ok(())
}

/// Items that are rows as they are.
async fn plain(line: &Lent, items: &[Item]) -> Done<()> {
    const RECORDING: &str = "INSERT INTO recording_part (account, number, part, bytes) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])";
    const ENDED: &str = "INSERT INTO ended (account, seq, record) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])";
    const PENDING: &str = "INSERT INTO pending (account, range_end, range_start) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])";
    let mut sheet = Sheet::default();
    for item in items {
        sheet.accounts.push(row::account(account(&item.key)?));
        sheet.numbers.push(number(item, 0)?);
        match item.part {
            Part::Recording => sheet.others.push(number(item, 1)?),
            Part::Pending => sheet.others.push(at(&item.value, 0)?),
            _ => {}
        }
        sheet.values.push(item.value.clone());
    }
    let Sheet { accounts, numbers, others, values, .. } = &sheet;
    match items[0].part {
        Part::Recording => line.execute(RECORDING, &[accounts, numbers, others, values]).await?,
        Part::Ended => line.execute(ENDED, &[accounts, numbers, values]).await?,
        _ => line.execute(PENDING, &[accounts, numbers, others]).await?,
    };
    Ok(())
}

async fn reports(line: &Lent, items: &[Item]) -> Done<()> {
    const REPORTS: &str = "INSERT INTO report (account, seq, message, bulk, fed_at, record) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], \
        $5::bigint[], $6::bytea[])";
    let mut sheet = Sheet::default();
    let mut fed_at = Vec::with_capacity(items.len());
    for item in items {
        let record = Record::from_slice(item.value.as_slice().into());
        let (bulk, message) = record.ids()?;
        sheet.accounts.push(row::account(account(&item.key)?));
        sheet.numbers.push(number(item, 0)?);
        sheet.others.push(row::bits(hash(message)));
        sheet.more.push(row::bits(hash(bulk)));
        fed_at.push(row::time(record.fed_at()?));
        sheet.values.push(item.value.clone());
    }
    let Sheet { accounts, numbers, others, more, values, .. } = &sheet;
    line.execute(REPORTS, &[accounts, numbers, others, more, &fed_at, values]).await?;
    Ok(())
}

async fn takes(line: &Lent, items: &[Item]) -> Done<()> {
    const TAKEN: &str = "INSERT INTO taken (account, range_end, take, range_start) \
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])";
    let mut pieces = Sheet::default();
    for item in items {
        let record = TakeRecord::read(&item.value)?;
        for range in &record.ranges {
            for start in range.clone().step_by(TAKEN_SPAN_MAX as usize) {
                pieces.accounts.push(row::account(record.account));
                pieces.numbers.push(row::number(range.end.min(start + TAKEN_SPAN_MAX)));
                pieces.others.push(at(&item.key, 0)?);
                pieces.more.push(row::number(start));
            }
        }
    }
    try_join_all(items.iter().map(|item| take(line, item))).await?;
    let Sheet { accounts, numbers, others, more, .. } = &pieces;
    line.execute(TAKEN, &[accounts, numbers, others, more]).await?;
    Ok(())
}

/// A take that nobody has an answer open of.
async fn take(line: &Lent, item: &Item) -> Done<()> {
    const TAKE: &str = "INSERT INTO take (account, take, at, state, open, acknowledged, \
        settled_once, bytes_acknowledged, replays, ended_at, starts, ends, key, fingerprint, \
        credential, peer, request_id, node, operation, place) VALUES ($1, $2, $3, $4, '{}', $5, \
        $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, 0)";
    let record = TakeRecord::read(&item.value)?;
    let state = match record.state {
        TakeState::InFlight => 0,
        TakeState::Settled => 1,
        TakeState::Returned(reason) => fate_code(Fate::Returned(reason)),
    };
    let starts: Vec<i64> = record.ranges.iter().map(|range| row::number(range.start)).collect();
    let ends: Vec<i64> = record.ranges.iter().map(|range| row::number(range.end)).collect();
    let key = record.key.as_ref().map(|key| key.value.as_bytes());
    let fingerprint = record.key.as_ref().map(|key| row::bits(key.fingerprint));
    let by = [&record.by.credential, &record.by.peer, &record.by.request_id];
    let by = by.map(|by| by.as_bytes());
    let with: [&(dyn ToSql + Sync); 16] = [
        &row::account(record.account),
        &at(&item.key, 0)?,
        &row::time(record.at),
        &state,
        &i32::from(record.acknowledged),
        &record.settled_once,
        &row::number(record.bytes_acknowledged),
        &record.replays.cast_signed(),
        &record.ended_at.map(row::time),
        &starts,
        &ends,
        &key,
        &fingerprint,
        &by[0],
        &by[1],
        &by[2],
    ];
    line.execute(TAKE, &with).await?;
    Ok(())
}

/// The last: what is counted of everything before.
async fn counts(line: &Lent, items: &[Item]) -> Done<()> {
    const QUEUE: &str = "INSERT INTO queue \
        (account, head, next_seq, next_call, next_take, calls, in_flight, pending) SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, \
        $1 % 16777216, (SELECT count(*) FROM call WHERE account = $1), \
        (SELECT coalesce(sum(had.until - had.since), 0)::bigint FROM take t, \
            unnest(t.starts, t.ends) AS had (since, until) WHERE t.account = $1 AND t.state = 0), \
        $3 - $2 + (SELECT coalesce(sum(range_end - range_start), 0)::bigint FROM pending \
            WHERE account = $1)";
    // Numbers that are not lower, of those that are the account's.
    const COUNTER: &str = "UPDATE queue SET next_take = CASE WHEN account = 0 THEN $1 \
        ELSE account % 16777216 + greatest($1 - account % 16777216 + 16777215, 0) / 16777216 * 16777216 END";
    for item in items {
        if item.part == Part::Counter {
            line.execute(COUNTER, &[&at(&item.value, 0)?]).await?;
            continue;
        }
        let account = row::account(account(&item.key)?);
        let (head, seq, call) = (at(&item.value, 0)?, at(&item.value, 1)?, at(&item.value, 2)?);
        line.execute(QUEUE, &[&account, &head, &seq, &call]).await?;
    }
    Ok(())
}

/// The account that a key begins with.
fn account(key: &[u8]) -> Done<AccountId> {
    let account = key.first_chunk().copied().map(u32::from_be_bytes);
    account.map(AccountId).ok_or_else(wrong)
}

/// A number of the key, after its account.
fn number(item: &Item, place: usize) -> Done<i64> {
    at(item.key.get(4..).unwrap_or_default(), place)
}

/// A number of several.
fn at(bytes: &[u8], place: usize) -> Done<i64> {
    let number = bytes.as_chunks().0.get(place).copied().map(i64::from_be_bytes);
    number.ok_or_else(wrong)
}

fn wrong() -> Trouble {
    Trouble::Refused(damaged("an item"))
}
