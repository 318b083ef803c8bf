//! Submissions: each `messageId` once, all of a request or none of it, and the same answer again.

use std::time::Duration;

use ::model::catalogue::{StatusRow, status};
use ::model::message::Draft;
use ::model::{Message, Timestamp};

use super::message::{draft, message, names, submission};
use super::{Open, START, Stage, account};
use crate::{Keeping, ReplayKey, StoreError, Submission, Submitted};

pub(super) async fn exercise(open: &impl Open) {
    a_message_that_is_sent_again_is_one_call(open).await;
    a_message_id_that_is_used_again_is_refused(open).await;
    two_drafts_of_one_request_are_told_apart(open).await;
    refused_drafts_are_answered_and_not_kept(open).await;
    the_first_submission_names_the_bulk(open).await;
    a_full_queue_keeps_nothing(open).await;
    a_key_gives_the_same_answer(open).await;
    a_key_is_for_one_submission(open).await;
    a_key_is_free_after_its_window(open).await;
    many_messages_are_one_step(open).await;
    all_calls_of_a_ledger_are_bounded(open).await;
}

const DUPLICATE: StatusRow = status::REJECTED_DUPLICATE_MESSAGE_ID;
const ACCEPTED: StatusRow = status::PENDING_ACCEPTED;

fn other(id: &str) -> Message {
    Message { callback_data: Some("order 8".to_owned()), ..message("b", id) }
}

fn refused(id: &str, row: StatusRow) -> Draft {
    Draft { message_id: id.to_owned(), to: "nobody".to_owned(), verdict: Err(row) }
}

fn with_key(key: &str, fingerprint: u64, submission: Submission) -> Submission {
    Submission { key: Some(ReplayKey { value: key.to_owned(), fingerprint }), ..submission }
}

#[track_caller]
fn check(submitted: &Submitted, bulk: &str, expect: &[(&str, StatusRow)]) {
    let answers = submitted.answers.iter().map(|answer| (&*answer.message_id, &answer.status));
    let expect = expect.iter().map(|(id, row)| (*id, (*row).into()));
    let answers: Vec<_> = answers.map(|(id, status)| (id, status.clone())).collect();
    assert_eq!(answers, expect.collect::<Vec<_>>());
    assert_eq!(submitted.bulk_id, bulk);
}

async fn a_message_that_is_sent_again_is_one_call(open: &impl Open) {
    let stage = Stage::new(open, "sent again").await;
    stage.submit("b", &["1"]).await;
    let later = Message { send_at: START.plus(Duration::from_secs(9)), ..message("b", "1") };
    check(&stage.submit_as(submission("c", vec![later])).await, "b", &[("1", ACCEPTED)]);
    let stage = stage.reopen().await;
    check(&stage.submit("c", &["1"]).await, "b", &[("1", ACCEPTED)]);
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1"]);
    check(&stage.submit("c", &["1"]).await, "b", &[("1", ACCEPTED)]);
    stage.finish(&work.due[0]).await.expect("an end");
    check(&stage.submit("c", &["1"]).await, "b", &[("1", ACCEPTED)]);
    assert!(stage.lease().await.due.is_empty(), "it has had its call");
    assert_eq!(stage.ledger.bulk(stage.account, "c").await.expect("a look"), None);
    assert_eq!(stage.take_all().await, ["1"]);
}

async fn a_message_id_that_is_used_again_is_refused(open: &impl Open) {
    let stage = Stage::new(open, "used again").await;
    let again = async || stage.submit_as(submission("c", vec![other("1")])).await;
    stage.submit("b", &["1"]).await;
    check(&again().await, "c", &[("1", DUPLICATE)]);
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1"]);
    stage.finish(&work.due[0]).await.expect("an end");
    check(&again().await, "c", &[("1", DUPLICATE)]);
    stage.feed("b", &["fed"]).await;
    check(&stage.submit("c", &["fed"]).await, "c", &[("fed", DUPLICATE)]);
    assert!(stage.lease().await.due.is_empty());
}

async fn two_drafts_of_one_request_are_told_apart(open: &impl Open) {
    let stage = Stage::new(open, "twins").await;
    let messages = vec![message("b", "1"), message("b", "1"), other("1"), message("b", "2")];
    let expect = [("1", ACCEPTED), ("1", ACCEPTED), ("1", DUPLICATE), ("2", ACCEPTED)];
    check(&stage.submit_as(submission("b", messages)).await, "b", &expect);
    assert_eq!(names(&stage.lease().await.due), ["1", "2"]);
}

