//! A telephone number: E.164 digits (ITU-T E.164 §6.2), however they were written.

use std::fmt;
use std::str::FromStr;

/// The shortest and the longest number, in digits.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// The digits of an international number, without `+` or `00`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(String);

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// A character that no telephone number has.
    #[error("has a character that is none of digits, +, spaces and ( ) - . /")]
    Character,
    /// Too few or too many digits.
    #[error("must have 3 to 15 digits after `+` or `00`")]
    Length,
}

impl Number {
    /// The digits.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let (plus, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut digits = String::with_capacity(rest.len());
        for c in rest.chars() {
            match c {
                '0'..='9' => digits.push(c),
                ' ' | '\u{a0}' | '(' | ')' | '-' | '.' | '/' => {}
                _ => return Err(NumberError::Character),
            }
        }
        if !plus && let Some(international) = digits.strip_prefix("00") {
            digits = international.to_owned();
        }
        if !DIGITS.contains(&digits.len()) {
            return Err(NumberError::Length);
        }
        Ok(Self(digits))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, NumberError>) {
        let got = text.parse::<Number>();
        assert_eq!(got.as_ref().map(Number::digits).map_err(|e| *e), expect, "{text}");
    }

    #[test]
    fn however_it_is_written_the_digits_are_kept() {
        check("385981178", Ok("385981178"));
        check("+385 98 1178", Ok("385981178"));
        check("00385(98)11-78", Ok("385981178"));
        check("+44/20.7946 0000", Ok("442079460000"));
        check("112", Ok("112"));
    }

    #[test]
    fn what_is_no_number_says_why() {
        check("", Err(NumberError::Empty));
        check("  ", Err(NumberError::Empty));
        check("+", Err(NumberError::Length));
        check("12", Err(NumberError::Length));
        check("1234567890123456", Err(NumberError::Length));
        check("abc", Err(NumberError::Character));
        check("385+981178", Err(NumberError::Character));
        check("٣٨٥٩٨١", Err(NumberError::Character));
    }
}
