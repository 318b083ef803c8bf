//! Calls, from their submission to their report.

use std::time::Duration;

use ::model::catalogue::status;
use ::model::message::{DeliveryWindow, Keys, MachineDetection, Notify, Prompt, Retry};
use ::model::{Amount, Cdr, Message, Outcome, cdr};

use super::message::{DAY, LEASE, cdr, finished, ladder, message, names, submission};
use super::{Open, START, Stage, report};
use crate::{CallEntry, Cancelled, Fed, OpenCall, Started, StoreError};

pub(super) async fn exercise(open: &impl Open) {
    a_call_ends_in_a_report(open).await;
    what_was_submitted_is_handed_out(open).await;
    attempts_are_kept(open).await;
    a_call_that_has_started_is_not_started_again(open).await;
    a_call_that_waits_is_cancelled(open).await;
    a_call_under_way_is_cancelled(open).await;
    a_cancelled_call_is_not_placed_again(open).await;
    what_is_not_there_is_not_cancelled(open).await;
    what_is_spent_adds_up(open).await;
    a_report_of_a_call_is_not_fed(open).await;
    numbers_are_never_used_again(open).await;
}

fn later(seconds: u64) -> ::model::Timestamp {
    START.plus(Duration::from_secs(seconds))
}

async fn open_call<O: Open>(stage: &Stage<'_, O>, message: &str) -> OpenCall {
    match stage.ledger.call(stage.account, message).await.expect("a look") {
        Some(CallEntry::Open(call)) => *call,
        other => panic!("{message} is not open: {other:?}"),
    }
}

async fn a_call_ends_in_a_report(open: &impl Open) {
    let stage = Stage::new(open, "a call").await;
    let watch = stage.ledger.watch_calls();
    let submitted = stage.submit("b", &["1"]).await;
    assert!(watch.has_changed().expect("the ledger is open"), "there is work");
    assert_eq!((submitted.bulk_id.as_str(), submitted.replayed), ("b", false));
    let answer = &submitted.answers[0];
    assert_eq!((answer.message_id.as_str(), answer.to.as_str()), ("1", "385911111111"));
    assert_eq!(answer.status, status::PENDING_ACCEPTED.into());
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1"]);
    stage.start(&work.due[0]).await.expect("a start");
    let (reports, calls) = (stage.ledger.watch(stage.account), stage.ledger.watch_calls());
    stage.finish(&work.due[0]).await.expect("an end");
    assert!(reports.has_changed().expect("the ledger is open"), "there is a report");
    assert!(calls.has_changed().expect("the ledger is open"), "there is room for another");
    assert!(matches!(stage.finish(&work.due[0]).await, Err(StoreError::LeaseLost)), "once");
    let stage = stage.reopen().await;
    assert!(stage.ledger.due().await.expect("who is due").is_empty());
    assert!(names(&stage.lease().await.due).is_empty(), "it is over");
    let taken = stage.take(9).await;
    let reports = taken.reports().expect("whole records");
    assert_eq!(format!("{:?}", reports[0]), format!("{:?}", report("b", "1")));
    assert_eq!(reports.len(), 1);
    let entry = stage.ledger.call(stage.account, "1").await.expect("a look");
    let Some(CallEntry::Finished(ended)) = entry else { panic!("{entry:?}") };
    assert_eq!(ended.message, Message { account: stage.account, ..message("b", "1") });
    let end = finished("b", "1", "0.25");
    assert_eq!((ended.submitted_at, ended.charged), (START, end.charged));
    assert_eq!(ended.cdrs, [end.cdr.expect("it has one")]);
    assert_eq!(ended.report, taken.records[0]);
}

async fn what_was_submitted_is_handed_out(open: &impl Open) {
    let stage = Stage::new(open, "handed out").await;
    let text = Prompt::Text {
        text: "Guten Tag".into(),
        language: "de".into(),
        voice: Some("Anna".into()),
        rate_percent: 150,
    };
    let voice = Message {
        destination_b: None,
        transfers: vec![message("b", "1").destination_b.expect("it has one")],
        prompt: Some(text),
        keys: Some(Keys {
            max: 4,
            timeout: Duration::from_secs(7),
            repeats: 2,
            repeat_on: Some("*".into()),
        }),
        machine_detection: Some(MachineDetection::Continue),
        record: true,
        call_timeout: Some(Duration::from_secs(3_000)),
        retry: Some(Retry {
            min_period: Duration::from_secs(60),
            max_period: Duration::from_secs(3_600),
            max_count: 4,
        }),
        window: Some(DeliveryWindow { days: 0b11_111, minutes: Some((480, 1_080)) }),
        asked_send_at: Some(START),
        valid_until: Some(later(60)),
        notify: Some(Notify {
            url: "https://shop.example/report".into(),
            xml: true,
            version_1: false,
        }),
        callback_data: None,
        account: stage.account,
        ..message("b", "voice")
    };
    let plain = Message { prompt: None, account: stage.account, ..message("b", "plain") };
    stage.submit_as(submission("b", vec![voice.clone(), plain.clone()])).await;
    let stage = stage.reopen().await;
    let work = stage.lease().await;
    let calls = work.due.iter().map(|leased| &leased.call);
    assert!(calls.map(|call| &call.message).eq([&voice, &plain]));
    let call = OpenCall { submitted_at: START, due: START, ..work.due[0].call.clone() };
    assert_eq!(call, work.due[0].call);
    assert_eq!((call.started, call.cancelled_at, call.cdrs.len()), (None, None, 0));
}

