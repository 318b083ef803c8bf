//! What becomes of an answer.

use super::{Open, Stage, messages};
use crate::{Fate, InFlightAtStart, Keeping, ReportState, ReturnReason, TakeState, Taken};

pub(super) async fn exercise(open: &impl Open) {
    returned_reports_take_their_old_place(open).await;
    a_final_fate_is_final(open).await;
    a_fate_is_seen_by_the_next_verb(open).await;
    a_restart_returns_what_was_in_flight(open).await;
    a_restart_keeps_it_if_told_to(open).await;
    a_taker_that_goes_away_gets_nothing(open).await;
    returning_wakes(open).await;
}

const RESET: Fate = Fate::Returned(ReturnReason::Reset);

fn id(taken: &Taken) -> crate::TakeId {
    taken.take.expect("something was taken")
}

async fn returned_reports_take_their_old_place(open: &impl Open) {
    let stage = Stage::new(open, "old place").await;
    stage.feed("b", &["1", "2", "3", "4", "5"]).await;
    let (first, second) = (stage.take(2).await, stage.take(2).await);
    stage.ledger.resolve(id(&second), RESET);
    assert_eq!(messages(&stage.take(1).await), ["3"]);
    stage.ledger.resolve(id(&first), Fate::Returned(ReturnReason::NotWritten));
    assert_eq!(stage.take_all().await, ["1", "2", "4", "5"]);
}

async fn a_final_fate_is_final(open: &impl Open) {
    let stage = Stage::new(open, "final").await;
    stage.feed("b", &["1", "2"]).await;
    let (first, second) = (stage.take(1).await, stage.take(1).await);
    stage.ledger.resolve(id(&first), Fate::Settled);
    stage.ledger.resolve(id(&first), RESET);
    stage.ledger.resolve(id(&second), RESET);
    stage.ledger.resolve(id(&second), Fate::Settled);
    stage.ledger.resolve(id(&second), RESET);
    stage.ledger.resolve(crate::TakeId(u64::MAX), RESET);
    assert_eq!(stage.waiting().await, (1, 0));
    let stage = stage.reopen().await;
    assert_eq!(stage.waiting().await, (1, 0));
    assert_eq!(stage.take_all().await, ["2"]);
}

async fn a_fate_is_seen_by_the_next_verb(open: &impl Open) {
    let stage = Stage::new(open, "next verb").await;
    stage.feed("b", &["1"]).await;
    for _ in 0..50 {
        let taken = stage.take(1).await;
        assert_eq!(messages(&taken), ["1"]);
        stage.ledger.resolve(id(&taken), RESET);
    }
    let taken = stage.take(1).await;
    stage.ledger.resolve(id(&taken), Fate::Acknowledged { bytes: 7 });
    let audit = stage.ledger.audit("1").await.expect("an audit").remove(0);
    assert_eq!(audit.report.state, ReportState::InFlight);
    assert_eq!(audit.takes[50].bytes_acknowledged, 7);
    stage.ledger.resolve(id(&taken), Fate::Settled);
    assert_eq!(stage.waiting().await, (0, 0));
    let audit = stage.ledger.audit("1").await.expect("an audit").remove(0);
    assert_eq!(audit.takes[50].state, TakeState::Settled);
}

async fn a_restart_returns_what_was_in_flight(open: &impl Open) {
    let stage = Stage::new(open, "restart").await;
    stage.feed("b", &["1", "2", "3", "4"]).await;
    let settled = stage.take(1).await;
    let acknowledged = stage.take(1).await;
    let _unknown = stage.take(1).await;
    stage.ledger.resolve(id(&settled), Fate::Settled);
    stage.ledger.resolve(id(&acknowledged), Fate::Acknowledged { bytes: 1 });
    let stage = stage.reopen().await;
    assert_eq!(stage.waiting().await, (2, 0));
    let audit = stage.ledger.audit("3").await.expect("an audit").remove(0);
    assert_eq!(audit.takes[0].state, TakeState::Returned(ReturnReason::Crash));
    assert_eq!(audit.report.state, ReportState::Pending);
    let audit = stage.ledger.audit("2").await.expect("an audit").remove(0);
    assert_eq!(audit.report.state, ReportState::Settled);
    assert_eq!(stage.take_all().await, ["3", "4"]);
}

async fn a_restart_keeps_it_if_told_to(open: &impl Open) {
    let keeping = Keeping { in_flight_at_start: InFlightAtStart::Keep, ..Keeping::default() };
    let stage = Stage::keeping(open, "keep", keeping).await;
    stage.feed("b", &["1", "2"]).await;
    stage.take(1).await;
    let stage = stage.reopen().await;
    assert_eq!(stage.take_all().await, ["2"]);
}

async fn a_taker_that_goes_away_gets_nothing(open: &impl Open) {
    let stage = Stage::new(open, "goes away").await;
    stage.feed("b", &["1", "2"]).await;
    for polls in 0..20 {
        let mut take = Box::pin(stage.take(1));
        for _ in 0..polls {
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(waker);
            if let std::task::Poll::Ready(taken) = take.as_mut().poll(&mut context) {
                stage.ledger.resolve(id(&taken), RESET);
                break;
            }
            stage.ledger.upkeep().await.expect("an upkeep");
        }
        drop(take);
        // The take may still be under way; whatever it took comes back.
        for _ in 0..1_000 {
            stage.ledger.upkeep().await.expect("an upkeep");
            if stage.waiting().await == (2, 0) {
                break;
            }
        }
        assert_eq!(stage.waiting().await, (2, 0), "gone after {polls} polls");
    }
    assert_eq!(stage.take_all().await, ["1", "2"]);
}

async fn returning_wakes(open: &impl Open) {
    let stage = Stage::new(open, "returning wakes").await;
    stage.feed("b", &["1"]).await;
    let taken = stage.take(1).await;
    let mut watch = stage.ledger.watch(stage.account);
    watch.mark_unchanged();
    stage.ledger.resolve(id(&taken), RESET);
    watch.changed().await.expect("the ledger is open");
    assert_eq!(stage.take_all().await, ["1"]);
}
