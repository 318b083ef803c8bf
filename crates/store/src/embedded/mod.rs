//! The embedded engine: one directory, one process, one writer thread over a log-structured tree.
//!
//! A caller's command goes through a bounded queue to the writer, which commits whatever is
//! waiting as one group. What only looks is read beside the writer. `docs/disk-format.md` has the
//! layout.

mod command;
mod feed;
mod files;
mod group;
mod keys;
mod ranges;
mod read;
mod shared;
mod start;
mod state;
mod take;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::deck::DeckFile;
use model::{Account, AccountId, Amount, ApiKey, Cdr, Clock, Report, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use self::command::{Assigned, Command, Fates, FeedItem, Queued, Reply};
use self::files::Files;
use self::ranges::OPEN;
use self::shared::{Glance, Shared};
use self::writer::Writer;
use crate::record::encode;
use crate::{
    ArchiveQuery, Audit, Bulk, BulkChange, CallEntry, Cancelled, Due, Fate, Fed, Figures, Finished,
    Health, Keeping, LeaseAsk, LeaseId, Ledger, OpenCall, Record, Result, Started, StoreError,
    Submission, Submitted, TakeAsk, TakeId, Taken, Upkept, Waiting, Work,
};

/// Places in the queue. A command takes one, a feed one for each KiB of its reports, up to
/// [`FEED_PLACES_MAX`]: what waits is bounded in bytes.
const PLACES: usize = 65_536;
/// The most places of one feed, so that the largest one fits beside others.
const FEED_PLACES_MAX: usize = 16_384;
/// How long a command waits for room before the ledger says that it is busy.
const PLACE_WAIT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 2_000 });
/// How long closing waits for looks that nobody waits for any more.
const LOOK_WAIT: Duration = Duration::from_secs(2);
/// Steps of one upkeep: at most twenty thousand reports.
const UPKEEP_STEPS_MAX: usize = 20;

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

#[async_trait]
impl Ledger for Embedded {
    async fn add_account(&self, account: Account) -> Result<Account> {
        self.ask(1, |reply| Command::AddAccount(account, reply)).await
    }

