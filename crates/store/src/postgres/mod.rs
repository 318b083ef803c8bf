//! The shared engine: several nodes on one PostgreSQL, or on what speaks its protocol.
//!
//! ```text
//! caller ──> desk of the account ──group──> exchange (fates and polls, one round trip)
//!                                     ├───> intake (feeds, one round trip)
//!                                     └───> page (a transaction with the account's lock)
//! ```
//! A desk does what waits at it in groups. The lock of the account's row orders the nodes. A lost
//! answer to a commit is asked for again: each operation of a node leaves its number beside what it
//! did. Nothing here knows what a report says, or a call. `docs/shared-ledger.md` has the whole.

mod attempt;
mod audit;
mod bulletin;
mod change;
mod command;
mod copy;
mod desk;
mod exchange;
mod feed;
mod herald;
mod hosts;
mod intake;
mod lease;
mod line;
mod look;
mod node;
mod office;
mod page;
mod refused;
mod register;
mod row;
mod schema;
mod settings;
mod submit;
mod take;
mod takes;
#[cfg(test)]
mod tests;
mod trouble;
mod upkeep;
mod verbs;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use model::{AccountId, Clock};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;

use self::command::{Ask, Command, Queued};
use self::desk::Desks;
use self::line::Pool;
use self::office::{Furniture, Office};
pub use self::settings::PostgresSettings;
use self::takes::Fates;
use self::trouble::Trouble;
use crate::{Keeping, Result, StoreError};

/// Places in the queue. A command takes one, and one for each KiB of what it brings, up to
/// [`PLACES_MAX`]: what waits is bounded in bytes.
const PLACES: usize = 65_536;
/// The most places of one command, so that the largest one fits beside others.
const PLACES_MAX: usize = 16_384;
/// How long closing waits for a database that does not answer. What is left then ends as if the node
/// had died.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// The shared ledger, as this node has it. Clones are handles to the same one; dropping the last does
/// what still waits, ends what this node has open, and leaves.
#[derive(Clone)]
pub struct Postgres(Arc<Handle>);

struct Handle {
    office: Arc<Office>,
    queue: UnboundedSender<Queued>,
    places: Arc<Semaphore>,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread of the ledger is started with.
struct Opening {
    settings: PostgresSettings,
    keeping: Keeping,
    clock: Arc<dyn Clock>,
    fates: Arc<Fates>,
    queue: UnboundedReceiver<Queued>,
    close: oneshot::Receiver<()>,
    opened: oneshot::Sender<Result<Arc<Office>>>,
}

impl Postgres {
    /// Joins the nodes that work on the database. Makes the tables first, or brings them up to date.
    ///
    /// # Errors
    /// The settings cannot be used, the database cannot be reached in time, or its tables were made
    /// by a newer release.
    pub async fn open(
        settings: PostgresSettings,
        keeping: Keeping,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        settings.config()?;
        settings.tls()?;
        let (queue, commands) = unbounded_channel();
        let (close, closed) = oneshot::channel();
        let (opened, office) = oneshot::channel();
        let fates = Arc::new(Fates::new(Arc::clone(&clock), queue.clone()));
        let opening =
            Opening { settings, keeping, clock, fates, queue: commands, close: closed, opened };
        let failed = |error: &dyn std::fmt::Display| StoreError::Settings(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("ledger")
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || runtime.block_on(work(opening)))
            .map_err(|error| failed(&error))?;
        let office = office.await.map_err(|_| stopped())??;
        let places = Arc::new(Semaphore::new(PLACES));
        let (close, thread) = (Some(close), Some(thread));
        Ok(Self(Arc::new(Handle { office, queue, places, close, thread })))
    }

    fn office(&self) -> &Arc<Office> {
        &self.0.office
    }

