//! Several nodes on one database: what one does the others see, and what one has they do not get.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{AccountId, Clock, ManualClock};
use store::{
    Audit, Fate, Keeping, LeaseAsk, Ledger, Postgres, ReportState, ReturnReason, Share, Started,
    StoreError, TakeState, Work, conformance,
};

use crate::support::{Database, open};

const SOON: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(30);

async fn account(node: &Postgres) -> AccountId {
    match node.accounts().await.unwrap().first() {
        Some(account) => account.id,
        None => node.add_account(conformance::account("one")).await.unwrap().id,
    }
}

async fn feed(node: &Postgres, account: AccountId, messages: &[&str]) {
    let reports = messages.iter().map(|message| conformance::report("b", message)).collect();
    node.feed(account, reports).await.unwrap();
}

async fn take(node: &Postgres, account: AccountId, limit: usize) -> Vec<String> {
    let taken = node.take(account, conformance::ask(limit)).await.unwrap();
    let reports = taken.reports().unwrap();
    reports.iter().map(|report| report.message_id.to_owned()).collect()
}

async fn submit(node: &Postgres, account: AccountId, messages: &[&str]) {
    let messages = messages.iter().map(|message| conformance::message("b", message)).collect();
    node.submit(account, conformance::submission("b", messages)).await.unwrap();
}

async fn lease(node: &Postgres, clock: &ManualClock, account: AccountId, most: usize) -> Work {
    let shares = vec![Share { account, most, under_way_max: u64::MAX }];
    let until = clock.now().plus(LEASE);
    node.lease(LeaseAsk { shares, closing_max: usize::MAX, until }).await.unwrap()
}

/// Time goes on, and the node lives.
async fn live_on(node: &Postgres, clock: &ManualClock, span: Duration) {
    for _ in 0..3 {
        clock.advance(span / 3);
        node.upkeep().await.unwrap();
    }
}

fn names(leased: &[store::Leased]) -> Vec<&str> {
    leased.iter().map(|leased| leased.call.message.message_id.as_str()).collect()
}

#[tokio::test]
async fn takes_of_two_nodes_are_disjoint() {
    let database = Database::new();
    let (a, b) = (database.node().await, database.node().await);
    let account = account(&a).await;
    feed(&a, account, &["1", "2"]).await;
    feed(&b, account, &["3", "4"]).await;
    assert_eq!(take(&b, account, 1).await, ["1"]);
    assert_eq!(take(&a, account, 2).await, ["2", "3"]);
    assert_eq!(take(&b, account, 9).await, ["4"]);
    assert!(take(&a, account, 9).await.is_empty());
}

#[tokio::test]
async fn watchers_wake_for_what_another_node_does() {
    let database = Database::new();
    let (a, b) = (database.node().await, database.node().await);
    let mut settings = b.watch_settings();
    let account = account(&a).await;
    tokio::time::timeout(SOON, settings.changed()).await.expect("settings wake").unwrap();
    let (mut reports, mut calls) = (b.watch(account), b.watch_calls());
    feed(&a, account, &["1"]).await;
    tokio::time::timeout(SOON, reports.changed()).await.expect("a report wakes").unwrap();
    assert_eq!(take(&b, account, 9).await, ["1"]);
    submit(&a, account, &["2"]).await;
    tokio::time::timeout(SOON, calls.changed()).await.expect("a call wakes").unwrap();
    let other = b.watch(AccountId(77));
    feed(&a, account, &["3"]).await;
    tokio::time::timeout(SOON, reports.changed()).await.expect("a report wakes").unwrap();
    assert!(!other.has_changed().unwrap(), "nothing happened there");
}

