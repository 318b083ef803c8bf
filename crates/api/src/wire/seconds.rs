//! A span in seconds with decimals, such as 19.3: written without trailing zeros, read exactly.

use std::fmt;
use std::time::Duration;

/// Decimals of a second that are kept.
const DECIMALS: usize = 9;

/// A span, written in seconds.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:09}", self.0.subsec_nanos());
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{}", self.0.as_secs()),
            decimals => write!(f, "{}.{decimals}", self.0.as_secs()),
        }
    }
}

/// The span that so many seconds are; the reason if they are none.
pub(super) fn parse(number: &str, seconds_max: u32) -> Result<Duration, String> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) {
        return Err("is not a number of seconds, such as 19.3".into());
    }
    if decimals.len() > DECIMALS {
        return Err(format!("has more than {DECIMALS} decimals"));
    }
    let seconds = whole.parse().ok().filter(|seconds| *seconds <= u64::from(seconds_max));
    let seconds = seconds.ok_or_else(|| format!("is above {seconds_max} seconds"))?;
    let nanos = format!("{decimals:0<9}").parse().map_err(|_| "is not a number of seconds")?;
    Ok(Duration::new(seconds, nanos))
}