async fn attempts_are_kept(open: &impl Open) {
    let stage = Stage::new(open, "attempts").await;
    stage.submit("b", &["1"]).await;
    let work = stage.lease().await;
    stage.start(&work.due[0]).await.expect("a start");
    let started = open_call(&stage, "1").await.started;
    assert_eq!(started, Some(Started { attempt: 1, at: START }));
    let b = cdr::LegRecord {
        answered: Some(later(3)),
        trunk: Some("north".into()),
        quality: Some(cdr::Quality {
            sent: 1_500,
            received: 1_493,
            lost: 7,
            jitter: Duration::from_micros(1_250),
            far_end: Some(cdr::FarEnd { lost: 2, ..cdr::FarEnd::default() }),
        }),
        ..cdr::LegRecord::dialled(START)
    };
    let first = Cdr {
        leg_b: Some(b),
        keys: Vec::new(),
        detection: Some(cdr::Detection {
            verdict: cdr::Verdict::Machine,
            clue: cdr::Clue::ManyWords,
            after: Duration::from_millis(1_760),
        }),
        prompt: None,
        ladder: ladder(),
        ..cdr(1, Outcome::NoAnswer)
    };
    let watch = stage.ledger.watch_calls();
    stage.ledger.retry(work.due[0].lease, first.clone(), later(60)).await.expect("a retry");
    assert!(watch.has_changed().expect("the ledger is open"));
    let again = stage.ledger.retry(work.due[0].lease, first.clone(), later(60)).await;
    assert!(matches!(again, Err(StoreError::LeaseLost)), "{again:?}");
    assert!(names(&stage.lease().await.due).is_empty(), "it waits for its next attempt");
    let stage = stage.reopen().await;
    stage.clock.advance(Duration::from_secs(60));
    let work = stage.lease().await;
    let call = &work.due[0].call;
    assert_eq!((call.started, call.due, &call.cdrs), (None, later(60), &vec![first.clone()]));
    stage.start(&work.due[0]).await.expect("the next attempt");
    let started = open_call(&stage, "1").await.started;
    assert_eq!(started, Some(Started { attempt: 2, at: later(60) }));
    stage.finish(&work.due[0]).await.expect("an end");
    let entry = stage.ledger.call(stage.account, "1").await.expect("a look");
    let Some(CallEntry::Finished(ended)) = entry else { panic!("{entry:?}") };
    assert_eq!(ended.cdrs, [first, cdr(1, Outcome::Busy)]);
}

async fn a_call_that_has_started_is_not_started_again(open: &impl Open) {
    let stage = Stage::new(open, "started once").await;
    stage.submit("b", &["1"]).await;
    let work = stage.lease().await;
    stage.start(&work.due[0]).await.expect("a start");
    assert!(matches!(stage.start(&work.due[0]).await, Err(StoreError::LeaseLost)));
    let stage = stage.reopen().await;
    let again = stage.lease().await;
    assert!(again.due.is_empty(), "it is never due again for this attempt");
    assert_eq!(names(&again.closing), ["1"]);
    assert_eq!(again.closing[0].call.started, Some(Started { attempt: 1, at: START }));
    assert!(matches!(stage.start(&again.closing[0]).await, Err(StoreError::LeaseLost)));
    stage.finish(&again.closing[0]).await.expect("it is closed");
    assert_eq!(stage.take_all().await, ["1"]);
}

async fn a_call_that_waits_is_cancelled(open: &impl Open) {
    let stage = Stage::new(open, "cancelled while it waits").await;
    stage.submit("b", &["1", "2"]).await;
    stage.clock.advance(Duration::from_secs(5));
    let watch = stage.ledger.watch_calls();
    for _ in 0..2 {
        let cancelled = stage.ledger.cancel(stage.account, "2").await.expect("a cancellation");
        assert_eq!(cancelled, Some(Cancelled::Waiting));
        stage.clock.advance(Duration::from_secs(1));
    }
    assert!(watch.has_changed().expect("the ledger is open"), "it is to be closed");
    assert_eq!(open_call(&stage, "2").await.cancelled_at, Some(later(5)), "the first time counts");
    let stage = stage.reopen().await;
    let work = stage.lease().await;
    assert_eq!((names(&work.due), names(&work.closing)), (vec!["1"], vec!["2"]));
    assert!(work.cancelled.is_empty(), "nobody has it to place");
    assert!(matches!(stage.start(&work.closing[0]).await, Err(StoreError::LeaseLost)));
    stage.finish(&work.closing[0]).await.expect("it is closed");
    let cancelled = stage.ledger.cancel(stage.account, "2").await.expect("a cancellation");
    assert_eq!(cancelled, Some(Cancelled::Finished));
}

