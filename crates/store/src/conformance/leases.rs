//! Leases: who has which call, and until when.

use std::time::Duration;

use ::model::{AccountId, Message, Outcome};

use super::message::{LEASE, cdr, finished, message, names, nobody, submission};
use super::{Open, START, Stage, account};
use crate::{CallId, Due, LeaseAsk, LeaseId, Share, Started, StoreError};

pub(super) async fn exercise(open: &impl Open) {
    a_call_is_leased_once(open).await;
    the_earliest_due_comes_first(open).await;
    shares_bound_what_is_leased(open).await;
    a_lease_that_expires_gives_the_call_back(open).await;
    a_call_that_has_started_is_nobody_elses_before_leases_are_asked_for(open).await;
    a_lease_is_renewed(open).await;
    a_call_that_is_given_back_is_due_as_it_was(open).await;
    a_call_is_given_back_for_later(open).await;
    a_lost_lease_is_a_fence(open).await;
    closing_is_bounded(open).await;
    accounts_are_told_apart(open).await;
    leases_of_no_account_are_refused(open).await;
}

const SECOND: Duration = Duration::from_secs(1);

async fn due<O: Open>(stage: &Stage<'_, O>) -> Option<(u64, u64, Option<::model::Timestamp>)> {
    let due = stage.ledger.due().await.expect("who is due");
    let figures = stage.ledger.figures().await.expect("figures");
    assert_eq!(due, figures.calls);
    let due: Vec<&Due> = due.iter().filter(|due| due.account == stage.account).collect();
    assert!(due.len() < 2);
    due.first().map(|due| (due.due, due.under_way, due.next))
}

async fn a_call_is_leased_once(open: &impl Open) {
    let stage = Stage::new(open, "leased once").await;
    assert_eq!(due(&stage).await, None, "there are no calls");
    stage.submit("b", &["1", "2"]).await;
    assert_eq!(due(&stage).await, Some((2, 0, None)));
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1", "2"]);
    assert!(stage.lease().await.due.is_empty());
    assert_eq!(due(&stage).await, Some((0, 2, None)));
    let stage = stage.reopen().await;
    assert_eq!(due(&stage).await, Some((2, 0, None)), "the leases ended with the process");
}

async fn the_earliest_due_comes_first(open: &impl Open) {
    let stage = Stage::new(open, "earliest first").await;
    let at = |seconds, id: &str| {
        let send_at = START.plus(Duration::from_secs(seconds));
        Message { send_at, ..message("b", id) }
    };
    let messages = vec![at(30, "d"), at(10, "b"), at(20, "c"), at(10, "b2"), at(0, "a")];
    stage.submit_as(submission("b", messages)).await;
    let (first, second) = (START.plus(10 * SECOND), START.plus(20 * SECOND));
    assert_eq!(due(&stage).await, Some((1, 0, Some(first))));
    assert_eq!(names(&stage.lease().await.due), ["a"]);
    stage.clock.advance(10 * SECOND - Duration::from_millis(1));
    assert!(stage.lease().await.due.is_empty());
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(due(&stage).await, Some((2, 1, Some(second))));
    stage.clock.advance(10 * SECOND);
    let stage = stage.reopen().await;
    assert_eq!(names(&stage.lease().await.due), ["a", "b", "b2", "c"]);
}

async fn shares_bound_what_is_leased(open: &impl Open) {
    let stage = Stage::new(open, "shares").await;
    stage.submit("b", &["1", "2", "3", "4", "5"]).await;
    assert_eq!(names(&stage.lease_most(2, 9).await.due), ["1", "2"]);
    assert_eq!(names(&stage.lease_most(2, 3).await.due), ["3"]);
    assert!(stage.lease_most(2, 3).await.due.is_empty(), "three are leased");
    let nothing = stage.ledger.lease(nobody(stage.now().plus(LEASE))).await.expect("leases");
    assert!(nothing.due.is_empty(), "nothing of an account without a share");
    assert!(stage.lease_most(0, 9).await.due.is_empty());
    assert_eq!(names(&stage.lease_most(9, 9).await.due), ["4", "5"]);
}

