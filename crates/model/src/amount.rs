//! An amount of money: an exact decimal that keeps the digits it was written with.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// An exact, non-negative decimal. `0.010` stays `0.010`, from the feed to every output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(Decimal);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not of the form `12.34` or `1234e-2`.
    #[error("is not a decimal number")]
    NotANumber,
    /// Below zero.
    #[error("is negative")]
    Negative,
    /// More digits than can be kept.
    #[error("has more than 28 digits")]
    TooLong,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The sum; the largest amount there is if it is more than that.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let starts_with_digit = unsigned.bytes().next().is_some_and(|b| b.is_ascii_digit());
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        if !starts_with_digit || !plain || text.ends_with('.') {
            return Err(AmountError::NotANumber);
        }
        let exact = match text.find(['e', 'E']) {
            None => Decimal::from_str_exact(text),
            Some(_) => Decimal::from_scientific(text),
        };
        let value = exact.map_err(|error| match error {
            rust_decimal::Error::Underflow
            | rust_decimal::Error::ExceedsMaximumPossibleValue
            | rust_decimal::Error::LessThanMinimumPossibleValue
            | rust_decimal::Error::ScaleExceedsMaximumPrecision(_) => AmountError::TooLong,
            _ if is_written_as_number(text) => AmountError::TooLong,
            _ => AmountError::NotANumber,
        })?;
        if value.is_sign_negative() && !value.is_zero() {
            return Err(AmountError::Negative);
        }
        Ok(Self(value.abs()))
    }
}

/// The decimal library calls too many digits an invalid number; this tells the two apart.
fn is_written_as_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

impl fmt::Display for Amount {
    /// Plain notation with every digit kept, never an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, AmountError>) {
        let got = text.parse::<Amount>().map(|amount| amount.to_string());
        assert_eq!(got.as_deref().map_err(|e| *e), expect, "{text}");
    }

    #[test]
    fn amounts_keep_their_digits() {
        check("0.01", Ok("0.01"));
        check("0.010", Ok("0.010"));
        check("0", Ok("0"));
        check("-0.0", Ok("0.0"));
        check("123456789012345.123456789", Ok("123456789012345.123456789"));
        check("1e-2", Ok("0.01"));
        check("12E3", Ok("12000"));
    }

    #[test]
    fn what_is_no_amount_says_why() {
        check("-0.01", Err(AmountError::Negative));
        check("", Err(AmountError::NotANumber));
        check(".5", Err(AmountError::NotANumber));
        check("5.", Err(AmountError::NotANumber));
        check("1_000", Err(AmountError::NotANumber));
        check("NaN", Err(AmountError::NotANumber));
        check("1.2.3", Err(AmountError::NotANumber));
        check("1e-40", Err(AmountError::TooLong));
        check("12345678901234567890.12345678901", Err(AmountError::TooLong));
        check("99999999999999999999999999999999", Err(AmountError::TooLong));
    }
}
