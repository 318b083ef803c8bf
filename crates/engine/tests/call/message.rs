//! What A hears and presses before B is called.

use std::time::Duration;

use engine::call::timers::{DETECTION, PROMPT_SLACK};
use engine::carrier::{Audio, Leg, Order, Progress, Signal};
use model::cdr::Ending;
use model::cdr::Verdict;
use model::limits::KEYS_MAX;
use model::message::{Keys, MachineDetection};
use model::{Message, Outcome};

use crate::script::{ENDED, Script, audio, detected, persons, secs, voice};

fn collecting(max: u16, repeats: u16, repeat_on: Option<&str>) -> Message {
    let repeat_on = repeat_on.map(str::to_owned);
    Message { keys: Some(Keys { max, timeout: secs(10), repeats, repeat_on }), ..voice(persons()) }
}

fn detecting(detection: MachineDetection) -> Message {
    Message { machine_detection: Some(detection), ..voice(persons()) }
}

fn finish(mut call: Script) -> model::cdr::Cdr {
    call.leg(Leg::A, ENDED);
    call.record()
}

const HANG_UP: [Order; 1] = [Order::HangUp(Leg::A)];

#[test]
fn a_voice_message_ends_when_it_was_played() {
    let (mut call, orders) = Script::answered(voice(persons()), Some(audio(3)));
    assert_eq!(orders, [Order::Play(audio(3))]);
    call.wait(secs(3));
    assert_eq!(call.line(Signal::PromptFinished), HANG_UP);
    let record = finish(call);
    assert_eq!((record.outcome, record.ending), (Outcome::Answered, Ending::Completed));
    assert_eq!((record.connected_seconds(), record.prompt), (3, Some(secs(3))));
    assert_eq!(record.leg_b, None);
}

#[test]
fn b_is_called_when_the_message_was_played() {
    let (mut call, orders) = Script::answered(persons(), Some(audio(3)));
    assert_eq!(orders, [Order::Play(audio(3))]);
    let orders = call.line(Signal::PromptFinished);
    assert!(matches!(orders[..], [Order::Dial { leg: Leg::B, .. }]), "{orders:?}");
}

#[test]
fn a_prompt_that_never_finishes_is_stopped() {
    let (mut call, _) = Script::answered(voice(persons()), Some(audio(3)));
    assert_eq!(call.wait(secs(3) + PROMPT_SLACK), [Order::StopPlaying, Order::HangUp(Leg::A)]);
}

#[test]
fn the_message_begins_after_the_pause() {
    let message = Message { pause: secs(4), ..voice(persons()) };
    let (mut call, orders) = Script::answered(message, Some(audio(3)));
    assert_eq!(orders, []);
    assert_eq!(call.wait(secs(3)), []);
    assert_eq!(call.wait(secs(1)), [Order::Play(audio(3))]);
}

#[test]
fn a_machine_is_hung_up_or_spoken_to() {
    let (mut call, orders) = Script::answered(detecting(MachineDetection::Hangup), Some(audio(3)));
    assert_eq!(orders, [Order::Detect]);
    assert_eq!(call.line(detected(Verdict::Machine)), HANG_UP);
    let record = finish(call);
    assert_eq!((record.outcome, record.ending), (Outcome::AnsweredByMachine, Ending::Machine));

    let (mut call, _) = Script::answered(detecting(MachineDetection::Continue), Some(audio(3)));
    assert_eq!(call.line(detected(Verdict::Machine)), [Order::Play(audio(3))]);
    assert_eq!(call.line(Signal::PromptFinished), HANG_UP);
    let record = finish(call);
    assert_eq!((record.outcome, record.ending), (Outcome::AnsweredByMachine, Ending::Completed));
}

#[test]
fn who_cannot_be_told_from_a_person_is_one() {
    let (mut call, _) = Script::answered(detecting(MachineDetection::Hangup), Some(audio(3)));
    assert_eq!(call.wait(DETECTION), [Order::Play(audio(3))]);
    assert_eq!(call.line(detected(Verdict::Machine)), [], "too late");
    call.line(Signal::PromptFinished);
    let record = finish(call);
    assert_eq!((record.outcome, record.detection), (Outcome::Answered, None));
}

#[test]
fn keys_stop_the_prompt_once_there_are_enough() {
    let (mut call, _) = Script::answered(collecting(2, 0, None), Some(audio(30)));
    assert_eq!(call.line(Signal::Key('4')), []);
    assert_eq!(call.line(Signal::Key('2')), [Order::StopPlaying, Order::HangUp(Leg::A)]);
    assert_eq!(finish(call).keys, ['4', '2']);
}

