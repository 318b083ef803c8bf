//! Callslip's own ledgers as contestants.

use std::sync::Arc;

use async_trait::async_trait;
use model::{AccountId, Report};
use store::{Embedded, Fate, Fed, Filter, Keeping, Ledger, TakeAsk, TakenBy};

use crate::ledger::Contestant;
use crate::scratch::Scratch;
use crate::work::{self, Running, TAKE};

/// An account of a ledger.
pub(crate) struct Own {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) account: AccountId,
    /// Of an embedded one; goes last.
    _dir: Option<Scratch>,
}

impl Own {
    pub(crate) fn of(ledger: Arc<dyn Ledger>, account: AccountId) -> Self {
        Self { ledger, account, _dir: None }
    }

    /// The account of a new embedded ledger in the directory.
    pub(crate) async fn start(dir: Scratch) -> anyhow::Result<Self> {
        let ledger = Embedded::open(dir.path(), Keeping::default(), Arc::new(Running::new()))?;
        let account = work::add_account(&ledger).await?;
        Ok(Self { ledger: Arc::new(ledger), account, _dir: Some(dir) })
    }

    /// That of the embedded ledger that is in the directory already.
    pub(crate) async fn open(dir: Scratch) -> anyhow::Result<Self> {
        let ledger = Embedded::open(dir.path(), Keeping::default(), Arc::new(Running::new()))?;
        let accounts = ledger.accounts().await?;
        let account = accounts.first().ok_or_else(|| anyhow::anyhow!("no account"))?.id;
        Ok(Self { ledger: Arc::new(ledger), account, _dir: Some(dir) })
    }

    /// Commits so far.
    pub(crate) async fn commits(&self) -> anyhow::Result<u64> {
        Ok(self.ledger.figures().await?.commits)
    }

    /// Reports that are pending.
    pub(crate) async fn pending(&self) -> anyhow::Result<u64> {
        Ok(self.ledger.waiting(self.account).await?.pending)
    }
}

#[async_trait]
impl Contestant for Own {
    async fn append(&self, _: usize, reports: Vec<Report>) -> anyhow::Result<()> {
        let fed = self.ledger.feed(self.account, reports).await?;
        anyhow::ensure!(fed.iter().all(|fed| *fed == Fed::New), "a report was not new");
        Ok(())
    }

    /// Takes, and settles that.
    async fn take(&self, _: usize) -> anyhow::Result<usize> {
        let by = TakenBy {
            credential: "password".into(),
            peer: "127.0.0.1:40000".into(),
            request_id: "bench".into(),
        };
        let ask = TakeAsk { filter: Filter::default(), limit: TAKE, key: None, by };
        let taken = self.ledger.take(self.account, ask).await?;
        if let Some(take) = taken.take {
            self.ledger.resolve(take, Fate::Settled);
        }
        Ok(taken.records.len())
    }
}