#[tokio::test]
async fn two_schedulers_never_start_one_attempt() {
    let database = Database::new();
    let clock = ManualClock::at(conformance::START);
    let (a, b) = (database.node_at(&clock).await, database.node_at(&clock).await);
    let account = account(&a).await;
    let ids: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    submit(&a, account, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut leased = BTreeSet::new();
    for _ in 0..10 {
        let (mine, theirs) =
            tokio::join!(lease(&a, &clock, account, 3), lease(&b, &clock, account, 3));
        for work in [mine, theirs] {
            assert!(work.closing.is_empty());
            for name in names(&work.due) {
                assert!(leased.insert(name.to_owned()), "{name} was leased twice");
            }
        }
    }
    assert_eq!(leased.len(), 60);
    let shares = vec![Share { account, most: 9, under_way_max: 60 }];
    let ask = LeaseAsk { shares, closing_max: 0, until: clock.now() };
    submit(&b, account, &["more"]).await;
    assert!(b.lease(ask).await.unwrap().due.is_empty(), "those of the other node count");
}

#[tokio::test]
async fn what_a_node_had_that_died_is_handed_out_after_its_time() {
    let database = Database::new();
    let clock = ManualClock::at(conformance::START);
    let b = database.node_at(&clock).await;
    let account = account(&b).await;
    feed(&b, account, &["1", "2", "3"]).await;
    submit(&b, account, &["4", "5", "6"]).await;
    let mut dead = spawn(&database);
    // It has taken one report and leased two calls, of which it has started one.
    let a = open(database.settings(), Keeping::default(), Arc::new(clock.clone())).await;
    assert_eq!(take(&b, account, 1).await, ["2"]);
    assert_eq!(names(&lease(&a, &clock, account, 9).await.due), ["6"]);
    dead.kill().unwrap();
    dead.wait().unwrap();
    drop(a);
    b.upkeep().await.unwrap();
    let waiting = b.waiting(account).await.unwrap();
    assert_eq!((waiting.pending, waiting.in_flight), (1, 2), "its time is not over");
    let work = lease(&b, &clock, account, 9).await;
    assert_eq!(names(&work.due), ["6"], "whoever leaves in order gives back what it has");
    assert!(work.closing.is_empty());
    live_on(&b, &clock, LEASE).await;
    let waiting = b.waiting(account).await.unwrap();
    assert_eq!((waiting.pending, waiting.in_flight), (2, 1));
    let audit: Audit = b.audit("1").await.unwrap().remove(0);
    assert_eq!(audit.takes[0].state, TakeState::Returned(ReturnReason::Crash));
    assert_eq!(b.audit("2").await.unwrap()[0].report.state, ReportState::InFlight);
    assert_eq!(take(&b, account, 9).await, ["1", "3"]);
    let work = lease(&b, &clock, account, 9).await;
    assert_eq!((names(&work.due), names(&work.closing)), (vec!["5", "6"], vec!["4"]));
    let started = Started { attempt: 1, at: clock.now() };
    assert!(matches!(b.start(work.closing[0].lease, started).await, Err(StoreError::LeaseLost)));
    b.finish(work.closing[0].lease, conformance::finished("b", "4", "0")).await.unwrap();
}

#[tokio::test]
async fn a_node_that_was_given_up_and_lives_takes_part_again() {
    let database = Database::new();
    let clock = ManualClock::at(conformance::START);
    let (a, b) = (database.node_at(&clock).await, database.node_at(&clock).await);
    let account = account(&a).await;
    feed(&a, account, &["1", "2"]).await;
    let taken = a.take(account, conformance::ask(1)).await.unwrap();
    submit(&a, account, &["3"]).await;
    let held = lease(&a, &clock, account, 1).await.due.remove(0).lease;
    live_on(&b, &clock, LEASE).await;
    assert_eq!(take(&b, account, 1).await, ["1"], "it came back from a node that was silent");
    a.resolve(taken.take.unwrap(), Fate::Settled);
    let again = lease(&b, &clock, account, 1).await.due.remove(0);
    assert_eq!(again.call.message.message_id, "3");
    let started = Started { attempt: 1, at: clock.now() };
    let late = [
        a.start(held, started).await,
        a.release(held, clock.now()).await,
        a.finish(held, conformance::finished("b", "3", "0")).await,
    ];
    assert!(late.iter().all(|said| matches!(said, Err(StoreError::LeaseLost))), "{late:?}");
    b.start(again.lease, started).await.unwrap();
    let waiting = b.waiting(account).await.unwrap();
    assert_eq!((waiting.pending, waiting.in_flight), (1, 1), "its fate came too late");
    // It takes nothing until it has said that it lives, and then as ever.
    let (taken, ()) = tokio::join!(take(&a, account, 1), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        a.upkeep().await.unwrap();
    });
    assert_eq!(taken, ["2"]);
}

