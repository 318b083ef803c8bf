//! The shared ledger: PostgreSQL under Callslip, beside queues of the usual kind on the same server.

use std::sync::Arc;

use store::{Keeping, Postgres, PostgresSettings};

use crate::Plan;
use crate::depth::{short, takes};
use crate::ledger::{Contestant, Memory, Rates, WORK, fill, round_of};
use crate::own::Own;
use crate::postgres::Server;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit, quantile};
use crate::work::{self, Numbers, Running};

const SHALLOW: u64 = 10_000;
const DEEP: u64 = 1_000_000;
const DEEPEST: u64 = 10_000_000;

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
    let own: Arc<dyn Contestant> = Arc::new(Own::of(ledger.clone(), account));
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
        all.push(Arc::new(Own::of(ledger.clone(), account)));
        all.push(Arc::new(server.queue(&name, Memory::Forgets).await?));
        for contestant in &all[all.len() - 2..] {
            fill(contestant, &Arc::default(), *pending).await?;
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