    /// Asks the account's desk, and waits for as long as the patience lasts: for room in the queue,
    /// for the database, for the commit.
    async fn ask<Q, A>(
        &self,
        account: AccountId,
        bytes: usize,
        what: Q,
        command: impl FnOnce(Ask<Q, A>) -> Command,
    ) -> Result<A> {
        let weight = (bytes >> 10).clamp(1, PLACES_MAX) as u32;
        let place = Some(self.place(weight).await?);
        let (ask, answer) = Ask::new(what);
        let queued = Queued { account, command: command(ask), weight, place };
        self.0.queue.send(queued).map_err(|_| stopped())?;
        match tokio::time::timeout(self.office().patience, answer).await {
            Ok(answer) => answer.map_err(|_| stopped())?,
            Err(_) => Err(self.office().unavailable()),
        }
    }

    /// Room in the queue, in the order of asking.
    async fn place(&self, weight: u32) -> Result<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.0.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_many_owned(weight) {
            return Ok(place);
        }
        let room = places.acquire_many_owned(weight);
        match tokio::time::timeout(self.office().patience, room).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(StoreError::Busy),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(close) = self.close.take() {
            let _ = close.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("The ledger's thread ended in a panic.");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the ledger has stopped".into())
}

/// What the ledger's own thread does, from the opening to the end.
async fn work(opening: Opening) {
    let Opening { settings, keeping, clock, fates, mut queue, close, opened } = opening;
    let office = match enter(&settings, keeping, clock, fates).await {
        Ok(office) => office,
        Err(error) => return drop(opened.send(Err(error))),
    };
    let mut heralds = JoinSet::new();
    heralds.spawn(herald::tell(Arc::clone(&office)));
    let (listening, listens) = oneshot::channel();
    heralds.spawn(herald::listen(Arc::clone(&office), settings.schema.clone(), listening));
    let _ = tokio::time::timeout(settings.patience, listens).await;
    let mut desks = Desks::new(Arc::clone(&office));
    if opened.send(Ok(Arc::clone(&office))).is_ok() {
        desks.serve(&mut queue, close).await;
    }
    if tokio::time::timeout(CLOSE_MAX, leave(&office, &mut desks, &mut queue)).await.is_err() {
        tracing::error!("The database did not answer in time; this node leaves as if it had died.");
    }
    heralds.shutdown().await;
}

/// Reaches the database, brings its tables up to date and joins the nodes.
async fn enter(
    settings: &PostgresSettings,
    keeping: Keeping,
    clock: Arc<dyn Clock>,
    fates: Arc<Fates>,
) -> Result<Arc<Office>> {
    let pool = Arc::new(Pool::new(settings, tokio::runtime::Handle::current())?);
    let until = clock.now().plus(settings.silence_max);
    let joining = async {
        loop {
            let line = pool.lend().await;
            let joined = match schema::migrate(&line, &settings.schema).await {
                Ok(()) => node::join(&line, until).await,
                Err(trouble) => Err(trouble),
            };
            match joined {
                Ok(node) => return Ok(node),
                Err(Trouble::Refused(error)) => return Err(error),
                Err(Trouble::Lost(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let node = match tokio::time::timeout(settings.patience, joining).await {
        Ok(node) => node?,
        Err(_) => return Err(StoreError::Unavailable(pool.excuse())),
    };
    let (patience, silence_max) = (settings.patience, settings.silence_max);
    let furniture = Furniture { pool, keeping, clock, fates, node, patience, silence_max };
    Ok(Arc::new(Office::new(furniture)))
}

/// Does what still waits, ends what this node has open, and goes.
async fn leave(office: &Arc<Office>, desks: &mut Desks, queue: &mut UnboundedReceiver<Queued>) {
    desks.drain(queue).await;
    let open = office.look(|line| async move { node::open_at(&line, office.node).await }).await;
    for account in open.unwrap_or_default() {
        let (ask, _answer) = Ask::new(office.node);
        desks.end_node(account, Command::EndNode(ask)).await;
    }
    let _ = office.look(|line| async move { node::leave(&line, office.node).await }).await;
    herald::tell_now(office).await;
}
