//! A ledger that refuses: nothing is dialled that it does not know of, and nothing is lost that it
//! has to be told again.

use model::{Clock, Outcome};
use store::{LeaseAsk, Ledger, Share, StoreError};

use crate::house::{House, NOON, ONE, Plan, message, persons, secs, text};

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_dials_nothing() {
    let house = House::new().await;
    house.ledger().refuse("start", &StoreError::Busy, 3);
    house.submit(vec![persons("m")]).await;
    house.pass(secs(2)).await;
    assert!(house.carrier.lines().is_empty());
    assert_eq!(house.report().await.report().unwrap().error.id, 5000);
    assert_eq!(house.carrier.lines().len(), 1);
    assert_eq!(house.cdrs("m").await[0].attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_lease_was_lost_is_not_dialled() {
    let house = House::new().await;
    house.ledger().refuse("start", &StoreError::LeaseLost, 1);
    house.submit(vec![persons("m")]).await;
    house.pass(secs(50)).await;
    assert!(house.carrier.lines().is_empty());
    // Nobody has it in truth, and so its lease ends.
    house.report().await;
    assert_eq!(house.carrier.lines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_is_kept_once_the_ledger_takes_it() {
    let house = House::new().await;
    house.ledger().refuse("finish", &StoreError::Busy, 60);
    house.submit(vec![persons("m")]).await;
    house.pass(secs(120)).await;
    assert!(house.reported().await.is_empty());
    let record = house.report().await;
    let report = record.report().unwrap();
    assert_eq!(report.error.id, 5000);
    assert!(report.done_at.since(NOON) < secs(10), "it tells when the call was over");
    assert_eq!(house.carrier.lines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_kept_once_the_ledger_takes_it() {
    let house = House::new().await;
    house.ledger().refuse("retry", &StoreError::Busy, 5);
    let period = secs(60);
    let retry = model::message::Retry { min_period: period, max_period: period, max_count: 1 };
    let busy = message("m", "385981486", "385981001");
    house.submit(vec![model::Message { retry: Some(retry), ..busy }]).await;
    house.report().await;
    assert_eq!(house.cdrs("m").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cannot_say_what_is_due_is_asked_again() {
    let house = House::new().await;
    for verb in ["due", "lease", "accounts"] {
        house.ledger().refuse(verb, &StoreError::Busy, 3);
    }
    house.submit(vec![persons("m")]).await;
    house.report().await;
    assert!(house.clock.elapsed() < secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_ledger_is_asked_for_nothing_more() {
    let mut house = House::new().await;
    let poisoned = StoreError::Poisoned("the disk is gone".into());
    house.submit(vec![message("m", "385981180", "385981001")]).await;
    house.pass(secs(1)).await;
    for verb in ["lease", "finish"] {
        house.ledger().refuse(verb, &poisoned, 1_000);
    }
    house.submit(vec![persons("later")]).await;
    house.pass(secs(600)).await;
    assert_eq!(house.carrier.lines().len(), 1, "nothing more is placed");
    assert!(house.carrier.lines()[0].to.is_some(), "what was under way has ended");
    house.stop().await;
    house.restart(None).await;
    // Whatever was said while it was poisoned was not kept: the call was left behind.
    let ledger = house.ledger();
    drop(ledger);
    let records = house.reports(2).await;
    let report = records.iter().map(|record| record.report().unwrap());
    let report = report.into_iter().find(|report| report.message_id == "m").unwrap();
    assert_eq!(report.error, Outcome::Internal.rows(model::Generation::Classic).1.into());
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_as_long_as_a_call_lasts() {
    let mut plan = Plan::default();
    plan.sandbox.talk = secs(3_600);
    let house = House::built(plan).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(1_800)).await;
    let due = house.ledger().due().await.unwrap();
    assert_eq!((due[0].due, due[0].under_way), (0, 1));
    let record = house.report().await;
    assert!(record.report().unwrap().duration_seconds >= 3_600);
    assert_eq!(house.carrier.lines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_lost_its_lease_is_dropped_and_closed_once() {
    let mut plan = Plan::default();
    plan.sandbox.talk = secs(3_600);
    let house = House::built(plan).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(10)).await;
    house.ledger().refuse("renew", &StoreError::Busy, 100);
    house.pass(secs(70)).await;
    // Another process takes it for left behind, and dies with it.
    let ask = LeaseAsk { closing_max: 10, until: house.clock.now(), ..LeaseAsk::default() };
    assert_eq!(house.ledger().lease(ask).await.unwrap().closing.len(), 1);
    let record = house.report().await;
    assert_eq!(record.report().unwrap().error.name, "EC_VOICE_INTERNAL_SERVER_ERROR");
    house.pass(secs(4_000)).await;
    assert_eq!(house.reported().await.len(), 1);
    let lines = house.carrier.lines();
    assert!(lines.len() == 1 && lines[0].to.unwrap().since(NOON) < secs(180), "{lines:?}");
}

/// As of a node that hung until it was given up, and goes on.
#[tokio::test(start_paused = true)]
async fn a_call_whose_lease_was_lost_is_hung_up_and_reported_by_whoever_has_it() {
    let mut plan = Plan::default();
    plan.sandbox.talk = secs(3_600);
    let house = House::built(plan).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(10)).await;
    house.ledger().refuse("renew", &StoreError::Busy, 100);
    house.pass(secs(70)).await;
    let until = house.clock.now().plus(secs(600));
    let ask = LeaseAsk { closing_max: 10, until, ..LeaseAsk::default() };
    assert_eq!(house.ledger().lease(ask).await.unwrap().closing.len(), 1);
    house.pass(secs(60)).await;
    let lines = house.carrier.lines();
    assert!(lines.len() == 1 && lines[0].to.unwrap().since(NOON) < secs(140), "{lines:?}");
    assert_eq!(house.exchange.as_ref().unwrap().figures().under_way, 0);
    assert!(house.reported().await.is_empty(), "it is somebody else's");
    // Who dies with it.
    let record = house.report().await;
    assert_eq!(record.report().unwrap().error.name, "EC_VOICE_INTERNAL_SERVER_ERROR");
    assert_eq!(house.carrier.lines().len(), 1);
}

/// A call that still waits for its prompt is not dialled once its lease is lost.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_dropped_with_its_lease() {
    let house = House::new().await;
    house.prompter.takes("slow", secs(200));
    let slow = model::Message { prompt: text("slow"), ..persons("m") };
    house.submit(vec![slow]).await;
    house.pass(secs(10)).await;
    house.ledger().refuse("renew", &StoreError::Busy, 60);
    house.pass(secs(55)).await;
    let until = house.clock.now().plus(secs(600));
    let shares = vec![Share { account: ONE, most: 1, under_way_max: 1 }];
    let ask = LeaseAsk { shares, until, ..LeaseAsk::default() };
    assert_eq!(house.ledger().lease(ask).await.unwrap().due.len(), 1);
    house.pass(secs(60)).await;
    assert_eq!(house.exchange.as_ref().unwrap().figures().under_way, 0);
    house.pass(secs(300)).await;
    assert!(house.carrier.lines().is_empty());
}
