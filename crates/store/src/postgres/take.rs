//! Takes that an exchange cannot do: by name, or with a key.

use std::ops::Range;

use tokio_postgres::Row;

use super::page::Page;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::hash::hash;
use crate::{Filter, Record, ReplayKey, StoreError, TakeAsk, TakeId, Taken};

/// The pending ranges.
const RANGES: &str = "SELECT range_start AS low, range_end AS high FROM pending \
    WHERE account = $1 UNION ALL \
    SELECT head, next_seq FROM queue WHERE account = $1 AND head < next_seq ORDER BY low";

impl Page {
    pub(super) async fn take(&mut self, ask: &TakeAsk) -> Done<Taken> {
        if let Some(key) = &ask.key
            && let Some(replayed) = self.replay(key, ask).await?
        {
            return Ok(replayed);
        }
        let chosen = match &ask.filter {
            Filter { bulk_id: None, message_id: None } => self.front(ask.limit).await?,
            Filter { bulk_id, message_id: Some(message) } => {
                self.named(message, bulk_id.as_deref(), ask.limit).await?
            }
            Filter { bulk_id: Some(bulk), message_id: None } => {
                self.of_bulk(bulk, ask.limit).await?
            }
        };
        if chosen.is_empty() {
            return Ok(Taken::default());
        }
        let take = self.depart(ask, &chosen).await?;
        let records = self.records(&chosen).await?;
        Ok(Taken { take: Some(take), records, replayed: false })
    }

