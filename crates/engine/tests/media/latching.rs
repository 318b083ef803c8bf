//! Whose packets are taken for a leg's.

use std::net::UdpSocket;

use engine::carrier::Leg;
use engine::media::{CallMedia, Latching, LegSettings, Plane};
use voip::g711::Codec;
use voip::sdp::Direction;

use crate::phone::{Phone, frame, own_address, plane, speech};

/// A call whose leg A is to be latched; B hears what is taken for A's.
fn call(plane: &Plane, a: &mut Phone, b: &mut Phone, latching: Latching) -> CallMedia {
    let mut call = plane.call();
    let settings = LegSettings { latching, ..LegSettings::default() };
    a.join(&mut call, Leg::A, settings);
    b.join(&mut call, Leg::B, LegSettings::default());
    call.bridge();
    frame();
    call
}

/// Says that from another socket, as A does.
fn say_from(socket: &UdpSocket, a: &mut Phone, codes: &[u8]) {
    let packet = a.packet(codes);
    socket.send_to(&packet, a.server).unwrap();
}

fn elsewhere() -> UdpSocket {
    UdpSocket::bind((own_address(), 0)).unwrap()
}

fn another_port() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// What B hears of A is only that.
#[track_caller]
fn assert_only(plane: &Plane, a: &mut Phone, b: &Phone, foreign: u64) {
    a.say(&speech(99));
    // Until the bridge, B hears silence.
    let heard = std::iter::from_fn(|| b.hear()).find(|heard| heard.payload != [0xFF; 160]);
    assert_eq!(heard.unwrap().payload, speech(99));
    let until = std::time::Instant::now() + crate::phone::PATIENCE;
    while plane.counts().foreign < foreign && std::time::Instant::now() < until {
        frame();
    }
    assert_eq!(plane.counts().foreign, foreign);
}

#[test]
fn strangers_are_not_heard() {
    let plane = plane();
    for (latching, stranger) in [
        (Latching::Strict, another_port()),
        (Latching::Strict, elsewhere()),
        (Latching::Host, elsewhere()),
    ] {
        let before = plane.counts().foreign;
        let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
        let _call = call(&plane, &mut a, &mut b, latching);
        for number in 0..5 {
            say_from(&stranger, &mut a, &speech(number));
        }
        assert_only(&plane, &mut a, &b, before + 5);
    }
}

#[test]
fn once_it_is_known_nobody_else_is_heard() {
    let plane = plane();
    for latching in [Latching::Host, Latching::Anyone] {
        let before = plane.counts().foreign;
        let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
        let _call = call(&plane, &mut a, &mut b, latching);
        a.say(&speech(1));
        b.await_voice(&speech(1));
        for (number, stranger) in (2..).zip([another_port(), elsewhere()]) {
            say_from(&stranger, &mut a, &speech(number));
        }
        assert_only(&plane, &mut a, &b, before + 2);
    }
}

#[test]
fn a_far_end_behind_a_nat_is_heard_and_answered_where_it_is() {
    let plane = plane();
    for (latching, nat) in [(Latching::Host, another_port()), (Latching::Anyone, elsewhere())] {
        let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
        let mut call = call(&plane, &mut a, &mut b, latching);
        // Rubbish proves nothing.
        another_port().send_to(b"no RTP at all, but long enough", a.server).unwrap();
        say_from(&nat, &mut a, &speech(1));
        b.await_voice(&speech(1));
        // It is answered there, and that does not change when it says the same again.
        let told = a.peer(Direction::SendReceive);
        a.rtp = nat;
        b.say(&speech(2));
        a.await_voice(&speech(2));
        call.connect(Leg::A, told);
        frame();
        say_from(&another_port(), &mut a, &speech(3));
        a.say(&speech(4));
        assert_eq!(b.hear().unwrap().payload, speech(4));
        b.say(&speech(5));
        a.await_voice(&speech(5));
    }
}

#[test]
fn a_far_end_that_says_it_has_moved_is_heard_from_there() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = call(&plane, &mut a, &mut b, Latching::Strict);
    a.say(&speech(1));
    b.await_voice(&speech(1));
    let before = std::mem::replace(&mut a.rtp, elsewhere());
    call.connect(Leg::A, a.peer(Direction::SendReceive));
    frame();
    b.say(&speech(2));
    a.await_voice(&speech(2));
    say_from(&before, &mut a, &speech(3));
    a.say(&speech(4));
    assert_eq!(b.hear().unwrap().payload, speech(4));
}

#[test]
fn who_said_the_address_displaces_who_was_first() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let _call = call(&plane, &mut a, &mut b, Latching::Anyone);
    let stranger = elsewhere();
    say_from(&stranger, &mut a, &speech(1));
    b.await_voice(&speech(1));
    a.say(&speech(2));
    b.await_voice(&speech(2));
    say_from(&stranger, &mut a, &speech(3));
    assert_only(&plane, &mut a, &b, 1);
}
