//! The server goes away, and connections are lost at the worst moment: what was answered is kept,
//! what was not is done once or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::{AccountId, Clock, ManualClock};
use store::{
    Fate, Fed, Health, Keeping, LeaseAsk, Ledger, Postgres, PostgresSettings, ReturnReason, Share,
    StoreError, conformance,
};
use testkit::postgres::{Cut, Cutter, PostgresServer, url_at};

use crate::support::{Database, open};

/// What commits by itself.
const MARKS: [&str; 2] = ["FROM exchange(", "FROM feed("];

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(conformance::START))
}

/// A node that reaches the database through the cutter.
async fn behind(cutter: &Cutter, database: &Database) -> Postgres {
    let name = database.url.rsplit('/').next().unwrap();
    let settings = PostgresSettings { url: url_at(cutter.address(), name), ..database.settings() };
    open(settings, Keeping::default(), clock()).await
}

/// Takes and settles until nothing is left.
async fn drain(ledger: &Postgres, account: AccountId) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let taken = ledger.take(account, conformance::ask(7)).await.unwrap();
        let Some(take) = taken.take else { return all };
        all.extend(taken.reports().unwrap().iter().map(|report| report.message_id.to_owned()));
        ledger.resolve(take, Fate::Settled);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_verb_is_done_once_though_the_answer_to_its_commit_is_lost() {
    let database = Database::new();
    for cut in [Cut::Before, Cut::After] {
        let armed = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&armed);
        let decide = move || if trigger.swap(false, Ordering::SeqCst) { cut } else { Cut::None };
        let cutter =
            Cutter::before(database.server.address(), MARKS.to_vec(), decide).await.unwrap();
        let ledger = behind(&cutter, &database).await;
        let mut cuts = 0;
        let mut lost = || {
            cuts += 1;
            assert_eq!((cutter.cuts(), armed.load(Ordering::SeqCst)), (cuts, false), "{cut:?}");
        };
        let arm = || armed.store(true, Ordering::SeqCst);
        arm();
        let account = conformance::account(&format!("{cut:?}"));
        let account = ledger.add_account(account).await.expect("its name is not its own").id;
        lost();
        arm();
        let reports = ["1", "2", "3"].map(|message| conformance::report("b", message)).to_vec();
        assert_eq!(ledger.feed(account, reports.clone()).await.unwrap(), [Fed::New; 3]);
        lost();
        assert_eq!(ledger.feed(account, reports).await.unwrap(), [Fed::Duplicate; 3]);
        arm();
        let taken = ledger.take(account, conformance::ask(2)).await.unwrap();
        lost();
        assert_eq!(taken.records.len(), 2);
        arm();
        ledger.resolve(taken.take.unwrap(), Fate::Settled);
        let waiting = ledger.waiting(account).await.unwrap();
        lost();
        assert_eq!((waiting.pending, waiting.in_flight), (1, 0));
        assert_eq!(ledger.audit("1").await.unwrap().pop().unwrap().takes.len(), 1);
        arm();
        let messages = ["4", "5"].map(|message| conformance::message("c", message)).to_vec();
        let submitted = ledger.submit(account, conformance::submission("c", messages)).await;
        lost();
        assert_eq!(submitted.unwrap().bulk_id, "c");
        let shares = vec![Share { account, most: 9, under_way_max: 9 }];
        let until = conformance::START.plus(Duration::from_secs(60));
        arm();
        let work = ledger.lease(LeaseAsk { shares, closing_max: 9, until }).await.unwrap();
        lost();
        assert_eq!(work.due.len(), 2, "both, and not leased to nobody");
        let started = store::Started { attempt: 1, at: conformance::START };
        arm();
        ledger.start(work.due[0].lease, started).await.expect("it had not started before");
        lost();
        arm();
        let end = conformance::finished("c", "4", "1.5");
        ledger.finish(work.due[0].lease, end).await.expect("its lease was not lost");
        lost();
        let spent = ledger.spent(account, conformance::finished("c", "4", "0").day).await.unwrap();
        assert_eq!(spent, "1.5".parse().unwrap(), "charged once");
        arm();
        let key = store::ReplayKey { value: "k".into(), fingerprint: 1 };
        let ask = store::TakeAsk { key: Some(key), ..conformance::ask(1) };
        let keyed = ledger.take(account, ask).await.unwrap();
        lost();
        assert!(!keyed.replayed && keyed.records.len() == 1);
        assert_eq!(drain(&ledger, account).await, ["4"]);
    }
}

/// Feeds, again whenever it is not known whether it was kept.
async fn feed(ledger: Postgres, account: AccountId, feeder: usize, each: usize) {
    let names: Vec<String> = (0..each).map(|number| format!("{feeder}-{number}")).collect();
    for part in names.chunks(5) {
        let reports: Vec<_> = part.iter().map(|name| conformance::report("b", name)).collect();
        while let Err(error) = ledger.feed(account, reports.clone()).await {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        }
    }
}

