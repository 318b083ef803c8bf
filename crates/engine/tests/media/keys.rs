//! Keys: heard, passed on and sent, by the numbers that each leg has agreed.

use std::time::Duration;

use engine::carrier::Leg;
use engine::media::{Event, LegSettings};
use voip::g711::Codec;
use voip::key_tone::KeyTone;
use voip::rtp::{Header, Outgoing};

use crate::phone::{
    Heard, OUR_EVENTS, Phone, assert_one_stream, bridged, event, event_within, frame, plane,
};

/// Presses a key for 100 ms, as RFC 4733 wants it, with its end sent three times.
fn press(phone: &mut Phone, key: char) {
    let Header { ssrc, sequence, timestamp, .. } = phone.next;
    let mut stream = Outgoing::new(ssrc, sequence, timestamp);
    let mut sender = voip::event::Sender::new(key).unwrap();
    while let Some((header, payload)) = sender.next(&mut stream, OUR_EVENTS) {
        let packet = [&header.write()[..], &payload].concat();
        phone.rtp.send_to(&packet, phone.server).unwrap();
        phone.next.sequence = header.sequence.wrapping_add(1);
    }
    phone.next.timestamp = stream.timestamp();
}

/// The keys in what was heard, as events of that type; every packet of them is in order.
fn keys(heard: &[Heard], payload_type: u8) -> Vec<char> {
    let mut receiver = voip::event::Receiver::default();
    let events = heard.iter().filter(|heard| heard.header.payload_type == payload_type);
    events.filter_map(|heard| receiver.hear(&heard.header, &heard.payload)).collect()
}

/// No number of the stream is left out or used again.
fn assert_numbered(heard: &[Heard]) {
    for pair in heard.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
        assert_eq!(pair[1].header.ssrc, pair[0].header.ssrc);
    }
}

#[test]
fn keys_are_told_once_each_while_a_prompt_plays() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    for key in "15#*0".chars() {
        press(&mut a, key);
        a.say(&[0xFF; 160]);
        assert_eq!(event(&mut call), Event::Key(Leg::A, key));
    }
    assert_eq!(event_within(&mut call, Duration::from_millis(50)), None);
}

#[test]
fn keys_are_passed_on_by_the_number_of_the_other_leg() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcma));
    (a.event, b.event) = (Some(96), Some(110));
    let mut call = bridged(&plane, &mut a, &mut b);
    b.heard();
    a.heard();
    a.say(&[0x31; 160]);
    press(&mut a, '7');
    a.say(&[0x31; 160]);
    assert_eq!(event(&mut call), Event::Key(Leg::A, '7'));
    press(&mut b, 'D');
    assert_eq!(event(&mut call), Event::Key(Leg::B, 'D'));
    frame();
    let heard = b.heard();
    assert_numbered(&heard);
    assert_eq!(keys(&heard, 110), ['7']);
    // All of an event has the time of its beginning, and what follows comes after it.
    let times: Vec<u32> = heard.iter().map(|heard| heard.header.timestamp).collect();
    let begun = times[0].wrapping_add(160);
    assert!(times[1..times.len() - 1].iter().all(|time| *time == begun), "{times:?}");
    assert!(heard[1].header.marker);
    assert!(times.last().unwrap().wrapping_sub(begun) >= 800);
    assert_eq!(keys(&a.heard(), 96), ['D']);
}

#[test]
fn a_leg_that_takes_no_events_hears_the_tone() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    b.event = None;
    let mut call = bridged(&plane, &mut a, &mut b);
    b.heard();
    press(&mut a, '4');
    assert_eq!(event(&mut call), Event::Key(Leg::A, '4'));
    let heard = b.listen(Duration::from_millis(180));
    assert_one_stream(&heard);
    let sound: Vec<u8> = heard.iter().flat_map(|heard| heard.payload.clone()).collect();
    let (mut linear, mut expected) = ([0; 800], [0; 800]);
    KeyTone::new('4', 800).unwrap().fill(&mut linear);
    Codec::Pcmu.encode(&linear, &mut expected);
    assert_eq!(sound, expected);
}