async fn a_call_under_way_is_cancelled(open: &impl Open) {
    let stage = Stage::new(open, "cancelled under way").await;
    stage.submit("b", &["1", "2"]).await;
    let work = stage.lease().await;
    stage.start(&work.due[0]).await.expect("a start");
    for message in ["1", "2"] {
        let cancelled = stage.ledger.cancel(stage.account, message).await.expect("a cancellation");
        assert_eq!(cancelled, Some(Cancelled::UnderWay));
    }
    for _ in 0..2 {
        let told = stage.lease().await;
        assert_eq!(told.cancelled, [work.due[0].call.id, work.due[1].call.id]);
        assert!(told.due.is_empty() && told.closing.is_empty(), "they are leased");
    }
    stage.finish(&work.due[0]).await.expect("an end");
    assert_eq!(stage.lease().await.cancelled, [work.due[1].call.id]);
    stage.release(&work.due[1]).await.expect("it is given back");
    let told = stage.lease().await;
    assert!(told.cancelled.is_empty());
    assert_eq!(names(&told.closing), ["2"]);
}

async fn a_cancelled_call_is_not_placed_again(open: &impl Open) {
    let stage = Stage::new(open, "cancelled and tried").await;
    stage.submit("b", &["1", "2"]).await;
    let work = stage.lease().await;
    for message in ["1", "2"] {
        stage.ledger.cancel(stage.account, message).await.expect("a cancellation");
    }
    stage.start(&work.due[0]).await.expect("nobody had told");
    let retry = stage.ledger.retry(work.due[0].lease, cdr(1, Outcome::Busy), later(0)).await;
    retry.expect("an attempt is over");
    stage.clock.advance(LEASE);
    let work = stage.lease().await;
    assert!(work.due.is_empty(), "{work:?}");
    assert_eq!(names(&work.closing), ["1", "2"], "one came back, one was lost");
    assert_eq!(work.closing[0].call.cdrs, [cdr(1, Outcome::Busy)]);
}

async fn what_is_not_there_is_not_cancelled(open: &impl Open) {
    let stage = Stage::new(open, "nothing to cancel").await;
    stage.feed("b", &["fed"]).await;
    let cancelled = stage.ledger.cancel(stage.account, "fed").await.expect("a cancellation");
    assert_eq!(cancelled, Some(Cancelled::Finished));
    assert_eq!(stage.ledger.cancel(stage.account, "1").await.expect("a cancellation"), None);
    assert_eq!(stage.ledger.call(stage.account, "1").await.expect("a look"), None);
    assert_eq!(stage.ledger.call(stage.account, "fed").await.expect("a look"), None);
}

async fn what_is_spent_adds_up(open: &impl Open) {
    let stage = Stage::new(open, "spent").await;
    stage.submit("b", &["1", "2", "3", "4"]).await;
    let work = stage.lease().await;
    let ends = [("0.10", DAY), ("0.205", DAY), ("0", DAY), ("7", DAY + 1)];
    for (leased, (total, day)) in work.due.iter().zip(ends) {
        let end = finished("b", &leased.call.message.message_id, total);
        let end = crate::Finished { cdr: None, day, ..end };
        stage.ledger.finish(leased.lease, end).await.expect("an end");
    }
    let stage = stage.reopen().await;
    let check = async |day, expect: &str| {
        let spent = stage.ledger.spent(stage.account, day).await.expect("what was spent");
        assert_eq!(spent, expect.parse::<Amount>().expect("an amount"), "day {day}");
    };
    check(DAY, "0.305").await;
    check(DAY + 1, "7").await;
    check(DAY - 1, "0").await;
    stage.pass(Duration::from_secs(86_400 * 399)).await;
    check(DAY, "0.305").await;
    stage.pass(Duration::from_secs(86_400 * 2)).await;
    check(DAY, "0").await;
}

async fn a_report_of_a_call_is_not_fed(open: &impl Open) {
    let stage = Stage::new(open, "one report").await;
    stage.submit("b", &["1"]).await;
    assert_eq!(stage.feed("b", &["1", "2"]).await, [Fed::Conflict, Fed::New]);
    let work = stage.lease().await;
    stage.finish(&work.due[0]).await.expect("an end");
    assert_eq!(stage.feed("b", &["1"]).await, [Fed::Duplicate], "it is the same");
    assert_eq!(stage.take_all().await, ["2", "1"]);
    let audit = stage.ledger.audit("1").await.expect("an audit");
    assert_eq!(audit.len(), 1);
}

async fn numbers_are_never_used_again(open: &impl Open) {
    let stage = Stage::new(open, "numbers").await;
    let mut last = None;
    let (mut stage, mut tokens) = (stage, Vec::new());
    for message in ["1", "2", "3"] {
        stage.submit("b", &[message]).await;
        let work = stage.lease().await;
        let lease = work.due[0].lease;
        assert!(Some(lease.call.number) > last, "later calls have larger numbers");
        assert!(!tokens.contains(&lease.token), "no later lease has the same token");
        stage.finish(&work.due[0]).await.expect("an end");
        last = Some(lease.call.number);
        tokens.push(lease.token);
        stage = stage.reopen().await;
    }
}
