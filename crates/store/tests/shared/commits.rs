//! The answer to a commit is lost, or the commit: each verb is done once all the same, and answers
//! what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::deck::DeckFile;
use model::{AccountId, ApiKey, Clock as _, ManualClock, Outcome, Role, Roles};
use store::{
    BulkChange, BulkState, CallEntry, Cancelled, Fate, Fed, LeaseAsk, Leased, Ledger, LegUp,
    OpenCall, Postgres, ReplayKey, ReturnReason, Share, Started, Submission, TakeAsk, TakeState,
    Work, conformance,
};
use testkit::postgres::{Cut, Cutter};

use crate::both::drain;
use crate::support::{Database, MARKS};

const LEASE: Duration = Duration::from_secs(60);

/// A node on whose way to the database the next commit can be cut.
struct Stage {
    ledger: Postgres,
    clock: ManualClock,
    account: AccountId,
    cutter: Cutter,
    armed: Arc<AtomicBool>,
    database: Database,
}

impl Stage {
    async fn new(cut: Cut) -> Self {
        let database = Database::new();
        let armed = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&armed);
        let decide = move || if trigger.swap(false, Ordering::SeqCst) { cut } else { Cut::None };
        let cutter =
            Cutter::before(database.server.address(), MARKS.to_vec(), decide).await.unwrap();
        let clock = ManualClock::at(conformance::START);
        let ledger = database.behind(&cutter, Arc::new(clock.clone())).await;
        let account = ledger.add_account(conformance::account("one")).await.unwrap().id;
        Self { ledger, clock, account, cutter, armed, database }
    }

    /// What the verb gives whose commit is cut.
    async fn cut<T>(&self, verb: impl Future<Output = store::Result<T>>) -> T {
        let before = self.cutter.cuts();
        self.armed.store(true, Ordering::SeqCst);
        let given = verb.await;
        assert_eq!(self.cutter.cuts(), before + 1, "its commit was not met");
        given.expect("it was done once")
    }

    async fn feed(&self, messages: &[&str]) -> Vec<Fed> {
        let reports = messages.iter().map(|message| conformance::report("b", message)).collect();
        self.ledger.feed(self.account, reports).await.unwrap()
    }

    async fn submit(&self, bulk: &str, messages: &[&str]) {
        self.ledger.submit(self.account, submission(bulk, messages)).await.unwrap();
    }

    fn ask(&self) -> LeaseAsk {
        let shares = vec![Share { account: self.account, most: 9, under_way_max: 9 }];
        LeaseAsk { shares, closing_max: 9, until: self.clock.now().plus(LEASE) }
    }

    async fn lease(&self) -> Work {
        self.ledger.lease(self.ask()).await.unwrap()
    }

    fn started(&self, attempt: u8) -> Started {
        Started { attempt, at: self.clock.now() }
    }

    /// Submits a call and starts it.
    async fn begun(&self, message: &str) -> Leased {
        self.submit("begun", &[message]).await;
        let leased = self.lease().await.due.remove(0);
        self.ledger.start(leased.lease, self.started(1)).await.unwrap();
        leased
    }

    async fn open(&self, message: &str) -> OpenCall {
        match self.ledger.call(self.account, message).await.unwrap() {
            Some(CallEntry::Open(call)) => *call,
            other => panic!("{other:?}"),
        }
    }
}

fn submission(bulk: &str, messages: &[&str]) -> Submission {
    let messages = messages.iter().map(|message| conformance::message(bulk, message)).collect();
    conformance::submission(bulk, messages)
}

fn key(value: &str) -> Option<ReplayKey> {
    Some(ReplayKey { value: value.to_owned(), fingerprint: 1 })
}

