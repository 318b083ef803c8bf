//! The embedded engine: one directory, one process, one writer thread over a log-structured tree.
//!
//! A caller's command goes through a bounded queue to the writer, which commits whatever is
//! waiting as one group. What only looks is read beside the writer. `docs/disk-format.md` has the
//! layout.

mod attempt;
mod bulk;
mod calls;
mod command;
mod copy;
mod desk;
mod feed;
mod files;
mod group;
mod keys;
mod look;
mod ranges;
mod read;
mod shared;
mod start;
mod state;
mod submit;
mod take;
#[cfg(test)]
mod tests;
mod upkeep;
mod verbs;
mod writer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{AccountId, Clock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::command::{Command, Fates, Queued, Reply};
use self::files::Files;
use self::ranges::OPEN;
use self::shared::{Glance, Shared};
use self::writer::Writer;
use crate::{Due, Keeping, Result, StoreError, Waiting};

/// Places in the queue. A command takes one, a feed one for each KiB of its reports, up to
/// [`FEED_PLACES_MAX`]: what waits is bounded in bytes.
const PLACES: usize = 65_536;
/// The most places of one feed, so that the largest one fits beside others.
const FEED_PLACES_MAX: usize = 16_384;
/// How long a command waits for room before the ledger says that it is busy.
const PLACE_WAIT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 2_000 });
/// How long closing waits for looks that nobody waits for any more.
const LOOK_WAIT: Duration = Duration::from_secs(2);

/// The embedded ledger. Clones are handles to the same one; dropping the last drains the queue,
/// commits, and closes the directory.
#[derive(Clone)]
pub struct Embedded(Arc<Handle>);

struct Handle {
    files: Arc<Files>,
    shared: Arc<Shared>,
    fates: Fates,
    places: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the directory, and makes it first if there is none. Takes that the last process left
    /// in flight are ended as `keeping` says.
    ///
    /// # Errors
    /// It is in use, was written by a newer release, is damaged, or cannot be read or written.
    pub fn open(dir: &Path, keeping: Keeping, clock: Arc<dyn Clock>) -> Result<Self> {
        let files = Arc::new(Files::open(dir)?);
        let shared = Arc::new(Shared::default());
        let state = start::load(&files, &shared, &keeping, clock.now())?;
        let (queue, commands) = mpsc::channel();
        let fates = Fates { shared: Arc::clone(&shared), clock: Arc::clone(&clock), queue };
        let writer = Writer {
            files: Arc::clone(&files),
            state,
            shared: Arc::clone(&shared),
            fates: fates.clone(),
            keeping,
            clock,
        };
        let writer = std::thread::Builder::new()
            .name("ledger-writer".into())
            .spawn(move || writer.run(&commands))
            .map_err(|error| StoreError::Open {
                path: dir.to_owned(),
                reason: error.to_string(),
            })?;
        let places = Arc::new(Semaphore::new(PLACES));
        Ok(Self(Arc::new(Handle { files, shared, fates, places, writer: Some(writer) })))
    }

    /// Asks the writer, and waits: first for room in the queue, then for the commit.
    async fn ask<T>(&self, weight: usize, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        self.0.shared.writable()?;
        let weight = weight.clamp(1, FEED_PLACES_MAX) as u32;
        let place = Some(self.place(weight).await?);
        let (reply, answer) = oneshot::channel();
        let stopped = || StoreError::Poisoned("the writer has stopped".into());
        self.0
            .fates
            .queue
            .send(Queued { command: command(reply), place })
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Room in the queue, in the order of asking; not for longer than [`PLACE_WAIT`].
    async fn place(&self, weight: u32) -> Result<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.0.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_many_owned(weight) {
            return Ok(place);
        }
        match tokio::time::timeout(PLACE_WAIT, places.acquire_many_owned(weight)).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(StoreError::Busy),
        }
    }

    /// Waits until the fates that were called in have taken effect.
    async fn fates_noted(&self) {
        if self.0.shared.fates.load(Ordering::SeqCst) > 0 {
            // A poisoned ledger notes no more; what was committed can still be looked at.
            let _ = self.ask(1, Command::Barrier).await;
        }
    }

    /// Looks at the files on a thread that may block.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Files) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.0.files);
        tokio::task::spawn_blocking(move || look(&files))
            .await
            .unwrap_or_else(|_| Err(StoreError::Corrupt("a look at the files failed".into())))
    }

    async fn waiting_of(&self, account: AccountId, glance: &Glance) -> Result<Waiting> {
        let oldest = glance.oldest.load(Ordering::SeqCst);
        let oldest = match oldest {
            OPEN => None,
            seq => self.look(move |files| read::fed_at(files, account, seq)).await?,
        };
        Ok(Waiting {
            pending: glance.pending.load(Ordering::SeqCst),
            in_flight: glance.in_flight.load(Ordering::SeqCst),
            oldest,
        })
    }
}

impl Handle {
    /// The accounts that have calls without a report.
    fn due(&self) -> Vec<Due> {
        let now = self.fates.clock.now();
        let due = |(account, glance): (AccountId, Arc<Glance>)| {
            let mut desk = glance.desk();
            let (due, next) = desk.due(now);
            (desk.open > 0).then(|| Due { account, due, under_way: desk.leased, next })
        };
        self.shared.accounts().into_iter().filter_map(due).collect()
    }

    /// The numbers of the account's calls that may have one of the names.
    fn named(&self, account: AccountId, names: &[impl AsRef<str>]) -> Result<BTreeSet<u64>> {
        let glance = self.shared.account(account)?;
        let desk = glance.desk();
        Ok(names.iter().flat_map(|name| desk.named(keys::hash(name.as_ref()))).collect())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.fates.queue.send(Queued { command: Command::Close, place: None });
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("The ledger's writer ended in a panic.");
        }
        // A look whose caller went away may still hold the files; the lock goes with them.
        let deadline = Instant::now() + LOOK_WAIT;
        while Arc::strong_count(&self.files) > 1 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
