//! A copy that is killed in the middle goes on where it was.

use std::io::BufRead;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use model::ManualClock;
use store::copy::Stage;
use store::{ArchiveQuery, Fate, Ledger, conformance};

use crate::ends::{End, Place, copy_told};

const CHILD_FROM: &str = "CALLSLIP_TEST_CHILD_FROM";
const CHILD_TO: &str = "CALLSLIP_TEST_CHILD_TO";
const CHILD: &str = "kill::child";
const REPORTS: usize = 4_500;

/// Not a test of its own: copies in a process that is killed half-way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(from), Ok(to)) = (std::env::var(CHILD_FROM), std::env::var(CHILD_TO)) else { return };
    let clock = Arc::new(ManualClock::at(conformance::START));
    let told = |_, done, _| {
        if done > REPORTS as u64 / 2 {
            println!("@half");
            std::thread::park();
        }
    };
    copy_told(clock, &End::named(&from), &End::named(&to), told).await.unwrap();
}

fn kill_half_way(from: &End, to: &End) {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture"])
        .env(CHILD_FROM, from.name())
        .env(CHILD_TO, to.name())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let half = out.lines().map_while(Result::ok).any(|line| line.ends_with("@half"));
    assert!(half, "the copy did not get half-way");
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn many(ledger: &dyn Ledger) {
    let account = ledger.add_account(conformance::account("many")).await.unwrap().id;
    let numbers: Vec<usize> = (0..REPORTS).collect();
    for part in numbers.chunks(500) {
        let reports = part.iter().map(|number| conformance::report("b", &number.to_string()));
        ledger.feed(account, reports.collect()).await.unwrap();
    }
    let taken = ledger.take(account, conformance::ask(77)).await.unwrap();
    ledger.resolve(taken.take.unwrap(), Fate::Settled);
    ledger.waiting(account).await.unwrap();
}

async fn check(from: impl Fn(&Place) -> End, to: impl Fn(&Place) -> End) {
    let place = Place::new();
    let (from, to) = (from(&place), to(&place));
    let ledger = place.open(&from).await;
    many(ledger.as_ref()).await;
    drop(ledger);
    kill_half_way(&from, &to);
    let mut first = None;
    let told = |stage, done, _| {
        assert!(first.is_some() || stage == Stage::Copying);
        first.get_or_insert(done);
    };
    copy_told(place.clock(), &from, &to, told).await.unwrap();
    assert!(first.unwrap() > REPORTS as u64 / 2, "it began at {first:?}");
    let (left, right) = (place.open(&from).await, place.open(&to).await);
    let account = left.accounts().await.unwrap()[0].id;
    let all = ArchiveQuery { limit: usize::MAX, ..ArchiveQuery::default() };
    let list = left.list(account, all.clone()).await.unwrap();
    assert_eq!(list.len(), REPORTS);
    assert_eq!(list, right.list(account, all).await.unwrap());
    assert_eq!(left.waiting(account).await.unwrap(), right.waiting(account).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_to_a_database_goes_on_after_a_kill() {
    check(|place| place.dir("from"), Place::database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_to_a_directory_goes_on_after_a_kill() {
    check(Place::database, |place| place.dir("to")).await;
}
