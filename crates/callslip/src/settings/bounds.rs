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

/// An address and port to listen on, for a key that may be absent.
pub(super) fn address_if_given<'de, D>(input: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    address(input).map(Some)
}

/// 0 for never, or a whole number from `MIN` to `MAX`.
pub(super) fn zero_or_between<'de, const MIN: u64, const MAX: u64, T, D>(
    input: D,
) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    let given = i64::deserialize(input)?;
    let fitting = u64::try_from(given).ok();
    let fitting = fitting.filter(|value| *value == 0 || (MIN..=MAX).contains(value));
    fitting
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| D::Error::custom(format!("must be 0, or {MIN} to {MAX}, not {given}")))
}

/// A list that is not empty.
pub(super) fn some<'de, T: Deserialize<'de>, D>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
{
    let given = Vec::<T>::deserialize(input)?;
    if given.is_empty() {
        return Err(D::Error::custom("must not be empty"));
    }
    Ok(given)
}

/// A text that `is_right`, of 1 to `max` characters.
fn text<'de, D: Deserializer<'de>>(
    input: D,
    max: usize,
    is_right: impl Fn(char) -> bool,
    what: &str,
) -> Result<String, D::Error> {
    let given = String::deserialize(input)?;
    if !(1..=max).contains(&given.len()) || !given.chars().all(is_right) {
        return Err(D::Error::custom(format!("must be 1 to {max} {what}, not {given:?}")));
    }
    Ok(given)
}

/// A name that can stand in a metric and on a command line.
pub(super) fn name<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let is_right = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text(input, 64, is_right, "letters, digits, `-`, `_` and `.`")
}

/// What can stand in a SIP header as it is.
pub(super) fn header_text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let is_right = |c: char| c == ' ' || (c.is_ascii_graphic() && !"<>\"\\".contains(c));
    text(input, 128, is_right, "ASCII characters without < > \" \\")
}

/// The same, for a key that may be absent.
pub(super) fn header_text_if_given<'de, D>(input: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    header_text(input).map(Some)
}

/// The name or the address of a host, without a port.
pub(super) fn host<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let given = String::deserialize(input)?;
    let bare = given.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_address = bare.unwrap_or(&given).parse::<std::net::IpAddr>().is_ok();
    let is_name = given.len() <= 253
        && given.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        });
    // RFC 1123 §2.1: a name does not end in a number; what does is a mistyped address.
    let last = given.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit());
    if is_address || (is_name && !is_number) {
        return Ok(given);
    }
    let text = format!("{given:?} is no name or address such as sip.example.net or 192.0.2.7");
    Err(D::Error::custom(text))
}

/// The same, for a key that may be absent.
pub(super) fn host_if_given<'de, D>(input: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    host(input).map(Some)
}

/// Beginnings of numbers.
pub(super) fn prefixes<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let given = Vec::<String>::deserialize(input)?;
    for prefix in &given {
        let digits = prefix.strip_prefix('+').unwrap_or(prefix);
        let are_digits = digits.bytes().all(|b| b.is_ascii_digit());
        if !(1..=15).contains(&digits.len()) || !are_digits || digits.starts_with('0') {
            let text =
                format!("{prefix:?} is no beginning of an international number such as 4420");
            return Err(D::Error::custom(text));
        }
    }
    Ok(given)
}

/// What can be dialled, or nothing.
pub(super) fn dialled<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let given = String::deserialize(input)?;
    if given.len() > 32 || !given.bytes().all(|b| b.is_ascii_digit() || b"+*#".contains(&b)) {
        let text = format!("must be up to 32 digits, `+`, `*` and `#`, not {given:?}");
        return Err(D::Error::custom(text));
    }
    Ok(given)
}

/// Parameters of a SIP URI.
pub(super) fn uri_parameters<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let given = Vec::<String>::deserialize(input)?;
    for parameter in &given {
        // RFC 3261 §25.1: paramchar, and one `=`.
        let is_right = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$%".contains(&b);
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, "x"));
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(is_right);
        if parameter.len() > 64 || !is_plain(name) || !is_plain(value) {
            let text = format!("{parameter:?} is no parameter such as user=phone");
            return Err(D::Error::custom(text));
        }
    }
    Ok(given)
}

/// Final codes of SIP that are no answer.
pub(super) fn codes<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u16>, D::Error> {
    let given = Vec::<i64>::deserialize(input)?;
    let fitting = |code: &i64| u16::try_from(*code).ok().filter(|code| (300..=699).contains(code));
    let wrong = |code: &i64| D::Error::custom(format!("must be 300 to 699, not {code}"));
    given.iter().map(|code| fitting(code).ok_or_else(|| wrong(code))).collect()
}

/// A country.
pub(super) fn country<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let given = String::deserialize(input)?;
    if given.len() != 2 || !given.bytes().all(|b| b.is_ascii_alphabetic()) {
        let text = format!("must be the two letters of a country such as DE, not {given:?}");
        return Err(D::Error::custom(text));
    }
    Ok(given)
}

/// A database that the shared ledger can be in, without a password in the settings.
pub(super) fn database_if_given<'de, D>(input: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let url = String::deserialize(input)?;
    database(&url).map_err(D::Error::custom)?;
    Ok(Some(url))
}

/// Refuses what is no database, or has a password in it.
pub(crate) fn database(url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    let rest = rest.ok_or("must begin with postgres://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let is_password = |pair: &str| pair.split('=').next() == Some("password");
    let query = url.split_once('?').map_or("", |(_, query)| query);
    if has_password || query.split('&').any(is_password) {
        return Err("has a password in it, which belongs into password_file");
    }
    Ok(())
}