#[test]
fn keys_are_sent_one_after_the_other_and_the_stream_goes_on() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    let mut heard = vec![a.hear().unwrap()];
    call.send_key(Leg::A, '3');
    call.send_key(Leg::A, '3');
    call.send_key(Leg::A, '#');
    call.send_key(Leg::A, 'x');
    heard.extend(a.listen(Duration::from_millis(800)));
    assert_eq!(keys(&heard, 96), ['3', '3', '#']);
    assert_numbered(&heard);
    let is_voice = |heard: &Heard| heard.header.payload_type == 0;
    let begins = |pair: &[Heard]| is_voice(&pair[0]) && !is_voice(&pair[1]);
    assert_eq!(heard.windows(2).filter(|pair| begins(pair)).count(), 3);
    // A far end that overhears the end of a key takes what follows at once for the same one.
    let event_voice_event = |three: &[Heard]| !is_voice(&three[0]) && !is_voice(&three[2]);
    assert!(!heard.windows(3).any(|three| is_voice(&three[1]) && event_voice_event(three)));
    let last = heard.last().unwrap().header.timestamp;
    let passed = last.wrapping_sub(heard[0].header.timestamp);
    // A tick that is very late leaves a gap, in time as well.
    let said = (heard.len() as u32 - 1) * 160;
    assert!((said..said + 4_000).contains(&passed), "{passed} of {said}");
}

#[test]
fn keys_are_heard_in_the_sound_where_that_is_wanted() {
    let plane = plane();
    let mut call = plane.call();
    let (mut a, mut b) = (Phone::new(Codec::Pcma), Phone::new(Codec::Pcmu));
    a.join(&mut call, Leg::A, LegSettings { in_band: true, ..LegSettings::default() });
    b.join(&mut call, Leg::B, LegSettings::default());
    for phone in [&mut a, &mut b] {
        for key in ['5', '9'] {
            let mut tone = KeyTone::new(key, 1_600).unwrap();
            for number in 0..20 {
                if number == 5 {
                    // The network stumbles in the middle of the key.
                    std::thread::sleep(Duration::from_millis(100));
                }
                let (mut linear, mut codes) = ([0; 160], [0; 160]);
                tone.fill(&mut linear);
                phone.codec.encode(&linear, &mut codes);
                phone.say(&codes);
                frame();
            }
        }
    }
    assert_eq!(event(&mut call), Event::Key(Leg::A, '5'));
    assert_eq!(event(&mut call), Event::Key(Leg::A, '9'));
    assert_eq!(event_within(&mut call, Duration::from_millis(100)), None);
}

#[test]
fn a_line_that_does_not_listen_loses_keys_and_nothing_else() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    for _ in 0..100 {
        press(&mut a, '1');
        a.next.timestamp = a.next.timestamp.wrapping_add(800);
        std::thread::sleep(Duration::from_millis(1));
    }
    call.play(engine::carrier::Audio::new(vec![0xFF; 160]));
    std::thread::sleep(Duration::from_millis(100));
    let mut events = Vec::new();
    while let Some(event) = event_within(&mut call, Duration::ZERO) {
        events.push(event);
    }
    assert_eq!(events.pop(), Some(Event::PromptFinished));
    assert!(events.len() < 64 && events.len() > 30, "{}", events.len());
    assert!(events.iter().all(|event| *event == Event::Key(Leg::A, '1')));
}

#[test]
fn nobody_talks_into_a_key() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = bridged(&plane, &mut a, &mut b);
    b.heard();
    call.send_key(Leg::B, '6');
    for _ in 0..12 {
        a.say(&[0x31; 160]);
        frame();
    }
    let heard = b.heard();
    assert_numbered(&heard);
    assert_eq!(keys(&heard, 96), ['6']);
    let turns = heard.chunk_by(|a, b| a.header.payload_type == b.header.payload_type);
    assert!(turns.count() <= 3, "{heard:?}");
    assert_eq!(heard.last().unwrap().payload, [0x31; 160]);
}

#[test]
fn a_key_that_is_told_both_ways_is_one_key() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings { in_band: true, ..LegSettings::default() });
    press(&mut a, '8');
    let mut tone = KeyTone::new('8', 800).unwrap();
    for _ in 0..10 {
        let (mut linear, mut codes) = ([0; 160], [0; 160]);
        tone.fill(&mut linear);
        a.codec.encode(&linear, &mut codes);
        a.say(&codes);
        frame();
    }
    assert_eq!(event(&mut call), Event::Key(Leg::A, '8'));
    assert_eq!(event_within(&mut call, Duration::from_millis(100)), None);
}
