//! One connection, and the pool of them. A line is lent to one verb at a time.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::hosts::{Hosts, Reached};
use super::settings::PostgresSettings;
use super::trouble::Done;
use crate::{Health, Result};

/// A statement's parameters.
pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection, with the statements that were prepared on it.
pub(super) struct Line {
    pub(super) client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    driver: JoinHandle<()>,
}

impl Line {
    pub(super) fn new(client: Client, driver: JoinHandle<()>) -> Self {
        Self { client, statements: Mutex::default(), driver }
    }

    async fn prepared(&self, sql: &'static str) -> Done<Statement> {
        let known = self.known().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.known().insert(sql, statement.clone());
        Ok(statement)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn query(&self, sql: &'static str, with: Parameters<'_>) -> Done<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query(&statement, with).await?)
    }

    pub(super) async fn one(&self, sql: &'static str, with: Parameters<'_>) -> Done<Row> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query_one(&statement, with).await?)
    }

    pub(super) async fn maybe(&self, sql: &'static str, with: Parameters<'_>) -> Done<Option<Row>> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query_opt(&statement, with).await?)
    }

    pub(super) async fn execute(&self, sql: &'static str, with: Parameters<'_>) -> Done<u64> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.execute(&statement, with).await?)
    }

    /// Statements without parameters, such as `BEGIN`.
    pub(super) async fn say(&self, sql: &str) -> Done<()> {
        Ok(self.client.batch_execute(sql).await?)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The connections, as many as may be.
pub(super) struct Pool {
    hosts: Hosts,
    runtime: Handle,
    idle: Mutex<Vec<Line>>,
    places: Arc<Semaphore>,
    /// Whoever has it looks for the database; the others come after, and know where it is.
    search: Semaphore,
    /// Which server is worked on, by their order. Lines to those before it are hung up.
    era: watch::Sender<u64>,
    /// Why the last connection could not be made, if it could not.
    unreachable: Mutex<Option<String>>,
}

impl Pool {
    pub(super) fn new(settings: &PostgresSettings, runtime: Handle) -> Result<Self> {
        Ok(Self {
            hosts: Hosts::new(settings)?,
            runtime,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(settings.connections.max(1))),
            search: Semaphore::new(1),
            era: watch::Sender::new(0),
            unreachable: Mutex::default(),
        })
    }

    /// A line of one's own; waits for one, and for the database, without end.
    pub(super) async fn lend(self: &Arc<Self>) -> Lent {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(line) = idle() {
            if !line.client.is_closed() {
                return Lent::new(line, self, place);
            }
        }
        let pool = Arc::clone(self);
        let connecting = self.runtime.spawn(async move { pool.connect().await });
        match Aborted(connecting).joined().await {
            Some(line) => Lent::new(line, self, place),
            // The ledger is closing; nobody waits any more.
            None => std::future::pending().await,
        }
    }

    async fn connect(&self) -> Line {
        let _searching = self.search.acquire().await;
        let mut era = self.era.subscribe();
        let Reached { client, driven, .. } = self.reach().await;
        let driver = tokio::spawn(async move {
            // Whoever asks over it is told what it ended with.
            tokio::select! {
                _ = driven => {}
                _ = era.changed() => {}
            }
        });
        Line::new(client, driver)
    }

    /// A connection of one's own to whoever can be written to; waits for it without end.
    pub(super) async fn reach(&self) -> Reached {
        let connected = self.hosts.reach(|reason| self.note(Some(reason))).await;
        self.note(None);
        connected
    }

    /// Notes why the database cannot be reached, or that it can.
    fn note(&self, reason: Option<String>) {
        let mut unreachable = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*unreachable, &reason) {
            (None, Some(reason)) => tracing::error!(reason, "The database cannot be reached."),
            (Some(_), None) => tracing::info!("The database can be reached again."),
            (None, None) | (Some(_), Some(_)) => {}
        }
        *unreachable = reason;
    }

    /// Another server leads: whatever waits for an answer of one before it asks again.
    pub(super) fn hang_up(&self) {
        self.era.send_modify(|era| *era += 1);
    }

    pub(super) fn health(&self) -> Health {
        let reason = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reason.map_or(Health::Ready, Health::Unreachable)
    }

    /// Why it takes so long.
    pub(super) fn excuse(&self) -> String {
        match self.health() {
            Health::Unreachable(reason) => reason,
            Health::Ready | Health::Stalled(_) | Health::Poisoned(_) => {
                "it has not answered in time".to_owned()
            }
        }
    }
}

/// A task that is ended with whoever waits for it.
struct Aborted<T>(JoinHandle<T>);

impl<T> Aborted<T> {
    async fn joined(mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for Aborted<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A line that is lent, and goes back to the pool. One on which a transaction was left open is
/// closed instead, which ends the transaction.
pub(super) struct Lent {
    line: Option<Line>,
    pool: Arc<Pool>,
    in_transaction: bool,
    _place: Option<OwnedSemaphorePermit>,
}

impl Lent {
    fn new(line: Line, pool: &Arc<Pool>, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { line: Some(line), pool: Arc::clone(pool), in_transaction: false, _place: place }
    }

    /// Begins a transaction with the lock of the account; none if there is no such account.
    pub(super) async fn begin(&mut self, account: i64) -> Done<bool> {
        const LOCK: &str = "SELECT 1 FROM queue WHERE account = $1 FOR UPDATE";
        let with: Parameters<'_> = &[&account];
        // Prepared first, so that what follows is one round trip.
        self.prepared(LOCK).await?;
        self.in_transaction = true;
        let (begun, locked) = tokio::join!(self.say("BEGIN"), self.maybe(LOCK, with));
        begun?;
        Ok(locked?.is_some())
    }

    /// Ends the transaction, with `latest` as its last word. An error leaves it in doubt.
    pub(super) async fn commit(&mut self, account: i64, node: i64, operation: i64) -> Done<()> {
        const LATEST: &str = "INSERT INTO latest (account, node, operation) VALUES ($1, $2, $3) \
            ON CONFLICT (account, node) DO UPDATE SET operation = excluded.operation";
        self.prepared(LATEST).await?;
        let with: Parameters<'_> = &[&account, &node, &operation];
        let (noted, committed) = tokio::join!(self.execute(LATEST, with), self.say("COMMIT"));
        noted?;
        committed?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends a transaction that has only read, so that what it has seen is as durable as its own
    /// commit: of a leader that has crashed and is back it may have seen what no standby has got
    /// yet. The lock of the account is in the log, and the standby is waited for.
    pub(super) async fn vouch(&mut self) -> Done<()> {
        self.say("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    pub(super) async fn roll_back(&mut self) -> Done<()> {
        self.say("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Deref for Lent {
    type Target = Line;

    fn deref(&self) -> &Line {
        self.line.as_ref().expect("it is there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else { return };
        if !self.in_transaction && !line.client.is_closed() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}
