//! Many at once on one account: each report once, all of them, each feeder's in its order.
//!
//! On the shared engine through several nodes. `CALLSLIP_REPORTS` says how many reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::{AccountId, ManualClock};
use store::{Fate, Fed, Ledger, ReturnReason, conformance};

use crate::support::{Home, NODES, REPORTS, open_at, setting};

const TAKERS: usize = 64;
const FEEDERS: usize = 16;
const FEED: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_takers_and_feeders_share_one_queue() {
    let home = Home::new();
    let clock = ManualClock::at(conformance::START);
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(open_at(&home.word(), clock.clone()).await);
    }
    let node = |number: usize| Arc::clone(&nodes[number % nodes.len()]);
    let account = node(0).add_account(conformance::account("one")).await.unwrap().id;
    let each = setting("CALLSLIP_REPORTS").unwrap_or(REPORTS) as usize / FEEDERS;
    let started = Instant::now();
    let left = Arc::new(AtomicUsize::new(each * FEEDERS));
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
    println!("{} reports in {:?}", each * FEEDERS, started.elapsed());
    for node in &nodes {
        let waiting = node.waiting(account).await.unwrap();
        assert_eq!((waiting.pending, waiting.in_flight), (0, 0));
        let figures = node.figures().await.unwrap();
        println!("{} commands in {} commits", figures.commands, figures.commits);
    }
}

async fn feed(ledger: Arc<dyn Ledger>, account: AccountId, feeder: usize, each: usize) {
    let numbers: Vec<usize> = (0..each).collect();
    for part in numbers.chunks(FEED) {
        let reports = part
            .iter()
            .map(|number| {
                conformance::report(&format!("bulk {feeder}"), &format!("{feeder}-{number}"))
            })
            .collect();
        let fed = ledger.feed(account, reports).await.unwrap();
        assert!(fed.iter().all(|fed| *fed == Fed::New));
    }
}

/// Takes until nothing is left, and returns every tenth take. Gives what it kept. What was returned
/// may come after what was fed later, so the order is that within each take.
async fn take(
    ledger: Arc<dyn Ledger>,
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
            let _ = tokio::time::timeout(Duration::from_millis(20), watch.changed()).await;
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
