//! Leases: who has which call, and until when. They are in the database, so that those of a node
//! that died end by the clock, whoever looks at it.

use model::Timestamp;
use tokio_postgres::Row;

use super::command::Wanted;
use super::page::Page;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::query::open_call;
use crate::record::ChangeRecord;
use crate::{CallId, LeaseId, Leased, StoreError};

/// What is read of the calls that are leased.
const DUE: &str = "SELECT c.number, c.record, b.change FROM call c \
    JOIN batch b ON b.account = c.account AND b.first = c.batch \
    WHERE c.account = $1 AND c.turn <= $2 ORDER BY c.turn, c.number LIMIT $3";
const CLOSING: &str = "SELECT c.number, c.record, b.change FROM call c \
    JOIN batch b ON b.account = c.account AND b.first = c.batch \
    WHERE c.account = $1 AND c.token IS NULL AND (c.started OR c.cancelled) \
    ORDER BY c.number LIMIT $2";

impl Page {
    /// Ends the leases that are over, then leases what is wanted.
    pub(super) async fn lease(&mut self, wanted: Wanted) -> Done<Vec<Leased>> {
        self.expire().await?;
        let rows = self.wanted(wanted).await?;
        let Some(first) = self.tokens(rows.len()).await? else { return Ok(Vec::new()) };
        let numbers: Vec<i64> =
            rows.iter().map(|row| Ok(row.try_get("number")?)).collect::<Done<_>>()?;
        const LEASE: &str = "UPDATE call SET token = $2 + place - 1, until = $3, closing = $4, \
            node = $5 FROM unnest($6::bigint[]) WITH ORDINALITY AS chosen (number, place) \
            WHERE call.account = $1 AND call.number = chosen.number";
        let (until, node) = (row::time(wanted.until), self.office.node);
        let account = self.id();
        self.execute(LEASE, &[&account, &first, &until, &wanted.closing, &node, &numbers]).await?;
        let leased = |(row, token): (&Row, i64)| {
            let call = CallId { account: self.account, number: row.number("number")? };
            let change = ChangeRecord::read(row.bytes("change")?)?;
            let lease = LeaseId { call, token: token.cast_unsigned() };
            Ok(Leased { lease, call: open_call(call, row.bytes("record")?, &change)? })
        };
        rows.iter().zip(first..).map(leased).collect()
    }

    async fn wanted(&self, wanted: Wanted) -> Done<Vec<Row>> {
        const UNDER_WAY: &str =
            "SELECT count(*) AS leased FROM call WHERE account = $1 AND token IS NOT NULL";
        if wanted.closing {
            return self.query(CLOSING, &[&self.id(), &row::many(wanted.most)]).await;
        }
        let under_way = self.one(UNDER_WAY, &[&self.id()]).await?.number("leased")?;
        let room = row::number(wanted.under_way_max.saturating_sub(under_way));
        let most = row::many(wanted.most).min(room);
        self.query(DUE, &[&self.id(), &row::time(self.now), &most]).await
    }

    /// The first of so many new tokens.
    async fn tokens(&mut self, count: usize) -> Done<Option<i64>> {
        const TOKENS: &str = "UPDATE queue SET next_token = next_token + $2 \
            WHERE account = $1 RETURNING next_token - $2 AS first";
        if count == 0 {
            return Ok(None);
        }
        let rows = self.rewrite(TOKENS, &[&self.id(), &row::many(count)]).await?;
        let first = rows.first().ok_or(StoreError::NoSuchAccount)?;
        Ok(Some(first.try_get("first")?))
    }

    /// Ends the leases whose time is over: their calls wait again, or are to be closed.
    pub(super) async fn expire(&mut self) -> Done<()> {
        const EXPIRE: &str = "UPDATE call \
            SET token = NULL, until = NULL, closing = false, node = NULL \
            WHERE account = $1 AND token IS NOT NULL AND until <= $2";
        let ended = self.execute(EXPIRE, &[&self.id(), &row::time(self.now)]).await?;
        self.news.calls |= ended > 0;
        Ok(())
    }

    /// Puts the end of leases off; those that have been lost are passed over.
    pub(super) async fn renew(&mut self, leases: &[LeaseId], until: Timestamp) -> Done<()> {
        const RENEW: &str = "UPDATE call SET until = $2 \
            FROM unnest($3::bigint[], $4::bigint[]) AS held (number, token) \
            WHERE call.account = $1 AND call.number = held.number \
              AND call.token = held.token AND call.until < $2";
        let numbers: Vec<i64> = leases.iter().map(|lease| row::number(lease.call.number)).collect();
        let tokens: Vec<i64> = leases.iter().map(|lease| row::number(lease.token)).collect();
        self.execute(RENEW, &[&self.id(), &row::time(until), &numbers, &tokens]).await?;
        Ok(())
    }
}
