//! What crosses on the way: each side acts before it knows what the other has done.

use engine::call::Event;
use engine::call::timers::{BYE_WAIT, CANCEL_WAIT, NO_PROVISIONAL, RING_MAX};
use engine::carrier::{Leg, Order, Progress, Signal};
use model::cdr::Ending;
use model::{Message, Outcome};

use crate::script::{ENDED, RINGING, Script, failed, persons, secs};

#[test]
fn an_answer_that_crosses_the_cancel_of_a_ring_timeout_is_hung_up_and_no_answer() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, RINGING);
    assert_eq!(call.wait(secs(45)), [Order::Cancel(Leg::A)]);
    assert_eq!(call.leg(Leg::A, Progress::Answered), [Order::HangUp(Leg::A)]);
    assert_eq!(call.leg(Leg::A, Progress::Answered), [], "a retransmission");
    assert!(!call.is_over());
    call.leg(Leg::A, ENDED);
    let record = call.record();
    assert_eq!((record.outcome, record.ending), (Outcome::NoAnswer, Ending::NotReached));
    assert_eq!((record.leg_a.answered, record.leg_a.release.code), (None, Some(200)));
    assert_eq!(record.connected_seconds(), 0);
}

#[test]
fn an_answer_that_crosses_the_cancel_of_the_account_is_hung_up_and_cancelled() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, RINGING);
    assert_eq!(call.event(Event::Cancel), [Order::Cancel(Leg::A)]);
    assert_eq!(call.event(Event::Cancel), []);
    assert_eq!(call.leg(Leg::A, Progress::Answered), [Order::HangUp(Leg::A)]);
    call.leg(Leg::A, ENDED);
    let record = call.record();
    assert_eq!((record.outcome, record.ending), (Outcome::Cancelled, Ending::Cancelled));
    assert_eq!(record.leg_a.answered, None);
}

#[test]
fn the_account_cancels_while_a_ring_timeout_is_being_confirmed() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, RINGING);
    call.wait(secs(45));
    assert_eq!(call.event(Event::Cancel), [], "cancelled already");
    call.leg(Leg::A, failed(487));
    assert_eq!(call.record().outcome, Outcome::Cancelled);
}

#[test]
fn a_busy_that_crosses_the_cancel_of_a_ring_timeout_is_believed() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, RINGING);
    call.wait(secs(45));
    call.leg(Leg::A, failed(486));
    assert_eq!(call.record().outcome, Outcome::Busy);
}

#[test]
fn a_cancel_that_nobody_confirms_is_given_up() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, Progress::Trying);
    assert_eq!(call.event(Event::Cancel), [Order::Cancel(Leg::A)]);
    assert_eq!(call.wait(CANCEL_WAIT), []);
    assert_eq!(call.record().outcome, Outcome::Cancelled);
}

#[test]
fn a_trunk_that_says_nothing_is_a_network_error() {
    let mut call = Script::new(persons(), None);
    assert_eq!(call.wait(NO_PROVISIONAL), [Order::Cancel(Leg::A)]);
    assert_eq!(call.wait(CANCEL_WAIT), []);
    assert_eq!(call.record().outcome, Outcome::NetworkError);
}

#[test]
fn ringing_that_is_told_again_does_not_ring_longer() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, Progress::Trying);
    call.wait(secs(10));
    call.leg(Leg::A, RINGING);
    assert_eq!(call.wait(secs(30)), []);
    call.leg(Leg::A, RINGING);
    call.leg(Leg::A, Progress::Trying);
    assert_eq!(call.wait(secs(15)), [Order::Cancel(Leg::A)]);
}

#[test]
fn nobody_rings_longer_than_the_network_keeps_ringing() {
    let mut call = Script::new(Message { ring_timeout: RING_MAX * 2, ..persons() }, None);
    call.leg(Leg::A, RINGING);
    assert_eq!(call.wait(RING_MAX), [Order::Cancel(Leg::A)]);
}

#[test]
fn a_lost_bye_delays_the_record_and_not_the_end() {
    let mut call = Script::bridged(persons());
    call.wait(secs(7));
    assert_eq!(call.leg(Leg::A, ENDED), [Order::HangUp(Leg::B)]);
    let end = call.now;
    assert!(!call.is_over());
    assert_eq!(call.wait(BYE_WAIT), []);
    let record = call.record();
    assert_eq!(record.ending, Ending::ByA);
    let b = record.leg_b.as_ref().unwrap();
    assert_eq!((b.ended, record.done_at()), (Some(end), end));
    assert_eq!((record.connected_seconds(), record.bridged()), (7, secs(7)));
}

