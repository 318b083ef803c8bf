//! The verbs: what each of them asks of which desk, and what is looked up beside them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use model::deck::DeckFile;
use model::limits::RECORDING_PART_BYTES_MAX;
use model::{Account, AccountId, Amount, ApiKey, Cdr, Report, Timestamp};
use tokio::sync::watch;

use super::command::{Command, Wanted};
use super::line::Lent;
use super::register::SETTINGS;
use super::row::{self, Columns};
use super::trouble::Done;
use super::{Postgres, audit, herald, look, node};
use crate::order::{Ending, FeedItem, SubmitOrder};
use crate::{
    ArchiveQuery, Audit, Bulk, BulkChange, CallEntry, CallId, Cancelled, Due, Fate, Fed, Figures,
    Finished, Health, LeaseAsk, LeaseId, Leased, Ledger, LegUp, OpenCall, Record, Result, Share,
    Started, StoreError, Submission, Submitted, TakeAsk, TakeId, Taken, Upkept, Waiting, Work,
};

/// Steps of one upkeep of an account: at most twenty thousand reports.
const UPKEEP_STEPS_MAX: usize = 20;
/// What was spent on a day is kept for that many days.
const SPENT_DAYS: i64 = 400;

#[async_trait]
impl Ledger for Postgres {
    async fn add_account(&self, account: Account) -> Result<Account> {
        self.ask(SETTINGS, 0, account, Command::AddAccount).await
    }

    async fn replace_account(&self, account: Account) -> Result<()> {
        self.ask(SETTINGS, 0, account, Command::ReplaceAccount).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.office().look(|line| async move { look::accounts(&line).await }).await
    }

    async fn put_key(&self, key: ApiKey) -> Result<()> {
        self.ask(SETTINGS, 0, key, Command::PutKey).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.office().look(|line| async move { look::api_keys(&line).await }).await
    }

    async fn feed(&self, account: AccountId, reports: Vec<Report>) -> Result<Vec<Fed>> {
        let items: Vec<FeedItem> = reports.iter().map(FeedItem::from).collect();
        drop(reports);
        let bytes = items.iter().map(|item| item.encoded.len()).sum();
        self.ask(account, bytes, items, Command::Feed).await
    }

    async fn take(&self, account: AccountId, ask: TakeAsk) -> Result<Taken> {
        let (taken, claim) = self.ask(account, 0, ask, Command::Take).await?;
        if let Some(claim) = claim {
            claim.hand_over();
        }
        Ok(taken)
    }

    /// Another node may have fed, so that it cannot be told for free.
    fn has_nothing(&self, _: AccountId, _: bool) -> bool {
        false
    }

    fn resolve(&self, take: TakeId, fate: Fate) {
        self.office().fates.send(take, fate);
    }

