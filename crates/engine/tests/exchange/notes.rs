//! What is kept of a call while it lasts: which legs are up, and what was recorded.

use engine::exchange::ExchangeSettings;
use model::cdr::Ending;
use model::{Message, Outcome};
use store::{CallEntry, Ledger, StoreError};

use crate::house::{House, NOON, ONE, Plan, persons, secs};

fn talking(seconds: u64) -> Plan {
    let mut plan = Plan::default();
    plan.settings = ExchangeSettings { lease: secs(60), ..plan.settings };
    plan.sandbox.talk = secs(seconds);
    plan
}

fn recorded() -> Message {
    Message { record: true, ..persons("m") }
}

async fn recording(house: &House) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in 0.. {
        match house.ledger().recording(ONE, "m", part).await.unwrap() {
            Some(bytes) => whole.extend(bytes),
            None => break,
        }
    }
    whole
}

#[tokio::test(start_paused = true)]
async fn legs_that_were_left_behind_are_hung_up_before_the_report() {
    let mut house = House::built(talking(600)).await;
    house.submit(vec![recorded()]).await;
    house.pass(secs(10)).await;
    let CallEntry::Open(open) = house.call("m").await else { panic!("it goes on") };
    assert_eq!(open.legs_up.len(), 2, "both have answered");
    let answered = open.legs_up[0].at;
    assert!(NOON < answered && open.legs_up.iter().all(|up| up.at < NOON.plus(secs(10))));
    house.restart(None).await;
    let report = house.report().await;
    let report = report.report().unwrap();
    assert_eq!((report.error.id, report.duration_seconds, report.answer_time), (5500, 0, None));
    let mut cleared = house.carrier.cleared();
    cleared.sort();
    assert_eq!(cleared, ["m/1/A", "m/1/B"]);
    assert_eq!(house.carrier.lines().len(), 1, "nobody is dialled again");
    let cdr = house.cdrs("m").await.remove(0);
    assert_eq!((cdr.ending, cdr.outcome), (Ending::LeftBehind, Outcome::Internal));
    let b = cdr.leg_b.as_ref().expect("B was up");
    assert!(cdr.leg_a.answered.is_some() && b.answered.is_some() && b.ended.is_some(), "{cdr:?}");
    assert!(report.recorded, "what was recorded by then is kept");
    assert_eq!(recording(&house).await, b"first");
}

#[tokio::test(start_paused = true)]
async fn a_recording_is_kept_to_its_end() {
    let house = House::built(talking(5)).await;
    house.submit(vec![recorded()]).await;
    assert!(house.report().await.report().unwrap().recorded);
    assert_eq!(recording(&house).await, b"firstlast");
    assert_eq!(house.carrier.cleared(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_for_is_not_recorded() {
    let house = House::built(talking(5)).await;
    house.submit(vec![persons("m")]).await;
    assert!(!house.report().await.report().unwrap().recorded);
    assert_eq!(recording(&house).await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_note_that_cannot_be_written_does_not_harm_the_call() {
    let house = House::built(talking(5)).await;
    let broken = StoreError::Corrupt("a part".into());
    house.ledger().refuse("note", &broken, 2);
    house.ledger().refuse("record", &broken, 1);
    house.submit(vec![recorded()]).await;
    let report = house.report().await;
    let report = report.report().unwrap();
    assert_eq!((report.error.id, report.recorded), (5000, true));
    assert_eq!(recording(&house).await, b"last", "a part is lost, and the call is not");
}

#[tokio::test(start_paused = true)]
async fn notes_wait_for_a_ledger_that_is_away() {
    let house = House::built(talking(50)).await;
    let away = StoreError::Unavailable("it is away".into());
    // Beyond the end of the call, and beyond what that waits for a ledger that is only slow.
    for (verb, times) in [("note", 12), ("record", 20), ("finish", 12)] {
        house.ledger().refuse(verb, &away, times);
    }
    house.submit(vec![recorded()]).await;
    house.pass(secs(20)).await;
    let CallEntry::Open(open) = house.call("m").await else { panic!("it goes on") };
    assert!(open.legs_up.is_empty());
    let report = house.report().await;
    let report = report.report().unwrap();
    assert_eq!((report.error.id, report.recorded), (5000, true));
    assert!((49..=52).contains(&report.duration_seconds), "{report:?}");
    assert!(house.clock.elapsed() > secs(100), "it was away for {:?}", house.clock.elapsed());
    assert_eq!(recording(&house).await, b"firstlast");
}

#[tokio::test(start_paused = true)]
async fn what_its_line_knows_is_in_the_record() {
    let house = House::built(talking(5)).await;
    house.submit(vec![persons("m")]).await;
    house.report().await;
    let cdr = house.cdrs("m").await.remove(0);
    assert_eq!(cdr.leg_a.trunk.as_deref(), Some("north"));
    assert_eq!(cdr.leg_b.unwrap().trunk.as_deref(), Some("south"));
}
