//! The shared ledger as one end of a copy. Not a node: it takes and leases nothing, and while it
//! reads nobody else can write.
//!
//! What is written goes to a schema beside the ledger's own, which takes its name in the last step.

mod export;
mod import;

use std::sync::Arc;

use model::{Clock, Timestamp};

use self::export::Export;
use self::import::Import;
use super::line::{Lent, Pool};
use super::row;
use super::schema;
use super::trouble::{Done, Trouble};
use super::{Postgres, PostgresSettings};
use crate::copy::{self, CopyError, Source, Target};
use crate::{InFlightAtStart, StoreError};

impl Postgres {
    /// The ledger in the database, to be copied. What nodes that died had in flight ends as they
    /// would have ended it. Until the source is dropped nobody can change the ledger.
    ///
    /// # Errors
    /// There is none, a node works on it, or it cannot be reached.
    pub async fn export(
        settings: PostgresSettings,
        at_start: InFlightAtStart,
        clock: Arc<dyn Clock>,
    ) -> copy::Result<Box<dyn Source>> {
        let line = lend(&Arc::new(pool(&settings)?), &settings).await?;
        if !is_there(&line, &settings.schema).await? {
            return Err(CopyError::Missing(settings.url));
        }
        schema::migrate(&line, &settings.schema).await.map_err(StoreError::from)?;
        let keep = at_start == InFlightAtStart::Keep;
        match freeze(&line, keep, clock.now()).await? {
            true => Ok(Box::new(Export::new(line))),
            false => Err(CopyError::InUse(settings.url)),
        }
    }

    /// The database, for a copy of `from`, or the rest of one.
    ///
    /// # Errors
    /// A ledger is in it, or a copy of something else, or it cannot be written.
    pub async fn import(
        settings: PostgresSettings,
        from: &str,
        clock: Arc<dyn Clock>,
    ) -> copy::Result<Box<dyn Target>> {
        Ok(Box::new(Import::open(settings, from, clock.now()).await?))
    }
}

fn pool(settings: &PostgresSettings) -> crate::Result<Pool> {
    Pool::new(settings, tokio::runtime::Handle::current())
}

/// A line of one's own, if the database can be reached in time.
async fn lend(pool: &Arc<Pool>, settings: &PostgresSettings) -> crate::Result<Lent> {
    let line = tokio::time::timeout(settings.patience, pool.lend()).await;
    let line = line.map_err(|_| StoreError::Unavailable(pool.excuse()))?;
    // A server that stopped a moment ago may still have locks; who reads may pause for long.
    let session = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = 0";
    line.say(session).await.map_err(StoreError::from)?;
    Ok(line)
}

/// Whether the schema has a ledger.
async fn is_there(line: &Lent, schema: &str) -> Done<bool> {
    const THERE: &str = "SELECT to_regclass($1 || '.migration') IS NOT NULL AS there";
    Ok(line.one(THERE, &[&schema]).await?.try_get("there")?)
}

/// Whether some node lives.
async fn is_open(line: &Lent, now: Timestamp) -> Done<bool> {
    const LIVES: &str =
        "SELECT EXISTS (SELECT FROM node WHERE dead_at IS NULL AND until > $1) AS is";
    Ok(line.one(LIVES, &[&row::time(now)]).await?.try_get("is")?)
}

/// Ends what dead nodes had open, then holds everything as it is, seen as it is at this moment.
/// False if some node lives.
async fn freeze(line: &Lent, keep: bool, now: Timestamp) -> crate::Result<bool> {
    const OPEN: &str = "SELECT DISTINCT t.account, open.node FROM take t, unnest(t.open) open (node) \
        WHERE t.state = 0";
    const END: &str = "SELECT end_node($1, $2, $3, $4)";
    const BURY: &str = "UPDATE node SET dead_at = $1 WHERE dead_at IS NULL";
    // Whoever changes anything has the lock of a row of `queue`; whoever joins writes to `node`.
    const LOCK: &str = "LOCK TABLE node, queue IN EXCLUSIVE MODE";
    let frozen = async {
        line.say("BEGIN").await?;
        line.say(LOCK).await?;
        if is_open(line, now).await? {
            return Ok(false);
        }
        let now = row::time(now);
        for row in line.query(OPEN, &[]).await? {
            let (account, node): (i64, i64) = (row.try_get("account")?, row.try_get("node")?);
            line.query(END, &[&account, &node, &keep, &now]).await?;
        }
        line.execute(BURY, &[&now]).await?;
        line.say("COMMIT").await?;
        line.say("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        line.say(LOCK).await?;
        Ok(true)
    };
    let frozen: Done<bool> = frozen.await;
    Ok(match frozen {
        // Somebody came in between.
        Ok(true) => !is_open(line, now).await.map_err(StoreError::from)?,
        Ok(false) => false,
        Err(Trouble::Lost(reason)) => return Err(StoreError::Unavailable(reason)),
        Err(Trouble::Refused(error)) => return Err(error),
    })
}

impl From<Trouble> for CopyError {
    fn from(trouble: Trouble) -> Self {
        Self::Store(trouble.into())
    }
}
