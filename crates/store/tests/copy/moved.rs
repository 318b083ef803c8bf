//! There and back: the same is shown, and the same is done.

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, ManualClock};
use store::copy::{CopyError, Part};
use store::{Keeping, Ledger, ReturnReason, TakeState, conformance};

use crate::ends::{End, Place, open};
use crate::fill::fill;
use crate::shown::{does, shown};

#[track_caller]
fn same(left: &[String], right: &[String], what: &str) {
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right, "{what}");
    }
    assert_eq!(left.len(), right.len(), "{what}");
}

/// Copies it there and back, and gives the three with what each shows.
async fn there_and_back(place: &Place, first: End) -> Vec<End> {
    let other = |name: &str| match &first {
        End::Dir(_) => place.database(),
        End::Database(_) => place.dir(name),
    };
    let there = other("there");
    let back = match &first {
        End::Dir(_) => place.dir("back"),
        End::Database(_) => place.database(),
    };
    let expect = shown(place.open(&first).await.as_ref()).await;
    let sum = place.copy(&first, &there).await.unwrap();
    assert!(sum.count(Part::Report) > 0 && sum.count(Part::Take) > 0);
    same(&expect, &shown(place.open(&there).await.as_ref()).await, "there");
    let again = place.copy(&there, &back).await.unwrap();
    assert_eq!(sum.digest(), again.digest());
    same(&expect, &shown(place.open(&back).await.as_ref()).await, "back");
    vec![first, there, back]
}

async fn check_filled(first: impl Fn(&Place) -> End) {
    let place = Place::new();
    let first = first(&place);
    let ledger = place.open(&first).await;
    let account = fill(ledger.as_ref(), &place.clock).await;
    drop(ledger);
    let all = there_and_back(&place, first).await;
    let now = place.clock.now();
    let mut expect = None;
    for end in &all {
        let clock = ManualClock::at(now);
        let ledger = open(end, Keeping::default(), Arc::new(clock.clone())).await;
        let done = does(ledger.as_ref(), &clock, account).await;
        assert!(done.iter().any(|line| line.starts_with("taken")));
        same(expect.get_or_insert_with(|| done.clone()), &done, &end.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_goes_to_a_database_and_back() {
    check_filled(|place| place.dir("first")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_goes_to_a_directory_and_back() {
    check_filled(Place::database).await;
}

async fn check_walked(seed: u64, to_database: bool) {
    let place = Place::new();
    let end = if to_database { place.dir("walked") } else { place.database() };
    let opener = async |_: String, keeping: Keeping, clock: Arc<dyn Clock>| -> Arc<dyn Ledger> {
        open(&end, keeping, clock).await
    };
    conformance::walk(&opener, seed, 150).await;
    there_and_back(&place, end.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_walk_left_is_moved() {
    for seed in 0..2 {
        check_walked(seed, seed % 2 == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_had_is_pending_in_the_copy() {
    let place = Place::new();
    let (database, dir) = (place.database(), place.dir("to"));
    let node = place.open(&database).await;
    let account = node.add_account(conformance::account("one")).await.unwrap().id;
    let reports = ["1", "2", "3"].map(|name| conformance::report("b", name));
    node.feed(account, reports.into()).await.unwrap();
    node.take(account, conformance::ask(2)).await.unwrap().take.unwrap();
    // It says nothing more, and does not leave.
    std::mem::forget(node);
    assert!(matches!(place.copy(&database, &dir).await, Err(CopyError::InUse(_))));
    place.clock.advance(Duration::from_secs(30));
    place.copy(&database, &dir).await.unwrap();
    let copied = place.open(&dir).await;
    let waiting = copied.waiting(account).await.unwrap();
    assert_eq!((waiting.pending, waiting.in_flight), (3, 0));
    let audit = copied.audit("1").await.unwrap().remove(0);
    assert_eq!(audit.takes[0].state, TakeState::Returned(ReturnReason::Crash));
}
