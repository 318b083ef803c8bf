//! How media comes through: counted, told by RTCP, and missed when there is none.

use std::time::Duration;

use engine::carrier::Leg;
use engine::media::{Event, LegSettings, MediaSettings, Plane};
use voip::g711::Codec;
use voip::rtcp::{Block, Report, SIZE_MAX, Sent};
use voip::sdp::Direction;

use crate::phone::{PATIENCE, Phone, close, event, event_within, frame, plane, settings, speech};

/// The next report of the plane that the phone gets.
fn report(phone: &Phone) -> Report {
    phone.rtcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut room = [0; 2_048];
    let bytes = phone.rtcp.recv(&mut room).expect("there is a report");
    Report::read(&room[..bytes], phone.next.ssrc).expect("it is one")
}

fn tell(phone: &Phone, report: Report) {
    let mut datagram = [0; SIZE_MAX];
    let bytes = report.write("phone", &mut datagram);
    let mut server = phone.server;
    server.set_port(server.port() + 1);
    phone.rtcp.send_to(&datagram[..bytes], server).unwrap();
}

#[test]
fn loss_and_jitter_are_counted_and_told_both_ways() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    let ours = a.hear().unwrap().header.ssrc;
    // A tenth is lost, and every other packet comes late.
    for number in 0..60 {
        match number % 10 {
            3 => a.lose(160),
            _ => a.say(&speech(number)),
        }
        if number % 2 == 1 {
            frame();
        }
    }
    let told = report(&a);
    assert_eq!(told.ssrc, ours);
    let (sent, block) = (told.sent.unwrap(), told.block.unwrap());
    assert_eq!((block.ssrc, block.lost), (a.next.ssrc, 6));
    assert!((20..30).contains(&block.fraction_lost), "{}", block.fraction_lost);
    assert!((40..240).contains(&block.jitter), "{}", block.jitter);
    assert!(sent.packets > 20 && sent.octets == sent.packets * 160, "{sent:?}");

    let block = Block {
        ssrc: ours,
        lost: 7,
        jitter: 24,
        last_report: (sent.ntp >> 16) as u32,
        ..Block::default()
    };
    tell(&a, Report { ssrc: a.next.ssrc, sent: None, block: Some(block), bye: false });
    frame();
    close(&mut call);
    let quality = call.quality(Leg::A).unwrap();
    assert_eq!((quality.received, quality.lost), (54, 6));
    assert!(quality.sent >= u64::from(sent.packets));
    assert!((5..30).contains(&quality.jitter.as_millis()), "{:?}", quality.jitter);
    let far_end = quality.far_end.unwrap();
    assert_eq!((far_end.lost, far_end.jitter), (7, Duration::from_millis(3)));
    assert!(far_end.round_trip.unwrap() < Duration::from_secs(1), "{far_end:?}");
    let last = std::iter::from_fn(|| Some(report(&a))).find(|report| report.bye);
    assert_eq!(last.unwrap().ssrc, ours);
    assert_eq!(call.quality(Leg::B), None);
}

#[test]
fn a_report_that_is_answered_says_how_long_that_took() {
    let plane = plane();
    let mut call = plane.call();
    let mut a = Phone::new(Codec::Pcmu);
    a.join(&mut call, Leg::A, LegSettings::default());
    a.say(&speech(1));
    let ntp = 0x0123_4567_89AB_CDEF;
    let sent = Sent { ntp, timestamp: 0, packets: 1, octets: 160 };
    tell(&a, Report { ssrc: a.next.ssrc, sent: Some(sent), block: None, bye: false });
    let block = report(&a).block.unwrap();
    assert_eq!(block.last_report, 0x4567_89AB);
    let delay = Duration::from_secs(1) * block.delay / 65_536;
    assert!(delay > Duration::from_millis(500) && delay < PATIENCE, "{delay:?}");
}

#[test]
fn neither_leg_heard_for_long_is_told_and_one_is_enough() {
    let plane =
        Plane::start(MediaSettings { silence: Duration::from_millis(300), ..settings() }).unwrap();
    let mut call = plane.call();
    let (mut a, mut b) = (Phone::new(Codec::Pcmu), Phone::new(Codec::Pcmu));
    a.join(&mut call, Leg::A, LegSettings::default());
    b.join(&mut call, Leg::B, LegSettings::default());
    for number in 0..10 {
        b.say(&speech(number));
        assert_eq!(event_within(&mut call, Duration::from_millis(50)), None);
    }
    assert_eq!(event(&mut call), Event::Silence);
    // It goes on, and is told again.
    assert_eq!(event(&mut call), Event::Silence);
    // Whoever is to be silent is not missed, nor is whoever has put the call on hold.
    for held in [Direction::Inactive, Direction::SendOnly] {
        call.connect(Leg::A, a.peer(held));
        while event_within(&mut call, Duration::from_millis(30)).is_some() {}
        assert_eq!(event_within(&mut call, Duration::from_millis(500)), None, "{held:?}");
        call.connect(Leg::A, a.peer(Direction::SendReceive));
        assert_eq!(event_within(&mut call, Duration::from_millis(150)), None);
        assert_eq!(event(&mut call), Event::Silence);
    }
}