    async fn list(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<Record>> {
        let query = &query;
        self.office().look(|line| async move { look::list(&line, account, query).await }).await
    }

    async fn audit(&self, message_id: &str) -> Result<Vec<Audit>> {
        self.all_fates_noted().await?;
        self.office().look(|line| async move { audit::audit(&line, message_id).await }).await
    }

    async fn waiting(&self, account: AccountId) -> Result<Waiting> {
        // First what was asked before and nobody waits for any more; then what that has called in.
        self.ask(account, 0, (), Command::Barrier).await?;
        if self.office().fates.is_waiting(account) {
            self.ask(account, 0, (), Command::Barrier).await?;
        }
        let look =
            self.office().look(|line| async move { audit::waiting(&line, Some(account)).await });
        let waiting = look.await?.first().map(|(_, waiting)| *waiting);
        waiting.ok_or(StoreError::NoSuchAccount)
    }

    fn watch(&self, account: AccountId) -> watch::Receiver<u64> {
        self.office().bulletin.watch(account)
    }

    async fn submit(&self, account: AccountId, submission: Submission) -> Result<Submitted> {
        let order = SubmitOrder::from(submission);
        self.ask(account, order.bytes(), order, Command::Submit).await
    }

    async fn due(&self) -> Result<Vec<Due>> {
        let now = self.office().clock.now();
        self.office().look(|line| async move { audit::due(&line, now).await }).await
    }

    async fn lease(&self, ask: LeaseAsk) -> Result<Work> {
        self.lease_work(ask).await
    }

    async fn start(&self, lease: LeaseId, started: Started) -> Result<()> {
        self.ask(lease.call.account, 0, (lease, started), Command::Start).await
    }

    async fn note(&self, lease: LeaseId, up: LegUp) -> Result<()> {
        self.ask(lease.call.account, 0, (lease, up), Command::Note).await
    }

    async fn record(&self, lease: LeaseId, from: u64, part: Vec<u8>) -> Result<()> {
        debug_assert!(part.len() <= RECORDING_PART_BYTES_MAX, "a part is cut by whoever records");
        self.ask(lease.call.account, part.len(), (lease, from, part), Command::Record).await
    }

    async fn recording(
        &self,
        account: AccountId,
        message_id: &str,
        part: u32,
    ) -> Result<Option<Vec<u8>>> {
        let look =
            |line: Lent| async move { look::recording(&line, account, message_id, part).await };
        self.office().look(look).await
    }

    async fn renew(&self, leases: Vec<LeaseId>, until: Timestamp) -> Result<Vec<LeaseId>> {
        let mut by_account: BTreeMap<AccountId, Vec<LeaseId>> = BTreeMap::new();
        for lease in leases {
            by_account.entry(lease.call.account).or_default().push(lease);
        }
        let renewals = by_account
            .into_iter()
            .map(|(account, leases)| self.ask(account, 0, (leases, until), Command::Renew));
        let lost: Result<Vec<_>> = join_all(renewals).await.into_iter().collect();
        Ok(lost?.concat())
    }

    async fn release(&self, lease: LeaseId, due: Timestamp) -> Result<()> {
        self.ask(lease.call.account, 0, (lease, due), Command::Release).await
    }

    async fn retry(&self, lease: LeaseId, cdr: Cdr, due: Timestamp) -> Result<()> {
        self.ask(lease.call.account, 0, (lease, cdr, due), Command::Retry).await
    }

    async fn finish(&self, lease: LeaseId, finished: Finished) -> Result<()> {
        let ending = Ending::from(finished);
        self.ask(lease.call.account, 0, (lease, ending), Command::Finish).await
    }

    async fn cancel(&self, account: AccountId, message_id: &str) -> Result<Option<Cancelled>> {
        self.ask(account, 0, message_id.to_owned(), Command::Cancel).await
    }

    async fn bulk(&self, account: AccountId, bulk_id: &str) -> Result<Option<Bulk>> {
        self.office().look(|line| async move { look::bulk(&line, account, bulk_id).await }).await
    }

    async fn change_bulk(
        &self,
        account: AccountId,
        bulk_id: &str,
        change: BulkChange,
    ) -> Result<Option<Bulk>> {
        self.ask(account, 0, (bulk_id.to_owned(), change), Command::ChangeBulk).await
    }

    async fn open_calls(&self, account: AccountId, query: ArchiveQuery) -> Result<Vec<OpenCall>> {
        let query = &query;
        self.office()
            .look(|line| async move { look::open_calls(&line, account, query).await })
            .await
    }

    async fn call(&self, account: AccountId, message_id: &str) -> Result<Option<CallEntry>> {
        self.office().look(|line| async move { look::call(&line, account, message_id).await }).await
    }

    async fn spent(&self, account: AccountId, day: i32) -> Result<Amount> {
        self.office().look(|line| async move { look::spent(&line, account, day).await }).await
    }

    fn watch_calls(&self) -> watch::Receiver<u64> {
        self.office().bulletin.watch_calls()
    }

    async fn put_deck(&self, deck: DeckFile) -> Result<()> {
        self.ask(SETTINGS, deck.csv.len(), deck, Command::PutDeck).await
    }

    async fn decks(&self) -> Result<Vec<DeckFile>> {
        self.office().look(|line| async move { look::decks(&line).await }).await
    }

    fn watch_settings(&self) -> watch::Receiver<u64> {
        self.office().bulletin.watch_settings()
    }

    async fn upkeep(&self) -> Result<Upkept> {
        // First, and whatever else cannot be done: a node that is silent is given up.
        self.mind_nodes().await?;
        let office = self.office();
        office
            .look(|line| async move { herald::look_around(&line, &office.bulletin).await })
            .await?;
        self.all_fates_noted().await?;
        self.drop_spent().await?;
        let mut upkept = Upkept::default();
        for _ in 0..UPKEEP_STEPS_MAX {
            let mut more = false;
            for account in self.neglected().await? {
                let (step, has_more) = self.ask(account, 0, (), Command::Upkeep).await?;
                upkept.windows_settled += step.windows_settled;
                upkept.windows_returned += step.windows_returned;
                upkept.reports_dropped += step.reports_dropped;
                upkept.pending_dropped += step.pending_dropped;
                more |= has_more;
            }
            if !more {
                break;
            }
        }
        Ok(upkept)
    }

    fn health(&self) -> Health {
        self.office().pool.health()
    }

    async fn figures(&self) -> Result<Figures> {
        self.all_fates_noted().await?;
        let (office, now) = (self.office(), self.office().clock.now());
        let look = |line: Lent| async move {
            Ok(Figures {
                waiting: audit::waiting(&line, None).await?,
                calls: audit::due(&line, now).await?,
                commits: office.commits.load(Ordering::Relaxed),
                commands: office.commands.load(Ordering::Relaxed),
                disk_bytes: audit::disk_bytes(&line).await?,
            })
        };
        office.look(look).await
    }
}

impl Postgres {
    /// Waits until the fates that were called in have taken effect, whatever the account.
    async fn all_fates_noted(&self) -> Result<()> {
        let accounts = self.office().fates.waiting();
        let barriers =
            accounts.into_iter().map(|account| self.ask(account, 0, (), Command::Barrier));
        join_all(barriers).await.into_iter().collect()
    }

