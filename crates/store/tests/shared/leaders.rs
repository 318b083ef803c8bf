//! The leader freezes, with its sockets open, and a standby is made leader: nothing waits for the
//! frozen one any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{AccountId, Clock, ManualClock};
use store::{
    Fate, Fed, Keeping, Ledger, Postgres, PostgresSettings, StoreError, Submission, conformance,
};
use testkit::postgres::{PostgresServer, ROLE};

use crate::support::open;

/// How long a node may take to find a leader once there is one; much of it is for a busy machine.
const FOUND_MAX: Duration = Duration::from_secs(2);

async fn feed(node: &Postgres, account: AccountId, name: &str) -> store::Result<Vec<Fed>> {
    node.feed(account, vec![conformance::report("b", name)]).await
}

/// Once there is a leader.
async fn feed_until_kept(node: &Postgres, account: AccountId, name: &str) {
    let promoted = Instant::now();
    while let Err(error) = feed(node, account, name).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(promoted.elapsed() < FOUND_MAX, "{name} after {:?}: {error}", promoted.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_frozen_is_left_as_soon_as_another_one_leads() {
    let old = PostgresServer::start();
    let new = old.standby();
    let url = format!("postgres://{ROLE}@{},{}/postgres", old.address(), new.address());
    let patience = Duration::from_secs(1);
    let settings = PostgresSettings { patience, ..PostgresSettings::at(url) };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(conformance::START));
    let node = || open(settings.clone(), Keeping::default(), Arc::clone(&clock));
    let (a, b) = (node().await, node().await);
    let account = a.add_account(conformance::account("one")).await.unwrap().id;
    for name in ["1", "2"] {
        assert_eq!(feed(&a, account, name).await.unwrap(), [Fed::New]);
    }
    old.freeze();
    // Neither can be told from a slow one, so that what is under way waits.
    let unavailable = feed(&a, account, "3").await.unwrap_err();
    assert!(matches!(unavailable, StoreError::Unavailable(_)), "{unavailable}");
    b.take(account, conformance::ask(1)).await.unwrap_err();
    // Long enough for both to have missed a beat.
    tokio::time::sleep(Duration::from_secs(4)).await;
    new.promote();
    feed_until_kept(&a, account, "3").await;
    feed_until_kept(&b, account, "4").await;
    // One that comes now is not held up by the frozen one, though it is asked first.
    let began = Instant::now();
    let late = node().await;
    assert!(began.elapsed() < FOUND_MAX, "it took {:?}", began.elapsed());
    old.thaw();
    let mut names = Vec::new();
    loop {
        let taken = late.take(account, conformance::ask(9)).await.unwrap();
        let Some(take) = taken.take else { break };
        names.extend(taken.reports().unwrap().iter().map(|report| report.message_id.to_owned()));
        late.resolve(take, Fate::Settled);
    }
    names.sort_unstable();
    assert_eq!(names, ["1", "2", "3", "4"], "each of them, once");
}

/// As when the leader has crashed and is back, with what its standby has not got yet: it is there to
/// be seen, and would be gone with the leader.
#[tokio::test]
async fn what_no_standby_has_is_not_answered_though_it_is_there() {
    let server = Arc::new(PostgresServer::start());
    let url = server.database();
    let patience = Duration::from_secs(1);
    let settings = PostgresSettings { patience, ..PostgresSettings::at(&url) };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(conformance::START));
    let node = open(settings, Keeping::default(), clock).await;
    let account = node.add_account(conformance::account("one")).await.unwrap().id;
    let submission = || {
        let key = store::ReplayKey { value: "k".into(), fingerprint: 1 };
        let messages = vec![conformance::message("c", "2")];
        Submission { key: Some(key), ..conformance::submission("c", messages) }
    };
    feed(&node, account, "1").await.unwrap();
    node.submit(account, submission()).await.unwrap();
    for names in ["nobody", ""] {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        server.ask_at(&url, &set);
        server.ask_at(&url, "SELECT pg_reload_conf()");
        if names.is_empty() {
            assert_eq!(feed(&node, account, "1").await.unwrap(), [Fed::Duplicate]);
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let fed = feed(&node, account, "1").await;
        assert!(matches!(fed, Err(StoreError::Unavailable(_))), "{fed:?}");
        let submitted = node.submit(account, submission()).await;
        assert!(matches!(submitted, Err(StoreError::Unavailable(_))), "{submitted:?}");
    }
}
