//! The verbs: what each of them asks of the writer, and what is looked up beside it.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use model::deck::DeckFile;
use model::limits::RECORDING_PART_BYTES_MAX;
use model::{Account, AccountId, Amount, ApiKey, Cdr, Report, Timestamp};
use tokio::sync::watch;

use super::command::{Assigned, Command, Granted};
use super::files::Files;
use super::group::Group;
use super::{Embedded, look, read};
use crate::order::{Ending, FeedItem, SubmitOrder};
use crate::{
    ArchiveQuery, Audit, Bulk, BulkChange, CallEntry, Cancelled, Due, Fate, Fed, Figures, Finished,
    Health, LeaseAsk, LeaseId, Ledger, LegUp, OpenCall, Record, Result, Started, Submission,
    Submitted, TakeAsk, TakeId, Taken, Upkept, Waiting, Work,
};

/// Steps of one upkeep: at most twenty thousand reports.
const UPKEEP_STEPS_MAX: usize = 20;

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
        let items: Vec<FeedItem> = reports.iter().map(FeedItem::from).collect();
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

    async fn submit(&self, account: AccountId, submission: Submission) -> Result<Submitted> {
        let order = SubmitOrder::from(submission);
        self.ask(order.bytes() >> 10, |reply| Command::Submit(account, order, reply)).await
    }

    async fn due(&self) -> Result<Vec<Due>> {
        Ok(self.0.due())
    }

    async fn lease(&self, ask: LeaseAsk) -> Result<Work> {
        let Granted { due, closing, cancelled } =
            self.ask(1, |reply| Command::Lease(ask, reply)).await?;
        if due.is_empty() && closing.is_empty() {
            return Ok(Work { cancelled, ..Work::default() });
        }
        self.look(move |files| {
            let (due, closing) = (look::leased(files, due)?, look::leased(files, closing)?);
            Ok(Work { due, closing, cancelled })
        })
        .await
    }

    async fn start(&self, lease: LeaseId, started: Started) -> Result<()> {
        self.ask(1, |reply| Command::Start(lease, started, reply)).await
    }

    async fn renew(&self, leases: Vec<LeaseId>, until: Timestamp) -> Result<Vec<LeaseId>> {
        self.ask(1, |reply| Command::Renew(leases, until, reply)).await
    }

    async fn release(&self, lease: LeaseId, due: Timestamp) -> Result<()> {
        self.ask(1, |reply| Command::Release(lease, due, reply)).await
    }

    async fn note(&self, lease: LeaseId, up: LegUp) -> Result<()> {
        self.ask(1, |reply| Command::Note(lease, up, reply)).await
    }

    async fn record(&self, lease: LeaseId, from: u64, part: Vec<u8>) -> Result<()> {
        debug_assert!(part.len() <= RECORDING_PART_BYTES_MAX, "a part is cut by whoever records");
        self.ask(part.len() >> 10, |reply| Command::Record(lease, from, part, reply)).await
    }

    async fn recording(
        &self,
        account: AccountId,
        message_id: &str,
        part: u32,
    ) -> Result<Option<Vec<u8>>> {
        self.0.shared.account(account)?;
        let message = message_id.to_owned();
        self.look(move |files| look::recording(files, account, &message, part)).await
    }

    async fn retry(&self, lease: LeaseId, cdr: Cdr, due: Timestamp) -> Result<()> {
        self.ask(1, |reply| Command::Retry(lease, Box::new(cdr), due, reply)).await
    }

    async fn finish(&self, lease: LeaseId, finished: Finished) -> Result<()> {
        let ending = Box::new(Ending::from(finished));
        self.ask(1, |reply| Command::Finish(lease, ending, reply)).await
    }

    async fn cancel(&self, account: AccountId, message_id: &str) -> Result<Option<Cancelled>> {
        let message = message_id.to_owned();
        self.ask(1, |reply| Command::Cancel(account, message, reply)).await
    }

    async fn bulk(&self, account: AccountId, bulk_id: &str) -> Result<Option<Bulk>> {
        self.0.shared.account(account)?;
        let bulk = bulk_id.to_owned();
        self.look(move |files| look::bulk(files, account, &bulk)).await
    }

    async fn change_bulk(
        &self,
        account: AccountId,
        bulk_id: &str,
        change: BulkChange,
    ) -> Result<Option<Bulk>> {
        let bulk = bulk_id.to_owned();
        self.ask(1, |reply| Command::ChangeBulk(account, bulk, change, reply)).await
    }

    async fn open_calls(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<OpenCall>> {
        let named = self.0.named(account, &query.message_ids)?;
        self.look(move |files| look::open_calls(files, account, &query, &named)).await
    }

    async fn call(&self, account: AccountId, message_id: &str) -> Result<Option<CallEntry>> {
        // Asked first: a call that ends meanwhile has its report by the time the files are read.
        let named = self.0.named(account, &[message_id])?;
        let message = message_id.to_owned();
        self.look(move |files| look::call(files, account, &message, &named)).await
    }

    async fn spent(&self, account: AccountId, day: i32) -> Result<Amount> {
        self.0.shared.account(account)?;
        self.look(move |files| read::spent(&Group::new(files), account, day)).await
    }

    fn watch_calls(&self) -> watch::Receiver<u64> {
        self.0.shared.work.subscribe()
    }

    async fn put_deck(&self, deck: DeckFile) -> Result<()> {
        self.ask(deck.csv.len() >> 10, |reply| Command::PutDeck(deck, reply)).await
    }

    async fn decks(&self) -> Result<Vec<DeckFile>> {
        self.look(read::decks).await
    }

    fn watch_settings(&self) -> watch::Receiver<u64> {
        self.0.shared.settings.subscribe()
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
            calls: self.0.due(),
            commits: self.0.shared.commits.load(Ordering::Relaxed),
            commands: self.0.shared.commands.load(Ordering::Relaxed),
            disk_bytes: self.look(Files::disk_bytes).await?,
        })
    }
}
