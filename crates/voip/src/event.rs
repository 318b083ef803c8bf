//! Keys as events in the RTP stream (RFC 4733).
//!
//! A key is a handful of packets with one timestamp, that of its beginning; the last is sent three
//! times. What of it is lost does not matter as long as one arrives.

use crate::FRAME;
use crate::rtp::{Header, Outgoing};

/// What an event packet carries: which event, whether it is over, how loud, and for how long.
pub type Payload = [u8; 4];

/// The keys in the order of their codes (RFC 4733, table 3).
const KEYS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// Samples that a key is held: 100 ms; every receiver must take 40 ms.
const HELD: u16 = 800;
/// The last packet and its two repetitions (RFC 4733, 2.5.1.4).
const ENDS: u8 = 3;
/// -10 dBm0, as loud as a telephone sends it.
const VOLUME: u8 = 10;
const END: u8 = 0x80;

/// A key being sent.
#[derive(Clone, Debug)]
pub struct Sender {
    code: u8,
    /// The timestamp of its beginning, once it has begun.
    begun: Option<u32>,
    duration: u16,
    ends: u8,
}

impl Sender {
    /// Will send that key, held for 100 ms; none if there is no such key.
    pub fn new(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        let code = KEYS.iter().position(|known| *known == key)?;
        Some(Self { code: u8::try_from(code).ok()?, begun: None, duration: 0, ends: 0 })
    }

    /// The packet of the next 20 ms, which no voice is to be sent in; none once the key is told.
    /// Before another one, at least two frames of something else must be sent, or the far end may
    /// take both for one.
    pub fn next(&mut self, outgoing: &mut Outgoing, payload_type: u8) -> Option<(Header, Payload)> {
        if self.ends == ENDS {
            return None;
        }
        let first = self.begun.is_none();
        let begun = *self.begun.get_or_insert(outgoing.timestamp());
        let header = outgoing.event(payload_type, begun, first);
        outgoing.pass(FRAME as u32);
        if self.ends == 0 {
            self.duration += FRAME as u16;
        }
        let mut flags = VOLUME;
        if self.duration >= HELD {
            self.ends += 1;
            flags |= END;
        }
        let [d1, d0] = self.duration.to_be_bytes();
        Some((header, [self.code, flags, d1, d0]))
    }
}

/// Tells each key once, at the first packet of it that arrives: no waiting for an end that may be
/// lost, and no packet twice.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    last: Option<Heard>,
}

/// The newest packet of the newest key.
#[derive(Clone, Copy, Debug)]
struct Heard {
    ssrc: u32,
    begun: u32,
    code: u8,
    duration: u16,
    sequence: u16,
    over: bool,
}

impl Receiver {
    /// The key in a packet of events, if it has not been told before.
    pub fn hear(&mut self, header: &Header, payload: &[u8]) -> Option<char> {
        let &[code, flags, d1, d0] = payload.first_chunk::<4>()?;
        let key = *KEYS.get(usize::from(code))?;
        let heard = Heard {
            ssrc: header.ssrc,
            begun: header.timestamp,
            code,
            duration: u16::from_be_bytes([d1, d0]),
            sequence: header.sequence,
            over: flags & END != 0,
        };
        let Some(last) = self.last.filter(|last| last.ssrc == heard.ssrc) else {
            self.last = Some(heard);
            return Some(key);
        };
        let later = heard.begun.wrapping_sub(last.begun).cast_signed();
        let overtaken =
            later < 0 || later == 0 && heard.sequence.wrapping_sub(last.sequence) > 0x7FFF;
        if overtaken && !last.is_forgotten(later) {
            return None;
        }
        self.last = Some(heard);
        let same = later == 0 && last.code == code || last.goes_on_in(&heard);
        (!same).then_some(key)
    }
}

impl Heard {
    /// Whether `next`, of a later timestamp, is the same press of the same key.
    fn goes_on_in(&self, next: &Self) -> bool {
        if self.over || self.code != next.code {
            return false;
        }
        // A key held for longer than the field can tell goes on in a segment of its own
        // (RFC 4733, 2.5.1.3). And there are gateways that stamp every packet with its own time.
        let segment = self.duration == u16::MAX
            && next.begun.wrapping_sub(self.begun) == u32::from(self.duration);
        let stamped =
            next.sequence == self.sequence.wrapping_add(1) && next.duration > self.duration;
        segment || stamped
    }

    /// Nothing is overtaken by ten seconds: the timestamps have begun anew.
    fn is_forgotten(&self, later: i32) -> bool {
        later.unsigned_abs() > 10 * crate::RATE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(key: char, out: &mut Outgoing) -> Vec<(Header, Payload)> {
        let mut sender = Sender::new(key).unwrap();
        std::iter::from_fn(|| sender.next(out, 101)).collect()
    }

    fn heard<'a>(packets: impl IntoIterator<Item = &'a (Header, Payload)>) -> String {
        let mut receiver = Receiver::default();
        packets.into_iter().filter_map(|(header, payload)| receiver.hear(header, payload)).collect()
    }

