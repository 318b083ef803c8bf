//! A ledger that kills its process at the worst moment: a take is durable, its answer unwritten.

use std::future;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use model::deck::DeckFile;
use model::{Account, AccountId, Amount, ApiKey, Cdr, Report, Timestamp};
use rustix::process::{Signal, getpid, kill_process};
use store::{
    ArchiveQuery, Audit, Bulk, BulkChange, CallEntry, Cancelled, Due, Fate, Fed, Figures, Finished,
    Health, LeaseAsk, LeaseId, Ledger, LegUp, OpenCall, Record, Result, Started, Submission,
    Submitted, TakeAsk, TakeId, Taken, Upkept, Waiting, Work,
};
use tokio::sync::watch;

/// A ledger that kills its own process once its nth take is durable and before it is given back.
///
/// Takes that find nothing are not counted: they leave nothing behind that could be lost.
pub struct LethalLedger {
    ledger: Arc<dyn Ledger>,
    lethal: NonZeroU64,
    takes: AtomicU64,
}

impl LethalLedger {
    /// Kills the process at the take of that number.
    pub fn new(ledger: Arc<dyn Ledger>, lethal: NonZeroU64) -> Self {
        Self { ledger, lethal, takes: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Ledger for LethalLedger {
    async fn take(&self, account: AccountId, ask: TakeAsk) -> Result<Taken> {
        let taken = self.ledger.take(account, ask).await?;
        let something = u64::from(!taken.records.is_empty());
        let takes = self.takes.fetch_add(something, Ordering::SeqCst) + something;
        if something == 1 && takes == self.lethal.get() {
            kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
            future::pending::<()>().await;
        }
        Ok(taken)
    }

    async fn add_account(&self, account: Account) -> Result<Account> {
        self.ledger.add_account(account).await
    }

    async fn replace_account(&self, account: Account) -> Result<()> {
        self.ledger.replace_account(account).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.ledger.accounts().await
    }

    async fn put_key(&self, key: ApiKey) -> Result<()> {
        self.ledger.put_key(key).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.ledger.keys().await
    }

    async fn feed(&self, account: AccountId, reports: Vec<Report>) -> Result<Vec<Fed>> {
        self.ledger.feed(account, reports).await
    }

    fn has_nothing(&self, account: AccountId, keyed: bool) -> bool {
        self.ledger.has_nothing(account, keyed)
    }

    fn resolve(&self, take: TakeId, fate: Fate) {
        self.ledger.resolve(take, fate);
    }

    async fn list(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<Record>> {
        self.ledger.list(account, query).await
    }

    async fn audit(&self, message_id: &str) -> Result<Vec<Audit>> {
        self.ledger.audit(message_id).await
    }

    async fn waiting(&self, account: AccountId) -> Result<Waiting> {
        self.ledger.waiting(account).await
    }

    fn watch(&self, account: AccountId) -> watch::Receiver<u64> {
        self.ledger.watch(account)
    }

    async fn submit(&self, account: AccountId, submission: Submission) -> Result<Submitted> {
        self.ledger.submit(account, submission).await
    }

    async fn due(&self) -> Result<Vec<Due>> {
        self.ledger.due().await
    }

    async fn lease(&self, ask: LeaseAsk) -> Result<Work> {
        self.ledger.lease(ask).await
    }

    async fn start(&self, lease: LeaseId, started: Started) -> Result<()> {
        self.ledger.start(lease, started).await
    }

    async fn renew(&self, leases: Vec<LeaseId>, until: Timestamp) -> Result<Vec<LeaseId>> {
        self.ledger.renew(leases, until).await
    }

    async fn release(&self, lease: LeaseId, due: Timestamp) -> Result<()> {
        self.ledger.release(lease, due).await
    }

    async fn note(&self, lease: LeaseId, up: LegUp) -> Result<()> {
        self.ledger.note(lease, up).await
    }

    async fn record(&self, lease: LeaseId, from: u64, part: Vec<u8>) -> Result<()> {
        self.ledger.record(lease, from, part).await
    }

    async fn recording(
        &self,
        account: AccountId,
        message_id: &str,
        part: u32,
    ) -> Result<Option<Vec<u8>>> {
        self.ledger.recording(account, message_id, part).await
    }

    async fn retry(&self, lease: LeaseId, cdr: Cdr, due: Timestamp) -> Result<()> {
        self.ledger.retry(lease, cdr, due).await
    }

    async fn finish(&self, lease: LeaseId, finished: Finished) -> Result<()> {
        self.ledger.finish(lease, finished).await
    }

    async fn cancel(&self, account: AccountId, message_id: &str) -> Result<Option<Cancelled>> {
        self.ledger.cancel(account, message_id).await
    }

    async fn bulk(&self, account: AccountId, bulk_id: &str) -> Result<Option<Bulk>> {
        self.ledger.bulk(account, bulk_id).await
    }

    async fn change_bulk(
        &self,
        account: AccountId,
        bulk_id: &str,
        change: BulkChange,
    ) -> Result<Option<Bulk>> {
        self.ledger.change_bulk(account, bulk_id, change).await
    }

    async fn open_calls(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<OpenCall>> {
        self.ledger.open_calls(account, query).await
    }

    async fn call(&self, account: AccountId, message_id: &str) -> Result<Option<CallEntry>> {
        self.ledger.call(account, message_id).await
    }

    async fn spent(&self, account: AccountId, day: i32) -> Result<Amount> {
        self.ledger.spent(account, day).await
    }

    fn watch_calls(&self) -> watch::Receiver<u64> {
        self.ledger.watch_calls()
    }

    async fn put_deck(&self, deck: DeckFile) -> Result<()> {
        self.ledger.put_deck(deck).await
    }

    async fn decks(&self) -> Result<Vec<DeckFile>> {
        self.ledger.decks().await
    }

    fn watch_settings(&self) -> watch::Receiver<u64> {
        self.ledger.watch_settings()
    }

    async fn upkeep(&self) -> Result<Upkept> {
        self.ledger.upkeep().await
    }

    fn health(&self) -> Health {
        self.ledger.health()
    }

    async fn figures(&self) -> Result<Figures> {
        self.ledger.figures().await
    }
}
