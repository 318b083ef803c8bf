//! A ledger that takes no virtual time, that refuses what it is told to refuse, and that can die
//! between two durable steps.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use model::deck::DeckFile;
use model::{Account, AccountId, Amount, ApiKey, Cdr, Clock, Report, Timestamp};
use store::{
    ArchiveQuery, Audit, Bulk, BulkChange, CallEntry, Cancelled, Due, Fate, Fed, Figures, Finished,
    Health, LeaseAsk, LeaseId, Ledger, LegUp, OpenCall, Record, Result, Started, StoreError,
    Submission, Submitted, TakeAsk, TakeId, Taken, Upkept, Waiting, Work,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::VirtualClock;

/// A ledger each of whose verbs runs to its end when it is first polled.
///
/// A runtime with a paused clock moves it whenever it is idle, and a ledger that answers from its
/// own threads would find that hours have passed meanwhile. Here the runtime is never idle while a
/// verb runs, and verbs run one after the other in the order in which they were polled: the same
/// seed makes the same run.
///
/// Death is of the process that has the ledger: the step that it dies at is durable or not, but
/// nobody hears of it, and no verb answers any more.
pub struct MortalLedger {
    ledger: Arc<dyn Ledger>,
    clock: Arc<VirtualClock>,
    worker: Worker,
    life: Mutex<Life>,
    died: watch::Sender<bool>,
    /// Shows whether what it is reached by has been cut off, if it is reached by something.
    wire: Option<watch::Receiver<bool>>,
}

/// Where a ledger dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Before the durable step of that number, from 1, is durable.
    Before(u64),
    /// Once it is, and before anybody hears of it.
    After(u64),
}

impl Death {
    fn step(self) -> u64 {
        match self {
            Self::Before(step) | Self::After(step) => step,
        }
    }
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Answer<T> = Running<Result<T>>;
type Job = Box<dyn FnOnce(&Runtime) + Send>;

/// The thread that verbs run on, with a runtime in real time.
struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Life {
    death: Option<Death>,
    steps: u64,
    refusals: HashMap<&'static str, VecDeque<StoreError>>,
}

impl MortalLedger {
    /// The same ledger, in the virtual time of that clock, which has to be the ledger's own.
    pub fn new(ledger: Arc<dyn Ledger>, clock: Arc<VirtualClock>, death: Option<Death>) -> Self {
        let (died, _) = watch::channel(false);
        let life = Mutex::new(Life { death, steps: 0, refusals: HashMap::new() });
        Self { ledger, clock, worker: Worker::new(), life, died, wire: None }
    }

    /// The same, which dies as well once that shows that its ledger is cut off from what is durable:
    /// in the middle of a verb. See [`crate::postgres::Cutter::death`].
    #[must_use]
    pub fn behind(self, wire: watch::Receiver<bool>) -> Self {
        Self { wire: Some(wire), ..self }
    }

    /// Refuses the next so many calls of the verb of that name, and does nothing of them.
    pub fn refuse(&self, verb: &'static str, error: &StoreError, times: usize) {
        let refusals = std::iter::repeat_n(error.clone(), times);
        self.life().refusals.entry(verb).or_default().extend(refusals);
    }

    /// Durable steps so far.
    pub fn steps(&self) -> u64 {
        self.life().steps
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        *self.died.borrow()
    }

    /// Waits until it has died.
    pub async fn died(&self) {
        let mut died = self.died.subscribe();
        // The sender is ours.
        let _ = died.wait_for(|died| *died).await;
    }

    async fn durable<T: Send + 'static>(
        &self,
        name: &'static str,
        verb: impl FnOnce(Arc<dyn Ledger>) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        let death = self.next_step();
        if let Some(Death::Before(_)) = death {
            return self.die().await;
        }
        let answer = self.look(name, verb).await;
        if let Some(Death::After(_)) = death {
            return self.die().await;
        }
        answer
    }

    async fn look<T: Send + 'static>(
        &self,
        name: &'static str,
        verb: impl FnOnce(Arc<dyn Ledger>) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        if self.is_dead() {
            return self.die().await;
        }
        if let Some(error) = self.refusal(name) {
            return Err(error);
        }
        // Whoever reads the clock on another thread is told what it shows.
        self.clock.now();
        match self.run(verb(Arc::clone(&self.ledger))) {
            Some(answer) => answer,
            None => self.die().await,
        }
    }

    /// Runs the verb to its end; none if the ledger was cut off before.
    fn run<T: Send + 'static>(&self, verb: Answer<T>) -> Option<Result<T>> {
        let wire = self.wire.clone();
        self.worker.run(Box::pin(async move {
            tokio::select! {
                biased;
                answer = verb => Some(answer),
                () = cut_off(wire) => None,
            }
        }))
    }

    /// How the ledger dies at the step that comes, if it does.
    fn next_step(&self) -> Option<Death> {
        if self.is_dead() {
            return None;
        }
        let mut life = self.life();
        life.steps += 1;
        let steps = life.steps;
        life.death.filter(|death| death.step() == steps)
    }

    fn refusal(&self, verb: &'static str) -> Option<StoreError> {
        self.life().refusals.get_mut(verb)?.pop_front()
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn die<T>(&self) -> T {
        self.died.send_replace(true);
        std::future::pending().await
    }
}