    /// Leases account by account, each at its own desk: first those to be placed, then those to be
    /// closed.
    async fn lease_work(&self, ask: LeaseAsk) -> Result<Work> {
        let (asked_at, until) = (self.office().clock.now(), ask.until);
        let expired = self.accounts_to_expire(&ask.shares, asked_at).await?;
        let share = |share: Share| {
            let (most, under_way_max) = (share.most, share.under_way_max);
            let wanted = Wanted { most, under_way_max, until, closing: false, asked_at };
            self.ask(share.account, 0, wanted, Command::Lease)
        };
        let mut due: Vec<Leased> = Vec::new();
        for leased in join_all(ask.shares.iter().copied().map(share)).await {
            due.extend(leased?);
        }
        let nothing = Wanted { most: 0, under_way_max: 0, until, closing: true, asked_at };
        let others =
            expired.into_iter().filter(|id| ask.shares.iter().all(|share| share.account != *id));
        let ended = others.map(|account| self.ask(account, 0, nothing, Command::Lease));
        join_all(ended).await.into_iter().collect::<Result<Vec<_>>>()?;
        let mut closing: Vec<Leased> = Vec::new();
        let (to_close, cancelled) = self.accounts_to_close().await?;
        for account in to_close {
            let most = ask.closing_max - closing.len();
            if most == 0 {
                break;
            }
            let wanted = Wanted { most, ..nothing };
            closing.extend(self.ask(account, 0, wanted, Command::Lease).await?);
        }
        Ok(Work { due, closing, cancelled })
    }

    /// The accounts with leases that are over. Refused if a share is of an account that is not
    /// there, before anything is leased.
    async fn accounts_to_expire(
        &self,
        shares: &[Share],
        asked_at: Timestamp,
    ) -> Result<Vec<AccountId>> {
        const EXPIRED: &str = "SELECT DISTINCT account FROM call \
            WHERE token IS NOT NULL AND until <= $1 AND (NOT started OR node = $2) \
            ORDER BY account";
        const THERE: &str = "SELECT count(*) AS there FROM queue WHERE account = ANY ($1)";
        let (now, node) = (row::time(asked_at), self.office().node);
        let mut ids: Vec<i64> = shares.iter().map(|share| row::account(share.account)).collect();
        ids.sort_unstable();
        ids.dedup();
        let ids = &ids;
        let look = |line: Lent| async move {
            let there = line.one(THERE, &[ids]).await?.number("there")?;
            if there < ids.len() as u64 {
                return Err(StoreError::NoSuchAccount.into());
            }
            let rows = line.query(EXPIRED, &[&now, &node]).await?;
            rows.iter().map(Columns::account).collect()
        };
        self.office().look(look).await
    }

