//! Callslip's own ledger as a contestant.

use std::sync::Arc;

use async_trait::async_trait;
use model::{AccountId, Report};
use store::{Embedded, Fate, Fed, Filter, Keeping, Ledger, TakeAsk, TakenBy};

use crate::ledger::Contestant;
use crate::scratch::Scratch;
use crate::work::{self, Running, TAKE};

/// The embedded ledger, with one account.
pub(crate) struct Own {
    pub(crate) ledger: Arc<Embedded>,
    pub(crate) account: AccountId,
    /// Goes last.
    _dir: Scratch,
}

impl Own {
    /// A new ledger in the directory.
    pub(crate) async fn start(dir: Scratch) -> anyhow::Result<Self> {
        let ledger = Embedded::open(dir.path(), Keeping::default(), Arc::new(Running::new()))?;
        let account = work::add_account(&ledger).await?;
        Ok(Self { ledger: Arc::new(ledger), account, _dir: dir })
    }

    /// The ledger that is in the directory already.
    pub(crate) async fn open(dir: Scratch) -> anyhow::Result<Self> {
        let ledger = Embedded::open(dir.path(), Keeping::default(), Arc::new(Running::new()))?;
        let accounts = ledger.accounts().await?;
        let account = accounts.first().ok_or_else(|| anyhow::anyhow!("no account"))?.id;
        Ok(Self { ledger: Arc::new(ledger), account, _dir: dir })
    }

    /// Commits so far.
    pub(crate) async fn commits(&self) -> anyhow::Result<u64> {
        Ok(self.ledger.figures().await?.commits)
    }
}

#[async_trait]
impl Contestant for Own {
    async fn append(&self, _: usize, reports: Vec<Report>) -> anyhow::Result<()> {
        append(&*self.ledger, self.account, reports).await
    }

    async fn take(&self, _: usize) -> anyhow::Result<usize> {
        take(&*self.ledger, self.account).await
    }
}

/// Feeds a ledger.
pub(crate) async fn append(
    ledger: &dyn Ledger,
    account: AccountId,
    reports: Vec<Report>,
) -> anyhow::Result<()> {
    let fed = ledger.feed(account, reports).await?;
    anyhow::ensure!(fed.iter().all(|fed| *fed == Fed::New), "a report was not new");
    Ok(())
}

/// Takes the oldest fifty out of a ledger, and settles that.
pub(crate) async fn take(ledger: &dyn Ledger, account: AccountId) -> anyhow::Result<usize> {
    let by = TakenBy {
        credential: "password".into(),
        peer: "127.0.0.1:40000".into(),
        request_id: "bench".into(),
    };
    let ask = TakeAsk { filter: Filter::default(), limit: TAKE, key: None, by };
    let taken = ledger.take(account, ask).await?;
    if let Some(take) = taken.take {
        ledger.resolve(take, Fate::Settled);
    }
    Ok(taken.records.len())
}
