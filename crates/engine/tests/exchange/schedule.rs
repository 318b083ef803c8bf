//! When calls are placed: at once, later, in their window, again; or never.

use std::time::Duration;

use engine::exchange::{Caps, ExchangeSettings};
use model::message::{DeliveryWindow, Retry};
use model::{Message, Timestamp};

use crate::house::{House, NOON, ONE, Plan, many, message, persons, secs};

const MINUTE: Duration = Duration::from_secs(60);
const BUSY: &str = "385981486";
const PERSON: &str = "385981001";

fn later(minutes: u32) -> Timestamp {
    NOON.plus(MINUTE * minutes)
}

fn window(from: u16, to: u16) -> Option<DeliveryWindow> {
    Some(DeliveryWindow { days: 0b111_1111, minutes: Some((from * 60, to * 60)) })
}

fn retrying(number: &str, min: u32, max: u32, max_count: u8) -> Message {
    let retry = Retry { min_period: MINUTE * min, max_period: MINUTE * max, max_count };
    Message { retry: Some(retry), ..message("m", number, PERSON) }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_placed_at_its_time() {
    let house = House::new().await;
    house.submit(vec![Message { send_at: later(90), ..persons("m") }]).await;
    house.report().await;
    assert_eq!(house.carrier.dialled_a(), [("m".to_owned(), later(90))]);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_as_the_ladder_says() {
    let house = House::new().await;
    house.submit(vec![retrying(BUSY, 1, 2, 3)]).await;
    let record = house.report().await;
    let cdrs = house.cdrs("m").await;
    let attempts: Vec<u8> = cdrs.iter().map(|cdr| cdr.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    let pauses: Vec<u64> = cdrs
        .windows(2)
        .map(|pair| pair[1].leg_a.invite.since(pair[0].done_at()).as_secs())
        .collect();
    assert_eq!(pauses, [60, 120, 120]);
    let report = record.report().unwrap();
    assert_eq!((report.error.id, report.sent_at), (5002, cdrs[3].leg_a.invite));
    assert_eq!(house.exchange.as_ref().unwrap().figures().retried_total, 3);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_not_tried_again() {
    let house = House::new().await;
    house.submit(vec![retrying("385981404", 1, 2, 3)]).await;
    house.report().await;
    assert_eq!(house.cdrs("m").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_window() {
    let house = House::new().await;
    house.submit(vec![Message { window: window(14, 16), ..persons("m") }]).await;
    house.report().await;
    assert_eq!(house.carrier.dialled_a(), [("m".to_owned(), later(120))]);
    assert_eq!(house.exchange.as_ref().unwrap().figures().put_off_total, 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_the_window_too() {
    let house = House::new().await;
    let message = Message { window: window(11, 13), ..retrying(BUSY, 60, 60, 1) };
    house.submit(vec![message]).await;
    house.report().await;
    let next_day = later(23 * 60);
    assert_eq!(house.carrier.dialled_a()[1], ("m".to_owned(), next_day));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_window_holds_nobody_up() {
    let house = House::new().await;
    let windowed =
        many(ONE, 500).into_iter().map(|call| Message { window: window(14, 16), ..call });
    house.submit(windowed.collect()).await;
    house.submit(vec![persons("m")]).await;
    house.report().await;
    let (_, dialled) = &house.carrier.dialled_a()[0];
    assert!(dialled.since(NOON) < secs(1), "after {:?}", dialled.since(NOON));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_validity_ends_first_expires_undialled() {
    let house = House::new().await;
    let message = Message { window: window(14, 16), valid_until: Some(later(60)), ..persons("m") };
    house.submit(vec![message]).await;
    let record = house.report().await;
    let report = record.report().unwrap();
    assert_eq!((report.status.id, report.error.id), (15, 4101));
    assert_eq!((report.sent_at, report.duration_seconds), (NOON, 0));
    assert!(house.carrier.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_expires_while_it_waits_for_others() {
    let account = Caps { calls_per_second: 10, concurrent_calls: 1 };
    let settings = ExchangeSettings { account, ..ExchangeSettings::default() };
    let house = House::built(Plan { settings, ..Plan::default() }).await;
    let waits = Message { valid_until: Some(NOON.plus(secs(2))), ..persons("second") };
    house.submit(vec![persons("first"), waits]).await;
    let records = house.reports(2).await;
    let outcomes: Vec<(&str, u32)> = records
        .iter()
        .map(|record| record.report().unwrap())
        .map(|report| (report.message_id, report.error.id))
        .collect();
    assert_eq!(outcomes, [("first", 5000), ("second", 4101)]);
    assert_eq!(house.carrier.lines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_would_be_too_late_is_none() {
    let account = Caps { calls_per_second: 10, concurrent_calls: 1 };
    let settings = ExchangeSettings { account, ..ExchangeSettings::default() };
    let house = House::built(Plan { settings, ..Plan::default() }).await;
    // It is busy, and its next attempt in a minute meets a call that rings for long.
    let message = Message { valid_until: Some(NOON.plus(secs(70))), ..retrying(BUSY, 1, 1, 4) };
    house.submit(vec![message]).await;
    house.pass(secs(55)).await;
    house.submit(vec![crate::house::message("long", "385981180", PERSON)]).await;
    let records = house.reports(2).await;
    let report = records.iter().map(|record| record.report().unwrap());
    let report = report.into_iter().find(|report| report.message_id == "m").unwrap();
    assert_eq!(report.error.id, 5002, "the last attempt's outcome stands");
    let cdrs = house.cdrs("m").await;
    assert_eq!((cdrs.len(), report.sent_at), (1, cdrs[0].leg_a.invite));
}