async fn a_lease_that_expires_gives_the_call_back(open: &impl Open) {
    let stage = Stage::new(open, "expiry").await;
    stage.submit("b", &["1", "2"]).await;
    let work = stage.lease().await;
    stage.start(&work.due[1]).await.expect("a start");
    stage.pass(LEASE - SECOND).await;
    assert!(stage.lease().await.due.is_empty());
    let watch = stage.ledger.watch_calls();
    stage.pass(SECOND).await;
    assert!(watch.has_changed().expect("the ledger is open"), "there is work again");
    assert_eq!(due(&stage).await, Some((1, 1, None)), "the other one has started");
    let again = stage.lease().await;
    assert_eq!((names(&again.due), names(&again.closing)), (vec!["1"], vec!["2"]));
    assert_ne!(again.due[0].lease, work.due[0].lease);
    let gone = stage.start(&work.due[0]).await;
    assert!(matches!(gone, Err(StoreError::LeaseLost)), "somebody else has it");
    stage.pass(LEASE).await;
    let again = stage.lease().await;
    assert_eq!((names(&again.due), names(&again.closing)), (vec!["1"], vec!["2"]));
}

/// As when the ledger was away for longer than a lease.
async fn a_call_that_has_started_is_nobody_elses_before_leases_are_asked_for(open: &impl Open) {
    let stage = Stage::new(open, "away").await;
    stage.submit("b", &["1", "2"]).await;
    let work = stage.lease().await;
    stage.start(&work.due[0]).await.expect("a start");
    stage.pass(3 * LEASE).await;
    let [started, waiting] = [0, 1].map(|place: usize| work.due[place].lease);
    let until = stage.now().plus(LEASE);
    let lost = stage.ledger.renew(vec![started, waiting], until).await.expect("a renewal");
    assert_eq!(lost, [waiting], "what had not started is for whoever comes first");
    let again = stage.lease().await;
    assert_eq!((names(&again.due), names(&again.closing)), (vec!["2"], vec![]));
    stage.finish(&work.due[0]).await.expect("it still has the call");
    assert_eq!(stage.take_all().await, ["1"]);
    assert_eq!(stage.ledger.renew(vec![started], until).await.expect("a renewal"), [started]);
}

async fn a_lease_is_renewed(open: &impl Open) {
    let stage = Stage::new(open, "renewal").await;
    stage.submit("b", &["1", "2"]).await;
    let work = stage.lease().await;
    let lost = LeaseId { token: u64::MAX, ..work.due[0].lease };
    let until = START.plus(2 * LEASE);
    let renewed = stage.ledger.renew(vec![lost, work.due[0].lease], until).await;
    assert_eq!(renewed.expect("a renewal"), [lost]);
    stage.ledger.renew(vec![work.due[0].lease], START).await.expect("ends are only put off");
    stage.clock.advance(LEASE);
    assert_eq!(names(&stage.lease().await.due), ["2"], "the other one was not renewed");
    stage.start(&work.due[0]).await.expect("it still has the call");
    stage.clock.advance(LEASE);
    assert_eq!(names(&stage.lease().await.closing), ["1"]);
}

async fn a_call_that_is_given_back_is_due_as_it_was(open: &impl Open) {
    let stage = Stage::new(open, "given back").await;
    stage.submit("b", &["1"]).await;
    stage.clock.advance(SECOND);
    let late = Message { send_at: stage.now(), ..message("b", "2") };
    stage.submit_as(submission("b", vec![late])).await;
    let work = stage.lease().await;
    let watch = stage.ledger.watch_calls();
    for leased in work.due.iter().rev() {
        stage.release(leased).await.expect("it is given back");
    }
    assert!(watch.has_changed().expect("the ledger is open"));
    let again = stage.lease().await;
    assert_eq!(names(&again.due), ["1", "2"]);
    assert_eq!(again.due[0].call, work.due[0].call);
    stage.start(&again.due[0]).await.expect("a start");
    stage.release(&again.due[0]).await.expect("it is given back");
    let third = stage.lease().await;
    assert!(third.due.is_empty(), "it had started");
    assert_eq!(names(&third.closing), ["1"]);
}

async fn a_call_is_given_back_for_later(open: &impl Open) {
    let stage = Stage::new(open, "for later").await;
    stage.submit("b", &["1"]).await;
    let later = START.plus(9 * SECOND);
    let lease = stage.lease().await.due.remove(0).lease;
    stage.ledger.release(lease, later).await.expect("it is given back");
    assert_eq!(due(&stage).await, Some((0, 0, Some(later))));
    assert!(stage.lease().await.due.is_empty());
    stage.clock.advance(9 * SECOND);
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1"]);
    assert_eq!(work.due[0].call.due, later);
}

