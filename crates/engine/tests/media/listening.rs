//! What is made of what the legs say: recordings, and who answered.

use engine::carrier::{Audio, Leg};
use engine::media::{Event, LegSettings};
use model::cdr::{Clue, Verdict};
use voip::g711::Codec;

use crate::phone::{Pace, Phone, bridged, close, converted, event, frame, plane, speech};

/// What one side says in a recording.
fn side(recorded: &[u8], which: usize) -> Vec<u8> {
    recorded.chunks_exact(2).map(|pair| pair[which]).collect()
}

/// Where each packet is in it, one after the other: silence may come between them, if one was late.
fn places(side: &[u8], said: &[Vec<u8>]) -> Vec<usize> {
    let mut from = 0;
    let place = |packet: &Vec<u8>| {
        let at = side[from..].windows(packet.len()).position(|window| window == packet)?;
        from += at + packet.len();
        Some(from - packet.len())
    };
    said.iter().map_while(place).collect()
}

#[test]
fn a_recording_has_both_sides_at_their_time() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcma));
    let mut call = bridged(&plane, &mut a, &mut b);
    call.record();
    frame();
    let mut said = [Vec::new(), Vec::new()];
    let mut pace = Pace::begin();
    for number in 0..40 {
        a.say(&speech(number));
        said[0].push(speech(number));
        // B says nothing in the first half.
        if number >= 20 {
            b.say(&speech(number + 100));
            said[1].push(converted(&speech(number + 100), Codec::Pcma, Codec::Pcmu));
        }
        pace.wait();
    }
    let events = close(&mut call);
    let [Event::Recorded(recorded)] = &events[..] else { panic!("{} events", events.len()) };
    let [of_a, of_b] = [0, 1].map(|which| places(&side(recorded, which), &said[which]));
    assert_eq!((of_a.len(), of_b.len()), (40, 20));
    for (a, b) in of_a[20..].iter().zip(&of_b) {
        assert!(a.abs_diff(*b) <= 800, "said at once, recorded at {a} and {b}");
    }
    let passed = of_b[0] - of_a[0];
    assert!((2_400..4_800).contains(&passed), "{passed} samples in 400 ms");
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
