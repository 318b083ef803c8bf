//! A deck line: what calls to numbers with a certain prefix cost, and when.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::{Period, Prefix};

/// Prices and fees stay below this, and have at most [`PRICE_DECIMALS_MAX`] decimals. Both bounds
/// together keep every sum exact: two legs of 16 digits of price × 60 × 10 digits of seconds fit
/// into the 28 that a decimal holds.
const PRICE_LIMIT: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const PRICE_DECIMALS_MAX: u32 = 10;

/// The longest increment: a day.
const INCREMENT_SECONDS_MAX: u32 = 86_400;

/// One line of a deck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The line of the file that it was read from; names the rate within its deck.
    pub line: u64,
    /// Leading digits of the numbers that it prices.
    pub prefix: Prefix,
    /// For people, such as `Croatia mobile`; empty if the file does not say.
    pub destination: String,
    /// Mobile country and network codes, five or six digits.
    pub mcc_mnc: Option<String>,
    /// The price as the file writes it.
    pub price: Decimal,
    /// What the price buys.
    pub unit: Unit,
    /// The currency of price and fee; the same in the whole deck.
    pub currency: Currency,
    /// Paid once for each answered leg.
    pub connect_fee: Decimal,
    /// How seconds are rounded up.
    pub increments: Increments,
    /// When the line is in force.
    pub period: Period,
    /// Whether a call whose leg A has this line pays for leg B too.
    pub charge_b: bool,
}

impl Rate {
    /// The price of a minute, exact.
    pub fn per_minute(&self) -> Decimal {
        match self.unit {
            Unit::Minute => self.price,
            Unit::Second => self.price * Decimal::from(60),
        }
    }

    /// Whether every call costs the same by either line.
    pub(super) fn costs_the_same(&self, other: &Self) -> bool {
        self.per_minute() == other.per_minute()
            && self.currency == other.currency
            && self.connect_fee == other.connect_fee
            && self.increments == other.increments
            && self.charge_b == other.charge_b
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, price, unit, currency, increments, period, .. } = self;
        write!(f, "line {}: {prefix}", self.line)?;
        if !self.destination.is_empty() {
            write!(f, " {}", self.destination)?;
        }
        write!(f, ", {price} {currency} a {unit}, {increments}")?;
        if !self.connect_fee.is_zero() {
            write!(f, ", {} {currency} to connect", self.connect_fee)?;
        }
        if self.charge_b {
            f.write_str(", both legs")?;
        }
        write!(f, ", {period}")
    }
}

/// What a price buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Sixty seconds.
    Minute,
    /// One second.
    Second,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Second => "second",
        })
    }
}

/// How the seconds of an answered leg are rounded up: `30/6` bills 30, 36, 42 … seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increments {
    first: u32,
    further: u32,
}

impl Increments {
    /// Every second counts.
    pub const BY_THE_SECOND: Self = Self { first: 1, further: 1 };

    /// Those two, in seconds.
    ///
    /// # Errors
    /// One of them is zero or longer than a day.
    pub fn new(first: u32, further: u32) -> Result<Self, &'static str> {
        let allowed = 1..=INCREMENT_SECONDS_MAX;
        if allowed.contains(&first) && allowed.contains(&further) {
            Ok(Self { first, further })
        } else {
            Err("increments must be of 1 to 86400 seconds")
        }
    }

    /// The seconds to pay for when a leg talked that long. The first increment is due with the
    /// answer, so a leg that hung up within the first second pays for it.
    pub fn billed_seconds(self, talked_seconds: u32) -> u64 {
        let beyond_first = u64::from(talked_seconds.saturating_sub(self.first));
        let further = u64::from(self.further);
        u64::from(self.first) + beyond_first.div_ceil(further) * further
    }
}

impl FromStr for Increments {
    type Err = &'static str;

    /// `60/60`, or `60` for the same.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, further) = text.split_once('/').unwrap_or((text, text));
        Self::new(whole_seconds(first.trim())?, whole_seconds(further.trim())?)
    }
}

impl fmt::Display for Increments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.further)
    }
}

/// A cell of whole seconds.
pub(super) fn whole_seconds(text: &str) -> Result<u32, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or("must be whole seconds, such as 60/60, 30/6 or 1")
}

/// An ISO 4217 code, such as `EUR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is three ASCII letters")
    }
}

impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err("must be three capital letters, such as EUR"),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A price or fee: digits, and a decimal point if need be.
pub(super) fn parse_price(text: &str) -> Result<Decimal, &'static str> {
    if text.contains(',') {
        return Err("must be written with a decimal point, without commas");
    }
    if text.starts_with('-') {
        return Err("is negative");
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err("is not a decimal number, such as 0.012");
    }
    match Decimal::from_str_exact(text) {
        Ok(price) if price.scale() > PRICE_DECIMALS_MAX => Err("has more than 10 decimals"),
        Ok(price) if price >= PRICE_LIMIT => Err("must be below 1000000"),
        Ok(price) => Ok(price),
        Err(_) => Err("has too many digits"),
    }
}