#[test]
fn each_key_starts_the_wait_for_the_next_one() {
    let (mut call, _) = Script::answered(collecting(5, 3, None), Some(audio(1)));
    assert_eq!(call.line(Signal::PromptFinished), []);
    assert_eq!(call.wait(secs(9)), []);
    assert_eq!(call.line(Signal::Key('#')), []);
    assert_eq!(call.wait(secs(9)), []);
    assert_eq!(call.wait(secs(1)), HANG_UP);
    assert_eq!(finish(call).keys, ['#']);
}

#[test]
fn the_last_key_ends_the_wait() {
    let (mut call, _) = Script::answered(collecting(2, 3, None), Some(audio(1)));
    assert_eq!(call.line(Signal::PromptFinished), []);
    assert_eq!(call.line(Signal::Key('*')), []);
    assert_eq!(call.line(Signal::Key('0')), HANG_UP);
}

#[test]
fn whoever_leans_on_the_keys_fills_no_memory() {
    let (mut call, _) = Script::answered(voice(persons()), Some(audio(1)));
    for _ in 0..1_000 {
        assert_eq!(call.line(Signal::Key('5')), []);
    }
    call.line(Signal::PromptFinished);
    assert_eq!(finish(call).keys.len(), usize::from(KEYS_MAX));
}

#[test]
fn the_prompt_is_repeated_when_nothing_is_pressed() {
    let (mut call, _) = Script::answered(collecting(1, 2, None), Some(audio(1)));
    for _ in 0..2 {
        call.line(Signal::PromptFinished);
        assert_eq!(call.wait(secs(10)), [Order::Play(audio(1))]);
    }
    call.line(Signal::PromptFinished);
    assert_eq!(call.wait(secs(10)), HANG_UP);
}

#[test]
fn the_prompt_is_repeated_when_a_asks_for_it() {
    let (mut call, _) = Script::answered(collecting(2, 2, Some("9")), Some(audio(1)));
    let again = [Order::StopPlaying, Order::Play(audio(1))];
    assert_eq!(call.line(Signal::Key('9')), again);
    call.line(Signal::PromptFinished);
    assert_eq!(call.line(Signal::Key('9')), again[1..]);
    assert_eq!(call.line(Signal::Key('9')), [], "often enough; a key like any other");
    assert_eq!(call.line(Signal::Key('1')), [Order::StopPlaying, Order::HangUp(Leg::A)]);
    assert_eq!(finish(call).keys, ['9', '9', '9', '1']);
}

#[test]
fn with_a_key_for_it_silence_repeats_nothing() {
    let (mut call, _) = Script::answered(collecting(2, 2, Some("9")), Some(audio(1)));
    call.line(Signal::PromptFinished);
    assert_eq!(call.wait(secs(10)), HANG_UP);
}

#[test]
fn keys_choose_whom_a_is_joined_to() {
    let transfer = |number: &str, keys: &[&str]| {
        let mut leg = persons().destination_b.unwrap();
        leg.number = number.parse().unwrap();
        leg.if_keys = keys.iter().map(|keys| (*keys).to_owned()).collect();
        leg
    };
    let transfers = vec![transfer("385981111", &["1"]), transfer("385982222", &["2"])];
    let message = Message { transfers, ..collecting(1, 1, None) };
    for (key, number) in [('1', "385981111"), ('2', "385982222")] {
        let (mut call, _) = Script::answered(message.clone(), Some(audio(1)));
        let orders = call.line(Signal::Key(key));
        let Order::Dial { leg: Leg::B, to, .. } = &orders[1] else { panic!("{orders:?}") };
        assert_eq!(to.digits(), number);
    }
    let (mut call, _) = Script::answered(message, Some(audio(1)));
    assert_eq!(call.line(Signal::Key('3')), [Order::StopPlaying, Order::HangUp(Leg::A)]);
}

#[test]
fn what_is_pressed_while_they_talk_is_not_kept() {
    let (mut call, _) = Script::answered(persons(), None);
    call.line(Signal::Key('1'));
    call.leg(Leg::B, Progress::Answered);
    call.line(Signal::Key('2'));
    call.leg(Leg::B, ENDED);
    assert_eq!(finish(call).keys, ['1']);
}

#[test]
fn audio_knows_its_length() {
    assert_eq!(Audio::new(vec![0; 25_704]).length(), Duration::from_millis(3_213));
}
