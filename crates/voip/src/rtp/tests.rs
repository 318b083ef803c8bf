//! Packets and streams.

use std::time::Duration;

use super::*;

fn header(sequence: u16, timestamp: u32) -> Header {
    Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 0xCAFE }
}

fn packet(sequence: u16, timestamp: u32) -> Packet<'static> {
    Packet { header: header(sequence, timestamp), payload: &[0xFF; 160] }
}

#[test]
fn a_packet_is_read_as_it_was_written() {
    let header = Header {
        marker: true,
        payload_type: 101,
        sequence: 0xABCD,
        timestamp: 0x0102_0304,
        ssrc: 0xFEDC_BA98,
    };
    let mut datagram = header.write().to_vec();
    datagram.extend([1, 2, 3]);
    assert_eq!(Packet::parse(&datagram), Some(Packet { header, payload: &[1, 2, 3] }));
    assert_eq!(datagram[..4], [0x80, 0xE5, 0xAB, 0xCD]);
}

#[test]
fn sources_extension_and_padding_are_no_payload() {
    let mut datagram = header(1, 2).write().to_vec();
    datagram[0] = 0x80 | 0x20 | 0x10 | 2;
    datagram.extend([9; 8]); // two contributing sources
    datagram.extend([0xBE, 0xDE, 0, 1, 7, 7, 7, 7]); // an extension of one word
    datagram.extend([5, 6, 0, 0, 3]); // two samples, three bytes of padding
    assert_eq!(Packet::parse(&datagram).unwrap().payload, [5, 6]);
    for length in 0..datagram.len() - 1 {
        // Cut short, it is refused, or the last byte is taken for its padding; never more payload.
        let payload = Packet::parse(&datagram[..length]).map_or(0, |packet| packet.payload.len());
        assert!(payload <= 2, "{length}");
    }
}

#[test]
fn what_is_no_rtp_is_refused() {
    let fine = header(1, 2).write();
    assert_eq!(Packet::parse(&fine).unwrap().payload, []);
    let with = |at: usize, byte: u8, payload: &[u8]| {
        let mut datagram = fine.to_vec();
        datagram[at] = byte;
        datagram.extend(payload);
        Packet::parse(&datagram).is_some()
    };
    assert!(with(0, 0x80, &[1]));
    assert!(!with(0, 0x00, &[1]), "STUN, or version 0");
    assert!(!with(0, 0x40, &[1]), "version 1");
    assert!(!with(1, 200, &[0; 16]), "a sender report");
    assert!(!with(0, 0xA0, &[1, 0]), "no padding where there should be");
    assert!(!with(0, 0xA0, &[1, 3]), "more padding than there is");
    assert!(!with(0, 0x8F, &[1; 59]), "fewer sources than it says");
    assert!(!with(0, 0x90, &[0, 0, 0, 1, 1]), "less extension than it says");
    assert!(!with(0, 0x90, &[0, 0]), "no extension");
}

#[test]
fn no_datagram_makes_it_panic() {
    let mut chance = fastrand::Rng::with_seed(1889);
    for _ in 0..20_000 {
        let mut datagram = vec![0; chance.usize(..64)];
        chance.fill(&mut datagram);
        if let Some(first) = datagram.first_mut() {
            *first = *first & 0x3F | 0x80;
        }
        Packet::parse(&datagram);
    }
}

#[test]
fn prompt_ringback_and_bridge_are_one_stream() {
    let mut out = Outgoing::new(1, 65_534, u32::MAX - 100);
    let first = out.voice(0, 160);
    assert_eq!((first.marker, first.sequence, first.timestamp), (true, 65_534, u32::MAX - 100));
    let second = out.voice(0, 160);
    assert_eq!((second.marker, second.sequence, second.timestamp), (false, 65_535, 59));
    // The other leg's numbers have nothing to do with ours.
    let third = out.relay(&packet(500, 77_000), 8, 160).unwrap();
    assert_eq!((third.marker, third.sequence, third.timestamp), (true, 0, 219));
    assert_eq!((third.payload_type, third.ssrc), (8, 1));
    let fourth = out.relay(&packet(501, 77_160), 8, 160).unwrap();
    assert_eq!((fourth.marker, fourth.sequence, fourth.timestamp), (false, 1, 379));
    let fifth = out.voice(0, 160);
    assert_eq!((fifth.marker, fifth.sequence, fifth.timestamp), (false, 2, 539));
    assert_eq!((out.packets(), out.octets()), (5, 800));
}

#[test]
fn loss_and_order_are_those_of_the_stream_relayed() {
    let mut out = Outgoing::new(1, 10, 1000);
    let mut relay = |sequence: u16| {
        let packet = packet(sequence, u32::from(sequence) * 160);
        out.relay(&packet, 0, 160).map(|h| (h.sequence, h.timestamp))
    };
    assert_eq!(relay(100), Some((10, 1000)));
    assert_eq!(relay(103), Some((13, 1480)));
    assert_eq!(relay(102), Some((12, 1320)));
    assert_eq!(relay(104), Some((14, 1640)));
    assert_eq!(relay(99), None, "ours were before");
    assert_eq!(out.timestamp(), 1800);
    assert_eq!(out.voice(0, 160).sequence, 15);
}

#[test]
fn a_long_stream_is_relayed_to_its_end() {
    let mut out = Outgoing::new(1, 10, 1000);
    let mut expected = 10_u16;
    for n in 0..70_000_u32 {
        let sequence = u16::try_from(n % 65_536).unwrap();
        let relayed = out.relay(&packet(sequence, n * 160), 0, 160).unwrap();
        assert_eq!((relayed.sequence, relayed.timestamp), (expected, 1000 + n * 160), "{n}");
        // A packet that was overtaken by this one, after however long.
        if n > 2 {
            let late = packet(sequence.wrapping_sub(2), (n - 2) * 160);
            let relayed = out.relay(&late, 0, 160).unwrap();
            assert_eq!(relayed.sequence, expected.wrapping_sub(2), "{n}");
        }
        expected = expected.wrapping_add(1);
    }
}

