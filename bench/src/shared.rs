//! The shared ledger: PostgreSQL under Callslip, beside queues of the usual kind on the same server.

use std::sync::Arc;

use async_trait::async_trait;
use model::{AccountId, Report};
use store::{Keeping, Postgres, PostgresSettings};

use crate::Plan;
use crate::depth::{short, takes};
use crate::embedded::{append, take};
use crate::ledger::{Contestant, Memory, Rates, WORK, round_of};
use crate::postgres::Server;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit, quantile};
use crate::work::{self, Numbers, Running};

const SHALLOW: u64 = 10_000;
const DEEP: u64 = 200_000;
const DEEPEST: u64 = 10_000_000;

/// An account of the shared ledger.
struct Own {
    ledger: Arc<Postgres>,
    account: AccountId,
}

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let server = Server::start(scratch.sub("shared")?).await?;
    let settings = PostgresSettings::at(server.url());
    let ledger = Postgres::open(settings, Keeping::default(), Arc::new(Running::new())).await?;
    let ledger = Arc::new(ledger);
    let account = work::add_account(&*ledger).await?;
    let own: Arc<dyn Contestant> = Arc::new(Own { ledger: Arc::clone(&ledger), account });
    let peers: [(&str, Arc<dyn Contestant>); 2] = [
        ("a queue, popped", Arc::new(server.queue("popped", Memory::Forgets).await?)),
        ("a queue, read and archived", Arc::new(server.queue("kept", Memory::Keeps).await?)),
    ];
    let numbers = Arc::new(Numbers::default());
    let (mut own_rates, mut peer_rates) = <(Rates, [Rates; 2])>::default();
    // Round 0 warms up and is not kept.
    for round in 0..=plan.rounds {
        if round == 1 {
            (own_rates, peer_rates) = Default::default();
        }
        round_of(&own, &numbers, &mut own_rates).await?;
        for ((_, peer), rates) in peers.iter().zip(&mut peer_rates) {
            round_of(peer, &numbers, rates).await?;
        }
    }
    for (what, of) in WORK {
        for ((name, _), rates) in peers.iter().zip(&peer_rates) {
            let what = format!("shared ledger, {what}");
            let ours = (of(&own_rates).as_slice(), Unit::PerSecond);
            table.compare(&what, ours, (name, of(rates)), Goal::Ahead);
        }
    }
    drop((own, peers));
    depth(plan, &ledger, &numbers, table).await
}

/// Takes from accounts with little and with much pending.
async fn depth(
    plan: Plan,
    ledger: &Arc<Postgres>,
    numbers: &Arc<Numbers>,
    table: &mut Table,
) -> anyhow::Result<()> {
    let deep = if plan.long { DEEPEST } else { DEEP };
    let mut accounts = Vec::new();
    for (name, pending) in [("shallow", SHALLOW), ("deep", deep)] {
        let account = work::add_account_named(&**ledger, name).await?;
        work::fill(ledger, account, numbers, pending).await?;
        accounts.push(Own { ledger: Arc::clone(ledger), account });
    }
    let samples = takes(&accounts, plan.rounds * 200).await?;
    for (name, of) in [("p50", 0.5), ("p99", 0.99)] {
        let what = format!("shared ledger, take of 50, {name}, {} pending", short(deep));
        let [ours, theirs] = [quantile(&samples[1], of), quantile(&samples[0], of)];
        let against = format!("itself with {}", short(SHALLOW));
        let (ours, theirs) = ([ours], [theirs]);
        table.compare(&what, (&ours, Unit::Micros), (&against, &theirs), Goal::AtMost(1.5));
    }
    Ok(())
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
