//! Many at once on one account: each report once, all of them, each feeder's in its order.
//!
//! A million reports; `CALLSLIP_REPORTS` says another number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::support::{TestDir, account, open, setting};
use model::AccountId;
use store::{Embedded, Fate, Fed, Ledger, ReturnReason, conformance};

const TAKERS: usize = 64;
const FEEDERS: usize = 16;
const FEED: usize = 50;

fn reports_in_all() -> usize {
    setting("CALLSLIP_REPORTS").map_or(1_000_000, |number| number as usize)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_takers_and_feeders_share_one_queue() {
    let dir = TestDir::new();
    let ledger = open(dir.path());
    let account = account(&ledger).await;
    let each = reports_in_all() / FEEDERS;
    let started = Instant::now();
    let left = Arc::new(AtomicUsize::new(each * FEEDERS));
    let feeders: Vec<_> = (0..FEEDERS)
        .map(|feeder| tokio::spawn(feed(ledger.clone(), account, feeder, each)))
        .collect();
    let takers: Vec<_> = (0..TAKERS)
        .map(|taker| tokio::spawn(take(ledger.clone(), account, taker, Arc::clone(&left))))
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
    let waiting = ledger.waiting(account).await.unwrap();
    assert_eq!((waiting.pending, waiting.in_flight), (0, 0));
    let figures = ledger.figures().await.unwrap();
    println!(
        "{} reports in {:?}; {} commands in {} commits",
        each * FEEDERS,
        started.elapsed(),
        figures.commands,
        figures.commits
    );
}

async fn feed(ledger: Embedded, account: AccountId, feeder: usize, each: usize) {
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
    ledger: Embedded,
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
            let _ =
                tokio::time::timeout(std::time::Duration::from_millis(20), watch.changed()).await;
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