    #[test]
    fn a_key_as_the_standard_draws_it() {
        let mut out = Outgoing::new(1, 10, 8000);
        out.voice(0, 160);
        let packets = sent('#', &mut out);
        let seen: Vec<_> =
            packets.iter().map(|(header, payload)| (header.sequence, *payload)).collect();
        let of = |flags, duration: u16| {
            [11, flags, duration.to_be_bytes()[0], duration.to_be_bytes()[1]]
        };
        assert_eq!(
            seen,
            [
                (11, of(10, 160)),
                (12, of(10, 320)),
                (13, of(10, 480)),
                (14, of(10, 640)),
                (15, of(0x8A, 800)),
                (16, of(0x8A, 800)),
                (17, of(0x8A, 800)),
            ]
        );
        assert!(packets.iter().all(|(header, _)| header.timestamp == 8160));
        let marked: Vec<_> = packets.iter().map(|(header, _)| header.marker).collect();
        assert_eq!(marked, [true, false, false, false, false, false, false]);
        let after = out.voice(0, 160);
        assert_eq!((after.sequence, after.timestamp), (18, 8160 + 7 * 160));
    }

    #[test]
    fn every_key_is_told_once() {
        let mut out = Outgoing::new(1, 65_530, u32::MAX - 5000);
        let keys = "0123456789*#ABCD5500";
        let packets: Vec<_> = keys.chars().flat_map(|key| sent(key, &mut out)).collect();
        assert_eq!(heard(&packets), keys);
        let twice: Vec<_> = packets.iter().flat_map(|packet| [*packet, *packet]).collect();
        assert_eq!(heard(&twice), keys);
        assert_eq!(sent('d', &mut out)[0].1[0], 15);
        assert!(Sender::new('x').is_none());
    }

    #[test]
    fn one_packet_of_a_key_is_enough() {
        let mut out = Outgoing::new(1, 0, 0);
        let packets: Vec<_> = "77".chars().flat_map(|key| sent(key, &mut out)).collect();
        for first in 0..7 {
            for second in 7..14 {
                assert_eq!(heard([&packets[first], &packets[second]]), "77", "{first} {second}");
            }
        }
    }

    #[test]
    fn order_does_not_matter() {
        let mut out = Outgoing::new(1, 65_532, 0);
        let mut packets: Vec<_> = "12".chars().flat_map(|key| sent(key, &mut out)).collect();
        packets[..7].reverse();
        assert_eq!(heard(&packets), "12");
        packets.swap(6, 8); // the last of 1 after the second of 2
        assert_eq!(heard(&packets), "12");
    }

    #[test]
    fn a_stream_that_begins_anew_is_heard() {
        let packet = |ssrc, sequence, timestamp| {
            let header = Header { marker: true, payload_type: 101, sequence, timestamp, ssrc };
            (header, [5, 0x8A, 3, 32])
        };
        assert_eq!(heard(&[packet(1, 9, 500_000), packet(2, 3, 100)]), "55", "another source");
        assert_eq!(heard(&[packet(1, 9, 500_000), packet(1, 3, 100)]), "55", "a minute back");
    }

    #[test]
    fn a_key_held_long_is_one() {
        let packet = |sequence, timestamp, duration: u16| {
            let header = Header { marker: false, payload_type: 101, sequence, timestamp, ssrc: 1 };
            let [d1, d0] = duration.to_be_bytes();
            (header, [5, 10, d1, d0])
        };
        assert_eq!(
            heard(&[packet(1, 0, 65_375), packet(2, 0, 65_535), packet(3, 65_535, 160)]),
            "5"
        );
        let stamped = [packet(1, 0, 160), packet(2, 160, 320), packet(3, 320, 480)];
        assert_eq!(heard(&stamped), "5", "every packet with its own time");
        assert_eq!(heard(&[packet(1, 0, 480), packet(2, 8000, 160)]), "55", "its end was lost");
    }

    #[test]
    fn keys_of_one_timestamp_are_told_apart() {
        let packet = |sequence, code| {
            let header =
                Header { marker: false, payload_type: 101, sequence, timestamp: 7, ssrc: 1 };
            (header, [code, 0x8A, 3, 32])
        };
        assert_eq!(heard(&[packet(1, 4), packet(2, 4), packet(3, 2), packet(2, 4)]), "42");
    }

    #[test]
    fn what_is_no_key_is_none() {
        let header =
            Header { marker: false, payload_type: 101, sequence: 0, timestamp: 0, ssrc: 1 };
        let mut receiver = Receiver::default();
        for payload in [&[16, 10, 0, 160][..], &[255, 0, 0, 0], &[5, 10, 0], &[]] {
            assert_eq!(receiver.hear(&header, payload), None);
        }
        assert_eq!(receiver.hear(&header, &[5, 10, 0, 160, 9, 9]), Some('5'), "with more behind");
    }
}