    /// The accounts with calls that are to be closed and nobody has, and the calls that were
    /// cancelled while somebody had them to place.
    async fn accounts_to_close(&self) -> Result<(Vec<AccountId>, Vec<CallId>)> {
        const TO_CLOSE: &str = "SELECT DISTINCT account FROM call \
            WHERE token IS NULL AND (started OR cancelled) ORDER BY account";
        const CANCELLED: &str = "SELECT account, number FROM call \
            WHERE token IS NOT NULL AND cancelled AND NOT closing ORDER BY account, number";
        let look = |line: Lent| async move {
            let to_close = line.query(TO_CLOSE, &[]).await?;
            let cancelled = line.query(CANCELLED, &[]).await?;
            let call = |row: &tokio_postgres::Row| {
                Ok(CallId { account: row.account()?, number: row.number("number")? })
            };
            Ok((
                to_close.iter().map(Columns::account).collect::<Done<_>>()?,
                cancelled.iter().map(call).collect::<Done<_>>()?,
            ))
        };
        self.office().look(look).await
    }

    /// This node lives; what those have open that do not is ended.
    async fn mind_nodes(&self) -> Result<()> {
        let office = self.office();
        let now = office.clock.now();
        let look = |line: Lent| async move {
            node::live(&line, office.node, now.plus(office.silence_max)).await?;
            if office.presence.is_steady(now, office.silence_max)
                && node::bury(&line, office.node, now).await? > 0
            {
                tracing::warn!("A node has been silent for too long and is given up.");
            }
            node::open_at_dead(&line).await
        };
        for (account, dead) in office.look(look).await? {
            self.ask(account, 0, dead, Command::EndNode).await?;
        }
        Ok(())
    }

    /// The accounts with something for upkeep to do.
    async fn neglected(&self) -> Result<Vec<AccountId>> {
        const NEGLECTED: &str = "SELECT q.account FROM queue q WHERE q.account > 0 AND ( \
            (q.calls > 0 AND EXISTS (SELECT FROM call c WHERE c.account = q.account \
                AND c.token IS NOT NULL AND NOT c.started AND c.until <= $1)) \
            OR (q.in_flight > 0 AND EXISTS (SELECT FROM take t WHERE t.account = q.account \
                AND t.state = 0 AND t.key IS NOT NULL AND t.at <= $2 AND t.open = '{}')) \
            OR (SELECT t.ended_at <= $3 FROM take t WHERE t.account = q.account \
                AND t.take >= q.first_take ORDER BY t.take LIMIT 1) \
            OR EXISTS (SELECT FROM submit s WHERE s.account = q.account AND s.at <= $4) \
            OR (q.pending > 0 AND (SELECT r.fed_at FROM report r WHERE r.account = q.account \
                AND r.seq = least(q.head, (SELECT p.range_start FROM pending p \
                    WHERE p.account = q.account ORDER BY p.range_end LIMIT 1))) <= $5)) \
            ORDER BY q.account";
        let (now, keeping) = (self.office().clock.now(), &self.office().keeping);
        let before = |span: Duration| row::time(now.minus(span));
        let (window, retention) = (before(keeping.replay_window), before(keeping.retention));
        let (submitted, age) = (before(keeping.submit_window), keeping.pending_max_age.map(before));
        let now = row::time(now);
        let look = |line: Lent| async move {
            let rows =
                line.query(NEGLECTED, &[&now, &window, &retention, &submitted, &age]).await?;
            rows.iter().map(Columns::account).collect()
        };
        self.office().look(look).await
    }

    /// Drops what was spent on days long gone, and nodes that are, once a day.
    async fn drop_spent(&self) -> Result<()> {
        let office = self.office();
        let now = office.clock.now();
        let today = now.as_millis().div_euclid(86_400_000);
        if office.spent_dropped_on.swap(today, Ordering::Relaxed) == today {
            return Ok(());
        }
        let last = i32::try_from(today - SPENT_DAYS).unwrap_or(0);
        let look = |line: Lent| async move {
            line.execute("DELETE FROM spent WHERE day <= $1", &[&last]).await?;
            node::forget(&line, now).await
        };
        office.look(look).await
    }
}