/// Takes until everything was fed and nothing is left; returns some. Counts what it kept.
async fn take(
    ledger: Postgres,
    account: AccountId,
    left: Arc<AtomicUsize>,
) -> BTreeMap<String, usize> {
    let mut kept = BTreeMap::new();
    for turn in 0.. {
        let taken = match ledger.take(account, conformance::ask(9)).await {
            Ok(taken) => taken,
            Err(StoreError::Unavailable(_)) => continue,
            Err(error) => panic!("{error}"),
        };
        let Some(take) = taken.take else {
            if left.load(Ordering::SeqCst) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        if turn % 7 == 6 {
            ledger.resolve(take, Fate::Returned(ReturnReason::Reset));
            continue;
        }
        for report in taken.reports().unwrap() {
            *kept.entry(report.message_id.to_owned()).or_default() += 1;
        }
        left.fetch_sub(taken.records.len(), Ordering::SeqCst);
        ledger.resolve(take, Fate::Settled);
    }
    kept
}

const FEEDERS: usize = 4;
const TAKERS: usize = 4;

/// Feeds and takes through all of the nodes at once: everything comes, and once.
async fn feed_and_take(nodes: &[Postgres], account: AccountId, each: usize) {
    let left = Arc::new(AtomicUsize::new(FEEDERS * each));
    let node = |number: usize| nodes[number % nodes.len()].clone();
    let feeders: Vec<_> = (0..FEEDERS)
        .map(|number| tokio::spawn(feed(node(number), account, number, each)))
        .collect();
    let takers: Vec<_> = (0..TAKERS)
        .map(|number| tokio::spawn(take(node(number), account, Arc::clone(&left))))
        .collect();
    for feeder in feeders {
        feeder.await.unwrap();
    }
    let mut seen = BTreeMap::new();
    for taker in takers {
        for (name, times) in taker.await.unwrap() {
            *seen.entry(name).or_insert(0) += times;
        }
    }
    let twice: BTreeSet<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "these came twice: {twice:?}");
    assert_eq!(seen.len(), FEEDERS * each, "everything came");
    for node in nodes {
        let waiting = node.waiting(account).await.unwrap();
        assert_eq!((waiting.pending, waiting.in_flight), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_lost_at_commits_lose_and_double_nothing() {
    let database = Database::new();
    let mut roll = 7_u64;
    let decide = move || {
        roll = roll.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match roll >> 60 {
            0 => Cut::Before,
            1 | 2 => Cut::After,
            _ => Cut::None,
        }
    };
    let cutter = Cutter::before(database.server.address(), MARKS.to_vec(), decide).await.unwrap();
    let nodes = [behind(&cutter, &database).await, behind(&cutter, &database).await];
    let account = nodes[0].add_account(conformance::account("one")).await.unwrap().id;
    feed_and_take(&nodes, account, 250).await;
    assert!(cutter.cuts() > 20, "only {} were lost", cutter.cuts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_under_load_loses_and_doubles_nothing() {
    let server = Arc::new(PostgresServer::start());
    let url = server.database();
    let database = Database { server: Arc::clone(&server), url };
    let nodes = [database.node().await, database.node().await];
    let account = nodes[0].add_account(conformance::account("one")).await.unwrap().id;
    let crashes = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(300));
            server.crash();
        }
    });
    let mut rounds = 0;
    while !crashes.is_finished() {
        let account = conformance::account(&format!("round {rounds}"));
        let account = loop {
            match nodes[0].add_account(account.clone()).await {
                Ok(account) => break account.id,
                Err(StoreError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        };
        feed_and_take(&nodes, account, 60).await;
        rounds += 1;
    }
    crashes.await.unwrap();
    feed_and_take(&nodes, account, 20).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_told_and_missed_no_longer_than_it_is() {
    let server = Arc::new(PostgresServer::start());
    let url = server.database();
    let database = Database { server: Arc::clone(&server), url };
    let patience = Duration::from_secs(2);
    let settings = PostgresSettings { patience, ..database.settings() };
    let ledger = open(settings.clone(), Keeping::default(), clock()).await;
    let account = ledger.add_account(conformance::account("one")).await.unwrap().id;
    assert_eq!(ledger.health(), Health::Ready);
    server.stop("immediate");
    let began = Instant::now();
    let unavailable = |error: Option<StoreError>| {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    };
    let reports = || vec![conformance::report("b", "1")];
    let mut reports_watch = ledger.watch(account);
    unavailable(ledger.feed(account, reports()).await.err());
    unavailable(ledger.take(account, conformance::ask(1)).await.err());
    unavailable(ledger.waiting(account).await.err());
    unavailable(Postgres::open(settings, Keeping::default(), clock()).await.err());
    assert!(began.elapsed() < 8 * patience, "it took {:?}", began.elapsed());
    let Health::Unreachable(reason) = ledger.health() else { panic!("{:?}", ledger.health()) };
    assert!(reason.contains("refused"), "{reason}");
    server.start_again();
    tokio::time::timeout(Duration::from_secs(20), reports_watch.changed())
        .await
        .expect("nobody listened for a while, so that anything may have changed")
        .unwrap();
    assert_eq!(ledger.health(), Health::Ready);
    let fed = ledger.feed(account, reports()).await.unwrap();
    assert_eq!(fed, [Fed::New], "what nobody waited for any more was not done");
    assert_eq!(drain(&ledger, account).await, ["1"]);
}