/// Runs it with the commit cut off, and with its answer.
async fn cut_both_ways(check: impl AsyncFn(&Stage)) {
    for cut in [Cut::Before, Cut::After] {
        println!("{cut:?}");
        check(&Stage::new(cut).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_changed_once() {
    cut_both_ways(async |stage| {
        let ledger = &stage.ledger;
        let other = stage.cut(ledger.add_account(conformance::account("other"))).await;
        assert_eq!(ledger.accounts().await.unwrap().len(), 2, "its name is not its own");
        let renamed = model::Account { name: "renamed".to_owned(), ..other };
        stage.cut(ledger.replace_account(renamed.clone())).await;
        assert_eq!(ledger.accounts().await.unwrap()[1], renamed);
        let key = ApiKey {
            id: "k1".to_owned(),
            account: stage.account,
            label: "till".to_owned(),
            digest: [7; 32],
            roles: Roles::default().with(Role::Read),
            created_at: conformance::START,
            revoked_at: None,
        };
        stage.cut(ledger.put_key(key.clone())).await;
        assert_eq!(ledger.keys().await.unwrap(), [key]);
        let deck = DeckFile {
            name: "retail".to_owned(),
            imported_at: conformance::START,
            currency: None,
            increments: "60/60".to_owned(),
            charge_b: false,
            decimals: 4,
            csv: b"prefix,rate".to_vec(),
        };
        stage.cut(ledger.put_deck(deck.clone())).await;
        assert_eq!(ledger.decks().await.unwrap(), [deck]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_fed_taken_and_resolved_once() {
    cut_both_ways(async |stage| {
        let (ledger, account) = (&stage.ledger, stage.account);
        let reports = ["1", "2", "3", "4"].map(|message| conformance::report("b", message));
        assert_eq!(stage.cut(ledger.feed(account, reports.to_vec())).await, [Fed::New; 4]);
        assert_eq!(stage.feed(&["1", "2", "3", "4"]).await, [Fed::Duplicate; 4]);
        let taken = stage.cut(ledger.take(account, conformance::ask(2))).await;
        assert_eq!(taken.records.len(), 2);
        ledger.resolve(taken.take.unwrap(), Fate::Settled);
        let waiting = stage.cut(ledger.waiting(account)).await;
        assert_eq!((waiting.pending, waiting.in_flight), (2, 0));
        assert_eq!(ledger.audit("1").await.unwrap()[0].takes.len(), 1);
        let taken = ledger.take(account, conformance::ask(1)).await.unwrap();
        ledger.resolve(taken.take.unwrap(), Fate::Returned(ReturnReason::Reset));
        let waiting = stage.cut(ledger.waiting(account)).await;
        assert_eq!((waiting.pending, waiting.in_flight), (2, 0));
        let ask = TakeAsk { key: key("k"), ..conformance::ask(1) };
        let keyed = stage.cut(ledger.take(account, ask.clone())).await;
        assert!(!keyed.replayed && keyed.records.len() == 1);
        let again = stage.cut(ledger.take(account, ask)).await;
        assert!(again.replayed && again.records == keyed.records);
        assert_eq!(drain(ledger, account).await, ["4"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_submitted_leased_and_ended_once() {
    cut_both_ways(async |stage| {
        let (ledger, account) = (&stage.ledger, stage.account);
        let keyed = Submission { key: key("s"), ..submission("c", &["1", "2"]) };
        let submitted = stage.cut(ledger.submit(account, keyed)).await;
        assert!(!submitted.replayed && submitted.bulk_id == "c");
        let work = stage.cut(ledger.lease(stage.ask())).await;
        assert_eq!(work.due.len(), 2, "both, and not leased to nobody");
        let (first, second) = (work.due[0].lease, work.due[1].lease);
        // A second time each of these would have lost its lease.
        stage.cut(ledger.start(first, stage.started(1))).await;
        let busy = conformance::cdr(1, Outcome::Busy);
        stage.cut(ledger.retry(first, busy, conformance::START)).await;
        assert_eq!(stage.open("1").await.cdrs.len(), 1);
        let later = conformance::START.plus(LEASE);
        stage.cut(ledger.release(second, later)).await;
        assert_eq!(stage.open("2").await.due, later);
        let again = stage.lease().await.due.remove(0);
        ledger.start(again.lease, stage.started(2)).await.unwrap();
        stage.cut(ledger.finish(again.lease, conformance::finished("c", "1", "1.5"))).await;
        let day = conformance::finished("c", "1", "0").day;
        let spent = ledger.spent(account, day).await.unwrap();
        assert_eq!(spent, "1.5".parse().unwrap(), "charged once");
        assert_eq!(drain(ledger, account).await, ["1"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_noted_of_a_call_is_noted_once() {
    cut_both_ways(async |stage| {
        let (ledger, account) = (&stage.ledger, stage.account);
        let lease = stage.begun("1").await.lease;
        let (leg, at) = (model::cdr::Leg::A, conformance::START);
        let up = LegUp { leg, at, dialog: b"up".to_vec() };
        stage.cut(ledger.note(lease, up.clone())).await;
        assert_eq!(stage.open("1").await.legs_up, [up]);
        stage.cut(ledger.record(lease, 0, vec![1; 100])).await;
        let recording = stage.open("1").await.recording;
        assert_eq!((recording.parts, recording.bytes), (1, 100));
        stage.cut(ledger.renew(vec![lease], stage.clock.now().plus(3 * LEASE))).await;
        stage.clock.advance(2 * LEASE);
        assert!(stage.lease().await.closing.is_empty(), "it was put off");
        let mut end = conformance::finished("begun", "1", "0");
        end.report.recorded = true;
        stage.cut(ledger.finish(lease, end)).await;
        assert_eq!(ledger.recording(account, "1", 0).await.unwrap(), Some(vec![1; 100]));
        assert_eq!(ledger.recording(account, "1", 1).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_cancelled_and_bulks_changed_once() {
    cut_both_ways(async |stage| {
        let (ledger, account) = (&stage.ledger, stage.account);
        stage.submit("b", &["1", "2"]).await;
        let cancelled = stage.cut(ledger.cancel(account, "1")).await;
        assert_eq!(cancelled, Some(Cancelled::Waiting));
        // A second time each of these could not be done as the bulk is.
        for (change, state) in [
            (BulkChange::Pause, BulkState::Paused),
            (BulkChange::SendAt(conformance::START.plus(LEASE)), BulkState::Paused),
            (BulkChange::Resume, BulkState::Pending),
            (BulkChange::Cancel, BulkState::Canceled),
        ] {
            let bulk = stage.cut(ledger.change_bulk(account, "b", change)).await.unwrap();
            assert_eq!(bulk.state, state);
            if let BulkChange::SendAt(at) = change {
                assert_eq!(bulk.send_at, at, "put off once");
            }
        }
        let closing = stage.cut(ledger.lease(stage.ask())).await.closing;
        assert_eq!(closing.len(), 2);
        for leased in closing {
            let name = leased.call.message.message_id;
            let end = conformance::finished("b", &name, "0");
            stage.cut(ledger.finish(leased.lease, end)).await;
        }
        assert_eq!(ledger.cancel(account, "2").await.unwrap(), Some(Cancelled::Finished));
        assert_eq!(drain(ledger, account).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_clock_has_ended_is_ended_once() {
    cut_both_ways(async |stage| {
        let (ledger, account) = (&stage.ledger, stage.account);
        stage.feed(&["1", "2"]).await;
        let ask = TakeAsk { key: key("k"), ..conformance::ask(1) };
        let keyed = ledger.take(account, ask).await.unwrap();
        ledger.resolve(keyed.take.unwrap(), Fate::Returned(ReturnReason::Reset));
        ledger.waiting(account).await.unwrap();
        // A node that dies with what it took: it is never heard of again.
        let other = stage.database.node_at(&stage.clock).await;
        let taken = other.take(account, conformance::ask(1)).await.unwrap();
        assert_eq!(taken.records.len(), 1);
        stage.clock.advance(Duration::from_secs(14 * 60));
        ledger.upkeep().await.unwrap();
        stage.clock.advance(Duration::from_secs(10));
        ledger.upkeep().await.unwrap();
        stage.clock.advance(Duration::from_secs(10));
        ledger.upkeep().await.unwrap();
        stage.clock.advance(Duration::from_secs(10));
        // What the dead one had comes back, and then the window is over.
        stage.cut(ledger.upkeep()).await;
        let audit = ledger.audit("2").await.unwrap().remove(0);
        assert_eq!(audit.takes.len(), 1);
        assert_eq!(audit.takes[0].state, TakeState::Returned(ReturnReason::Crash));
        stage.clock.advance(Duration::from_secs(60));
        let upkept = stage.cut(ledger.upkeep()).await;
        assert_eq!((upkept.windows_settled, upkept.windows_returned), (0, 1));
        assert_eq!(drain(ledger, account).await, ["1", "2"]);
    })
    .await;
}
