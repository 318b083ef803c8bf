//! The shared ledger: PostgreSQL under Callslip, beside queues of the usual kind on the same server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use model::{AccountId, Report};
use store::{Keeping, Postgres, PostgresSettings};
use tokio::task::JoinSet;

use crate::Plan;
use crate::depth::{short, takes};
use crate::embedded::{append, take};
use crate::ledger::{Contestant, Memory, Rates, WORK, round_of};
use crate::postgres::Server;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit, quantile};
use crate::work::{self, Numbers, Running};

const SHALLOW: u64 = 10_000;
const DEEP: u64 = 1_000_000;
const DEEPEST: u64 = 10_000_000;

/// An account of the shared ledger.
pub(crate) struct Own {
    pub(crate) ledger: Arc<Postgres>,
    pub(crate) account: AccountId,
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
    depth(plan, &server, &ledger, table).await
}

/// Takes from accounts with little and with much pending, and from queues as deep.
async fn depth(
    plan: Plan,
    server: &Server,
    ledger: &Arc<Postgres>,
    table: &mut Table,
) -> anyhow::Result<()> {
    let depths: &[u64] = if plan.long { &[SHALLOW, DEEP, DEEPEST] } else { &[SHALLOW, DEEP] };
    let mut all: Vec<Arc<dyn Contestant>> = Vec::new();
    for pending in depths {
        let name = format!("pending_{pending}");
        let account = work::add_account_named(&**ledger, &name).await?;
        all.push(Arc::new(Own { ledger: Arc::clone(ledger), account }));
        all.push(Arc::new(server.queue(&name, Memory::Forgets).await?));
        for contestant in &all[all.len() - 2..] {
            fill(contestant, *pending).await?;
        }
    }
    server.settle().await?;
    let samples = takes(&all, plan.rounds * 200).await?;
    let [shallow, shallow_queue] = [&samples[0], &samples[1]];
    for (pending, pair) in depths.iter().zip(samples.chunks(2)) {
        for (name, of) in [("p50", 0.5), ("p99", 0.99)] {
            let what = format!("take of 50, {name}, {} pending", short(*pending));
            let [ours, theirs] = [[quantile(&pair[0], of)], [quantile(&pair[1], of)]];
            let own = format!("shared ledger, {what}");
            let queue = ("a queue, popped", theirs.as_slice());
            table.compare(&own, (&ours, Unit::Micros), queue, Goal::None);
            if *pending > SHALLOW {
                let against = format!("itself with {}", short(SHALLOW));
                let before = [quantile(shallow, of)];
                let goal = Goal::AtMost(1.5);
                table.compare(&own, (&ours, Unit::Micros), (&against, &before), goal);
                let before = [quantile(shallow_queue, of)];
                let queue = format!("(a queue, popped, {what})");
                table.compare(&queue, (&theirs, Unit::Micros), (&against, &before), Goal::None);
            }
        }
    }
    Ok(())
}

/// Appends so many reports, in large groups.
async fn fill(contestant: &Arc<dyn Contestant>, count: u64) -> anyhow::Result<()> {
    const FEEDERS: usize = 4;
    const BATCH: u64 = 500;
    let numbers = Arc::new(Numbers::default());
    let left = Arc::new(AtomicU64::new(count));
    let mut feeders = JoinSet::new();
    for feeder in 0..FEEDERS {
        let (contestant, numbers, left) = (contestant.clone(), numbers.clone(), left.clone());
        feeders.spawn(async move {
            let fewer = |left: u64| (left > 0).then(|| left.saturating_sub(BATCH));
            while let Ok(had) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer) {
                contestant.append(feeder, numbers.reports(had.min(BATCH) as usize)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(filled) = feeders.join_next().await {
        filled??;
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