async fn cut_off(wire: Option<watch::Receiver<bool>>) {
    let Some(mut wire) = wire else { return std::future::pending().await };
    // Without a sender it is cut off as well.
    let _ = wire.wait_for(|cut| *cut).await;
}

impl Worker {
    fn new() -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime of one thread can be made");
        let thread = thread::spawn(move || queue.into_iter().for_each(|job| job(&runtime)));
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    fn run<T: Send + 'static>(&self, verb: Running<T>) -> T {
        let (answer, answered) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |runtime| {
            // Whoever asked is waiting below.
            let _ = answer.send(runtime.block_on(verb));
        });
        let jobs = self.jobs.as_ref().expect("the worker works until it is dropped");
        jobs.send(job).expect("the thread takes jobs until it is joined");
        answered.recv().expect("a verb of the ledger gives an answer")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A verb that panicked has been told of where it was asked for.
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl Ledger for MortalLedger {
    async fn take(&self, account: AccountId, ask: TakeAsk) -> Result<Taken> {
        self.durable("take", move |ledger| Box::pin(async move { ledger.take(account, ask).await }))
            .await
    }

    async fn add_account(&self, account: Account) -> Result<Account> {
        self.durable("add_account", move |ledger| {
            Box::pin(async move { ledger.add_account(account).await })
        })
        .await
    }

    async fn replace_account(&self, account: Account) -> Result<()> {
        self.durable("replace_account", move |ledger| {
            Box::pin(async move { ledger.replace_account(account).await })
        })
        .await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.look("accounts", move |ledger| Box::pin(async move { ledger.accounts().await })).await
    }

    async fn put_key(&self, key: ApiKey) -> Result<()> {
        self.durable("put_key", move |ledger| Box::pin(async move { ledger.put_key(key).await }))
            .await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.look("keys", move |ledger| Box::pin(async move { ledger.keys().await })).await
    }

    async fn feed(&self, account: AccountId, reports: Vec<Report>) -> Result<Vec<Fed>> {
        self.durable("feed", move |ledger| {
            Box::pin(async move { ledger.feed(account, reports).await })
        })
        .await
    }

    fn has_nothing(&self, account: AccountId, keyed: bool) -> bool {
        self.ledger.has_nothing(account, keyed)
    }

    fn resolve(&self, take: TakeId, fate: Fate) {
        if self.is_dead() {
            return;
        }
        self.ledger.resolve(take, fate);
        // Whoever looks next must not see it sometimes: the look at an audit waits for every fate.
        let ledger = Arc::clone(&self.ledger);
        match self.run(Box::pin(async move { ledger.audit("").await })) {
            Some(noted) => {
                assert!(noted.is_ok_and(|found| found.is_empty()), "no message is without a name");
            }
            None => _ = self.died.send_replace(true),
        }
    }

    async fn list(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<Record>> {
        self.look("list", move |ledger| Box::pin(async move { ledger.list(account, query).await }))
            .await
    }

    async fn audit(&self, message_id: &str) -> Result<Vec<Audit>> {
        let message_id = message_id.to_owned();
        self.look("audit", move |ledger| Box::pin(async move { ledger.audit(&message_id).await }))
            .await
    }

    async fn waiting(&self, account: AccountId) -> Result<Waiting> {
        self.look("waiting", move |ledger| Box::pin(async move { ledger.waiting(account).await }))
            .await
    }

    fn watch(&self, account: AccountId) -> watch::Receiver<u64> {
        self.ledger.watch(account)
    }

    async fn submit(&self, account: AccountId, submission: Submission) -> Result<Submitted> {
        self.durable("submit", move |ledger| {
            Box::pin(async move { ledger.submit(account, submission).await })
        })
        .await
    }

    async fn due(&self) -> Result<Vec<Due>> {
        self.look("due", move |ledger| Box::pin(async move { ledger.due().await })).await
    }

    async fn lease(&self, ask: LeaseAsk) -> Result<Work> {
        self.look("lease", move |ledger| Box::pin(async move { ledger.lease(ask).await })).await
    }

    async fn start(&self, lease: LeaseId, started: Started) -> Result<()> {
        self.durable("start", move |ledger| {
            Box::pin(async move { ledger.start(lease, started).await })
        })
        .await
    }

    async fn renew(&self, leases: Vec<LeaseId>, until: Timestamp) -> Result<Vec<LeaseId>> {
        self.look("renew", move |ledger| Box::pin(async move { ledger.renew(leases, until).await }))
            .await
    }

    async fn release(&self, lease: LeaseId, due: Timestamp) -> Result<()> {
        self.look("release", move |ledger| {
            Box::pin(async move { ledger.release(lease, due).await })
        })
        .await
    }

    async fn note(&self, lease: LeaseId, up: LegUp) -> Result<()> {
        self.durable("note", move |ledger| Box::pin(async move { ledger.note(lease, up).await }))
            .await
    }

    async fn record(&self, lease: LeaseId, from: u64, part: Vec<u8>) -> Result<()> {
        self.durable("record", move |ledger| {
            Box::pin(async move { ledger.record(lease, from, part).await })
        })
        .await
    }

    async fn recording(
        &self,
        account: AccountId,
        message_id: &str,
        part: u32,
    ) -> Result<Option<Vec<u8>>> {
        let message_id = message_id.to_owned();
        self.look("recording", move |ledger| {
            Box::pin(async move { ledger.recording(account, &message_id, part).await })
        })
        .await
    }

    async fn retry(&self, lease: LeaseId, cdr: Cdr, due: Timestamp) -> Result<()> {
        self.durable("retry", move |ledger| {
            Box::pin(async move { ledger.retry(lease, cdr, due).await })
        })
        .await
    }

    async fn finish(&self, lease: LeaseId, finished: Finished) -> Result<()> {
        self.durable("finish", move |ledger| {
            Box::pin(async move { ledger.finish(lease, finished).await })
        })
        .await
    }

    async fn cancel(&self, account: AccountId, message_id: &str) -> Result<Option<Cancelled>> {
        let message_id = message_id.to_owned();
        self.durable("cancel", move |ledger| {
            Box::pin(async move { ledger.cancel(account, &message_id).await })
        })
        .await
    }

    async fn bulk(&self, account: AccountId, bulk_id: &str) -> Result<Option<Bulk>> {
        let bulk_id = bulk_id.to_owned();
        self.look("bulk", move |ledger| {
            Box::pin(async move { ledger.bulk(account, &bulk_id).await })
        })
        .await
    }

    async fn change_bulk(
        &self,
        account: AccountId,
        bulk_id: &str,
        change: BulkChange,
    ) -> Result<Option<Bulk>> {
        let bulk_id = bulk_id.to_owned();
        self.durable("change_bulk", move |ledger| {
            Box::pin(async move { ledger.change_bulk(account, &bulk_id, change).await })
        })
        .await
    }

    async fn open_calls(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<OpenCall>> {
        self.look("open_calls", move |ledger| {
            Box::pin(async move { ledger.open_calls(account, query).await })
        })
        .await
    }

    async fn call(&self, account: AccountId, message_id: &str) -> Result<Option<CallEntry>> {
        let message_id = message_id.to_owned();
        self.look("call", move |ledger| {
            Box::pin(async move { ledger.call(account, &message_id).await })
        })
        .await
    }

    async fn spent(&self, account: AccountId, day: i32) -> Result<Amount> {
        self.look("spent", move |ledger| Box::pin(async move { ledger.spent(account, day).await }))
            .await
    }

    fn watch_calls(&self) -> watch::Receiver<u64> {
        self.ledger.watch_calls()
    }

    async fn put_deck(&self, deck: DeckFile) -> Result<()> {
        self.durable("put_deck", move |ledger| Box::pin(async move { ledger.put_deck(deck).await }))
            .await
    }

    async fn decks(&self) -> Result<Vec<DeckFile>> {
        self.look("decks", move |ledger| Box::pin(async move { ledger.decks().await })).await
    }

    fn watch_settings(&self) -> watch::Receiver<u64> {
        self.ledger.watch_settings()
    }

    async fn upkeep(&self) -> Result<Upkept> {
        self.look("upkeep", move |ledger| Box::pin(async move { ledger.upkeep().await })).await
    }

    fn health(&self) -> Health {
        self.ledger.health()
    }

    async fn figures(&self) -> Result<Figures> {
        self.look("figures", move |ledger| Box::pin(async move { ledger.figures().await })).await
    }
}
