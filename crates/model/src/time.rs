//! Time: instants in milliseconds, the clock they come from, the zone they are shown in.
//!
//! The machine's clock is read in one place, the executable; everything else is handed a `Clock`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// An instant, in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The instant `span` later; the end of time if that is past it.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The instant `span` earlier; the beginning of time if that is before it.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The span from `earlier` to this instant; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The instant it is.
    fn now(&self) -> Timestamp;
}

/// A clock moved by hand; clones share the hand.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_millis())))
    }

    /// Moves the hand forward.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// An IANA time zone, such as `Europe/Zagreb`.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    rules: jiff::tz::TimeZone,
}

/// The name is not that of an IANA time zone.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an IANA time zone, such as `Europe/Zagreb` or `UTC`")]
pub struct UnknownZone(pub String);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rules: jiff::tz::TimeZone::UTC }
    }

    /// The zone of that name.
    ///
    /// # Errors
    /// The time zone database does not know the name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        let rules = jiff::tz::TimeZone::get(name).map_err(|_| UnknownZone(name.into()))?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, rules })
    }

    /// The zone's IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds to add to UTC to get the zone's wall clock at that instant.
    pub fn offset_seconds(&self, at: Timestamp) -> i32 {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.rules.to_offset(at).seconds()
    }

    /// The day that it is there at that instant, in days since 1970-01-01.
    pub fn day(&self, at: Timestamp) -> i32 {
        const DAY_MS: i64 = 86_400_000;
        let local = at.0.saturating_add(i64::from(self.offset_seconds(at)) * 1_000);
        let day = local.div_euclid(DAY_MS);
        i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_the_zones_own_midnight() {
        // 1970-01-02T22:59:59.999Z, where it is 23:59:59.999 in Zagreb.
        let late = Timestamp::from_millis(2 * 86_400_000 - 3_600_001);
        let zagreb = Zone::named("Europe/Zagreb").unwrap();
        assert_eq!((Zone::utc().day(late), zagreb.day(late)), (1, 1));
        let midnight = late.plus(Duration::from_millis(1));
        assert_eq!((Zone::utc().day(midnight), zagreb.day(midnight)), (1, 2));
        assert_eq!(Zone::utc().day(Timestamp::from_millis(-1)), -1);
    }
}
