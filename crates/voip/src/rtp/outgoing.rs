//! What one leg is sent: one stream, whoever speaks.

use super::{Header, Packet, ahead};

/// The stream towards one leg. Prompt, ringback, keys and the other leg follow one another in it
/// under one source, with sequence numbers and timestamps that never jump: far ends that meet a new
/// source may fall silent, or take the first packet of it for a late one.
#[derive(Clone, Debug)]
pub struct Outgoing {
    ssrc: u32,
    /// Of the next packet.
    sequence: u16,
    timestamp: u32,
    source: Option<Source>,
    /// The next packet begins a stretch of speech.
    begins: bool,
    packets: u32,
    octets: u32,
}

/// The stream that is relayed, and by how much its numbers differ from ours.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// Our first sequence number of it, as long as something older could still come: that was
    /// somebody else's.
    first: Option<u16>,
}

/// A stream further ahead than that has begun anew (RFC 3550, A.1: MAX_DROPOUT).
const DROPOUT: i16 = 3_000;
/// One further behind than that too (MAX_MISORDER).
const MISORDER: i16 = 100;
/// Nobody is silent for half a minute within one stream of timestamps.
const PAUSE: u32 = 30 * crate::RATE;

impl Outgoing {
    /// A stream from that packet on. All three should be chance (RFC 3550, 5.1).
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self { ssrc, sequence, timestamp, source: None, begins: true, packets: 0, octets: 0 }
    }

    /// The next packet, of sound that we have made: so many samples, a byte each.
    pub fn voice(&mut self, payload_type: u8, samples: u32) -> Header {
        self.source = None;
        let marker = std::mem::take(&mut self.begins);
        let header = self.next(marker, payload_type, self.timestamp, samples);
        self.timestamp = self.timestamp.wrapping_add(samples);
        header
    }

    /// The next packet of an event that began at that timestamp. Time is to pass by
    /// [`pass`](Self::pass).
    pub fn event(&mut self, payload_type: u8, begun: u32, marker: bool) -> Header {
        self.source = None;
        self.next(marker, payload_type, begun, 4)
    }

    /// A packet of another stream, that of the other leg, as it is told to this one: `samples` is
    /// how long it lasts, 0 for an event. Gaps and order are those of that stream, so that the far
    /// end knows of a loss; none if it is older than what we have sent since.
    pub fn relay(&mut self, packet: &Packet<'_>, payload_type: u8, samples: u32) -> Option<Header> {
        let theirs = packet.header;
        let mut source = match self.source {
            Some(source) if self.continues(&source, &theirs) => source,
            _ => self.begin(&theirs),
        };
        let sequence = theirs.sequence.wrapping_add(source.sequence);
        if source.first.is_some_and(|first| ahead(first, sequence) < 0) {
            return None;
        }
        source.first = source.first.filter(|first| ahead(*first, self.sequence) <= MISORDER);
        self.source = Some(source);
        let timestamp = theirs.timestamp.wrapping_add(source.timestamp);
        let marker = theirs.marker | std::mem::take(&mut self.begins);
        if ahead(self.sequence, sequence) >= 0 {
            self.sequence = sequence.wrapping_add(1);
        }
        let end = timestamp.wrapping_add(samples);
        if end.wrapping_sub(self.timestamp).cast_signed() > 0 {
            self.timestamp = end;
        }
        self.count(packet.payload.len());
        Some(Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc })
    }

    /// Lets time pass, in samples, in which nothing was sent. What comes next begins a stretch.
    pub fn pass(&mut self, samples: u32) {
        self.source = None;
        self.begins = true;
        self.timestamp = self.timestamp.wrapping_add(samples);
    }

    /// Its source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp of what is sent next.
    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Packets sent so far.
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// Bytes of payload sent so far.
    pub fn octets(&self) -> u32 {
        self.octets
    }

    fn next(&mut self, marker: bool, payload_type: u8, timestamp: u32, octets: u32) -> Header {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        self.count(octets as usize);
        Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }

    fn count(&mut self, octets: usize) {
        self.packets = self.packets.wrapping_add(1);
        #[expect(clippy::cast_possible_truncation, reason = "the counter wraps (RFC 3550, 6.4.1)")]
        let octets = octets as u32;
        self.octets = self.octets.wrapping_add(octets);
    }

    fn continues(&self, source: &Source, theirs: &Header) -> bool {
        let sequence = theirs.sequence.wrapping_add(source.sequence);
        let timestamp = theirs.timestamp.wrapping_add(source.timestamp);
        source.ssrc == theirs.ssrc
            && (-MISORDER..DROPOUT).contains(&ahead(self.sequence, sequence))
            && timestamp.wrapping_sub(self.timestamp).cast_signed().unsigned_abs() < PAUSE
    }

    /// Its first packet becomes our next one.
    fn begin(&mut self, theirs: &Header) -> Source {
        self.begins = true;
        Source {
            ssrc: theirs.ssrc,
            sequence: self.sequence.wrapping_sub(theirs.sequence),
            timestamp: self.timestamp.wrapping_sub(theirs.timestamp),
            first: Some(self.sequence),
        }
    }
}
