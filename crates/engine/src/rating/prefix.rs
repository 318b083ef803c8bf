//! A prefix: the leading digits of the numbers that a deck line prices.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use model::Number;

/// As many digits as a number has at most (ITU-T E.164 §6.2).
const DIGITS_MAX: usize = 15;

/// One to fifteen leading digits, leading zeros told apart.
///
/// The digits are kept as a decimal number behind a 1, so that dropping the last digit is a
/// division by ten and a probe of the deck hashes one integer. Ordered as text is: 385, 3851, 39.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(u64);

impl Prefix {
    /// All digits of a number: the longest of its prefixes.
    pub(super) fn whole(number: &Number) -> Self {
        Self::behind_one(number.digits())
    }

    /// One digit less, unless none would be left.
    pub(super) fn shorter(self) -> Option<Self> {
        (self.0 >= 100).then_some(Self(self.0 / 10))
    }

    fn behind_one(digits: &str) -> Self {
        Self(digits.bytes().fold(1, |key, digit| key * 10 + u64::from(digit - b'0')))
    }

    /// Filled up with zeros to the length of the longest.
    fn left_aligned(self) -> u64 {
        let mut key = self.0;
        while key < 10_u64.pow(DIGITS_MAX as u32) {
            key *= 10;
        }
        key
    }
}

impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("must be digits, with or without a leading +");
        }
        if digits.len() > DIGITS_MAX {
            return Err("has more than 15 digits");
        }
        if digits.starts_with('0') {
            return Err("must begin with a country code, and none begins with 0");
        }
        Ok(Self::behind_one(digits))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string()[1..])
    }
}

impl Ord for Prefix {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.left_aligned(), self.0).cmp(&(other.left_aligned(), other.0))
    }
}

impl PartialOrd for Prefix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_walked_from_its_longest_prefix_to_its_shortest() {
        let number: Number = "38598".parse().unwrap();
        let all: Vec<_> = std::iter::successors(Some(Prefix::whole(&number)), |p| p.shorter())
            .map(|prefix| prefix.to_string())
            .collect();
        assert_eq!(all, ["38598", "3859", "385", "38", "3"]);
    }

    #[test]
    fn prefixes_sort_as_text() {
        let mut texts = ["39", "385", "3", "3859", "1", "999999999999999", "3850", "38"];
        let mut prefixes: Vec<Prefix> = texts.iter().map(|text| text.parse().unwrap()).collect();
        prefixes.sort();
        texts.sort_unstable();
        assert_eq!(prefixes.iter().map(Prefix::to_string).collect::<Vec<_>>(), texts);
    }
}
