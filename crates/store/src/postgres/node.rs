//! The nodes: who works on the ledger, and what becomes of what a dead one had open.
//!
//! A node says that it lives with each upkeep. One that has not for too long is given up by
//! whichever other notices first: its takes in flight end as after a crash, and so do its leases. A
//! node that was given up and lives comes back with its next upkeep; what it had open is not its own
//! any more, and each step of it is refused by the lock of the account.
//!
//! While the database is away, everybody is silent. So a node gives up nobody before it has itself
//! been heard of for as long: the others are given the time to say that they live.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::{AccountId, Timestamp};

use super::line::Lent;
use super::row::{self, Columns};
use super::trouble::Done;

/// How long it is known what a dead node did last: it may be alive, and ask.
const DEAD_MEMORY: Duration = Duration::from_secs(24 * 3600);

/// Since when this node has been heard of without a gap.
pub(super) struct Presence(Mutex<Heard>);

struct Heard {
    since: Timestamp,
    last: Timestamp,
}

impl Presence {
    /// It has joined now.
    pub(super) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Heard { since: now, last: now }))
    }

    /// It is heard of; and whether it has been for long enough to tell who is silent. Half of the
    /// bound is a gap: others may have been heard of a little earlier before it, or later after it.
    pub(super) fn is_steady(&self, now: Timestamp, silence_max: Duration) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(heard.last) > silence_max / 2 {
            heard.since = now;
        }
        heard.last = now;
        now.since(heard.since) >= silence_max
    }
}

/// A new node, alive until then.
pub(super) async fn join(line: &Lent, until: Timestamp) -> Done<i64> {
    const JOIN: &str = "INSERT INTO node (until) VALUES ($1) RETURNING node";
    Ok(line.one(JOIN, &[&row::time(until)]).await?.try_get("node")?)
}

/// The node lives.
pub(super) async fn live(line: &Lent, node: i64, until: Timestamp) -> Done<()> {
    const LIVE: &str = "INSERT INTO node (node, until) OVERRIDING SYSTEM VALUE VALUES ($1, $2) \
        ON CONFLICT (node) DO UPDATE SET until = excluded.until, dead_at = NULL";
    line.execute(LIVE, &[&node, &row::time(until)]).await?;
    Ok(())
}

/// Gives up the nodes that have been silent for too long, but for this one. A node that was given up
/// takes nothing more until it says that it lives.
pub(super) async fn bury(line: &Lent, node: i64, now: Timestamp) -> Done<u64> {
    const BURY: &str =
        "UPDATE node SET dead_at = $1 WHERE until <= $1 AND dead_at IS NULL AND node <> $2";
    line.execute(BURY, &[&row::time(now), &node]).await
}

/// Whether the node is there, and has not been given up.
pub(super) async fn is_alive(line: &Lent, node: i64) -> Done<bool> {
    const ALIVE: &str = "SELECT 1 FROM node WHERE node = $1 AND dead_at IS NULL";
    Ok(line.maybe(ALIVE, &[&node]).await?.is_some())
}

/// What dead nodes have open, by account. Leases also of nodes that are not known any more.
pub(super) async fn open_at_dead(line: &Lent) -> Done<Vec<(AccountId, i64)>> {
    const OPEN: &str = "SELECT t.account, n.node FROM take t \
        JOIN node n ON n.node = ANY (t.open) WHERE t.state = 0 AND n.dead_at IS NOT NULL \
        UNION SELECT c.account, c.node FROM call c WHERE c.token IS NOT NULL AND NOT EXISTS \
            (SELECT FROM node n WHERE n.node = c.node AND n.dead_at IS NULL)";
    let rows = line.query(OPEN, &[]).await?;
    rows.iter().map(|row| Ok((row.account()?, row.try_get("node")?))).collect()
}

/// The accounts with takes or leases that the node has open.
pub(super) async fn open_at(line: &Lent, node: i64) -> Done<Vec<AccountId>> {
    const OPEN: &str = "SELECT account FROM take WHERE state = 0 AND $1 = ANY (open) \
        UNION SELECT account FROM call WHERE token IS NOT NULL AND node = $1 ORDER BY account";
    let rows = line.query(OPEN, &[&node]).await?;
    rows.iter().map(Columns::account).collect()
}

/// Forgets the nodes that died long ago.
pub(super) async fn forget(line: &Lent, now: Timestamp) -> Done<()> {
    const LATEST: &str = "DELETE FROM latest USING node \
        WHERE latest.node = node.node AND node.dead_at <= $1";
    const NODES: &str = "DELETE FROM node WHERE dead_at <= $1";
    let then = row::time(now.minus(DEAD_MEMORY));
    line.execute(LATEST, &[&then]).await?;
    line.execute(NODES, &[&then]).await?;
    Ok(())
}

/// The node has nothing open and goes.
pub(super) async fn leave(line: &Lent, node: i64) -> Done<()> {
    line.execute("DELETE FROM latest WHERE node = $1", &[&node]).await?;
    line.execute("DELETE FROM node WHERE node = $1", &[&node]).await?;
    Ok(())
}