#[test]
fn a_stream_that_begins_anew_goes_on_where_we_are() {
    let mut out = Outgoing::new(1, 10, 1000);
    out.relay(&packet(100, 0), 0, 160);
    let restarted = out.relay(&packet(30_000, 160), 0, 160).unwrap();
    assert_eq!((restarted.marker, restarted.sequence, restarted.timestamp), (true, 11, 1160));
    let mut other = packet(7, 7);
    other.header.ssrc = 2;
    let other = out.relay(&other, 0, 160).unwrap();
    assert_eq!((other.marker, other.sequence, other.timestamp), (true, 12, 1320));
    // However well its numbers would fit.
    let mut third = packet(8, 167);
    third.header.ssrc = 3;
    let third = out.relay(&third, 0, 160).unwrap();
    assert_eq!((third.marker, third.sequence, third.timestamp), (true, 13, 1480));
    // An hour of timestamps in one step is no pause.
    let mut jumped = packet(8, 28_800_000);
    jumped.header.ssrc = 3;
    assert_eq!(out.relay(&jumped, 0, 160).unwrap().timestamp, 1640);
}

#[test]
fn after_a_silence_the_stream_is_marked() {
    let mut out = Outgoing::new(1, 0, 0);
    out.voice(0, 160);
    out.pass(1600);
    let next = out.voice(0, 160);
    assert_eq!((next.marker, next.sequence, next.timestamp), (true, 1, 1760));
}

#[test]
fn a_stream_without_loss() {
    let mut received = Received::default();
    assert_eq!(received.take(&header(65_000, 0), 0), Arrival::First);
    for n in 1..70_000_u32 {
        #[expect(clippy::cast_possible_truncation, reason = "it wraps")]
        let sequence = 65_000_u16.wrapping_add(n as u16);
        assert_eq!(received.take(&header(sequence, n * 160), n * 160), Arrival::Next);
    }
    assert_eq!((received.packets(), received.lost(), received.duplicates()), (70_000, 0, 0));
    assert_eq!(received.highest(), 65_000 + 69_999);
    assert_eq!(received.jitter(), Duration::ZERO);
}

#[test]
fn lost_late_and_twice() {
    let mut received = Received::default();
    let mut take = |sequence| received.take(&header(sequence, u32::from(sequence) * 160), 0);
    assert_eq!(take(1000), Arrival::First);
    assert_eq!(take(1004), Arrival::Next);
    assert_eq!(take(1002), Arrival::Late);
    assert_eq!(take(1002), Arrival::Duplicate);
    assert_eq!(take(1004), Arrival::Duplicate);
    assert_eq!(take(999), Arrival::Late, "before the first that came");
    assert_eq!((received.packets(), received.lost(), received.duplicates()), (4, 2, 2));
    assert_eq!(received.fraction_lost(), 85); // 2 of 6
    let mut take = |sequence| received.take(&header(sequence, u32::from(sequence) * 160), 0);
    take(1005);
    take(1007);
    assert_eq!(received.fraction_lost(), 85); // 1 of 3 since
}

#[test]
fn a_stray_is_not_counted_and_two_in_a_row_begin_anew() {
    let mut received = Received::default();
    let mut take = |sequence| received.take(&header(sequence, 0), 0);
    assert_eq!(take(10), Arrival::First);
    assert_eq!(take(12), Arrival::Next);
    assert_eq!(take(40_000), Arrival::Stray);
    assert_eq!(take(13), Arrival::Next);
    assert_eq!(take(40_001), Arrival::Stray, "its neighbour was long ago");
    assert_eq!(take(40_002), Arrival::First);
    assert_eq!(take(40_003), Arrival::Next);
    assert_eq!((received.packets(), received.lost(), received.restarts()), (5, 1, 1));
}

#[test]
fn another_source_is_another_stream() {
    let mut received = Received::default();
    received.take(&header(10, 0), 0);
    received.take(&header(12, 320), 320);
    received.fraction_lost();
    let mut other = header(50_000, 9);
    other.ssrc = 1;
    assert_eq!(received.take(&other, 480), Arrival::First);
    assert_eq!((received.ssrc(), received.lost(), received.restarts()), (Some(1), 1, 1));
    other.sequence += 3;
    received.take(&other, 960);
    assert_eq!(received.fraction_lost(), 128); // 2 of 4, whatever was before
}

/// Every second packet 2 ms late: the deviation is 16 samples from one to the next.
#[test]
fn jitter_is_the_mean_deviation() {
    let mut received = Received::default();
    for n in 0..500_u16 {
        let due = u32::from(n) * 160;
        received.take(&header(n, due), due + u32::from(n % 2) * 16);
    }
    let jitter = received.jitter();
    assert!((1750..=2000).contains(&jitter.as_micros()), "{jitter:?}");
    // Packets of a key share the timestamp of its beginning; that is not jitter.
    for n in 500..510 {
        received.take(&header(n, 500 * 160), u32::from(n) * 160);
    }
    assert!(received.jitter() <= jitter);
}

#[test]
fn timestamps_without_sense_overflow_nothing() {
    let mut received = Received::default();
    let mut chance = fastrand::Rng::with_seed(3550);
    for n in 0..20_000 {
        let mut header = header(n * 3, chance.u32(..));
        header.sequence = header.sequence.wrapping_add(chance.u16(..300));
        received.take(&header, chance.u32(..));
    }
    assert!(received.jitter() > Duration::from_secs(3600));
}
