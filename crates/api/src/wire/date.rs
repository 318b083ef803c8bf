//! Dates: `yyyy-MM-dd'T'HH:mm:ss.SSSZ` out, and the six ways in which clients write them in.
//!
//! A page of reports holds a hundred dates, so the digits are written by hand.

use model::{Timestamp, Zone};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: four digits show no other year.
const SHOWN: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=LAST;
/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 253_402_300_799_999;
/// The furthest from UTC that an offset may be; no zone comes near it.
const OFFSET_MINUTES_MAX: i64 = 18 * 60;
/// How long an offset is good for. Since 1970 every zone has changed its clocks at a quarter of an
/// hour of UTC, but for Liberia once in 1972: there an instant may be shown with the other offset,
/// and is the same instant.
const OFFSET_SPAN_MS: i64 = 15 * MINUTE_MS;

/// Shows instants in one zone.
pub struct Dates<'a> {
    zone: &'a Zone,
    /// The span last asked about, and its offset in minutes.
    offset: Option<(i64, i64)>,
}

impl<'a> Dates<'a> {
    /// Dates of that zone.
    pub fn of(zone: &'a Zone) -> Self {
        Self { zone, offset: None }
    }

    /// The instant as `2015-02-12T09:58:20.323+0100`: three digits of milliseconds always, and an
    /// offset without colon, never `Z`.
    pub fn show(&mut self, at: Timestamp) -> ShownDate {
        let utc = at.as_millis().clamp(*SHOWN.start(), *SHOWN.end());
        let offset = self.offset_minutes(utc);
        let local = utc + offset * MINUTE_MS;
        // The zone may carry the first or last day out of the years that can be shown; UTC does not.
        if SHOWN.contains(&local) { ShownDate::new(local, offset) } else { ShownDate::new(utc, 0) }
    }

    fn offset_minutes(&mut self, utc: i64) -> i64 {
        let span = utc.div_euclid(OFFSET_SPAN_MS);
        match self.offset {
            Some((known, minutes)) if known == span => minutes,
            _ => {
                // Whole minutes are all that `+hhmm` can say.
                let seconds = self.zone.offset_seconds(Timestamp::from_millis(utc));
                let minutes = i64::from(seconds / 60);
                self.offset = Some((span, minutes));
                minutes
            }
        }
    }
}

/// One instant, as [`Dates::show`] shows it.
pub fn text(at: Timestamp, zone: &Zone) -> String {
    Dates::of(zone).show(at).as_str().to_owned()
}

/// A date, written.
#[derive(Clone, Copy)]
pub struct ShownDate([u8; 28]);

impl ShownDate {
    fn new(local: i64, offset_minutes: i64) -> Self {
        let (year, month, day) = civil(local.div_euclid(DAY_MS));
        let millis = local.rem_euclid(DAY_MS);
        let mut text = *b"0000-00-00T00:00:00.000+0000";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], millis / 3_600_000);
        digits(&mut text[14..16], millis / MINUTE_MS % 60);
        digits(&mut text[17..19], millis / 1000 % 60);
        digits(&mut text[20..23], millis % 1000);
        if offset_minutes < 0 {
            text[23] = b'-';
        }
        digits(&mut text[24..26], offset_minutes.abs() / 60);
        digits(&mut text[26..28], offset_minutes.abs() % 60);
        Self(text)
    }

    /// The date as a text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and punctuation are ASCII")
    }
}

/// Fills the place with the decimal digits of a number that fits.
fn digits(place: &mut [u8], number: i64) {
    let mut rest = number.unsigned_abs();
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Counts in years that begin in March, so that the leap day is the last day of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march_0000 = days + MARCH_0000_TO_1970;
    let era = from_march_0000.div_euclid(DAYS_PER_400_YEARS);
    let day_of_era = from_march_0000.rem_euclid(DAYS_PER_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = if months_from_march < 10 { months_from_march + 3 } else { months_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// The day counted from 1970-01-01: the inverse of [`civil`].
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let months_from_march = (month + 9) % 12;
    let day_of_year = (153 * months_from_march + 2) / 5 + day - 1;
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * DAYS_PER_400_YEARS + day_of_era - MARCH_0000_TO_1970
}

const DAYS_PER_400_YEARS: i64 = 146_097;
const MARCH_0000_TO_1970: i64 = 719_468;

/// Why a text is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Written otherwise.
    #[error("is not a date such as 2015-02-12T09:58:20.323+0100")]
    Form,
    /// A day, a time of day or an offset that does not exist.
    #[error("is a date that does not exist")]
    Impossible,
    /// Outside the years that reports can tell of.
    #[error("is not between 1970 and 9999")]
    OutOfRange,
}

/// The instant that the text names.
///
/// Accepts `2015-02-12T09:58:20` with up to nine digits of a fraction, of which the first three
/// count, and an offset: `Z`, `+01:00`, `+0100`, or ` 0100`, which is what becomes of a bare `+` in
/// a query.
///
/// # Errors
/// It is no such text, or names no instant between 1970 and 9999.
pub fn parse(text: &str) -> Result<Timestamp, DateError> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.number(4)?;
    let month = rest.after(b'-')?.number(2)?;
    let day = rest.after(b'-')?.number(2)?;
    let hour = rest.after(b'T')?.number(2)?;
    let minute = rest.after(b':')?.number(2)?;
    let second = rest.after(b':')?.number(2)?;
    let millis = rest.fraction_millis()?;
    let offset_minutes = rest.offset_minutes()?;
    if !rest.0.is_empty() {
        return Err(DateError::Form);
    }
    let days = day_number(year, month, day);
    let day_exists = (1..=12).contains(&month) && civil(days) == (year, month, day);
    let time_exists = hour < 24 && minute < 60 && second < 60;
    if !day_exists || !time_exists {
        return Err(DateError::Impossible);
    }
    let local = days * DAY_MS + hour * 3_600_000 + minute * MINUTE_MS + second * 1000 + millis;
    let utc = local - offset_minutes * MINUTE_MS;
    if (0..=LAST).contains(&utc) {
        Ok(Timestamp::from_millis(utc))
    } else {
        Err(DateError::OutOfRange)
    }
}

/// What is left to read of a date.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// The number that the next digits make.
    fn number(&mut self, digits: usize) -> Result<i64, DateError> {
        let (number, rest) = self.0.split_at_checked(digits).ok_or(DateError::Form)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return Err(DateError::Form);
        }
        self.0 = rest;
        Ok(number.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn after(&mut self, byte: u8) -> Result<&mut Self, DateError> {
        if self.next_is(byte) { Ok(self) } else { Err(DateError::Form) }
    }

    fn fraction_millis(&mut self) -> Result<i64, DateError> {
        if !self.next_is(b'.') {
            return Ok(0);
        }
        let length = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&length) {
            return Err(DateError::Form);
        }
        let nanos = (length..9).fold(self.number(length)?, |number, _| number * 10);
        Ok(nanos / 1_000_000)
    }

    fn offset_minutes(&mut self) -> Result<i64, DateError> {
        if self.next_is(b'Z') {
            return Ok(0);
        }
        let west = self.next_is(b'-');
        if !west && !self.next_is(b'+') && !self.next_is(b' ') {
            return Err(DateError::Form);
        }
        let hours = self.number(2)?;
        let _ = self.next_is(b':');
        let minutes = self.number(2)?;
        let total = hours * 60 + minutes;
        if minutes > 59 || total > OFFSET_MINUTES_MAX {
            return Err(DateError::Impossible);
        }
        Ok(if west { -total } else { total })
    }
}
