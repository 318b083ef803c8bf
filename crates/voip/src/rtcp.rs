//! RTCP (RFC 3550, 6): what each side tells the other of what it sent and how that arrived.
//!
//! A datagram is a report, the canonical name, and perhaps a good-bye. The clock is the caller's.

use std::time::Duration;

use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, RtcpPacketWriterExt, Sdes, SdesChunk,
    SdesItem, SenderReport,
};

use crate::rtp::Received;

/// Bytes that every report fits into.
pub const SIZE_MAX: usize = 512;

/// A datagram of RTCP, as far as it matters to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose report it is.
    pub ssrc: u32,
    /// What that side has sent, if it has sent anything.
    pub sent: Option<Sent>,
    /// How the other side's stream arrived there.
    pub block: Option<Block>,
    /// That side sends no more.
    pub bye: bool,
}

/// What a side has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When this was so, as [`ntp`] tells time.
    pub ntp: u64,
    /// The same instant in the timestamps of its stream.
    pub timestamp: u32,
    /// Packets.
    pub packets: u32,
    /// Bytes of payload.
    pub octets: u32,
}

/// How a stream has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Whose stream.
    pub ssrc: u32,
    /// What was lost since the report before, of 256.
    pub fraction_lost: u8,
    /// Packets lost in all. That more came than were sent is told as none lost.
    pub lost: u32,
    /// The highest sequence number, extended by how often it has wrapped.
    pub highest: u32,
    /// Interarrival jitter in samples.
    pub jitter: u32,
    /// The middle of `ntp` in the last report of that side; 0 if there was none.
    pub last_report: u32,
    /// How long before this that report came, in 1/65536 s.
    pub delay: u32,
}

/// A time since 1970 as NTP tells it: seconds since 1900, and in the lower half their fraction.
pub fn ntp(since_1970: Duration) -> u64 {
    const FROM_1900_TO_1970: u64 = 2_208_988_800;
    let seconds = since_1970.as_secs().wrapping_add(FROM_1900_TO_1970);
    let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
    (seconds << 32) | fraction
}

/// The middle of an NTP time: seconds modulo 65536, and in the lower half their fraction.
fn middle(ntp: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the middle is what is wanted")]
    let middle = (ntp >> 16) as u32;
    middle
}

