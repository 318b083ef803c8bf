//! A page: one transaction on one account, with the lock of it.
//!
//! The lock is the fence as well. A node that lost the answer to its COMMIT gets the lock only once
//! the transaction that had it has ended, and then reads what came of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{AccountId, Timestamp};
use tokio_postgres::Row;

use super::bulletin::News;
use super::command::Command;
use super::line::{Lent, Parameters};
use super::office::Office;
use super::row;
use super::trouble::{Done, Trouble};
use crate::{Result, StoreError};

/// Between attempts at a server that refuses.
const PAUSE: Duration = Duration::from_millis(20);

/// One transaction on one account.
pub(super) struct Page {
    pub(super) office: Arc<Office>,
    pub(super) account: AccountId,
    pub(super) now: Timestamp,
    pub(super) news: News,
    pub(super) line: Lent,
    /// Something was written, so that there is something to commit.
    wrote: bool,
}

/// What became of the commands on a page.
pub(super) enum Ended {
    /// They are kept, or there was nothing to keep. Every answer is there.
    Done,
    /// None of them is.
    Undone(Trouble),
}

impl Page {
    /// Begins, with the lock of the account.
    pub(super) async fn open(
        office: &Arc<Office>,
        mut line: Lent,
        account: AccountId,
    ) -> Done<Self> {
        if !line.begin(row::account(account)).await? {
            line.roll_back().await?;
            return Err(StoreError::NoSuchAccount.into());
        }
        let now = office.clock.now();
        let (office, news) = (Arc::clone(office), News::default());
        Ok(Self { office, account, now, news, line, wrote: false })
    }

    /// Does the commands and keeps them.
    pub(super) async fn write(mut self, commands: &mut [Command]) -> Ended {
        if let Err(trouble) = self.run(commands).await {
            if let Trouble::Refused(_) = trouble {
                // A line that cannot even do this is not used again.
                let _ = self.line.roll_back().await;
            }
            return Ended::Undone(trouble);
        }
        if !self.wrote {
            let ended = match commands.iter().any(Command::is_promise) {
                true => self.line.vouch().await,
                false => self.line.roll_back().await,
            };
            return ended.map_or_else(Ended::Undone, |()| Ended::Done);
        }
        let operation = self.office.next_operation();
        let committed =
            self.line.commit(row::account(self.account), self.office.node, operation).await;
        let Self { office, account, news, line, .. } = self;
        drop(line);
        if let Err(trouble) = committed
            && !was_kept(&office, account, operation).await
        {
            return Ended::Undone(trouble);
        }
        office.commits.fetch_add(1, Ordering::Relaxed);
        office.bulletin.publish(account, news);
        commands.iter_mut().for_each(|command| claim(&office, account, command));
        Ended::Done
    }

