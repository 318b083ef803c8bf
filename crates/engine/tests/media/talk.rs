//! A bridged call: each hears the other, as it was said.

use std::time::Duration;

use engine::carrier::Leg;
use engine::media::LegSettings;
use voip::g711::Codec;
use voip::sdp::Direction;

use crate::phone::{FIRST, Heard, Phone, assert_one_stream, bridged, close, frame, plane, speech};
use crate::robust::until;

#[test]
fn packets_of_any_length_are_passed_on_as_they_are() {
    let plane = plane();
    for length in [80, 160, 240, 480] {
        let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
        let _call = bridged(&plane, &mut a, &mut b);
        a.heard();
        b.heard();
        for number in 0..5 {
            a.say(&vec![0x30 + number; length]);
            b.say(&vec![0x40 + number; length]);
        }
        for (phone, begin) in [(&b, 0x30), (&a, 0x40)] {
            let heard: Vec<Heard> = (0..5).map(|_| phone.hear().unwrap()).collect();
            assert_one_stream(&heard);
            for (number, heard) in (0..).zip(&heard) {
                assert_eq!(heard.payload, vec![begin + number; length]);
            }
        }
    }
}

#[test]
fn loss_pause_and_order_are_passed_on_as_they_are() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = bridged(&plane, &mut a, &mut b);
    b.heard();
    a.say(&speech(1));
    a.lose(160);
    let late = a.packet(&speech(3));
    a.say(&speech(4));
    a.rtp.send_to(&late, a.server).unwrap();
    // A pause of speech, in which no packet is sent.
    a.next.timestamp = a.next.timestamp.wrapping_add(40_000);
    a.next.marker = true;
    a.say(&speech(5));
    // And the same once more.
    a.rtp.send_to(&late, a.server).unwrap();
    a.say(&speech(6));

    let heard: Vec<Heard> = (0..5).map(|_| b.hear().unwrap()).collect();
    let place = |heard: &Heard| {
        let sequence = heard.header.sequence.wrapping_sub(b.next.sequence);
        (sequence, heard.header.timestamp, heard.header.marker, heard.payload.clone())
    };
    let (sequence, timestamp, ..) = place(&heard[0]);
    let expected = [
        (0, 0, false, 1),
        (3, 480, false, 4),
        (2, 320, false, 3),
        (4, 40_640, true, 5),
        (5, 40_800, false, 6),
    ];
    for (heard, (further, later, marker, number)) in heard.iter().zip(expected) {
        let expected = (sequence.wrapping_add(further), timestamp.wrapping_add(later));
        assert_eq!(place(heard), (expected.0, expected.1, marker, speech(number)));
    }
    assert!(b.heard().is_empty());
    close(&mut call);
    let quality = call.quality(Leg::A).unwrap();
    let sent = u64::from(a.next.sequence.wrapping_sub(FIRST));
    assert_eq!((quality.received, quality.lost), (sent - 1, 1));
    until(|| plane.counts().unfit == 1);
}

#[test]
fn early_media_goes_one_way() {
    let plane = plane();
    let mut call = plane.call();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    a.join(&mut call, Leg::A, LegSettings::default());
    b.join(&mut call, Leg::B, LegSettings::default());
    call.early_media();
    frame();
    b.say(&speech(1));
    a.await_voice(&speech(1));
    a.say(&speech(2));
    let heard = b.listen(Duration::from_millis(150));
    assert!(!heard.is_empty());
    assert!(heard.iter().all(|heard| heard.payload == [0xFF; 160]));
}

#[test]
fn whoever_is_on_hold_hears_and_says_nothing() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = bridged(&plane, &mut a, &mut b);
    for direction in [Direction::SendOnly, Direction::Inactive] {
        call.connect(Leg::B, b.peer(direction));
        frame();
        b.heard();
        a.heard();
        a.say(&speech(1));
        b.say(&speech(2));
        assert!(b.listen(Duration::from_millis(60)).is_empty());
        // Music for those who wait is heard.
        assert_eq!(a.heard().len(), usize::from(direction.sends()));
    }
    call.connect(Leg::B, b.peer(Direction::SendReceive));
    frame();
    a.say(&speech(3));
    b.await_voice(&speech(3));
    b.say(&speech(4));
    a.await_voice(&speech(4));
}

#[test]
fn a_leg_that_is_called_through_another_trunk_begins_anew() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = bridged(&plane, &mut a, &mut b);
    let mut other = Phone::new(Codec::Pcma);
    other.join(&mut call, Leg::B, LegSettings::default());
    frame();
    other.say(&speech(1));
    a.await_other(&speech(1), Codec::Pcma);
    a.say(&speech(2));
    other.await_other(&speech(2), Codec::Pcmu);
    assert_eq!(plane.counts().ports, 2);
}

#[test]
fn both_hear_the_beep_over_whatever_they_hear() {
    let plane = plane();
    for speaks in [true, false] {
        let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcma));
        let mut call = bridged(&plane, &mut a, &mut b);
        std::thread::sleep(Duration::from_millis(100));
        a.heard();
        b.heard();
        call.beep();
        for _ in 0..20 {
            // A pair of codes that are quiet in either law, and not the same sound.
            if speaks {
                a.say(&[0xEF; 160]);
                b.say(&[0xC5; 160]);
            }
            frame();
        }
        for phone in [&a, &b] {
            let heard = phone.heard();
            let mut loud = 0;
            let mut linear = [0_i16; 160];
            for heard in &heard {
                phone.codec.decode(&heard.payload, &mut linear);
                loud += usize::from(linear.iter().any(|sample| *sample > 1_000));
            }
            assert!((9..=11).contains(&loud), "{loud} of {}, speaks: {speaks}", heard.len());
            assert_one_stream(&heard);
            assert_eq!(heard.len() >= 20, speaks, "{}", heard.len());
        }
    }
}
