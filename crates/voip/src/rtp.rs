//! RTP (RFC 3550): the header of a packet, read and written.
//!
//! Streams of packets are for [`Outgoing`] and [`Received`].

mod outgoing;
mod received;
#[cfg(test)]
mod tests;

pub use outgoing::Outgoing;
pub use received::{Arrival, Received};

/// Bytes of a header as we write it.
pub const HEADER: usize = 12;

/// What a packet says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first one of a stretch of speech, or of an event.
    pub marker: bool,
    /// What the payload is; agreed in the SDP.
    pub payload_type: u8,
    /// One more with every packet.
    pub sequence: u16,
    /// One more with every sample.
    pub timestamp: u32,
    /// Whose stream it is.
    pub ssrc: u32,
}

/// A packet as it lies in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it says of itself.
    pub header: Header,
    /// What it carries, without padding.
    pub payload: &'a [u8],
}

impl Header {
    /// The bytes before the payload.
    pub fn write(&self) -> [u8; HEADER] {
        let [s1, s0] = self.sequence.to_be_bytes();
        let [t3, t2, t1, t0] = self.timestamp.to_be_bytes();
        let [i3, i2, i1, i0] = self.ssrc.to_be_bytes();
        let kind = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        [0x80, kind, s1, s0, t3, t2, t1, t0, i3, i2, i1, i0]
    }
}

impl<'a> Packet<'a> {
    /// The packet in a datagram, unless it is something else: too short, of another version, with
    /// more padding or extension than there is, or RTCP that was sent to the wrong port.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (fixed, rest) = datagram.split_first_chunk::<HEADER>()?;
        let [first, kind, s1, s0, t3, t2, t1, t0, i3, i2, i1, i0] = *fixed;
        // RTCP's types 192 to 223 look like a marker and 64 to 95, which RFC 5761, 4 keeps free.
        if first >> 6 != 2 || (192..=223).contains(&kind) {
            return None;
        }
        let mut payload = rest.get(usize::from(first & 0x0F) * 4..)?;
        if first & 0x10 != 0 {
            let (&[_, _, words1, words0], rest) = payload.split_first_chunk::<4>()?;
            payload = rest.get(usize::from(u16::from_be_bytes([words1, words0])) * 4..)?;
        }
        if first & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            if padding == 0 {
                return None;
            }
            payload = payload.get(..payload.len().checked_sub(padding)?)?;
        }
        let header = Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7F,
            sequence: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            ssrc: u32::from_be_bytes([i3, i2, i1, i0]),
        };
        Some(Self { header, payload })
    }
}

/// How far a sequence number is ahead of another; negative if behind. It wraps around.
pub(crate) fn ahead(of: u16, sequence: u16) -> i16 {
    sequence.wrapping_sub(of).cast_signed()
}
