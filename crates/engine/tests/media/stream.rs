//! What a leg is sent is one stream, whatever it hears.

use std::time::{Duration, Instant};

use engine::carrier::{Audio, Leg};
use engine::media::{Event, LegSettings};
use voip::g711::Codec;
use voip::sdp::Direction;

use crate::phone::{
    Pace, Phone, assert_one_stream, close, converted, event, event_within, frame, plane, speech,
};

/// Half a second that is unlike anything else, and no whole number of packets.
fn prompt() -> Vec<u8> {
    (0..4_100_u32).map(|at| (at * 31 % 251) as u8).collect()
}

fn contains(heard: &[u8], said: &[u8]) -> bool {
    heard.windows(said.len()).any(|window| window == said)
}

#[test]
fn prompt_ringback_early_media_and_bridge_are_one_stream() {
    let plane = plane();
    let mut call = plane.call();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    a.join(&mut call, Leg::A, LegSettings::default());
    call.play(Audio::new(prompt()));
    let first = a.hear().unwrap();
    let begun = Instant::now();
    assert!(first.header.marker);
    assert_eq!(event(&mut call), Event::PromptFinished);
    call.ringback();
    b.join(&mut call, Leg::B, LegSettings::default());
    std::thread::sleep(Duration::from_millis(200));
    call.early_media();
    frame();
    let mut pace = Pace::begin();
    for number in 0..10 {
        b.say(&speech(number));
        pace.wait();
    }
    // The network's announcement is over, and B itself begins elsewhere.
    call.bridge();
    std::thread::sleep(Duration::from_millis(150));
    let mut pace = Pace::begin();
    b.next.ssrc ^= 1;
    b.next.sequence = b.next.sequence.wrapping_add(20_000);
    b.next.timestamp = b.next.timestamp.wrapping_mul(3);
    for number in 10..20 {
        b.say(&speech(number));
        pace.wait();
    }
    call.play(Audio::new(prompt()));
    assert_eq!(event(&mut call), Event::PromptFinished);

    let mut heard = vec![first];
    heard.extend(a.heard());
    let passed = begun.elapsed();
    assert_one_stream(&heard);
    let last = heard.last().unwrap().header.timestamp;
    let told = last.wrapping_sub(heard[0].header.timestamp) / 8;
    let drift = u128::from(told).abs_diff(passed.as_millis());
    assert!(drift < 100, "{told} ms in the stream, {passed:?} passed");
    let sound: Vec<u8> = heard.iter().flat_map(|heard| heard.payload.clone()).collect();
    assert!(contains(&sound, &prompt()));
    let said: Vec<u8> = (0..20).flat_map(speech).collect();
    assert!(contains(&sound, &said));
    assert_eq!(close(&mut call), []);
}

#[test]
fn a_prompt_is_told_in_the_codec_of_the_leg() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcma);
    a.join(&mut call, Leg::A, LegSettings::default());
    call.play(Audio::new(prompt()));
    assert_eq!(event(&mut call), Event::PromptFinished);
    let heard = a.heard();
    assert_one_stream(&heard);
    assert!(heard.iter().all(|heard| heard.header.payload_type == 8));
    let sound: Vec<u8> = heard.iter().flat_map(|heard| heard.payload.clone()).collect();
    assert!(contains(&sound, &converted(&prompt(), Codec::Pcmu, Codec::Pcma)));
}

#[test]
fn a_prompt_that_is_stopped_is_not_told_as_finished() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    call.play(Audio::new(vec![0x21; 2_400]));
    a.await_voice(&[0x21; 160]);
    call.stop_playing();
    assert_eq!(event_within(&mut call, Duration::from_millis(400)), None);
    let heard = a.heard();
    assert_one_stream(&heard);
    assert_eq!(heard.last().unwrap().payload, [0xFF; 160]);
    call.play(Audio::new(vec![]));
    assert_eq!(event(&mut call), Event::PromptFinished);
}

#[test]
fn a_leg_hears_silence_until_there_is_something() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcma);
    a.join(&mut call, Leg::A, LegSettings::default());
    let heard: Vec<_> = (0..5).map(|_| a.hear().unwrap()).collect();
    assert_one_stream(&heard);
    assert!(heard.iter().all(|heard| heard.payload == [0xD5; 160]));
}

#[test]
fn the_ringback_rings() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    call.ringback();
    let mut linear = [0_i16; 160];
    let loud = (0..60).any(|_| {
        Codec::Pcmu.decode(&a.hear().unwrap().payload, &mut linear);
        linear.iter().any(|sample| *sample > 1_000)
    });
    assert!(loud);
}

#[test]
fn on_hold_nothing_is_sent_and_then_the_stream_goes_on() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    let before = a.hear().unwrap();
    call.connect(Leg::A, a.peer(Direction::SendOnly));
    call.play(Audio::new(vec![0x21; 1_600]));
    // The prompt ends, although nobody hears it.
    assert_eq!(event(&mut call), Event::PromptFinished);
    a.heard();
    assert!(a.listen(Duration::from_millis(100)).is_empty());
    let moved = Phone::new(Codec::Pcmu);
    call.connect(Leg::A, moved.peer(Direction::SendReceive));
    let after = moved.hear().unwrap();
    assert!(after.header.marker);
    assert_eq!(after.header.ssrc, before.header.ssrc);
    let missing = after.header.sequence.wrapping_sub(before.header.sequence);
    let passed = after.header.timestamp.wrapping_sub(before.header.timestamp);
    assert!(passed >= 1_600 && passed > u32::from(missing) * 160, "{missing} {passed}");
    assert!(a.heard().is_empty());
}