async fn refused_drafts_are_answered_and_not_kept(open: &impl Open) {
    let stage = Stage::new(open, "refused").await;
    let drafts = vec![refused("1", status::MISSING_TO), draft(message("b", "2"))];
    let submission = Submission { drafts, ..submission("b", vec![]) };
    let submitted = stage.submit_as(submission).await;
    check(&submitted, "b", &[("1", status::MISSING_TO), ("2", ACCEPTED)]);
    assert_eq!(submitted.answers[0].to, "nobody");
    check(&stage.submit("c", &["1"]).await, "c", &[("1", ACCEPTED)]);
    assert_eq!(names(&stage.lease().await.due), ["2", "1"]);
    let drafts = vec![refused("3", status::MISSING_TO)];
    stage.submit_as(Submission { bulk_id: "d".into(), drafts, ..submission_of_none() }).await;
    assert_eq!(stage.ledger.bulk(stage.account, "d").await.expect("a look"), None);
}

fn submission_of_none() -> Submission {
    submission("b", vec![])
}

async fn the_first_submission_names_the_bulk(open: &impl Open) {
    let stage = Stage::new(open, "whose bulk").await;
    stage.submit("b", &["1", "2"]).await;
    stage.submit("c", &["3"]).await;
    let twice = stage.submit("d", &["2", "1"]).await;
    check(&twice, "b", &[("2", ACCEPTED), ("1", ACCEPTED)]);
    let mixed = stage.submit("d", &["1", "3"]).await;
    check(&mixed, "d", &[("1", ACCEPTED), ("3", ACCEPTED)]);
    let grown = stage.submit("d", &["1", "4"]).await;
    check(&grown, "d", &[("1", ACCEPTED), ("4", ACCEPTED)]);
    let messages = vec![message("d", "2"), other("3")];
    let part = stage.submit_as(submission("d", messages)).await;
    check(&part, "b", &[("2", ACCEPTED), ("3", DUPLICATE)]);
}

async fn a_full_queue_keeps_nothing(open: &impl Open) {
    let stage = Stage::new(open, "full").await;
    let submit = async |ids: &[&str], waiting_max| {
        let messages = ids.iter().map(|id| message("b", id)).collect();
        let submission = Submission { waiting_max, ..submission("b", messages) };
        stage.ledger.submit(stage.account, submission).await
    };
    submit(&["1", "2"], 2).await.expect("there is room");
    let full = submit(&["3"], 2).await;
    assert!(matches!(full, Err(StoreError::QueueFull { waiting: 3, most: 2 })), "{full:?}");
    submit(&["1"], 1).await.expect("nothing new waits");
    assert!(submit(&["3", "4"], 3).await.is_err(), "all or none");
    submit(&["3"], 3).await.expect("there is room");
    let work = stage.lease_most(2, 9).await;
    submit(&["4"], 2).await.expect("those under way do not wait");
    stage.release(&work.due[0]).await.expect("it is given back");
    assert!(submit(&["5"], 3).await.is_err(), "it waits again");
    stage.ledger.cancel(stage.account, "4").await.expect("a cancellation");
    submit(&["5"], 3).await.expect("what is to be closed does not wait");
    assert_eq!(names(&stage.lease().await.due), ["1", "3", "5"]);
}

async fn a_key_gives_the_same_answer(open: &impl Open) {
    let stage = Stage::new(open, "same answer").await;
    let drafts = vec![draft(message("b", "1")), refused("2", status::MISSING_TO)];
    let ask = with_key("k", 1, Submission { drafts, ..submission_of_none() });
    let first = stage.submit_as(ask.clone()).await;
    assert!(!first.replayed);
    let expect = Submitted { replayed: true, ..first };
    assert_eq!(stage.submit_as(ask.clone()).await, expect);
    let full = Submission { waiting_max: 0, bulk_id: "c".into(), ..ask.clone() };
    assert_eq!(stage.submit_as(full.clone()).await, expect, "also while the queue is full");
    let stage = stage.reopen().await;
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1"]);
    stage.finish(&work.due[0]).await.expect("an end");
    assert_eq!(stage.submit_as(full).await, expect);
    assert!(stage.lease().await.due.is_empty());
}

