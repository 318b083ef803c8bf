//! The ledger against the disk and against other people's stores, all doing the same work.
//!
//! A round is: 64 writers append one report each, again and again; 4 writers append 64 at a time;
//! then 16 takers take 50 at a time until nothing is left of it. Every contestant goes through a
//! round before any goes through the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::Report;
use tokio::task::JoinSet;

use crate::nats::Nats;
use crate::own::Own;
use crate::postgres::Server;
use crate::redis::Redis;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};
use crate::work::{self, Numbers, TAKE};
use crate::{Plan, floor};

pub(crate) const WRITERS: usize = 64;
pub(crate) const TAKERS: usize = 16;
pub(crate) const BULK_WRITERS: usize = 4;
pub(crate) const BULK: usize = 64;
const SPAN: Duration = Duration::from_secs(1);
/// A taker that does not come to an end is not waited for longer.
const TAKE_SPAN: Duration = Duration::from_secs(2);

/// Someone who keeps reports and hands each out once.
#[async_trait]
pub(crate) trait Contestant: Send + Sync {
    /// Appends the reports. Gives back once they are as durable as they get.
    async fn append(&self, writer: usize, reports: Vec<Report>) -> anyhow::Result<()>;

    /// Takes the oldest fifty; how many there were.
    async fn take(&self, taker: usize) -> anyhow::Result<usize>;
}

/// How long it keeps what it has handed out.
#[derive(Clone, Copy)]
pub(crate) enum Memory {
    /// A pop is the end of it.
    Forgets,
    /// Reports stay, and a take leaves a note.
    Keeps,
}

/// One contestant's rates, round by round, in reports per second.
#[derive(Default)]
pub(crate) struct Rates {
    pub(crate) single: Vec<f64>,
    pub(crate) bulk: Vec<f64>,
    pub(crate) take: Vec<f64>,
}

/// How many records the ledger committed at once in a round: the floor gets the same groups.
struct Groups {
    single: usize,
    bulk: usize,
    takes: usize,
}

/// What a round consists of, and its rates.
pub(crate) const WORK: [(&str, fn(&Rates) -> &Vec<f64>); 3] = [
    ("append, 64 writers × 1", |rates| &rates.single),
    ("append, 4 writers × 64", |rates| &rates.bulk),
    ("take of 50, 16 takers", |rates| &rates.take),
];

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let own = Arc::new(Own::start(scratch.sub("own")?).await?);
    let nats = Nats::start(scratch.sub("nats")?).await?;
    let (nats_name, nats_durable) = (nats.name, nats.durable);
    let server = Server::start(scratch.sub("postgres")?).await?;
    let postgres = server.queue("queue", Memory::Forgets).await?;
    let redis = Redis::start(scratch.sub("redis")?, Memory::Forgets).await?;
    let keeping = Redis::start(scratch.sub("redis-keeping")?, Memory::Keeps).await?;
    let peers: [(&str, bool, Arc<dyn Contestant>); 4] = [
        ("PostgreSQL 15", true, Arc::new(postgres)),
        ("Redis 7, synced, popped and forgotten", true, Arc::new(redis)),
        ("Redis 7, synced, archive and takes kept", true, Arc::new(keeping)),
        (nats_name, nats_durable, Arc::new(nats)),
    ];
    let floor_dir = scratch.sub("floor")?;
    let numbers = Arc::new(Numbers::default());
    let mut own_rates = Rates::default();
    let mut floor_rates = Rates::default();
    let mut peer_rates = <[Rates; 4]>::default();
    // Round 0 warms up and is not kept.
    for round in 0..=plan.rounds {
        if round == 1 {
            (own_rates, floor_rates) = Default::default();
            peer_rates = <[Rates; 4]>::default();
        }
        let groups = own_round(&own, &numbers, &mut own_rates).await?;
        floor_round(floor_dir.path(), &groups, &mut floor_rates).await?;
        for ((_, _, peer), rates) in peers.iter().zip(&mut peer_rates) {
            round_of(peer, &numbers, rates).await?;
        }
    }
    let peers = peers.iter().zip(&peer_rates);
    let peers: Vec<_> = peers.map(|((name, durable, _), rates)| (*name, *durable, rates)).collect();
    for (what, of) in WORK {
        let ours = of(&own_rates);
        let floor = ("the disk alone", of(&floor_rates).as_slice());
        table.compare(what, (ours, Unit::PerSecond), floor, Goal::AtLeast(0.3));
        for (name, durable, rates) in &peers {
            let goal = if *durable { Goal::Ahead } else { Goal::None };
            table.compare(what, (ours, Unit::PerSecond), (name, of(rates)), goal);
        }
    }
    Ok(())
}

