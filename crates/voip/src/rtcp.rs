//! RTCP (RFC 3550, 6): reports of what was sent and how it arrived.
use std::time::Duration;
/// What a side has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When, in NTP's format.
    pub ntp: u64,
    /// The same instant in the stream's timestamps.
    pub timestamp: u32,
    /// Packets so far.
    pub packets: u32,
    /// Bytes of payload so far.
    pub octets: u32,
}
/// How a stream has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Whose stream.
    pub ssrc: u32,
    /// Lost since the last report, of 256.
    pub fraction_lost: u8,
    /// Lost in all.
    pub lost: u32,
    /// Highest sequence number, extended.
    pub highest: u32,
    /// In samples.
    pub jitter: u32,
    /// The middle of the `ntp` of the last report of that source.
    pub last_report: u32,
    /// How long ago that arrived, in 1/65536 s.
    pub delay: u32,
}
/// A datagram of RTCP, as far as it matters to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who tells it.
    pub ssrc: u32,
    /// What was sent.
    pub sent: Option<Sent>,
    /// How a stream arrived there.
    pub block: Option<Block>,
    /// The far end says good-bye.
    pub bye: bool,
}
/// Bytes that any report fits in.
pub const SIZE_MAX: usize = 512;
impl Report {
    /// Writes it, with that canonical name, and says how many bytes it took.
    pub fn write(&self, cname: &str, datagram: &mut [u8; SIZE_MAX]) -> usize {
        let _ = (cname, datagram);
        todo!()
    }
    /// Reads one; `block` is the one about the stream `ours`.
    pub fn read(datagram: &[u8], ours: u32) -> Option<Self> {
        let _ = (datagram, ours);
        todo!()
    }
}
impl Block {
    /// How long a packet takes there and back, when this has arrived at that NTP time.
    pub fn round_trip(&self, ntp: u64) -> Option<Duration> {
        let _ = ntp;
        todo!()
    }
}
