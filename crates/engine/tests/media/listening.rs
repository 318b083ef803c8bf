//! What is made of what the legs say: recordings, and who answered.

use std::time::Duration;

use engine::carrier::{Audio, Leg};
use engine::media::{Event, LegSettings};
use model::cdr::{Clue, Verdict};
use voip::g711::Codec;

use crate::phone::{Phone, bridged, close, converted, event, frame, plane, speech};

/// What one side says in a recording.
fn side(recorded: &[u8], which: usize) -> Vec<u8> {
    recorded.chunks_exact(2).map(|pair| pair[which]).collect()
}

/// Where that is said.
fn place(side: &[u8], said: &[u8]) -> Option<usize> {
    side.windows(said.len()).position(|window| window == said)
}

#[test]
fn a_recording_has_both_sides_at_their_time() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcma));
    let mut call = bridged(&plane, &mut a, &mut b);
    call.record();
    frame();
    let mut said = [Vec::new(), Vec::new()];
    for number in 0..40 {
        a.say(&speech(number));
        said[0].extend(speech(number));
        // B says nothing in the first half.
        if number >= 20 {
            b.say(&speech(number + 100));
            said[1].extend(converted(&speech(number + 100), Codec::Pcma, Codec::Pcmu));
        }
        frame();
    }
    std::thread::sleep(Duration::from_millis(80));
    let events = close(&mut call);
    let [Event::Recorded(recorded)] = &events[..] else { panic!("{} events", events.len()) };
    let begin_a = place(&side(recorded, 0), &said[0]).expect("A is recorded");
    let begin_b = place(&side(recorded, 1), &said[1]).expect("B is recorded");
    let later = begin_b as i64 - begin_a as i64;
    // Twenty frames, as well as a test can keep the time.
    assert!((3_000..4_200).contains(&later), "{later} samples");
    assert!(side(recorded, 1)[..begin_b].iter().all(|code| *code == 0xFF));
}

#[test]
fn what_is_not_recorded_is_not_told() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = bridged(&plane, &mut a, &mut b);
    assert_eq!(close(&mut call), []);
}

#[test]
fn who_answered_is_told_while_a_prompt_plays() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcma);
    a.join(&mut call, Leg::A, LegSettings::default());
    call.detect();
    // "Hello?", and then somebody waits.
    for _ in 0..25 {
        a.say(&(0..160).map(|at| if at % 16 < 8 { 0xB5 } else { 0x35 }).collect::<Vec<u8>>());
        frame();
    }
    for _ in 0..60 {
        a.say(&[0xD5; 160]);
        frame();
    }
    let Event::Detected(detection) = event(&mut call) else { panic!("not who answered") };
    assert_eq!((detection.verdict, detection.clue), (Verdict::Human, Clue::ShortGreeting));
    let after = detection.after.as_millis();
    assert!((1_000..2_200).contains(&after), "{after} ms");
    call.play(Audio::new(vec![1; 160]));
    assert_eq!(event(&mut call), Event::PromptFinished);
}

#[test]
fn one_that_sends_nothing_is_silent() {
    let plane = plane();
    let mut call = plane.call();
    let a = Phone::new(Codec::Pcmu);
    call.open(Leg::A, LegSettings::default()).unwrap();
    call.connect(Leg::A, a.peer(voip::sdp::Direction::SendReceive));
    call.detect();
    let Event::Detected(detection) = event(&mut call) else { panic!("not who answered") };
    assert_eq!(detection.clue, Clue::InitialSilence);
}
