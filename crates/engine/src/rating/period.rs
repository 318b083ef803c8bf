//! The time in which a deck line is in force.

use std::fmt;

use model::Timestamp;

/// From an instant until just before another; open where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first instant in force.
    pub from: Option<Timestamp>,
    /// The first instant no longer in force.
    pub to: Option<Timestamp>,
}

impl Period {
    /// Whether the instant lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start() <= at && at < self.end()
    }

    /// What two periods have in common.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        let from = if self.start() < other.start() { other.from } else { self.from };
        let to = if self.end() < other.end() { self.to } else { other.to };
        let common = Self { from, to };
        (common.start() < common.end()).then_some(common)
    }

    /// `from`, or the beginning of time.
    pub(super) fn start(self) -> Timestamp {
        self.from.unwrap_or(Timestamp::from_millis(i64::MIN))
    }

    /// `to`, or the end of time.
    pub(super) fn end(self) -> Timestamp {
        self.to.unwrap_or(Timestamp::from_millis(i64::MAX))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => f.write_str("always"),
            (Some(from), None) => write!(f, "from {}", instant(from)),
            (None, Some(to)) => write!(f, "until {}", instant(to)),
            (Some(from), Some(to)) => write!(f, "from {} until {}", instant(from), instant(to)),
        }
    }
}

/// An instant as RFC 3339 writes it, in UTC.
pub(super) fn instant(at: Timestamp) -> String {
    let millis = at.as_millis();
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| format!("{millis} ms"), |at| at.to_string())
}

/// A cell that says from when: a date means its first instant in UTC.
pub(super) fn parse_from(text: &str) -> Result<Timestamp, &'static str> {
    match date(text) {
        Some(day) => midnight(day),
        None => parse_instant(text),
    }
}

/// A cell that says until when: a date means its last instant in UTC, for whoever writes
/// `2026-12-31` means that day too; an instant is itself no longer included.
pub(super) fn parse_to(text: &str) -> Result<Timestamp, &'static str> {
    match date(text) {
        Some(day) => midnight(day.tomorrow().map_err(|_| UNREADABLE)?),
        None => parse_instant(text),
    }
}

const UNREADABLE: &str =
    "must be a date in UTC such as 2026-01-31, or an instant such as 2026-01-31T12:00:00Z";

/// The date library also reads the date out of longer and shorter texts.
fn date(text: &str) -> Option<jiff::civil::Date> {
    let shape = text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b });
    if shape.eq(*b"0000-00-00") { text.parse().ok() } else { None }
}

fn midnight(day: jiff::civil::Date) -> Result<Timestamp, &'static str> {
    let start = jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| UNREADABLE)?;
    Ok(Timestamp::from_millis(start.as_millisecond()))
}

fn parse_instant(text: &str) -> Result<Timestamp, &'static str> {
    let at: jiff::Timestamp = text.parse().map_err(|_| UNREADABLE)?;
    Ok(Timestamp::from_millis(at.as_millisecond()))
}
