//! A query string, read strictly: what cannot be decoded is refused, never guessed.

use std::borrow::Cow;

use super::Fault;

/// The parameters of a query string, in their order.
#[derive(Debug, PartialEq, Eq)]
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// The parameters of a raw query string: percent-encoded, `+` for a space.
    ///
    /// # Errors
    /// An escape is malformed, or what it stands for is not UTF-8.
    pub fn parse(raw: &'a str) -> Result<Self, Fault> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded_name = decode(name).map_err(|reason| fault(name, reason))?;
            let value = decode(value).map_err(|reason| fault(&decoded_name, reason))?;
            Ok((decoded_name, value))
        });
        decoded.collect::<Result<_, _>>().map(Self)
    }

    /// The value of a parameter that may be given once.
    ///
    /// # Errors
    /// It is given more than once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut values = self.many(name);
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(_) => Err(fault(name, "is given more than once")),
        }
    }

    /// The values of a parameter that may be given any number of times.
    pub fn many(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }
}

pub(super) fn fault(path: &str, reason: impl Into<String>) -> Fault {
    Fault { path: path.to_owned(), reason: reason.into() }
}

fn decode(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if !raw.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (escape, after) =
                    rest.split_first_chunk::<2>().ok_or("ends in the middle of a % escape")?;
                rest = after;
                let [high, low] = escape.map(|digit| char::from(digit).to_digit(16));
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                let value = value.and_then(|value| u8::try_from(value).ok());
                value.ok_or("has a % that two hexadecimal digits do not follow")?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "is not UTF-8")
}