async fn own_round(
    own: &Arc<Own>,
    numbers: &Arc<Numbers>,
    rates: &mut Rates,
) -> anyhow::Result<Groups> {
    let contestant: Arc<dyn Contestant> = own.clone();
    let per_commit = |rate: f64, seconds: f64, commits: u64| {
        (rate * seconds / commits.max(1) as f64).round().max(1.0) as usize
    };
    let before = own.commits().await?;
    let (single, seconds) = append(&contestant, numbers, (WRITERS, 1)).await?;
    let mid = own.commits().await?;
    let singles = per_commit(single, seconds, mid - before);
    let (bulk, seconds) = append(&contestant, numbers, (BULK_WRITERS, BULK)).await?;
    let after = own.commits().await?;
    let bulks = per_commit(bulk, seconds, after - mid);
    let (take, seconds) = take(&contestant).await?;
    let takes = per_commit(take / TAKE as f64, seconds, own.commits().await? - after);
    rates.add(single, bulk, take);
    Ok(Groups { single: singles, bulk: bulks, takes })
}

async fn floor_round(
    dir: &std::path::Path,
    groups: &Groups,
    rates: &mut Rates,
) -> anyhow::Result<()> {
    let record_bytes = work::body(&Numbers::default().reports(1)[0]).len();
    let (dir, span) = (dir.to_owned(), SPAN / 2);
    let Groups { single, bulk, takes } = *groups;
    let (single, bulk, take) = tokio::task::spawn_blocking(move || {
        std::io::Result::Ok((
            floor::append(&dir, record_bytes, single, span)?,
            floor::append(&dir, record_bytes, bulk, span)?,
            floor::take(&dir, record_bytes, takes, span)?,
        ))
    })
    .await??;
    rates.add(single, bulk, take);
    Ok(())
}

/// A round of a contestant.
pub(crate) async fn round_of(
    contestant: &Arc<dyn Contestant>,
    numbers: &Arc<Numbers>,
    rates: &mut Rates,
) -> anyhow::Result<()> {
    let (single, _) = append(contestant, numbers, (WRITERS, 1)).await?;
    let (bulk, _) = append(contestant, numbers, (BULK_WRITERS, BULK)).await?;
    let (take, _) = take(contestant).await?;
    rates.add(single, bulk, take);
    Ok(())
}

/// Appends for a while; records per second, and the seconds.
pub(crate) async fn append(
    contestant: &Arc<dyn Contestant>,
    numbers: &Arc<Numbers>,
    (writers, batch): (usize, usize),
) -> anyhow::Result<(f64, f64)> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (contestant, numbers) = (Arc::clone(contestant), Arc::clone(numbers));
        tasks.spawn(async move {
            let mut appended = 0;
            while began.elapsed() < SPAN {
                contestant.append(writer, numbers.reports(batch)).await?;
                appended += batch;
            }
            anyhow::Ok(appended)
        });
    }
    rate(tasks, began).await
}

/// Takes until there is nothing left; reports per second, and the seconds.
pub(crate) async fn take(contestant: &Arc<dyn Contestant>) -> anyhow::Result<(f64, f64)> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for taker in 0..TAKERS {
        let contestant = Arc::clone(contestant);
        tasks.spawn(async move {
            let mut taken = 0;
            while began.elapsed() < TAKE_SPAN {
                let reports = contestant.take(taker).await?;
                taken += reports;
                if reports == 0 {
                    break;
                }
            }
            anyhow::Ok(taken)
        });
    }
    rate(tasks, began).await
}

async fn rate(
    mut tasks: JoinSet<anyhow::Result<usize>>,
    began: Instant,
) -> anyhow::Result<(f64, f64)> {
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        done += task??;
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok((done as f64 / seconds, seconds))
}

impl Rates {
    fn add(&mut self, single: f64, bulk: f64, take: f64) {
        self.single.push(single);
        self.bulk.push(bulk);
        self.take.push(take);
    }
}

/// Appends so many reports, in large groups.
pub(crate) async fn fill(
    contestant: &Arc<dyn Contestant>,
    numbers: &Arc<Numbers>,
    count: u64,
) -> anyhow::Result<()> {
    const FEEDERS: usize = 4;
    const BATCH: u64 = 500;
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