async fn a_key_is_for_one_submission(open: &impl Open) {
    let stage = Stage::new(open, "one submission").await;
    let one =
        |key, fingerprint, id| with_key(key, fingerprint, submission("b", vec![message("b", id)]));
    stage.submit_as(one("k", 1, "1")).await;
    let reused = stage.ledger.submit(stage.account, one("k", 2, "2")).await;
    assert!(matches!(reused, Err(StoreError::KeyReused)));
    stage.submit_as(one("l", 2, "3")).await;
    let full = Submission { waiting_max: 0, ..one("m", 3, "4") };
    assert!(stage.ledger.submit(stage.account, full).await.is_err());
    let again = stage.submit_as(one("m", 4, "4")).await;
    assert!(!again.replayed, "a refused request leaves its key free");
    assert_eq!(names(&stage.lease().await.due), ["1", "3", "4"]);
}

async fn a_key_is_free_after_its_window(open: &impl Open) {
    let window = Duration::from_secs(60);
    let keeping = Keeping { submit_window: window, ..Keeping::default() };
    let mut stage = Stage::keeping(open, "submit window", keeping).await;
    let one = |id| with_key("k", 1, submission("b", vec![message("b", id)]));
    stage.submit_as(one("1")).await;
    for upkeep in [false, true, true] {
        stage.clock.advance(window - Duration::from_millis(1));
        if upkeep {
            stage.pass(Duration::ZERO).await;
            stage = stage.reopen().await;
        }
        assert!(stage.submit_as(one("2")).await.replayed);
        stage.clock.advance(Duration::from_millis(1));
        if upkeep {
            stage.pass(Duration::ZERO).await;
        }
        assert!(!stage.submit_as(one("3")).await.replayed, "its window is over");
    }
    assert_eq!(names(&stage.lease().await.due), ["1", "3"]);
    // What was dropped for the first use of the key must not have been the second's.
    stage.pass(Duration::ZERO).await;
    assert!(stage.submit_as(one("4")).await.replayed);
}

async fn many_messages_are_one_step(open: &impl Open) {
    let stage = Stage::new(open, "many").await;
    let at = |number: u64| Message {
        send_at: Timestamp::from_millis(START.as_millis() + number.cast_signed()),
        ..message("b", &number.to_string())
    };
    let submitted = stage.submit_as(submission("b", (0..5_000).map(at).collect())).await;
    assert_eq!(submitted.answers.len(), 5_000);
    let again = stage.submit_as(submission("c", (0..5_000).map(at).collect())).await;
    assert_eq!((again.bulk_id.as_str(), again.answers), ("b", submitted.answers));
    let stage = stage.reopen().await;
    stage.clock.advance(Duration::from_secs(2));
    let work = stage.lease_most(2_000, u64::MAX).await;
    let numbers = work.due.iter().map(|leased| leased.call.id.number);
    assert!(numbers.eq(0..2_000), "each account's earliest due first");
}

async fn all_calls_of_a_ledger_are_bounded(open: &impl Open) {
    let keeping = Keeping { calls_open_max: 3, ..Keeping::default() };
    let stage = Stage::keeping(open, "bounded ledger", keeping).await;
    let other = stage.ledger.add_account(account("other")).await.expect("the name is free").id;
    stage.submit("b", &["1", "2"]).await;
    let messages = |ids: &[&str]| ids.iter().map(|id| message("b", id)).collect::<Vec<_>>();
    let two = || submission("b", messages(&["3", "4"]));
    let refused = stage.ledger.submit(other, two()).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    let again = stage.ledger.submit(stage.account, submission("b", messages(&["1", "2"]))).await;
    assert!(again.is_ok(), "nothing is added: {again:?}");
    let one = stage.ledger.submit(other, submission("b", messages(&["3"]))).await;
    assert!(one.is_ok(), "there is room for one: {one:?}");
    let leased = stage.lease().await.due;
    stage.start(&leased[0]).await.expect("a start");
    let full = stage.ledger.submit(other, submission("b", messages(&["4"]))).await;
    assert!(matches!(full, Err(StoreError::Busy)), "started calls count: {full:?}");
    stage.finish(&leased[0]).await.expect("an end");
    let room = stage.ledger.submit(other, two()).await;
    assert!(room.is_ok(), "one has its report: {room:?}");
}