    async fn replace_account(&self, account: Account) -> Result<()> {
        self.ask(1, |reply| Command::ReplaceAccount(account, reply)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.look(read::accounts).await
    }

    async fn put_key(&self, key: ApiKey) -> Result<()> {
        self.ask(1, |reply| Command::PutKey(key, reply)).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.look(read::api_keys).await
    }

    async fn feed(&self, account: AccountId, reports: Vec<Report>) -> Result<Vec<Fed>> {
        let items: Vec<FeedItem> = reports
            .iter()
            .map(|report| FeedItem {
                encoded: encode(report),
                message_hash: keys::hash(&report.message_id),
                bulk_hash: keys::hash(&report.bulk_id),
            })
            .collect();
        drop(reports);
        let bytes: usize = items.iter().map(|item| item.encoded.len()).sum();
        self.ask(bytes >> 10, |reply| Command::Feed(account, items, reply)).await
    }

    async fn take(&self, account: AccountId, ask: TakeAsk) -> Result<Taken> {
        self.0.shared.writable()?;
        let glance = self.0.shared.account(account)?;
        if self.0.shared.nothing_for(&glance, ask.key.is_some()) {
            return Ok(Taken::default());
        }
        let Assigned { ranges, replayed, claim } =
            self.ask(1, |reply| Command::Take(account, ask, reply)).await?;
        let Some(claim) = claim else { return Ok(Taken::default()) };
        let records = self.look(move |files| read::records(files, account, &ranges)).await?;
        Ok(Taken { take: Some(claim.hand_over()), records, replayed })
    }

    fn has_nothing(&self, account: AccountId, keyed: bool) -> bool {
        let shared = &self.0.shared;
        let glance = shared.account(account);
        !shared.is_poisoned() && glance.is_ok_and(|glance| shared.nothing_for(&glance, keyed))
    }

    fn resolve(&self, take: TakeId, fate: Fate) {
        self.0.fates.send(take, fate);
    }

    async fn list(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<Record>> {
        self.0.shared.account(account)?;
        self.look(move |files| read::list(files, account, &query)).await
    }

    async fn audit(&self, message_id: &str) -> Result<Vec<Audit>> {
        self.fates_noted().await;
        let accounts = self.0.shared.accounts();
        let message = message_id.to_owned();
        self.look(move |files| {
            let audits = accounts.iter().map(|(id, _)| read::audit(files, *id, &message));
            audits.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn waiting(&self, account: AccountId) -> Result<Waiting> {
        self.fates_noted().await;
        let glance = self.0.shared.account(account)?;
        self.waiting_of(account, &glance).await
    }

    fn watch(&self, account: AccountId) -> watch::Receiver<u64> {
        match self.0.shared.account(account) {
            Ok(glance) => glance.wake.subscribe(),
            // Nothing ever becomes pending for an account that is not there.
            Err(_) => watch::Sender::new(0).subscribe(),
        }
    }

    async fn submit(&self, _account: AccountId, _submission: Submission) -> Result<Submitted> {
        unimplemented!()
    }

    async fn due(&self) -> Result<Vec<Due>> {
        unimplemented!()
    }

    async fn lease(&self, _ask: LeaseAsk) -> Result<Work> {
        unimplemented!()
    }

    async fn start(&self, _lease: LeaseId, _started: Started) -> Result<()> {
        unimplemented!()
    }

    async fn renew(&self, _leases: Vec<LeaseId>, _until: Timestamp) -> Result<()> {
        unimplemented!()
    }

    async fn release(&self, _lease: LeaseId, _due: Timestamp) -> Result<()> {
        unimplemented!()
    }

    async fn retry(&self, _lease: LeaseId, _cdr: Cdr, _due: Timestamp) -> Result<()> {
        unimplemented!()
    }

    async fn finish(&self, _lease: LeaseId, _finished: Finished) -> Result<()> {
        unimplemented!()
    }

    async fn cancel(&self, _account: AccountId, _message_id: &str) -> Result<Option<Cancelled>> {
        unimplemented!()
    }

    async fn bulk(&self, _account: AccountId, _bulk_id: &str) -> Result<Option<Bulk>> {
        unimplemented!()
    }

    async fn change_bulk(
        &self,
        _account: AccountId,
        _bulk_id: &str,
        _change: BulkChange,
    ) -> Result<Option<Bulk>> {
        unimplemented!()
    }

    async fn open_calls(&self, _account: AccountId, _query: ArchiveQuery) -> Result<Vec<OpenCall>> {
        unimplemented!()
    }

    async fn call(&self, _account: AccountId, _message_id: &str) -> Result<Option<CallEntry>> {
        unimplemented!()
    }

    async fn spent(&self, _account: AccountId, _day: i32) -> Result<Amount> {
        unimplemented!()
    }

    fn watch_calls(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }

    async fn put_deck(&self, _deck: DeckFile) -> Result<()> {
        unimplemented!()
    }

    async fn decks(&self) -> Result<Vec<DeckFile>> {
        unimplemented!()
    }

    fn watch_settings(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }

    async fn upkeep(&self) -> Result<Upkept> {
        let mut upkept = Upkept::default();
        for _ in 0..UPKEEP_STEPS_MAX {
            let step = self.ask(1, Command::Upkeep).await?;
            upkept.windows_settled += step.upkept.windows_settled;
            upkept.windows_returned += step.upkept.windows_returned;
            upkept.reports_dropped += step.upkept.reports_dropped;
            upkept.pending_dropped += step.upkept.pending_dropped;
            if !step.more {
                break;
            }
        }
        Ok(upkept)
    }

    fn health(&self) -> Health {
        self.0.shared.health()
    }

    async fn figures(&self) -> Result<Figures> {
        self.fates_noted().await;
        let mut waiting = Vec::new();
        for (id, glance) in self.0.shared.accounts() {
            waiting.push((id, self.waiting_of(id, &glance).await?));
        }
        Ok(Figures {
            waiting,
            calls: Vec::new(),
            commits: self.0.shared.commits.load(Ordering::Relaxed),
            commands: self.0.shared.commands.load(Ordering::Relaxed),
            disk_bytes: self.look(Files::disk_bytes).await?,
        })
    }
}