    async fn run(&mut self, commands: &mut [Command]) -> Done<()> {
        let is_feed = |command: &Command| matches!(command, Command::Feed(_));
        for run in commands.chunk_by_mut(|one, next| is_feed(one) && is_feed(next)) {
            match run {
                [Command::Feed(_), ..] => self.feed(run).await?,
                run => {
                    for command in run {
                        self.do_one(command).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn do_one(&mut self, command: &mut Command) -> Done<()> {
        match command {
            Command::AddAccount(ask) => {
                ask.answer = Some(answer(self.add_account(&ask.what).await)?);
            }
            Command::ReplaceAccount(ask) => {
                ask.answer = Some(answer(self.replace_account(&ask.what).await)?);
            }
            Command::PutKey(ask) => ask.answer = Some(answer(self.put_key(&ask.what).await)?),
            Command::PutDeck(ask) => ask.answer = Some(answer(self.put_deck(&ask.what).await)?),
            Command::Take(ask) => {
                let taken = answer(self.take(&ask.what).await)?;
                ask.answer = Some(taken.map(|taken| (taken, None)));
            }
            Command::Submit(ask) => ask.answer = Some(answer(self.submit(&ask.what).await)?),
            Command::Lease(ask) => ask.answer = Some(answer(self.lease(ask.what).await)?),
            Command::Renew(ask) => {
                ask.answer = Some(answer(self.renew(&ask.what.0, ask.what.1).await)?);
            }
            Command::Start(ask) => {
                ask.answer = Some(answer(self.start(ask.what.0, ask.what.1).await)?);
            }
            Command::Note(ask) => {
                ask.answer = Some(answer(self.note(ask.what.0, &ask.what.1).await)?);
            }
            Command::Record(ask) => {
                let (lease, from, part) = &ask.what;
                ask.answer = Some(answer(self.record(*lease, *from, part).await)?);
            }
            Command::Release(ask) => {
                ask.answer = Some(answer(self.release(ask.what.0, ask.what.1).await)?);
            }
            Command::Retry(ask) => {
                let (lease, cdr, due) = &ask.what;
                ask.answer = Some(answer(self.retry(*lease, cdr, *due).await)?);
            }
            Command::Finish(ask) => {
                ask.answer = Some(answer(self.finish(ask.what.0, &ask.what.1).await)?);
            }
            Command::Cancel(ask) => ask.answer = Some(answer(self.cancel(&ask.what).await)?),
            Command::ChangeBulk(ask) => {
                let (bulk, change) = &ask.what;
                ask.answer = Some(answer(self.change_bulk(bulk, *change).await)?);
            }
            Command::Upkeep(ask) => ask.answer = Some(answer(self.upkeep().await)?),
            Command::EndNode(ask) => {
                ask.answer = Some(answer(self.end_node(ask.what).await)?);
            }
            Command::Barrier(ask) => ask.answer = Some(Ok(())),
            Command::Feed(_) | Command::Fate(..) => {}
        }
        Ok(())
    }

    /// Looks.
    pub(super) async fn query(&self, sql: &'static str, with: Parameters<'_>) -> Done<Vec<Row>> {
        self.line.query(sql, with).await
    }

    pub(super) async fn one(&self, sql: &'static str, with: Parameters<'_>) -> Done<Row> {
        self.line.one(sql, with).await
    }

    pub(super) async fn maybe(&self, sql: &'static str, with: Parameters<'_>) -> Done<Option<Row>> {
        self.line.maybe(sql, with).await
    }

    /// Writes. Says how many rows.
    pub(super) async fn execute(&mut self, sql: &'static str, with: Parameters<'_>) -> Done<u64> {
        let rows = self.line.execute(sql, with).await?;
        self.wrote |= rows > 0;
        Ok(rows)
    }

    /// Writes, and gives what was returned.
    pub(super) async fn rewrite(
        &mut self,
        sql: &'static str,
        with: Parameters<'_>,
    ) -> Done<Vec<Row>> {
        let rows = self.line.query(sql, with).await?;
        self.wrote |= !rows.is_empty();
        Ok(rows)
    }

    pub(super) fn id(&self) -> i64 {
        row::account(self.account)
    }
}

/// Whether the operation was kept. Waits for the lock that its transaction had.
async fn was_kept(office: &Arc<Office>, account: AccountId, operation: i64) -> bool {
    loop {
        match ask_whether(office, account, operation).await {
            Ok(kept) => {
                tracing::warn!(account = account.0, kept, "The answer to a commit was lost.");
                return kept;
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn ask_whether(office: &Arc<Office>, account: AccountId, operation: i64) -> Done<bool> {
    const LATEST: &str = "SELECT operation FROM latest WHERE account = $1 AND node = $2";
    let mut line = office.pool.lend().await;
    line.begin(row::account(account)).await?;
    let latest = line.maybe(LATEST, &[&row::account(account), &office.node]).await?;
    line.vouch().await?;
    Ok(match latest {
        Some(latest) => latest.try_get::<_, i64>("operation")? == operation,
        None => false,
    })
}

/// A refusal is an answer, and changes nothing. Anything else is the end of the page.
fn answer<T>(done: Done<T>) -> Done<Result<T>> {
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(Trouble::Refused(StoreError::Corrupt(what))) => {
            Err(Trouble::Refused(StoreError::Corrupt(what)))
        }
        Err(Trouble::Refused(refusal)) => Ok(Err(refusal)),
        Err(lost @ Trouble::Lost(_)) => Err(lost),
    }
}

/// Whoever is answered a take has to resolve it.
fn claim(office: &Office, account: AccountId, command: &mut Command) {
    if let Command::Take(ask) = command
        && let Some(Ok((taken, claim))) = &mut ask.answer
        && let Some(take) = taken.take
    {
        *claim = Some(office.fates.claim(account, take));
    }
}