async fn a_lost_lease_is_a_fence(open: &impl Open) {
    let stage = Stage::new(open, "fence").await;
    stage.submit("b", &["1"]).await;
    let old = stage.lease().await.due.remove(0).lease;
    stage.clock.advance(LEASE);
    let new = stage.lease().await.due.remove(0);
    let ghost = LeaseId { call: CallId { number: 77, ..old.call }, ..old };
    for lost in [old, ghost] {
        let is_lost = |done: crate::Result<()>| {
            assert!(matches!(done, Err(StoreError::LeaseLost)), "{done:?}");
        };
        let ledger = &stage.ledger;
        is_lost(ledger.start(lost, Started { attempt: 1, at: START }).await);
        is_lost(ledger.release(lost, START).await);
        is_lost(ledger.retry(lost, cdr(1, Outcome::Busy), START).await);
        is_lost(ledger.finish(lost, finished("b", "1", "1")).await);
        let renewed = ledger.renew(vec![lost], START.plus(9 * LEASE)).await;
        assert_eq!(renewed.expect("a renewal"), [lost], "it is told");
    }
    assert_eq!(stage.waiting().await, (0, 0), "there is no report");
    stage.start(&new).await.expect("a start");
    stage.finish(&new).await.expect("an end");
    assert_eq!(stage.waiting().await, (1, 0));
}

async fn closing_is_bounded(open: &impl Open) {
    let stage = Stage::new(open, "closing").await;
    stage.submit("b", &["1", "2", "3"]).await;
    for message in ["1", "2", "3"] {
        stage.ledger.cancel(stage.account, message).await.expect("a cancellation");
    }
    assert_eq!(due(&stage).await, Some((0, 0, None)), "none of them is to be placed");
    let until = stage.now().plus(LEASE);
    let ask = LeaseAsk { closing_max: 2, ..nobody(until) };
    let work = stage.ledger.lease(ask.clone()).await.expect("leases");
    assert_eq!(names(&work.closing), ["1", "2"]);
    assert_eq!(names(&stage.ledger.lease(ask).await.expect("leases").closing), ["3"]);
    stage.release(&work.closing[0]).await.expect("it is given back");
    assert_eq!(names(&stage.lease().await.closing), ["1"]);
    assert_eq!(due(&stage).await, Some((0, 3, None)));
}

async fn accounts_are_told_apart(open: &impl Open) {
    let stage = Stage::new(open, "two accounts").await;
    let other = stage.ledger.add_account(account("other")).await.expect("the name is free").id;
    stage.submit("b", &["1"]).await;
    let same = submission("b", vec![message("b", "1")]);
    stage.ledger.submit(other, same).await.expect("a submission");
    let share = |account| Share { account, most: 9, under_way_max: 9 };
    let shares = vec![share(other), share(stage.account)];
    let ask = LeaseAsk { shares, closing_max: 9, until: stage.now().plus(LEASE) };
    let work = stage.ledger.lease(ask).await.expect("leases");
    let accounts: Vec<AccountId> = work.due.iter().map(|leased| leased.call.id.account).collect();
    assert_eq!(accounts, [other, stage.account]);
    assert_eq!(work.due[0].call.message.account, other);
    stage.finish(&work.due[1]).await.expect("an end");
    assert_eq!(stage.take_all().await, ["1"]);
    assert_eq!(stage.ledger.waiting(other).await.expect("it is there").pending, 0);
    let due = stage.ledger.due().await.expect("who is due");
    assert_eq!(due, [Due { account: other, due: 0, under_way: 1, next: None }]);
}

async fn leases_of_no_account_are_refused(open: &impl Open) {
    let stage = Stage::new(open, "no account").await;
    stage.submit("b", &["1"]).await;
    let ghost = AccountId(4_000);
    let share = |account| Share { account, most: 9, under_way_max: 9 };
    let shares = vec![share(stage.account), share(ghost)];
    let ask = LeaseAsk { shares, closing_max: 9, until: stage.now().plus(LEASE) };
    let refused = stage.ledger.lease(ask).await;
    assert!(matches!(refused, Err(StoreError::NoSuchAccount)));
    assert_eq!(names(&stage.lease().await.due), ["1"], "the refusal leased nothing");
    let refused = |error: Option<StoreError>| {
        assert!(matches!(error, Some(StoreError::NoSuchAccount)), "{error:?}");
    };
    let query = crate::ArchiveQuery::default;
    let ledger = &stage.ledger;
    refused(ledger.submit(ghost, submission("b", vec![message("b", "1")])).await.err());
    refused(ledger.cancel(ghost, "1").await.err());
    refused(ledger.bulk(ghost, "b").await.err());
    refused(ledger.change_bulk(ghost, "b", crate::BulkChange::Pause).await.err());
    refused(ledger.open_calls(ghost, query()).await.err());
    refused(ledger.call(ghost, "1").await.err());
    refused(ledger.spent(ghost, 1).await.err());
}
