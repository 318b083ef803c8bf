//! Every way in which a call ends, in order.

use engine::call::Event;
use engine::call::timers::CALL_MAX;
use engine::carrier::{Leg, Order, Progress, Signal};
use model::cdr::Ending;
use model::cdr::Release;
use model::{Message, Outcome};

use crate::script::{ENDED, RINGING, Script, failed, persons, secs};

fn both_hung_up() -> [Order; 2] {
    [Order::HangUp(Leg::A), Order::HangUp(Leg::B)]
}

fn talking_at_most(longest: u64, warning: u64) -> Message {
    let mut message = persons();
    let b = message.destination_b.as_mut().unwrap();
    b.max_duration = Some(secs(longest));
    b.warning_time = Some(secs(warning));
    message
}

#[test]
fn two_people_are_joined_and_b_hangs_up() {
    let message = persons();
    let mut call = Script::new(message.clone(), None);
    call.leg(Leg::A, Progress::Trying);
    call.wait(secs(2));
    call.leg(Leg::A, RINGING);
    call.wait(secs(3));
    let b = message.destination_b.unwrap();
    let dial_b = Order::Dial { leg: Leg::B, from: b.shown, to: b.number };
    assert_eq!(call.leg(Leg::A, Progress::Answered), [dial_b]);
    let answer = call.now;
    assert_eq!(call.leg(Leg::B, RINGING), [Order::Ringback]);
    assert_eq!(call.leg(Leg::B, RINGING), []);
    let early_media = Progress::Ringing { early_media: true };
    assert_eq!(call.leg(Leg::B, early_media), [Order::EarlyMedia]);
    assert_eq!(call.leg(Leg::B, RINGING), [], "the network's own sound stays");
    call.wait(secs(4));
    assert_eq!(call.leg(Leg::B, Progress::Answered), [Order::Bridge]);
    call.wait(secs(60));
    assert_eq!(call.leg(Leg::B, ENDED), [Order::HangUp(Leg::A)]);
    call.leg(Leg::A, ENDED);
    let record = call.record();
    assert_eq!(
        (record.attempt, record.outcome, record.ending),
        (1, Outcome::Answered, Ending::ByB)
    );
    assert_eq!(record.leg_a.ringing, Some(record.leg_a.invite.plus(secs(2))));
    assert_eq!(record.leg_a.answered, Some(answer));
    assert_eq!((record.connected_seconds(), record.bridged()), (64, secs(60)));
    let b = record.leg_b.unwrap();
    assert_eq!(b.release, Release { code: Some(200), cause: Some(16) });
}

#[test]
fn b_is_not_reached_and_a_stays_answered() {
    let (mut call, _) = Script::answered(persons(), None);
    call.wait(secs(2));
    let busy = Release { code: Some(486), cause: Some(17) };
    assert_eq!(call.leg(Leg::B, Progress::Failed(busy)), [Order::HangUp(Leg::A)]);
    call.leg(Leg::A, ENDED);
    let record = call.record();
    assert_eq!((record.outcome, record.ending), (Outcome::Answered, Ending::BNotReached));
    assert_eq!(record.connected_seconds(), 2);
    let b = record.leg_b.unwrap();
    assert_eq!((b.outcome, b.release), (Outcome::Busy, busy));
}

#[test]
fn the_longest_talk_ends_after_a_warning() {
    let mut call = Script::bridged(talking_at_most(60, 10));
    assert_eq!(call.wait(secs(49)), []);
    assert_eq!(call.wait(secs(1)), [Order::Beep]);
    assert_eq!(call.wait(secs(9)), []);
    assert_eq!(call.wait(secs(1)), both_hung_up());
    call.leg(Leg::A, ENDED);
    call.leg(Leg::B, ENDED);
    let record = call.record();
    assert_eq!((record.ending, record.bridged()), (Ending::MaxDuration, secs(60)));
}

#[test]
fn a_warning_before_the_beginning_is_none() {
    let mut call = Script::bridged(talking_at_most(60, 60));
    assert_eq!(call.wait(secs(60)), both_hung_up());
}

#[test]
fn the_call_timeout_counts_from_the_answer_of_a() {
    let message = Message { call_timeout: Some(secs(20)), ..persons() };
    let (mut call, _) = Script::answered(message.clone(), None);
    call.leg(Leg::B, RINGING);
    assert_eq!(call.wait(secs(20)), [Order::HangUp(Leg::A), Order::Cancel(Leg::B)]);
    call.leg(Leg::B, failed(487));
    call.leg(Leg::A, ENDED);
    assert_eq!(call.record().ending, Ending::CallTimeout);

    let mut call = Script::bridged(message);
    assert_eq!(call.wait(secs(20)), both_hung_up());
}

#[test]
fn no_call_is_without_a_limit() {
    for call_timeout in [None, Some(CALL_MAX * 2)] {
        let mut call = Script::bridged(Message { call_timeout, ..persons() });
        assert_eq!(call.wait(CALL_MAX), both_hung_up());
    }
}

#[test]
fn the_first_reason_to_end_stands() {
    let mut call = Script::bridged(talking_at_most(60, 0));
    assert_eq!(call.wait(secs(60)), both_hung_up());
    assert_eq!(call.event(Event::Cancel), []);
    call.leg(Leg::A, ENDED);
    call.leg(Leg::B, ENDED);
    assert_eq!(call.record().ending, Ending::MaxDuration);
}

#[test]
fn a_call_that_has_gone_silent_is_ended() {
    let mut call = Script::bridged(persons());
    assert_eq!(call.line(Signal::Silence), both_hung_up());
    call.wait(secs(60));
    assert_eq!(call.record().ending, Ending::Silence);
    let mut call = Script::new(persons(), None);
    assert_eq!(call.line(Signal::Silence), [], "nobody has been answered");
}

#[test]
fn an_order_to_end_ends_it_wherever_it_is() {
    for (event, ending, unanswered) in [
        (Event::Cancel, Ending::Cancelled, Outcome::Cancelled),
        (Event::Drain, Ending::Drained, Outcome::Internal),
    ] {
        let mut call = Script::new(persons(), None);
        assert_eq!(call.event(event), [Order::Cancel(Leg::A)]);
        call.leg(Leg::A, failed(487));
        let record = call.record();
        assert_eq!((record.outcome, record.ending), (unanswered, ending));

        let (mut call, _) = Script::answered(persons(), None);
        assert_eq!(call.event(event), [Order::HangUp(Leg::A), Order::Cancel(Leg::B)]);
        call.wait(secs(60));
        let record = call.record();
        assert_eq!((record.outcome, record.ending), (Outcome::Answered, ending));

        let mut call = Script::bridged(persons());
        assert_eq!(call.event(event), both_hung_up());
        call.wait(secs(60));
        assert_eq!(call.record().ending, ending);
    }
}
