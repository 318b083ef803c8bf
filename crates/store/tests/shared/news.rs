//! What a node tells the others: it is told by a node that leaves as well, and what a node could not
//! tell any more is seen all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::{AccountId, ApiKey, ManualClock, Role, Roles};
use store::{Keeping, Ledger, Postgres, PostgresSettings, conformance};
use testkit::postgres::{Cut, Cutter, url_at};

use crate::support::{Database, MARKS, open};

const SOON: Duration = Duration::from_secs(10);

/// Two nodes, of which the first can be cut off when it tells.
struct Pair {
    teller: Postgres,
    hearer: Postgres,
    account: AccountId,
    /// How many commits and tellings of the first go well from now on.
    well: Arc<AtomicI64>,
    /// How many of those that follow are lost.
    lost: Arc<AtomicI64>,
    cutter: Cutter,
    /// Its server goes with it.
    _database: Database,
}

impl Pair {
    async fn new() -> Self {
        let database = Database::new();
        let (well, lost) = (Arc::new(AtomicI64::new(i64::MAX)), Arc::new(AtomicI64::new(0)));
        let (left, cuts) = (Arc::clone(&well), Arc::clone(&lost));
        let decide = move || match left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            true if cuts.fetch_sub(1, Ordering::SeqCst) > 0 => Cut::Before,
            _ => Cut::None,
        };
        let marks = [&MARKS[..], &["pg_notify"]].concat();
        let cutter = Cutter::before(database.server.address(), marks, decide).await.unwrap();
        let url = url_at(cutter.address(), database.url.rsplit('/').next().unwrap());
        let settings = PostgresSettings { url, ..database.settings() };
        let clock = Arc::new(ManualClock::at(conformance::START));
        let teller = open(settings, Keeping::default(), clock).await;
        let hearer = database.node().await;
        let account = teller.add_account(conformance::account("one")).await.unwrap().id;
        let mut settings = hearer.watch_settings();
        while !hearer.accounts().await.unwrap().iter().any(|known| known.id == account) {
            settings.changed().await.unwrap();
        }
        hearer.upkeep().await.unwrap();
        // What was told of the account has been heard.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Self { teller, hearer, account, well, lost, cutter, _database: database }
    }

    /// The next commit goes well, and so many tellings are lost after it.
    fn commit_then_lose(&self, tellings: i64) {
        self.lost.store(tellings, Ordering::SeqCst);
        self.well.store(1, Ordering::SeqCst);
    }

    async fn wait_for_a_cut(&self) {
        while self.cutter.cuts() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn add_key(&self) {
        let key = ApiKey {
            id: "k".into(),
            account: self.account,
            label: "a key".into(),
            digest: [7; 32],
            roles: Roles::default().with(Role::Read),
            created_at: conformance::START,
            revoked_at: None,
        };
        self.teller.put_key(key).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_node_did_that_could_not_tell_is_seen_with_the_next_upkeep() {
    for what in 0..3 {
        let pair = Pair::new().await;
        let hearer = &pair.hearer;
        let mut watches =
            [hearer.watch(pair.account), hearer.watch_calls(), hearer.watch_settings()];
        hearer.upkeep().await.unwrap();
        watches.iter_mut().for_each(|watch| _ = watch.borrow_and_update());
        pair.commit_then_lose(i64::MAX);
        match what {
            0 => {
                let reports = vec![conformance::report("b", "1")];
                pair.teller.feed(pair.account, reports).await.unwrap();
            }
            1 => {
                let messages = vec![conformance::message("c", "2")];
                let submission = conformance::submission("c", messages);
                pair.teller.submit(pair.account, submission).await.unwrap();
            }
            _ => pair.add_key().await,
        }
        pair.wait_for_a_cut().await;
        let changed = || watches.each_ref().map(|watch| watch.has_changed().unwrap());
        assert_eq!(changed(), [false; 3], "nobody has told");
        hearer.upkeep().await.unwrap();
        assert_eq!(changed(), [what == 0, what == 1, what == 2], "what has changed is seen");
        watches.iter_mut().for_each(|watch| _ = watch.borrow_and_update());
        hearer.upkeep().await.unwrap();
        assert!(watches.iter().all(|watch| !watch.has_changed().unwrap()), "it is seen once");
        pair.lost.store(0, Ordering::SeqCst);
    }
}

/// As a command that adds a key, and is done.
#[tokio::test]
async fn a_node_that_leaves_tells_the_others_before_it_ends() {
    let pair = Pair::new().await;
    let mut settings = pair.hearer.watch_settings();
    settings.borrow_and_update();
    pair.commit_then_lose(1);
    pair.add_key().await;
    // The connection is lost with the news, which are told again a moment later.
    pair.wait_for_a_cut().await;
    let teller = pair.teller;
    tokio::task::spawn_blocking(move || drop(teller)).await.unwrap();
    tokio::time::timeout(SOON, settings.changed()).await.expect("it was told").unwrap();
}