    /// The same reports again, if the key is reserved. A window that the clock has ended reserves
    /// nothing any more, even if no upkeep has ended the take.
    async fn replay(&mut self, key: &ReplayKey, ask: &TakeAsk) -> Done<Option<Taken>> {
        const RESERVED: &str = "SELECT take, at, fingerprint, starts, ends FROM take \
            WHERE account = $1 AND key = $2 AND state = 0 ORDER BY take DESC LIMIT 1";
        const REPLAY: &str = "UPDATE take SET open = open || $3::bigint, replays = replays + 1, \
            credential = $4, peer = $5, request_id = $6 WHERE account = $1 AND take = $2";
        let found = self.maybe(RESERVED, &[&self.id(), &key.value.as_bytes()]).await?;
        let Some(found) = found else { return Ok(None) };
        if found.time("at")?.plus(self.office.keeping.replay_window) <= self.now {
            return Ok(None);
        }
        if found.number("fingerprint")? != key.fingerprint {
            return Err(StoreError::KeyReused.into());
        }
        let take = found.take()?;
        let by = [&ask.by.credential, &ask.by.peer, &ask.by.request_id].map(|by| by.as_bytes());
        let (account, node) = (self.id(), self.office.node);
        let with: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&account, &row::number(take.0), &node, &by[0], &by[1], &by[2]];
        self.execute(REPLAY, &with).await?;
        let records = self.records(&ranges(&found)?).await?;
        Ok(Some(Taken { take: Some(take), records, replayed: true }))
    }

    async fn front(&self, limit: usize) -> Done<Vec<Range<i64>>> {
        const FRONT: &str = "SELECT starts, ends FROM pending_front($1, $2)";
        ranges(&self.one(FRONT, &[&self.id(), &row::many(limit)]).await?)
    }

    /// The account's report of that name and, if one is given, of that bulk, if it is pending.
    async fn named(
        &self,
        message: &str,
        bulk: Option<&str>,
        limit: usize,
    ) -> Done<Vec<Range<i64>>> {
        const NAMED: &str =
            "SELECT seq, record FROM report WHERE account = $1 AND message = $2 ORDER BY seq";
        let rows = self.query(NAMED, &[&self.id(), &row::bits(hash(message))]).await?;
        let pending = self.pending().await?;
        let mut chosen = Vec::new();
        for row in &rows {
            let seq: i64 = row.try_get("seq")?;
            let record = Record::from_slice(row.bytes("record")?.into());
            let (its_bulk, its_message) = record.ids()?;
            let fits = its_message == message && bulk.is_none_or(|bulk| bulk == its_bulk);
            if fits && pending.iter().any(|range| range.contains(&seq)) {
                chosen.push(seq..seq + 1);
            }
        }
        chosen.truncate(limit);
        Ok(chosen)
    }

    /// The oldest pending reports of the bulk.
    async fn of_bulk(&self, bulk: &str, limit: usize) -> Done<Vec<Range<i64>>> {
        const OF_BULK: &str = "SELECT seq, record FROM report \
            WHERE account = $1 AND bulk = $2 AND seq >= $3 AND seq < $4 ORDER BY seq LIMIT $5";
        let (account, hash) = (self.id(), row::bits(hash(bulk)));
        let mut chosen: Vec<Range<i64>> = Vec::new();
        let mut room = row::many(limit);
        for pending in self.pending().await? {
            let mut from = pending.start;
            // Another bulk may share the hash, so that a look may give less than it found.
            while room > 0 && from < pending.end {
                let most = room.min(1_000);
                let with: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                    [&account, &hash, &from, &pending.end, &most];
                let rows = self.query(OF_BULK, &with).await?;
                for row in &rows {
                    let seq: i64 = row.try_get("seq")?;
                    from = seq + 1;
                    if Record::from_slice(row.bytes("record")?.into()).ids()?.0 != bulk {
                        continue;
                    }
                    room -= 1;
                    match chosen.last_mut() {
                        Some(last) if last.end == seq => last.end = seq + 1,
                        Some(_) | None => chosen.push(seq..seq + 1),
                    }
                }
                if row::many(rows.len()) < most {
                    break;
                }
            }
        }
        // Neighbours of two pending ranges are not neighbours; those of one were joined above.
        Ok(chosen)
    }

    /// The pending ranges, oldest first.
    pub(super) async fn pending(&self) -> Done<Vec<Range<i64>>> {
        let rows = self.query(RANGES, &[&self.id()]).await?;
        rows.iter().map(|row| Ok(row.try_get("low")?..row.try_get("high")?)).collect()
    }

    async fn depart(&mut self, ask: &TakeAsk, chosen: &[Range<i64>]) -> Done<TakeId> {
        const DEPART: &str = "SELECT depart($1, $2, 0, 0, $3, $4, $5, $6, $7, $8, $9, $10) AS take";
        let starts: Vec<i64> = chosen.iter().map(|range| range.start).collect();
        let ends: Vec<i64> = chosen.iter().map(|range| range.end).collect();
        let key = ask.key.as_ref().map(|key| key.value.as_bytes());
        let fingerprint = ask.key.as_ref().map(|key| row::bits(key.fingerprint));
        let by = [&ask.by.credential, &ask.by.peer, &ask.by.request_id].map(|by| by.as_bytes());
        let (account, node, now) = (self.id(), self.office.node, row::time(self.now));
        let with: [&(dyn tokio_postgres::types::ToSql + Sync); 10] =
            [&account, &node, &now, &starts, &ends, &key, &fingerprint, &by[0], &by[1], &by[2]];
        let rows = self.rewrite(DEPART, &with).await?;
        let row = rows.first().ok_or(StoreError::NoSuchAccount)?;
        row.take()
    }

    async fn records(&self, chosen: &[Range<i64>]) -> Done<Vec<Record>> {
        const RECORDS: &str = "SELECT record FROM records_of($1, $2, $3)";
        let starts: Vec<i64> = chosen.iter().map(|range| range.start).collect();
        let ends: Vec<i64> = chosen.iter().map(|range| range.end).collect();
        let rows = self.query(RECORDS, &[&self.id(), &starts, &ends]).await?;
        rows.iter().map(|row| Ok(Record::from_slice(row.bytes("record")?.into()))).collect()
    }
}

/// The ranges of a row, by the columns of their starts and ends.
pub(super) fn ranges(row: &Row) -> Done<Vec<Range<i64>>> {
    let (starts, ends): (Vec<i64>, Vec<i64>) = (row.try_get("starts")?, row.try_get("ends")?);
    Ok(starts.into_iter().zip(ends).map(|(start, end)| start..end).collect())
}
