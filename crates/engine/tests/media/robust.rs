//! What the network, other processes and full houses do to the plane.

use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::carrier::{Audio, Leg};
use engine::media::{Event, LegSettings, MediaSettings, Plane};
use voip::g711::Codec;

use crate::phone::{PATIENCE, Phone, bridged, close, event, frame, plane, settings, speech};

pub(crate) fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it does not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn ports_run_out_and_come_back() {
    let plane = Plane::start(MediaSettings { ports: 20_001..=20_006, ..settings() }).unwrap();
    let mut call = plane.call();
    let a = call.open(Leg::A, LegSettings::default()).unwrap();
    let b = call.open(Leg::B, LegSettings::default()).unwrap();
    let mut ports = [a.port(), b.port()];
    ports.sort_unstable();
    assert_eq!(ports, [20_002, 20_004]);
    let mut other = plane.call();
    let error = other.open(Leg::A, LegSettings::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(error.to_string(), "no port of the media range is free");
    call.close_leg(Leg::A);
    until(|| plane.counts().ports == 1);
    assert_eq!(other.open(Leg::A, LegSettings::default()).unwrap().port(), a.port());
}

#[test]
fn ports_of_other_processes_are_passed_over() {
    let settings = settings();
    let bind = settings.bind;
    let plane = Plane::start(MediaSettings { ports: 20_000..=20_005, ..settings }).unwrap();
    // An RTCP port is enough to spoil a pair.
    let _others: Vec<UdpSocket> =
        [20_000, 20_003].map(|port| UdpSocket::bind((bind, port)).unwrap()).into();
    let mut call = plane.call();
    let opened = call.open(Leg::A, LegSettings::default()).unwrap();
    assert_eq!(opened.port(), 20_004);
    assert!(call.open(Leg::B, LegSettings::default()).is_err());
    assert_eq!(plane.counts().ports, 1);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let any: IpAddr = [0, 0, 0, 0].into();
    let refused = |settings| Plane::start(settings).err().map(|error| error.kind());
    assert_eq!(refused(MediaSettings::on(any)), Some(ErrorKind::InvalidInput));
    let narrow = MediaSettings { ports: 20_001..=20_002, ..settings() };
    assert_eq!(refused(narrow), Some(ErrorKind::InvalidInput));
    let told = [203, 0, 113, 9].into();
    let nat = MediaSettings { advertised: Some(told), ..settings() };
    let plane = Plane::start(nat).unwrap();
    assert_eq!(plane.call().open(Leg::A, LegSettings::default()).unwrap().ip(), told);
}

#[test]
fn two_hundred_calls_leave_nothing_behind() {
    let plane = plane();
    let mut calls: Vec<_> = (0..200)
        .map(|_| {
            let mut call = plane.call();
            let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcma));
            a.join(&mut call, Leg::A, LegSettings::default());
            b.join(&mut call, Leg::B, LegSettings::default());
            call.bridge();
            (call, a, b)
        })
        .collect();
    assert_eq!(plane.counts().ports, 400);
    for (_, a, b) in &mut calls {
        a.say(&speech(1));
        b.say(&speech(2));
    }
    for (_, a, b) in &calls {
        b.await_other(&speech(1), Codec::Pcmu);
        a.await_other(&speech(2), Codec::Pcma);
    }
    drop(calls);
    until(|| plane.counts().ports == 0);
    assert_eq!(plane.counts().broken, 0);
}

#[test]
fn a_plane_that_ends_ends_its_calls() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut call = bridged(&plane, &mut a, &mut b);
    call.record();
    drop(plane);
    assert!(call.quality(Leg::B).unwrap().received > 0);
    call.bridge();
    assert!(close(&mut call).len() <= 1);
}

#[test]
fn rubbish_is_dropped_and_the_call_goes_on() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let call = bridged(&plane, &mut a, &mut b);
    let mut rng = fastrand::Rng::with_seed(7);
    let good = a.packet(&speech(1));
    for round in 0..5_000 {
        let mut datagram = good.clone();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..datagram.len());
            datagram[at] = rng.u8(..);
        }
        datagram.truncate(rng.usize(..=datagram.len()));
        let mut server = a.server;
        server.set_port(server.port() + round % 2);
        let socket = if round % 2 == 0 { &a.rtp } else { &a.rtcp };
        socket.send_to(&datagram, server).unwrap();
        if round % 50 == 0 {
            std::thread::sleep(Duration::from_millis(1));
            b.heard();
        }
    }
    a.rtp.send_to(&[0x80; 9_000], a.server).unwrap();
    a.rtp.send_to(&[], a.server).unwrap();
    // Wherever the mutants have led the stream: another one is taken up at once.
    a.next.ssrc ^= 1;
    a.say(&speech(2));
    b.await_voice(&speech(2));
    let counts = plane.counts();
    assert!(counts.unfit > 1_000, "{counts:?}");
    assert_eq!(counts.broken, 0);
    drop(call);
}

#[test]
fn a_flood_does_not_hold_up_the_others() {
    let plane = Plane::start(MediaSettings { threads: 1, ..settings() }).unwrap();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let mut flooded = bridged(&plane, &mut a, &mut b);
    let mut call = plane.call();
    let mut other = Phone::new(Codec::Pcmu);
    other.join(&mut call, Leg::A, LegSettings::default());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
            let packet = b"\x80\x00 to the port of another far end";
            while !over.load(Ordering::Relaxed) {
                for _ in 0..50 {
                    let _ = stranger.send_to(packet, a.server);
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        until(|| plane.counts().foreign > 5_000);
        call.play(Audio::new(vec![0x21; 8_000]));
        let begun = Instant::now();
        assert_eq!(event(&mut call), Event::PromptFinished);
        let took = begun.elapsed();
        over.store(true, Ordering::Relaxed);
        assert!(took < Duration::from_millis(1_300), "{took:?}");
    });
    let said = other.heard().iter().filter(|heard| heard.payload == [0x21; 160]).count();
    assert_eq!(said, 50);
    frame();
    a.say(&speech(3));
    b.await_voice(&speech(3));
    close(&mut flooded);
}

#[test]
fn a_far_end_that_has_gone_harms_nobody() {
    let plane = plane();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    let _call = bridged(&plane, &mut a, &mut b);
    drop(b);
    for number in 0..5 {
        a.say(&speech(number));
        frame();
    }
    let mut c = Phone::new(Codec::Pcmu);
    let mut d = Phone::new(Codec::Pcmu);
    let _other = bridged(&plane, &mut c, &mut d);
    assert_eq!(plane.counts().broken, 0);
}
