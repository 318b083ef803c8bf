//! A node on a shared ledger, in a process of its own: its ledger, its edge, and who works at it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use model::AccountId;
use store::{Keeping, Ledger as _, Postgres, PostgresSettings};

use crate::child::{self, Child};
use crate::house::Front;
use crate::ledger::{BULK, BULK_WRITERS, Contestant, append, take};
use crate::own::Own;
use crate::process::used;
use crate::work::{Numbers, Running};

/// The parent's side.
pub(crate) struct Node {
    child: Child,
    /// Where its edge is.
    pub(crate) public: SocketAddr,
}

/// What a node is told to do for a while.
#[derive(Clone, Copy)]
pub(crate) enum Task {
    /// 4 writers, 64 reports at a time.
    Append,
    /// 16 takers, 50 reports at a time, until nothing is left.
    Take,
}

impl Task {
    const fn word(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Take => "take",
        }
    }
}

impl Node {
    /// Each number may be used once on a ledger.
    pub(crate) async fn start(url: &str, number: u64) -> anyhow::Result<Self> {
        let mut child = Child::start(&["node", url, &number.to_string()])?;
        let public = child.ask("where").await?.parse()?;
        Ok(Self { child, public })
    }

    /// Adds an account of that name, with the password of all.
    pub(crate) async fn add_account(&mut self, name: &str) -> anyhow::Result<()> {
        self.child.ask(&format!("add {name}")).await.map(|_| ())
    }

    /// Does it for the account; reports per second, and the seconds.
    pub(crate) async fn work(&mut self, task: Task, account: &str) -> anyhow::Result<(f64, f64)> {
        let line = self.child.ask(&format!("{} {account}", task.word())).await?;
        let numbers = line.split_once(' ').context("a rate and seconds")?;
        Ok((numbers.0.parse()?, numbers.1.parse()?))
    }

    /// Processor time that it has had, in seconds.
    pub(crate) fn used(&self) -> anyhow::Result<f64> {
        Ok(used(self.child.process.id())?.as_secs_f64())
    }
}

/// The child's side.
pub(crate) async fn serve(url: &str, number: u64) -> anyhow::Result<()> {
    let clock = Arc::new(Running::new());
    let settings = PostgresSettings::at(url);
    let ledger = Postgres::open(settings, Keeping::default(), clock.clone()).await?;
    let ledger = Arc::new(ledger);
    let front = Front::open(ledger.clone(), clock).await?;
    let numbers = Arc::new(Numbers::starting((number + 1) << 40));
    child::serve(async |line| {
        let (word, account) = line.split_once(' ').unwrap_or((line, ""));
        if word == "where" {
            return Ok(front.public.to_string());
        }
        if word == "add" {
            front.add_account(account).await?;
            return Ok("added".into());
        }
        let account = find(&ledger, account).await?;
        let own: Arc<dyn Contestant> = Arc::new(Own::of(ledger.clone(), account));
        let (rate, seconds) = match word {
            "append" => append(&own, &numbers, (BULK_WRITERS, BULK)).await?,
            _ => take(&own).await?,
        };
        Ok(format!("{rate} {seconds}"))
    })
    .await
}

async fn find(ledger: &Postgres, name: &str) -> anyhow::Result<AccountId> {
    let accounts = ledger.accounts().await?;
    let account = accounts.iter().find(|account| account.name == name);
    Ok(account.with_context(|| format!("there is no account {name}"))?.id)
}
