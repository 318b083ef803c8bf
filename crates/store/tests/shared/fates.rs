//! Fates that the database refuses to note for a while, or for good: none is forgotten while its node
//! lives, and nobody else waits for them.

use std::time::{Duration, Instant};

use model::{AccountId, ManualClock};
use store::{Fate, Keeping, Ledger, Postgres, PostgresSettings, ReportState, TakeId, conformance};

use crate::support::{Database, open};

const SOON: Duration = Duration::from_secs(20);
const RESOLVE: &str = "callslip.resolve(bigint,bigint,bigint,smallint,bigint,bigint)";

/// A database whose function that notes fates can be broken.
struct Breakable {
    database: Database,
    node: Postgres,
    account: AccountId,
    whole: String,
}

impl Breakable {
    /// With so many takes of one report each.
    async fn with(takes: usize) -> (Self, Vec<TakeId>) {
        let database = Database::new();
        let patience = Duration::from_secs(6);
        let settings = PostgresSettings { patience, ..database.settings() };
        let clock = std::sync::Arc::new(ManualClock::at(conformance::START));
        let node = open(settings, Keeping::default(), clock).await;
        let account = node.add_account(conformance::account("one")).await.unwrap().id;
        let reports =
            (0..=takes).map(|number| conformance::report("b", &number.to_string())).collect();
        node.feed(account, reports).await.unwrap();
        let mut taken = Vec::new();
        for _ in 0..takes {
            let one = node.take(account, conformance::ask(1)).await.unwrap();
            taken.extend(one.take);
        }
        let define = format!("SELECT pg_get_functiondef('{RESOLVE}'::regprocedure)");
        let whole = database.server.ask_at(&database.url, &define);
        let copy = whole.replace("callslip.resolve(", "callslip.resolve_whole(");
        database.server.ask_at(&database.url, &copy);
        (Self { database, node, account, whole }, taken)
    }

    /// From now on it fails so for what the condition says.
    fn break_for(&self, condition: &str, code: &str) {
        let head = self.whole.split("AS $").next().unwrap();
        let broken = format!(
            "{head} AS $$ BEGIN IF {condition} THEN \
             RAISE EXCEPTION 'not today' USING ERRCODE = '{code}'; END IF; \
             RETURN callslip.resolve_whole(p_account, p_node, p_take, p_fate, p_bytes, p_now); \
             END $$"
        );
        self.database.server.ask_at(&self.database.url, &broken);
    }

    fn heal(&self) {
        self.database.server.ask_at(&self.database.url, &self.whole);
    }

    async fn in_flight(&self) -> u64 {
        self.node.waiting(self.account).await.unwrap().in_flight
    }

    async fn wait_until_in_flight(&self, reports: u64) {
        let began = Instant::now();
        while self.in_flight().await != reports {
            assert!(began.elapsed() < SOON, "{} are in flight", self.in_flight().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Refused outright, and by a server that has no room on its disk.
#[tokio::test]
async fn a_fate_that_cannot_be_noted_holds_up_nobody_and_is_noted_later() {
    for code in ["P0001", "53100"] {
        let (scene, takes) = Breakable::with(3).await;
        scene.break_for(&format!("p_take = {}", takes[1].0), code);
        takes.iter().for_each(|take| scene.node.resolve(*take, Fate::Settled));
        scene.wait_until_in_flight(1).await;
        scene.node.upkeep().await.expect("the node lives");
        let taken = scene.node.take(scene.account, conformance::ask(9)).await.unwrap();
        scene.node.resolve(taken.take.unwrap(), Fate::Settled);
        scene.wait_until_in_flight(1).await;
        let audit = scene.node.audit("1").await.unwrap().remove(0);
        assert_eq!(audit.report.state, ReportState::InFlight, "{code}");
        scene.heal();
        scene.wait_until_in_flight(0).await;
        let audit = scene.node.audit("1").await.unwrap().remove(0);
        assert_eq!(audit.report.state, ReportState::Settled, "{code}: {:?}", audit.takes);
        assert_eq!(scene.node.waiting(scene.account).await.unwrap().pending, 0);
    }
}

#[tokio::test]
async fn fates_that_are_all_refused_are_all_noted_later() {
    const TAKES: usize = 40;
    let (scene, takes) = Breakable::with(TAKES).await;
    scene.break_for("true", "P0001");
    takes.iter().for_each(|take| scene.node.resolve(*take, Fate::Settled));
    let taken = scene.node.take(scene.account, conformance::ask(1)).await.unwrap();
    assert_eq!(taken.records.len(), 1, "who takes does not wait for them");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.in_flight().await, TAKES as u64 + 1);
    scene.heal();
    scene.wait_until_in_flight(1).await;
    scene.node.resolve(taken.take.unwrap(), Fate::Settled);
    scene.wait_until_in_flight(0).await;
    assert_eq!(scene.node.waiting(scene.account).await.unwrap().pending, 0);
}

#[tokio::test]
async fn a_node_that_leaves_tries_once_more() {
    let (scene, takes) = Breakable::with(2).await;
    scene.break_for("true", "P0001");
    takes.iter().for_each(|take| scene.node.resolve(*take, Fate::Settled));
    scene.node.waiting(scene.account).await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    scene.heal();
    let Breakable { database, node, account, .. } = scene;
    tokio::task::spawn_blocking(move || drop(node)).await.unwrap();
    let other = database.node().await;
    let waiting = other.waiting(account).await.unwrap();
    assert_eq!((waiting.pending, waiting.in_flight), (1, 0), "neither came back");
}
