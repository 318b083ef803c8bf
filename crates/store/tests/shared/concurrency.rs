//! Many at once on one account, through several nodes: each report once, all of them, each feeder's
//! in its order within a take.
//!
//! Twenty thousand reports; `CALLSLIP_REPORTS` says another number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::AccountId;
use store::{Fate, Fed, Ledger, Postgres, ReturnReason, conformance};

use crate::support::{Database, setting};

const NODES: usize = 3;
const TAKERS: usize = 24;
const FEEDERS: usize = 12;
const FEED: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_takers_and_feeders_share_one_queue_through_three_nodes() {
    let database = Database::new();
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(database.node().await);
    }
    let account = nodes[0].add_account(conformance::account("one")).await.unwrap().id;
    let each = setting("CALLSLIP_REPORTS").map_or(20_000, |all| all as usize) / FEEDERS;
    let left = Arc::new(AtomicUsize::new(each * FEEDERS));
    let started = Instant::now();
    let node = |number: usize| nodes[number % NODES].clone();
    let feeders: Vec<_> = (0..FEEDERS)
        .map(|feeder| tokio::spawn(feed(node(feeder), account, feeder, each)))
        .collect();
    let takers: Vec<_> = (0..TAKERS)
        .map(|taker| tokio::spawn(take(node(taker), account, taker, Arc::clone(&left))))
        .collect();
    for feeder in feeders {
        feeder.await.unwrap();
    }
    let mut seen = vec![vec![false; each]; FEEDERS];
    for taker in takers {
        for (feeder, number) in taker.await.unwrap() {
            assert!(!std::mem::replace(&mut seen[feeder][number], true), "{feeder}-{number} twice");
        }
    }
    assert!(seen.iter().flatten().all(|seen| *seen), "every report was taken");
    for node in &nodes {
        let waiting = node.waiting(account).await.unwrap();
        assert_eq!((waiting.pending, waiting.in_flight), (0, 0));
    }
    println!("{} reports in {:?}", each * FEEDERS, started.elapsed());
}

async fn feed(ledger: Postgres, account: AccountId, feeder: usize, each: usize) {
    let numbers: Vec<usize> = (0..each).collect();
    for part in numbers.chunks(FEED) {
        let name = |number: &usize| format!("{feeder}-{number}");
        let bulk = format!("bulk {feeder}");
        let reports = part.iter().map(|number| conformance::report(&bulk, &name(number)));
        let fed = ledger.feed(account, reports.collect()).await.unwrap();
        assert!(fed.iter().all(|fed| *fed == Fed::New));
    }
}

/// Takes until nothing is left, and returns every tenth take. Gives what it kept.
async fn take(
    ledger: Postgres,
    account: AccountId,
    taker: usize,
    left: Arc<AtomicUsize>,
) -> Vec<(usize, usize)> {
    let mut kept = Vec::new();
    let mut watch = ledger.watch(account);
    for turn in 0.. {
        watch.mark_unchanged();
        let taken = ledger.take(account, conformance::ask(20 + taker)).await.unwrap();
        let Some(take) = taken.take else {
            if left.load(Ordering::SeqCst) == 0 {
                break;
            }
            // The last taker to finish wakes nobody, so look again now and then.
            let _ = tokio::time::timeout(Duration::from_millis(50), watch.changed()).await;
            continue;
        };
        if turn % 10 == 9 {
            ledger.resolve(take, Fate::Returned(ReturnReason::Reset));
            continue;
        }
        let mut last = [None; FEEDERS];
        let before = kept.len();
        for report in taken.reports().unwrap() {
            let (feeder, number) = report.message_id.split_once('-').unwrap();
            let (feeder, number): (usize, usize) =
                (feeder.parse().unwrap(), number.parse().unwrap());
            assert!(last[feeder] < Some(number), "{feeder}-{number} came too late");
            last[feeder] = Some(number);
            kept.push((feeder, number));
        }
        ledger.resolve(take, Fate::Settled);
        left.fetch_sub(kept.len() - before, Ordering::SeqCst);
    }
    kept
}