/// As when the database was away for longer than a node may be silent.
#[tokio::test]
async fn nobody_is_given_up_by_a_node_that_was_silent_itself() {
    let database = Database::new();
    let clock = ManualClock::at(conformance::START);
    let (a, b) = (database.node_at(&clock).await, database.node_at(&clock).await);
    let account = account(&a).await;
    feed(&a, account, &["1", "2"]).await;
    let taken = a.take(account, conformance::ask(1)).await.unwrap();
    clock.advance(2 * LEASE);
    b.upkeep().await.unwrap();
    let late = database.node_at(&clock).await;
    late.upkeep().await.unwrap();
    assert_eq!(b.waiting(account).await.unwrap().in_flight, 1, "who took it may live");
    a.upkeep().await.unwrap();
    a.resolve(taken.take.unwrap(), Fate::Settled);
    live_on(&b, &clock, LEASE / 2).await;
    a.upkeep().await.unwrap();
    live_on(&b, &clock, LEASE / 2).await;
    assert_eq!(take(&b, account, 9).await, ["2"], "the first one was settled");
}

#[tokio::test]
async fn a_keyed_take_is_replayed_by_another_node() {
    let database = Database::new();
    let (a, b) = (database.node().await, database.node().await);
    let account = account(&a).await;
    feed(&a, account, &["1", "2"]).await;
    let key = store::ReplayKey { value: "k".into(), fingerprint: u64::MAX };
    let ask = store::TakeAsk { key: Some(key), ..conformance::ask(1) };
    let first = a.take(account, ask.clone()).await.unwrap();
    let again = b.take(account, ask).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.take, &again.records), (first.take, &first.records));
    drop(a);
    b.resolve(again.take.unwrap(), Fate::Settled);
    assert_eq!(take(&b, account, 9).await, ["2"]);
    assert_eq!(b.waiting(account).await.unwrap().in_flight, 2, "reserved for the key");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = Database::new();
    drop(database.node().await);
    let version = "INSERT INTO callslip.migration (version) VALUES (99)";
    database.server.ask_at(&database.url, version);
    let clock = Arc::new(ManualClock::at(conformance::START));
    let refused = Postgres::open(database.settings(), Keeping::default(), clock).await;
    let Err(error) = refused else { panic!("it was opened") };
    assert!(matches!(error, StoreError::SchemaNewer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("schema 99"));
}

#[tokio::test]
async fn nodes_that_open_at_once_make_the_tables_once() {
    let database = Database::new();
    let opened = futures_util::future::join_all((0..4).map(|_| database.node())).await;
    assert_eq!(opened.len(), 4);
    let versions = "SELECT count(*), max(version) FROM callslip.migration";
    let versions = database.server.ask_at(&database.url, versions);
    let (count, newest) = versions.split_once('|').unwrap();
    assert_eq!(count, newest, "each migration once");
}

const CHILD_URL: &str = "CALLSLIP_TEST_CHILD_URL";
const CHILD: &str = "nodes::child";

/// Not a test of its own: a node in a process that is killed.
#[tokio::test]
async fn child() {
    let Some(url) = std::env::var_os(CHILD_URL) else { return };
    let url = url.into_string().unwrap();
    let clock = ManualClock::at(conformance::START);
    let settings = store::PostgresSettings::at(url);
    let node = open(settings, Keeping::default(), Arc::new(clock.clone())).await;
    let account = account(&node).await;
    assert_eq!(take(&node, account, 1).await, ["1"]);
    let work = lease(&node, &clock, account, 2).await;
    let started = Started { attempt: 1, at: clock.now() };
    node.start(work.due[0].lease, started).await.unwrap();
    println!("@ready");
    std::future::pending::<()>().await;
}

/// The child, once it has what it is to die with.
fn spawn(database: &Database) -> Child {
    use std::io::BufRead;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture"])
        .env(CHILD_URL, &database.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let ready = out.lines().map_while(Result::ok).any(|line| line.ends_with("@ready"));
    assert!(ready, "the child did not get ready");
    child
}
