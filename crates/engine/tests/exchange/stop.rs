//! Stopping and dying: what was taken on comes to its end, once, and no telephone rings twice for
//! one attempt.

use std::collections::BTreeSet;

use engine::carrier::Leg;
use engine::exchange::ExchangeSettings;
use model::cdr::Ending;
use model::{Message, Outcome};
use store::CallEntry;
use testkit::Death;

use crate::house::{House, NOON, Plan, message, persons, secs, text};

fn draining(seconds: u64, talk: u64) -> Plan {
    let mut plan = Plan::default();
    plan.settings = ExchangeSettings { drain: secs(seconds), ..plan.settings };
    plan.sandbox.talk = secs(talk);
    plan
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_may_come_to_its_end() {
    let mut house = House::built(draining(30, 10)).await;
    let later = Message { send_at: NOON.plus(secs(10)), ..persons("later") };
    house.submit(vec![persons("m"), later]).await;
    house.pass(secs(5)).await;
    house.stop().await;
    let reports = house.reported().await;
    assert_eq!(reports.len(), 1, "one was under way, and nothing more is begun");
    let cdr = house.cdrs("m").await.remove(0);
    assert_eq!((cdr.ending, cdr.bridged()), (Ending::ByA, secs(10)));
    assert!(house.clock.elapsed() < secs(20), "it stops once all is done");
    house.restart(None).await;
    house.reports(2).await;
    assert_eq!(house.carrier.lines().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_is_ended_and_says_so() {
    let mut house = House::built(draining(20, 600)).await;
    house.submit(vec![persons("talks"), message("rings", "385981180", "385981001")]).await;
    house.pass(secs(5)).await;
    house.stop().await;
    assert!((secs(25)..secs(27)).contains(&house.clock.elapsed()), "{:?}", house.clock.elapsed());
    let talked = house.cdrs("talks").await.remove(0);
    assert_eq!((talked.ending, talked.outcome), (Ending::Drained, Outcome::Answered));
    let rang = house.cdrs("rings").await.remove(0);
    assert_eq!((rang.ending, rang.outcome), (Ending::Drained, Outcome::Internal));
    assert_eq!(house.reported().await.len(), 2);
    assert!(house.carrier.lines().iter().all(|line| line.to.is_some()), "a leg is left up");
}

#[tokio::test(start_paused = true)]
async fn what_has_not_started_is_given_back() {
    let mut house = House::built(draining(30, 2)).await;
    house.prompter.takes("slow", secs(3_600));
    house.submit(vec![Message { prompt: text("slow"), ..persons("m") }]).await;
    house.pass(secs(5)).await;
    house.stop().await;
    assert_eq!(house.clock.elapsed(), secs(5), "nothing had to be waited for");
    house.prompter.takes("slow", secs(1));
    house.restart(None).await;
    assert_eq!(house.report().await.report().unwrap().error.id, 5000);
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_nothing_under_way_is_immediate() {
    let mut house = House::new().await;
    house.pass(secs(1)).await;
    house.stop().await;
    assert_eq!(house.clock.elapsed(), secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_stays_busy_does_not_keep_it_from_stopping() {
    let mut house = House::built(draining(5, 2)).await;
    house.ledger().refuse("finish", &store::StoreError::Busy, 1_000);
    house.submit(vec![persons("m")]).await;
    house.pass(secs(10)).await;
    house.stop().await;
    let last_words = secs(10 + 5 + 15);
    assert_eq!(house.clock.elapsed().as_secs(), last_words.as_secs());
    house.restart(None).await;
    let record = house.report().await;
    assert_eq!(record.report().unwrap().error.name, "EC_VOICE_INTERNAL_SERVER_ERROR");
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_while_it_stops_is_ended() {
    let mut house = House::built(draining(60, 600)).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(5)).await;
    let ledger = house.ledger();
    let cancel = async {
        tokio::time::sleep(secs(10)).await;
        store::Ledger::cancel(&*ledger, crate::house::ONE, "m").await.unwrap();
    };
    tokio::join!(house.stop(), cancel);
    assert!(house.clock.elapsed() < secs(17), "{:?}", house.clock.elapsed());
    assert_eq!(house.cdrs("m").await[0].ending, Ending::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_left_behind_has_a_truthful_report_and_is_not_redialled() {
    let mut house = House::built(draining(30, 600)).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(30)).await;
    house.restart(None).await;
    let record = house.report().await;
    let report = record.report().unwrap();
    let (status, error) = Outcome::Internal.rows(model::Generation::Classic);
    assert_eq!((report.status, report.error), (status.into(), error.into()));
    assert_eq!((report.duration_seconds, report.answer_time, report.end_time), (0, None, None));
    let lines = house.carrier.lines();
    assert_eq!((lines.len(), lines[0].dialled[0].2), (1, report.sent_at));
    assert!(lines[0].to.is_some(), "its line was dropped with it");
}

/// One call with two attempts, one that is answered, one cancelled, one that expires; the process
/// dies before or after each durable step in turn, and at the next start nothing is amiss.
#[tokio::test(start_paused = true)]
async fn whenever_the_process_dies_each_message_has_one_report() {
    let steps = {
        let house = House::new().await;
        a_day(&house).await;
        house.reports(4).await;
        house.ledger().steps()
    };
    assert!(steps >= 9, "{steps}");
    for step in 1..=steps {
        for death in [Death::Before(step), Death::After(step)] {
            let mut house = House::empty(Plan::default()).await;
            house.restart(Some(death)).await;
            let ledger = house.ledger();
            tokio::select! {
                () = async { a_day(&house).await; house.reports(4).await; } => {}
                () = ledger.died() => {}
            }
            drop(ledger);
            house.restart(None).await;
            // What was not accepted is sent again; what was is the same call.
            a_day(&house).await;
            house.reports(4).await;
            house.pass(secs(3_600)).await;
            assert_eq!(house.reported().await.len(), 4, "{death:?}");
            check_never_twice(&house, death);
        }
    }
}

async fn a_day(house: &House) {
    use model::message::Retry;
    use std::time::Duration;
    let period = Duration::from_secs(60);
    let retry = Some(Retry { min_period: period, max_period: period, max_count: 1 });
    let busy = Message { retry, ..message("busy", "385981486", "385981001") };
    let later = Message { send_at: NOON.plus(secs(7_200)), ..persons("later") };
    let window = model::message::DeliveryWindow { days: 127, minutes: Some((20 * 60, 21 * 60)) };
    let valid_until = Some(NOON.plus(secs(600)));
    let expires = Message { window: Some(window), valid_until, ..persons("expires") };
    house.submit(vec![persons("talks"), busy, later, expires]).await;
    house.pass(secs(1)).await;
    store::Ledger::cancel(&*house.ledger(), crate::house::ONE, "later").await.unwrap();
}

#[track_caller]
fn check_never_twice(house: &House, death: Death) {
    let mut dialled = BTreeSet::new();
    for line in house.carrier.lines() {
        for (leg, ..) in line.dialled {
            let leg_a = leg == Leg::A;
            let is_new = dialled.insert((line.message_id.clone(), line.attempt, leg_a));
            assert!(is_new, "{} was dialled twice for one attempt: {death:?}", line.message_id);
        }
    }
    assert!(!dialled.iter().any(|(id, ..)| id == "later" || id == "expires"));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_is_dropped_leaves_no_leg_up() {
    let mut house = House::built(draining(30, 600)).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(30)).await;
    house.exchange = None;
    house.pass(secs(1)).await;
    assert!(house.carrier.lines()[0].to.is_some());
    assert!(matches!(house.call("m").await, CallEntry::Open(open) if open.started.is_some()));
}
