//! What a value may be. A refusal here is shown by the TOML parser with file, line and caret.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use engine::prompt::Network;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;

/// A whole number from `MIN` to `MAX`.
pub(super) fn between<'de, const MIN: u64, const MAX: u64, T, D>(input: D) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    let given = i64::deserialize(input)?;
    let fitting = u64::try_from(given).ok().filter(|value| (MIN..=MAX).contains(value));
    fitting
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| D::Error::custom(format!("must be {MIN} to {MAX}, not {given}")))
}

/// A whole number from `MIN` to `MAX`, for a key that may be absent.
pub(super) fn between_if_given<'de, const MIN: u64, const MAX: u64, T, D>(
    input: D,
) -> Result<Option<T>, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    between::<MIN, MAX, T, D>(input).map(Some)
}

/// An address and port that can be listened on.
pub(super) fn address<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let given = String::deserialize(input)?;
    resolve(&given).map(|_| given).map_err(D::Error::custom)
}

/// The socket address that the text names.
pub(crate) fn resolve(text: &str) -> Result<SocketAddr, String> {
    let wrong = |why: &dyn Display| {
        format!("`{text}` is not an address and port such as 127.0.0.1:8080 or [::]:8080: {why}")
    };
    let mut found = text.to_socket_addrs().map_err(|error| wrong(&error))?;
    found.next().ok_or_else(|| wrong(&"the name has no address"))
}

/// A path that is not empty.
pub(super) fn path<'de, D: Deserializer<'de>>(input: D) -> Result<PathBuf, D::Error> {
    let given = PathBuf::deserialize(input)?;
    if given.as_os_str().is_empty() {
        return Err(D::Error::custom("must not be empty"));
    }
    Ok(given)
}

/// A path that is not empty, for a key that may be absent.
pub(super) fn path_if_given<'de, D>(input: D) -> Result<Option<PathBuf>, D::Error>
where
    D: Deserializer<'de>,
{
    path(input).map(Some)
}

/// Origins as a browser sends them: scheme, host, port; nothing after.
pub(super) fn origins<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let given = Vec::<String>::deserialize(input)?;
    for origin in &given {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let plain = |host: &str| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/*?#@".contains(&b))
        };
        if !host.is_some_and(plain) {
            let text = format!("`{origin}` is not an origin such as https://crm.example");
            return Err(D::Error::custom(text));
        }
    }
    Ok(given)
}

/// Ranges of addresses.
pub(super) fn networks<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let given = Vec::<String>::deserialize(input)?;
    for network in &given {
        network.parse::<Network>().map_err(D::Error::custom)?;
    }
    Ok(given)
}

/// A log level, or levels per part.
pub(super) fn log_level<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let given = String::deserialize(input)?;
    match EnvFilter::try_new(&given) {
        Ok(_) if !given.trim().is_empty() => Ok(given),
        Ok(_) => Err(D::Error::custom("must not be empty")),
        Err(error) => Err(D::Error::custom(format!("`{given}` is not a log level: {error}"))),
    }
}
