//! The RTCP of a leg (RFC 3550, 6): what we tell of both streams, and what the far end tells.

use std::time::Duration;

use model::cdr::FarEnd;
use voip::rtcp::{Block, Report, SIZE_MAX, Sent};
use voip::rtp::{Outgoing, Received};

use super::clock::{self, Samples};

/// Seconds between two reports, on average.
const INTERVAL: u64 = 5 * voip::RATE as u64;

/// What has been told each way.
#[derive(Debug)]
pub(super) struct Reports {
    due: Samples,
    /// When the far end sent its last report, by its clock, and when that came.
    last: Option<(u32, Samples)>,
    far_end: Option<FarEnd>,
    /// Packets sent when we last reported: who has sent nothing since reports only what came.
    sent: u32,
}

impl Reports {
    pub(super) fn new(now: Samples) -> Self {
        // Half as long for the first one (6.2).
        Self { due: now + interval() / 2, last: None, far_end: None, sent: 0 }
    }

    pub(super) fn is_due(&self, now: Samples) -> bool {
        self.due <= now
    }

    /// How what we sent came through, as the far end told it last.
    pub(super) fn far_end(&self) -> Option<FarEnd> {
        self.far_end
    }

    /// What the far end told; whether that was RTCP at all.
    pub(super) fn hear(&mut self, datagram: &[u8], ours: u32, now: Samples) -> bool {
        let Some(report) = Report::read(datagram, ours) else { return false };
        if let Some(sent) = report.sent {
            self.last = Some((middle(sent.ntp), now));
        }
        if let Some(block) = report.block {
            self.far_end = Some(FarEnd {
                lost: block.lost.into(),
                jitter: Duration::from_micros(u64::from(block.jitter) * 125),
                round_trip: block.round_trip(clock::ntp(now)),
            });
        }
        true
    }

    /// Our report, and when the next is due.
    pub(super) fn tell(
        &mut self,
        (sent, received): (&Outgoing, &mut Received),
        now: Samples,
        (cname, bye): (&str, bool),
        datagram: &mut [u8; SIZE_MAX],
    ) -> usize {
        self.due = now + interval();
        let told = std::mem::replace(&mut self.sent, sent.packets());
        let of_sent = (told != sent.packets()).then(|| Sent {
            ntp: clock::ntp(now),
            timestamp: sent.timestamp(),
            packets: sent.packets(),
            octets: sent.octets(),
        });
        let block = received.ssrc().map(|ssrc| Block {
            ssrc,
            fraction_lost: received.fraction_lost(),
            lost: received.lost().try_into().unwrap_or(u32::MAX),
            highest: received.highest(),
            jitter: received.jitter_samples(),
            last_report: self.last.map_or(0, |(ntp, _)| ntp),
            delay: self.last.map_or(0, |(_, at)| middle(clock::ntp(now - at))),
        });
        Report { ssrc: sent.ssrc(), sent: of_sent, block, bye }.write(cname, datagram)
    }
}

/// Between half and one and a half of it, so that reports of many do not meet (6.3.1).
fn interval() -> Samples {
    fastrand::u64(INTERVAL / 2..=INTERVAL * 3 / 2)
}

/// Seconds and parts of them in 16 bits each.
fn middle(ntp: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the middle is what is wanted")]
    let middle = (ntp >> 16) as u32;
    middle
}
