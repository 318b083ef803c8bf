//! Leases: who has which call, and until when.
//!
//! A lease on a call that has not started ends by the clock, whoever looks at it. One on a call that
//! has started ends by the clock at its own node alone, which renews what it still has before it
//! asks for more; the others end it only by giving the node up (`node`). So no outage takes a call
//! from the node that carries it, and a node that is dead loses it after its silence.

use std::collections::HashSet;

use model::Timestamp;
use tokio_postgres::Row;

use super::command::Wanted;
use super::node;
use super::page::Page;
use super::row::{self, Columns};
use super::trouble::{Done, Trouble};
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
        self.expire(Some(wanted.asked_at)).await?;
        let rows = self.wanted(wanted).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.may_take_on().await?;
        let first = self.tokens(rows.len()).await?;
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

    /// A node that was given up waits until it has said that it lives: what it leased before that
    /// would be ended at once.
    async fn may_take_on(&self) -> Done<()> {
        match node::is_alive(&self.line, self.office.node).await? {
            true => Ok(()),
            false => Err(Trouble::Lost("this node has been given up".into())),
        }
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
    async fn tokens(&mut self, count: usize) -> Done<i64> {
        const TOKENS: &str = "UPDATE queue SET next_token = next_token + $2 \
            WHERE account = $1 RETURNING next_token - $2 AS first";
        let rows = self.rewrite(TOKENS, &[&self.id(), &row::many(count)]).await?;
        let first = rows.first().ok_or(StoreError::NoSuchAccount)?;
        Ok(first.try_get("first")?)
    }

    /// Ends the leases whose time is over: their calls wait again, or are to be closed. Of calls that
    /// have started only those of this node, and only if it is asked for leases: those that were
    /// over when it was asked, because the asking may have had to wait.
    pub(super) async fn expire(&mut self, asked_at: Option<Timestamp>) -> Done<()> {
        const EXPIRE: &str = "UPDATE call \
            SET token = NULL, until = NULL, closing = false, node = NULL \
            WHERE account = $1 AND token IS NOT NULL AND until <= $2 \
              AND (NOT started OR (node = $3 AND until <= $4))";
        let (account, node) = (self.id(), self.office.node);
        let (now, asked_at) = (row::time(self.now), asked_at.map(row::time));
        let ended = self.execute(EXPIRE, &[&account, &now, &node, &asked_at]).await?;
        self.news.calls |= ended > 0;
        Ok(())
    }

    /// Puts the end of leases off; those that have been lost are given.
    pub(super) async fn renew(
        &mut self,
        leases: &[LeaseId],
        until: Timestamp,
    ) -> Done<Vec<LeaseId>> {
        const RENEW: &str = "UPDATE call SET until = greatest(call.until, $2) \
            FROM unnest($3::bigint[], $4::bigint[]) AS held (number, token) \
            WHERE call.account = $1 AND call.number = held.number \
              AND call.token = held.token RETURNING call.token";
        let numbers: Vec<i64> = leases.iter().map(|lease| row::number(lease.call.number)).collect();
        let tokens: Vec<i64> = leases.iter().map(|lease| row::number(lease.token)).collect();
        let (account, until) = (self.id(), row::time(until));
        let rows = self.rewrite(RENEW, &[&account, &until, &numbers, &tokens]).await?;
        // Tokens are the account's own.
        let held: HashSet<u64> = rows.iter().map(|row| row.number("token")).collect::<Done<_>>()?;
        Ok(leases.iter().copied().filter(|lease| !held.contains(&lease.token)).collect())
    }
}