fn in_65536ths(time: Duration) -> u32 {
    u32::try_from((time.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

impl Block {
    /// What to tell of a stream, whose side's last report came that long ago. It is told what was
    /// lost since this was asked the last time. None if nothing came.
    pub fn of(received: &mut Received, last_report: Option<(Sent, Duration)>) -> Option<Self> {
        let (last_report, delay) =
            last_report.map(|(sent, ago)| (middle(sent.ntp), in_65536ths(ago))).unwrap_or_default();
        Some(Self {
            ssrc: received.ssrc()?,
            fraction_lost: received.fraction_lost(),
            lost: u32::try_from(received.lost()).unwrap_or(u32::MAX),
            highest: received.highest(),
            jitter: received.jitter_samples(),
            last_report,
            delay,
        })
    }

    /// How long it takes to the far end and back, if this came from there at that time. None if it
    /// had no report of ours yet, or tells what cannot be.
    pub fn round_trip(&self, ntp: u64) -> Option<Duration> {
        if self.last_report == 0 {
            return None;
        }
        let since = middle(ntp).wrapping_sub(self.last_report).wrapping_sub(self.delay);
        let since = u64::try_from(since.cast_signed()).ok()?;
        Some(Duration::from_nanos((since * 1_000_000_000) >> 16))
    }

    fn read(block: &ReportBlock<'_>) -> Self {
        let lost = block.cumulative_lost();
        Self {
            ssrc: block.ssrc(),
            fraction_lost: block.fraction_lost(),
            // Signed, of 24 bits: duplicates make it negative.
            lost: if lost > LOST_MAX { 0 } else { lost },
            highest: block.extended_sequence_number(),
            jitter: block.interarrival_jitter(),
            last_report: block.last_sender_report_timestamp(),
            delay: block.delay_since_last_sender_report_timestamp(),
        }
    }

    fn builder(&self) -> rtcp_types::ReportBlockBuilder {
        ReportBlock::builder(self.ssrc)
            .fraction_lost(self.fraction_lost)
            .cumulative_lost(self.lost.min(LOST_MAX))
            .extended_sequence_number(self.highest)
            .interarrival_jitter(self.jitter)
            .last_sender_report_timestamp(self.last_report)
            .delay_since_last_sender_report_timestamp(self.delay)
    }
}

const LOST_MAX: u32 = 0x7F_FFFF;

impl Report {
    /// Writes it, under that canonical name, of which the first 255 bytes count, and says how many
    /// bytes it took.
    pub fn write(&self, cname: &str, datagram: &mut [u8; SIZE_MAX]) -> usize {
        let cname = &cname[..cname.floor_char_boundary(255)];
        let blocks = self.block.iter().map(Block::builder);
        let mut compound = Compound::builder();
        compound = match self.sent {
            Some(sent) => {
                let report = SenderReport::builder(self.ssrc)
                    .ntp_timestamp(sent.ntp)
                    .rtp_timestamp(sent.timestamp)
                    .packet_count(sent.packets)
                    .octet_count(sent.octets);
                compound
                    .add_packet(blocks.fold(report, |report, block| report.add_report_block(block)))
            }
            None => {
                let report = ReceiverReport::builder(self.ssrc);
                compound
                    .add_packet(blocks.fold(report, |report, block| report.add_report_block(block)))
            }
        };
        let name = SdesItem::builder(SdesItem::CNAME, cname);
        compound = compound
            .add_packet(Sdes::builder().add_chunk(SdesChunk::builder(self.ssrc).add_item(name)));
        if self.bye {
            compound = compound.add_packet(Bye::builder().add_source(self.ssrc));
        }
        compound.write_into(datagram).expect("one block and a short name fit, and are valid")
    }

    /// Reads one that came, for whom sends the stream `ours`. None if it is something else, or
    /// damaged before the first report.
    pub fn read(datagram: &[u8], ours: u32) -> Option<Self> {
        let mut report = None;
        let mut bye = false;
        for packet in Compound::parse(datagram).ok()?.map_while(Result::ok) {
            let (ssrc, sent, block) = match &packet {
                Packet::Sr(packet) => {
                    let sent = Sent {
                        ntp: packet.ntp_timestamp(),
                        timestamp: packet.rtp_timestamp(),
                        packets: packet.packet_count(),
                        octets: packet.octet_count(),
                    };
                    (packet.ssrc(), Some(sent), packet.report_blocks().find(|b| b.ssrc() == ours))
                }
                Packet::Rr(packet) => {
                    (packet.ssrc(), None, packet.report_blocks().find(|b| b.ssrc() == ours))
                }
                Packet::Bye(_) => {
                    bye = true;
                    continue;
                }
                _ => continue,
            };
            let block = block.as_ref().map(Block::read);
            // More than 31 blocks go on in a second report.
            let report = report.get_or_insert(Self { ssrc, sent, block, bye });
            report.block = report.block.or(block);
        }
        report.map(|report| Self { bye, ..report })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::Header;

    const SENT: Sent =
        Sent { ntp: 0x0123_4567_89AB_CDEF, timestamp: 8000, packets: 50, octets: 50 * 160 };

    fn written(report: &Report) -> Vec<u8> {
        let mut datagram = [0; SIZE_MAX];
        let length = report.write("leg@callslip", &mut datagram);
        datagram[..length].to_vec()
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let block = Block {
            ssrc: 7,
            fraction_lost: 25,
            lost: 1234,
            highest: 0x1_0002,
            jitter: 40,
            last_report: 0x4567_89AB,
            delay: 65_536,
        };
        for sent in [None, Some(SENT)] {
            for block in [None, Some(block)] {
                for bye in [false, true] {
                    let report = Report { ssrc: 99, sent, block, bye };
                    let datagram = written(&report);
                    assert_eq!(Report::read(&datagram, 7), Some(report));
                    assert_eq!(datagram[1], if sent.is_some() { 200 } else { 201 });
                    assert_eq!(Report::read(&datagram, 8).unwrap().block, None, "not about us");
                }
            }
        }
    }

    #[test]
    fn names_and_losses_beyond_the_fields_are_cut() {
        let block = Some(Block { lost: u32::MAX, ..Block::default() });
        let report = Report { ssrc: 1, sent: Some(SENT), block, bye: true };
        let mut datagram = [0; SIZE_MAX];
        let length = report.write(&"ü".repeat(400), &mut datagram);
        assert_eq!(Report::read(&datagram[..length], 0).unwrap().block.unwrap().lost, 0x7F_FFFF);
    }

    #[test]
    fn more_arrived_than_was_sent() {
        let report = Report { ssrc: 1, sent: None, block: Some(Block::default()), bye: false };
        let mut datagram = written(&report);
        datagram[13..16].copy_from_slice(&[0xFF, 0xFF, 0xFE]); // -2
        assert_eq!(Report::read(&datagram, 0).unwrap().block.unwrap().lost, 0);
    }

    /// The figures of RFC 3550, 6.4.1, figure 2.
    #[test]
    fn the_round_trip_of_the_standard() {
        let block = Block { last_report: 0xB705_2000, delay: 0x0005_4000, ..Block::default() };
        let arrived = 0xB710_8000_u64 << 16;
        assert_eq!(block.round_trip(arrived), Some(Duration::from_millis(6125)));
        assert_eq!(block.round_trip(0xB70A_0000_u64 << 16), None, "before it was sent");
        assert_eq!(Block::default().round_trip(arrived), None, "of no report of ours");
    }

    #[test]
    fn times_of_two_centuries() {
        assert_eq!(ntp(Duration::from_millis(500)), (2_208_988_800 << 32) | (1 << 31));
    }

    #[test]
    fn what_arrived_is_told() {
        let mut received = Received::default();
        assert_eq!(Block::of(&mut received, None), None);
        for sequence in [1, 2, 4] {
            let timestamp = u32::from(sequence) * 160;
            let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 5 };
            received.take(&header, timestamp);
        }
        let block = Block::of(&mut received, Some((SENT, Duration::from_secs(2)))).unwrap();
        let last_report = 0x4567_89AB;
        let expected = Block {
            ssrc: 5,
            fraction_lost: 64,
            lost: 1,
            highest: 4,
            jitter: 0,
            last_report,
            delay: 2 << 16,
        };
        assert_eq!(block, expected);
        assert_eq!(Block::of(&mut received, None).unwrap().fraction_lost, 0, "told already");
    }

    #[test]
    fn no_datagram_makes_it_panic() {
        let mut chance = fastrand::Rng::with_seed(3550);
        let block = Some(Block { ssrc: 7, ..Block::default() });
        let seed = written(&Report { ssrc: 1, sent: Some(SENT), block, bye: true });
        let mut read = 0;
        for _ in 0..20_000 {
            let mut datagram = seed.clone();
            for _ in 0..chance.usize(1..4) {
                let at = chance.usize(..datagram.len());
                datagram[at] = chance.u8(..);
            }
            datagram.truncate(chance.usize(..=seed.len()));
            read += usize::from(Report::read(&datagram, 7).is_some());
        }
        assert!(read > 100, "{read}");
    }
}
