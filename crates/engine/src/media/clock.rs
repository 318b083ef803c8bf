//! The time of a media thread, in samples since it began: what timestamps and frames are counted in.
//! Time of day does not come into it, and it never goes back.

use std::time::{Duration, Instant};

use voip::RATE;

/// Samples since a thread began.
pub(super) type Samples = u64;

/// Tells a thread the time.
#[derive(Debug)]
pub(super) struct MediaClock {
    begun: Instant,
}

impl MediaClock {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now() }
    }

    pub(super) fn now(&self) -> Samples {
        samples(self.begun.elapsed())
    }
}

/// How many samples that is.
pub(super) fn samples(duration: Duration) -> Samples {
    (duration.as_micros() / 125).try_into().unwrap_or(Samples::MAX)
}

/// The time as RTCP tells it: NTP's format, from any moment that stays the same (RFC 3550, 4).
pub(super) fn ntp(now: Samples) -> u64 {
    let rate = u64::from(RATE);
    ((now / rate) << 32) | (((now % rate) << 32) / rate)
}

/// The part of the time that fits into a timestamp.
pub(super) fn stamp(now: Samples) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "timestamps wrap")]
    let stamp = now as u32;
    stamp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_seconds_above_and_parts_below() {
        assert_eq!(ntp(12_000), 1 << 32 | 1 << 31);
        assert_eq!(samples(Duration::from_millis(1_500)), 12_000);
    }
}
