//! Cancelling, pausing and resuming, at every stage.

use std::time::Duration;

use model::message::Retry;
use model::{Message, Outcome};
use store::{BulkChange, BulkState, Cancelled, Ledger, Record};

use crate::house::{House, NOON, ONE, many, message, persons, secs};

async fn cancel(house: &House, message_id: &str) -> Option<Cancelled> {
    house.ledger().cancel(ONE, message_id).await.unwrap()
}

#[track_caller]
fn check_cancelled(record: &Record) {
    let report = record.report().unwrap();
    let (status, error) = Outcome::Cancelled.rows(model::Generation::Classic);
    assert_eq!((report.status, report.error), (status.into(), error.into()));
    assert_eq!((report.duration_seconds, report.answer_time), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_cancelled_at_once() {
    let house = House::new().await;
    house.submit(vec![Message { send_at: NOON.plus(secs(3_600)), ..persons("m") }]).await;
    house.pass(secs(60)).await;
    assert_eq!(cancel(&house, "m").await, Some(Cancelled::Waiting));
    let record = house.report().await;
    check_cancelled(&record);
    let report = record.report().unwrap();
    assert!(report.done_at.since(NOON) < secs(61), "it does not wait for its time");
    assert!(report.sent_at <= report.done_at);
    assert!(house.carrier.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_rings_is_ended() {
    let house = House::new().await;
    house.submit(vec![message("m", "385981180", "385981001")]).await;
    house.pass(secs(10)).await;
    for _ in 0..3 {
        assert_eq!(cancel(&house, "m").await, Some(Cancelled::UnderWay));
    }
    let record = house.report().await;
    check_cancelled(&record);
    assert!(record.report().unwrap().done_at.since(NOON) < secs(11));
    assert_eq!(cancel(&house, "m").await, Some(Cancelled::Finished));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_answered_is_ended_and_keeps_its_outcome() {
    let mut plan = crate::house::Plan::default();
    plan.sandbox.talk = secs(600);
    let house = House::built(plan).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(60)).await;
    assert_eq!(cancel(&house, "m").await, Some(Cancelled::UnderWay));
    let record = house.report().await;
    let report = record.report().unwrap();
    assert_eq!(report.error.id, 5000);
    assert!((50..60).contains(&report.duration_seconds), "{}", report.duration_seconds);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_prompt_is_being_made_is_not_placed() {
    let house = House::new().await;
    house.prompter.takes("slow", secs(30));
    house.submit(vec![Message { prompt: crate::house::text("slow"), ..persons("m") }]).await;
    house.pass(secs(5)).await;
    assert_eq!(cancel(&house, "m").await, Some(Cancelled::UnderWay));
    check_cancelled(&house.report().await);
    assert!(house.carrier.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_between_two_attempts_is_not_placed_again() {
    let house = House::new().await;
    let period = Duration::from_secs(600);
    let retry = Some(Retry { min_period: period, max_period: period, max_count: 2 });
    house.submit(vec![Message { retry, ..message("m", "385981486", "385981001") }]).await;
    house.pass(secs(60)).await;
    assert_eq!(cancel(&house, "m").await, Some(Cancelled::Waiting));
    let record = house.report().await;
    check_cancelled(&record);
    let cdrs = house.cdrs("m").await;
    assert_eq!((cdrs.len(), record.report().unwrap().sent_at), (1, cdrs[0].leg_a.invite));
}

#[tokio::test(start_paused = true)]
async fn a_paused_bulk_waits_until_it_is_resumed() {
    let house = House::new().await;
    let at = NOON.plus(secs(60));
    let later = many(ONE, 5).into_iter().map(|call| Message { send_at: at, ..call });
    house.submit(later.collect()).await;
    house.ledger().change_bulk(ONE, "bulk", BulkChange::Pause).await.unwrap();
    house.pass(secs(3_600)).await;
    assert!(house.carrier.lines().is_empty());
    let bulk = house.ledger().change_bulk(ONE, "bulk", BulkChange::Resume).await.unwrap();
    assert_eq!(bulk.unwrap().state, BulkState::Pending);
    let resumed = house.clock.elapsed();
    house.reports(5).await;
    for (_, at) in house.carrier.dialled_a() {
        assert!(at.since(NOON) - resumed < secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_bulk_has_a_report_for_each_call() {
    let house = House::new().await;
    let at = NOON.plus(secs(60));
    let later = many(ONE, 250).into_iter().map(|call| Message { send_at: at, ..call });
    house.submit(later.collect()).await;
    house.ledger().change_bulk(ONE, "bulk", BulkChange::Cancel).await.unwrap();
    house.reports(250).await.iter().for_each(check_cancelled);
    assert!(house.carrier.lines().is_empty());
    assert!(house.clock.elapsed() < secs(5));
}
