//! Takes with an `Idempotency-Key`.

use std::time::Duration;

use super::{Open, Stage, ask_with_key, messages};
use crate::{Fate, ReturnReason, StoreError, TakeState, Taken, Upkept};

pub(super) async fn exercise(open: &impl Open) {
    a_key_gives_the_same_again(open).await;
    a_key_is_for_one_request(open).await;
    a_window_ends_as_its_answers_did(open).await;
    a_window_waits_for_an_open_answer(open).await;
    a_window_survives_a_restart(open).await;
    a_reset_clears_an_acknowledgement(open).await;
}

const WINDOW: Duration = Duration::from_secs(15 * 60);
const RETURNED: Upkept =
    Upkept { windows_settled: 0, windows_returned: 1, reports_dropped: 0, pending_dropped: 0 };
const SETTLED: Upkept = Upkept { windows_settled: 1, windows_returned: 0, ..RETURNED };
const NOTHING: Upkept = Upkept { windows_returned: 0, ..RETURNED };
const NOT_WRITTEN: Fate = Fate::Returned(ReturnReason::NotWritten);
const RESET: Fate = Fate::Returned(ReturnReason::Reset);

fn id(taken: &Taken) -> crate::TakeId {
    taken.take.expect("something was taken")
}

async fn a_key_gives_the_same_again(open: &impl Open) {
    let stage = Stage::new(open, "same again").await;
    stage.feed("b", &["1", "2", "3"]).await;
    let first = stage.take_as(ask_with_key(2, "k")).await;
    stage.ledger.resolve(id(&first), NOT_WRITTEN);
    assert_eq!(stage.waiting().await, (1, 2), "reserved for the key");
    assert_eq!(stage.take_all().await, ["3"]);
    for _ in 0..2 {
        let again = stage.take_as(ask_with_key(2, "k")).await;
        assert!(again.replayed);
        assert_eq!((again.take, &again.records), (first.take, &first.records));
    }
    let other = stage.take_as(ask_with_key(2, "other")).await;
    assert!(other.take.is_none());
    let audit = stage.ledger.audit("2").await.expect("an audit").remove(0);
    let take = &audit.takes[0];
    assert_eq!((take.replays, take.key.as_deref(), take.reports), (2, Some("k"), 2));
}

async fn a_key_is_for_one_request(open: &impl Open) {
    let stage = Stage::new(open, "one request").await;
    stage.feed("b", &["1", "2"]).await;
    stage.take_as(ask_with_key(1, "k")).await;
    let refused = stage.ledger.take(stage.account, ask_with_key(2, "k")).await;
    assert!(matches!(refused, Err(StoreError::KeyReused)));
    assert_eq!(stage.waiting().await, (1, 1));
}

async fn a_window_ends_as_its_answers_did(open: &impl Open) {
    let stage = Stage::new(open, "window ends").await;
    stage.feed("b", &["1", "2", "3"]).await;
    let lost = stage.take_as(ask_with_key(1, "lost")).await;
    let got = stage.take_as(ask_with_key(1, "got")).await;
    stage.ledger.resolve(id(&lost), NOT_WRITTEN);
    stage.ledger.resolve(id(&got), Fate::Settled);
    let again = stage.take_as(ask_with_key(1, "got")).await;
    stage.ledger.resolve(id(&again), RESET);
    assert_eq!(stage.pass(WINDOW - Duration::from_millis(1)).await, NOTHING);
    let both = Upkept { windows_settled: 1, ..RETURNED };
    assert_eq!(stage.pass(Duration::from_millis(1)).await, both);
    let again = stage.take_as(ask_with_key(1, "got")).await;
    assert!(!again.replayed);
    assert_eq!(messages(&again), ["1"], "its window over, the key is free");
    assert_eq!(stage.take_all().await, ["3"]);
}

async fn a_window_waits_for_an_open_answer(open: &impl Open) {
    let stage = Stage::new(open, "open answer").await;
    stage.feed("b", &["1"]).await;
    let taken = stage.take_as(ask_with_key(1, "k")).await;
    assert_eq!(stage.pass(WINDOW * 2).await, NOTHING);
    assert!(stage.take_as(ask_with_key(1, "k")).await.take.is_none(), "the window is over");
    stage.ledger.resolve(id(&taken), Fate::Acknowledged { bytes: 3 });
    assert_eq!(stage.pass(Duration::ZERO).await, NOTHING);
    stage.ledger.resolve(id(&taken), Fate::Settled);
    assert_eq!(stage.pass(Duration::ZERO).await, SETTLED);
    assert_eq!(stage.waiting().await, (0, 0));
}

async fn a_window_survives_a_restart(open: &impl Open) {
    let stage = Stage::new(open, "window and restart").await;
    stage.feed("b", &["1", "2", "3"]).await;
    stage.take_as(ask_with_key(1, "unknown")).await;
    let acknowledged = stage.take_as(ask_with_key(1, "acknowledged")).await;
    let settled = stage.take_as(ask_with_key(1, "settled")).await;
    stage.ledger.resolve(id(&acknowledged), Fate::Acknowledged { bytes: 3 });
    stage.ledger.resolve(id(&settled), Fate::Settled);
    stage.pass(WINDOW / 2).await;
    let stage = stage.reopen().await;
    assert_eq!(stage.waiting().await, (0, 3));
    let again = stage.take_as(ask_with_key(1, "settled")).await;
    assert!(again.replayed);
    stage.ledger.resolve(id(&again), RESET);
    let stage = stage.reopen().await;
    let ended = Upkept { windows_settled: 2, ..RETURNED };
    assert_eq!(stage.pass(WINDOW / 2).await, ended);
    assert_eq!(stage.take_all().await, ["1"]);
    let audit = stage.ledger.audit("1").await.expect("an audit").remove(0);
    assert_eq!(audit.takes[0].state, TakeState::Returned(ReturnReason::WindowEnded));
}

async fn a_reset_clears_an_acknowledgement(open: &impl Open) {
    let stage = Stage::new(open, "reset").await;
    stage.feed("b", &["1"]).await;
    let taken = stage.take_as(ask_with_key(1, "k")).await;
    stage.ledger.resolve(id(&taken), Fate::Acknowledged { bytes: 3 });
    stage.ledger.resolve(id(&taken), RESET);
    assert_eq!(stage.pass(WINDOW).await, RETURNED);
    assert_eq!(stage.take_all().await, ["1"]);
}
