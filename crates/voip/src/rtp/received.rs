//! What one leg sends, counted (RFC 3550, appendix A).

use std::time::Duration;

use super::{Header, ahead};

/// The stream from one leg: what arrived of it, what did not, and how evenly.
#[derive(Clone, Debug, Default)]
pub struct Received {
    stream: Option<Stream>,
    packets: u64,
    duplicates: u64,
    /// Lost of streams that have ended by now.
    lost: i64,
    restarts: u32,
    /// What the last report told of: expected and received.
    told: (u64, u64),
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The newest one so far.
    Next,
    /// The first of a stream; another one may have been before.
    First,
    /// Overtaken by a newer one.
    Late,
    /// It has been here before.
    Duplicate,
    /// Far from where the stream is. If the next one follows it, the stream has begun anew there.
    Stray,
}

/// One source, from its first sequence number on.
#[derive(Clone, Debug)]
struct Stream {
    ssrc: u32,
    /// The first sequence number, and the highest, extended by how often it has wrapped.
    first: u32,
    highest: u32,
    /// Which of the 64 before and including the highest have been here; bit 0 is the highest.
    seen: u64,
    received: u64,
    /// The sequence number that would prove a restart.
    restart: Option<u16>,
    timestamp: u32,
    transit: u32,
    /// Sixteen times the jitter, in samples (A.8).
    jitter: u32,
}

/// See RFC 3550, A.1.
const DROPOUT: i16 = 3_000;
const MISORDER: i16 = -100;

impl Received {
    /// Counts a packet that arrived at that time of our own clock, in samples.
    pub fn take(&mut self, header: &Header, arrived: u32) -> Arrival {
        let arrival = match &mut self.stream {
            Some(stream) if stream.ssrc == header.ssrc => stream.place(header.sequence),
            _ => Arrival::First,
        };
        match arrival {
            Arrival::First => self.begin(header, arrived),
            Arrival::Stray => return arrival,
            Arrival::Duplicate => {
                self.duplicates += 1;
                return arrival;
            }
            Arrival::Next | Arrival::Late => {}
        }
        self.packets += 1;
        if let Some(stream) = &mut self.stream {
            stream.received += 1;
            stream.time(header.timestamp, arrived);
        }
        arrival
    }

    /// Packets that arrived, each counted once.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets that arrived once more.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets that should have arrived and did not.
    pub fn lost(&self) -> u64 {
        let now = self.stream.as_ref().map_or(0, Stream::lost);
        (self.lost + now).try_into().unwrap_or(0)
    }

    /// How often the stream began anew, under another source or far away in the sequence.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// The mean deviation of the time between packets (A.8).
    pub fn jitter(&self) -> Duration {
        Duration::from_micros(u64::from(self.jitter_samples()) * 125)
    }

    /// The same in samples, as RTCP tells it.
    pub fn jitter_samples(&self) -> u32 {
        self.stream.as_ref().map_or(0, |stream| stream.jitter >> 4)
    }

    /// Whose stream it is now.
    pub fn ssrc(&self) -> Option<u32> {
        self.stream.as_ref().map(|stream| stream.ssrc)
    }

    /// The highest sequence number, extended by how often it has wrapped.
    pub fn highest(&self) -> u32 {
        self.stream.as_ref().map_or(0, |stream| stream.highest)
    }

    /// The part lost since the last time this was asked, of 256 (A.3).
    pub fn fraction_lost(&mut self) -> u8 {
        let Some(stream) = &self.stream else { return 0 };
        let (expected, received) = (stream.expected(), stream.received);
        let (expected_before, received_before) =
            std::mem::replace(&mut self.told, (expected, received));
        let expected = expected.saturating_sub(expected_before);
        let lost = expected.saturating_sub(received.saturating_sub(received_before));
        let part = (lost << 8).checked_div(expected).unwrap_or(0);
        u8::try_from(part).unwrap_or(u8::MAX)
    }

    fn begin(&mut self, header: &Header, arrived: u32) {
        if let Some(before) = self.stream.take() {
            self.lost += before.lost();
            self.restarts += 1;
        }
        self.told = (0, 0);
        self.stream = Some(Stream::begin(header, arrived));
    }
}

impl Stream {
    fn begin(header: &Header, arrived: u32) -> Self {
        let first = u32::from(header.sequence);
        Self {
            ssrc: header.ssrc,
            first,
            highest: first,
            seen: 1,
            received: 0,
            restart: None,
            timestamp: header.timestamp,
            transit: arrived.wrapping_sub(header.timestamp),
            jitter: 0,
        }
    }

    fn place(&mut self, sequence: u16) -> Arrival {
        #[expect(clippy::cast_possible_truncation, reason = "the number in the packet, unextended")]
        let distance = ahead(self.highest as u16, sequence);
        if !(MISORDER..DROPOUT).contains(&distance) {
            let again = self.restart == Some(sequence);
            self.restart = Some(sequence.wrapping_add(1));
            return if again { Arrival::First } else { Arrival::Stray };
        }
        self.restart = None;
        let steps = u32::from(distance.unsigned_abs());
        if distance > 0 {
            self.highest = self.highest.wrapping_add(steps);
            self.seen = self.seen.checked_shl(steps).unwrap_or(0) | 1;
            return Arrival::Next;
        }
        let Some(bit) = 1_u64.checked_shl(steps) else { return Arrival::Late };
        if self.seen & bit != 0 {
            return Arrival::Duplicate;
        }
        self.seen |= bit;
        // What came before the first was overtaken by it.
        self.first = self.first.min(self.highest.saturating_sub(steps));
        Arrival::Late
    }

    /// A.8. Packets of one event share a timestamp and say nothing of time.
    fn time(&mut self, timestamp: u32, arrived: u32) {
        if timestamp == self.timestamp {
            return;
        }
        let transit = arrived.wrapping_sub(timestamp);
        let change = transit.wrapping_sub(self.transit).cast_signed().unsigned_abs();
        self.timestamp = timestamp;
        self.transit = transit;
        let forgotten = self.jitter.saturating_add(8) >> 4;
        self.jitter = self.jitter.saturating_add(change) - forgotten;
    }

    fn expected(&self) -> u64 {
        u64::from(self.highest.wrapping_sub(self.first)) + 1
    }

    fn lost(&self) -> i64 {
        self.expected().cast_signed() - self.received.cast_signed()
    }
}
