//! One connection, and the pool of them. A line is lent to one verb at a time.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::{PostgresSettings, read_password};
use super::trouble::{Done, tell};
use crate::{Health, Result};

/// The first pause after a connection that failed; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a driver of a connection with TLS, or without, is polled as.
pub(super) type Driven = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;
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
    config: Config,
    password_file: Option<std::path::PathBuf>,
    tls: MakeRustlsConnect,
    runtime: Handle,
    idle: Mutex<Vec<Line>>,
    places: Arc<Semaphore>,
    /// Why the last connection could not be made, if it could not.
    unreachable: Mutex<Option<String>>,
    /// When one could be made again after that.
    back: Mutex<Option<Instant>>,
}

impl Pool {
    pub(super) fn new(settings: &PostgresSettings, runtime: Handle) -> Result<Self> {
        Ok(Self {
            config: settings.config()?,
            password_file: settings.password_file.clone(),
            tls: settings.tls()?,
            runtime,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(settings.connections.max(1))),
            unreachable: Mutex::default(),
            back: Mutex::default(),
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
        let connecting = self.runtime.spawn(async move { pool.insist().await });
        match Aborted(connecting).joined().await {
            Some(line) => Lent::new(line, self, place),
            // The ledger is closing; nobody waits any more.
            None => std::future::pending().await,
        }
    }

    async fn insist(&self) -> Line {
        let mut pause = PAUSE_MIN;
        loop {
            match self.connect().await {
                Ok((client, driven)) => {
                    let driver = tokio::spawn(async move {
                        // Whoever asks over it is told what it ended with.
                        let _ = driven.await;
                    });
                    return Line::new(client, driver);
                }
                Err(reason) => tracing::debug!(reason, "No connection to the database."),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Connects once, and notes whether that could be done.
    pub(super) async fn connect(&self) -> std::result::Result<(Client, Driven), String> {
        let connected = self.try_connect().await;
        let reason = connected.as_ref().err().cloned();
        let mut unreachable = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*unreachable, &reason) {
            (None, Some(reason)) => tracing::error!(reason, "The database cannot be reached."),
            (Some(_), None) => {
                tracing::info!("The database can be reached again.");
                *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        *unreachable = reason;
        connected
    }

    async fn try_connect(&self) -> std::result::Result<(Client, Driven), String> {
        let mut config = self.config.clone();
        if let Some(path) = &self.password_file {
            let password = read_password(path)
                .map_err(|error| format!("the password's file {}: {error}", path.display()))?;
            config.password(password);
        }
        config.connect(self.tls.clone()).await.map_err(|error| tell(&error))
    }

    pub(super) fn health(&self) -> Health {
        let reason = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reason.map_or(Health::Ready, Health::Unreachable)
    }

    /// Whether the database was away within that span, for all that this node knows.
    pub(super) fn was_away(&self, span: Duration) -> bool {
        let back = *self.back.lock().unwrap_or_else(PoisonError::into_inner);
        self.health() != Health::Ready || back.is_some_and(|back| back.elapsed() < span)
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