#[test]
fn a_bye_that_comes_twice_ends_one_call_once() {
    let mut call = Script::bridged(persons());
    assert_eq!(call.leg(Leg::A, ENDED), [Order::HangUp(Leg::B)]);
    assert_eq!(call.leg(Leg::A, ENDED), []);
    assert!(!call.is_over(), "B is still to confirm");
    assert_eq!(call.leg(Leg::B, ENDED), []);
    assert_eq!(call.leg(Leg::B, ENDED), []);
    assert_eq!(call.record().ending, Ending::ByA);
}

#[test]
fn both_hang_up_at_once() {
    let mut call = Script::bridged(persons());
    assert_eq!(call.leg(Leg::B, ENDED), [Order::HangUp(Leg::A)]);
    assert_eq!(call.leg(Leg::A, ENDED), [], "A's own, which crosses ours");
    assert_eq!(call.record().ending, Ending::ByB);
}

#[test]
fn a_hangs_up_while_b_is_called() {
    let (mut call, _) = Script::answered(persons(), None);
    call.leg(Leg::B, RINGING);
    call.wait(secs(3));
    assert_eq!(call.leg(Leg::A, ENDED), [Order::Cancel(Leg::B)]);
    assert_eq!(call.leg(Leg::B, failed(487)), []);
    let record = call.record();
    assert_eq!((record.outcome, record.ending), (Outcome::Answered, Ending::ByA));
    assert_eq!(record.connected_seconds(), 3);
    assert_eq!(record.leg_b.unwrap().outcome, Outcome::Cancelled);
}

#[test]
fn b_answers_just_when_a_hangs_up() {
    let (mut call, _) = Script::answered(persons(), None);
    assert_eq!(call.leg(Leg::A, ENDED), [Order::Cancel(Leg::B)]);
    assert_eq!(call.leg(Leg::B, Progress::Answered), [Order::HangUp(Leg::B)]);
    call.leg(Leg::B, ENDED);
    let record = call.record();
    assert_eq!(record.leg_b.as_ref().unwrap().answered, None);
    assert_eq!(record.bridged(), secs(0));
}

#[test]
fn b_answers_after_its_cancel_was_given_up() {
    let (mut call, _) = Script::answered(persons(), None);
    call.leg(Leg::B, RINGING);
    assert_eq!(call.wait(secs(45)), [Order::Cancel(Leg::B)]);
    assert_eq!(call.wait(CANCEL_WAIT), [Order::HangUp(Leg::A)]);
    assert_eq!(call.leg(Leg::B, Progress::Answered), [Order::HangUp(Leg::B)]);
    call.leg(Leg::A, ENDED);
    assert!(!call.is_over(), "B is on the line again");
    call.leg(Leg::B, ENDED);
    let record = call.record();
    assert_eq!(record.ending, Ending::BNotReached);
    assert_eq!(record.leg_b.unwrap().answered, None);
}

#[test]
fn what_comes_after_the_end_is_ignored() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, failed(486));
    for progress in [Progress::Trying, RINGING, Progress::Answered, failed(404), ENDED] {
        assert_eq!(call.leg(Leg::A, progress), []);
        assert_eq!(call.leg(Leg::B, progress), []);
    }
    assert_eq!(call.line(Signal::Key('1')), []);
    assert_eq!(call.line(Signal::PromptFinished), []);
    assert_eq!(call.event(Event::Cancel), []);
    assert_eq!(call.event(Event::Drain), []);
    assert_eq!(call.wait(secs(86_400)), []);
    assert_eq!(call.record().outcome, Outcome::Busy);
}

#[test]
fn each_trunk_has_its_own_time_to_ring() {
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, Progress::Trying);
    call.leg(Leg::A, Progress::Ringing { early_media: false });
    assert_eq!(call.wait(secs(40)), []);
    assert_eq!(call.leg(Leg::A, Progress::Redialled), []);
    assert_eq!(call.wait(NO_PROVISIONAL), [Order::Cancel(Leg::A)], "nothing came back from it");
    let mut call = Script::new(persons(), None);
    call.leg(Leg::A, Progress::Ringing { early_media: false });
    call.wait(secs(44));
    call.leg(Leg::A, Progress::Redialled);
    call.leg(Leg::A, Progress::Trying);
    assert_eq!(call.wait(secs(44)), []);
    assert_eq!(call.wait(secs(1)), [Order::Cancel(Leg::A)]);
    call.leg(Leg::A, failed(487));
    let record = call.record();
    assert_eq!((record.outcome, record.leg_a.ringing), (Outcome::NoAnswer, None));
}
