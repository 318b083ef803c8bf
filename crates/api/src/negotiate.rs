//! Which format a client wants its answer in, and which one its body is in.
//!
//! Pure functions of header bytes that allocate nothing. Lenient with what clients really send: an
//! `Accept` that cannot be read asks for nothing, and so does a tie, because client libraries list
//! both formats in an order that their users never chose.

use std::cmp::Ordering;

/// A format that reports are written and read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/xml`
    Xml,
}

/// The client admits neither JSON nor XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer can be had as application/json or application/xml")]
pub struct NotAcceptable;

/// Why a request body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedBody {
    /// It is declared as neither JSON nor XML, or not declared at all.
    #[error("the body must be application/json or application/xml")]
    MediaType,
    /// It is declared in another character set.
    #[error("the body must be in UTF-8")]
    Charset,
}

/// The format to answer in. A path suffix wins; then the `Accept` header, line by line; `otherwise`
/// is for a client that prefers neither.
///
/// # Errors
/// The header can be read, and admits neither format.
pub fn format<'a>(
    path_suffix: Option<Format>,
    accept: impl Iterator<Item = &'a [u8]>,
    otherwise: Format,
) -> Result<Format, NotAcceptable> {
    if let Some(format) = path_suffix {
        return Ok(format);
    }
    let mut wishes = Wishes::default();
    for line in accept {
        elements(line, b',').for_each(|range| wishes.add(range));
    }
    wishes.verdict(otherwise)
}

/// The format of a request body, by its `Content-Type`.
///
/// # Errors
/// There is none, or it names something else.
pub fn body_format(content_type: Option<&[u8]>) -> Result<Format, UnsupportedBody> {
    let (media_type, is_utf8) = media_type(content_type);
    let format = if media_type.eq_ignore_ascii_case(b"application/json") {
        Format::Json
    } else if is_any_of(media_type, &["application/xml", "text/xml"]) {
        Format::Xml
    } else {
        return Err(UnsupportedBody::MediaType);
    };
    if is_utf8 { Ok(format) } else { Err(UnsupportedBody::Charset) }
}

/// Whether a request body is a form, by its `Content-Type`.
pub fn is_form(content_type: Option<&[u8]>) -> bool {
    let (media_type, is_utf8) = media_type(content_type);
    is_utf8 && media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The media type, and whether the text is in UTF-8: it is if nothing is said.
fn media_type(content_type: Option<&[u8]>) -> (&[u8], bool) {
    let mut parts = elements(content_type.unwrap_or_default(), b';');
    let media_type = parts.next().unwrap_or_default();
    let is_utf8 = parts
        .filter_map(|part| parameter(part, b"charset"))
        .all(|charset| is_any_of(charset, &["utf-8", "utf8", "us-ascii"]));
    (media_type, is_utf8)
}

/// What the media ranges of an `Accept` header come to.
#[derive(Default)]
struct Wishes {
    readable: bool,
    json: Wish,
    application_xml: Wish,
    text_xml: Wish,
}

/// How much a media type is wanted, by the most specific range that covers it.
#[derive(Clone, Copy, Default)]
struct Wish {
    range: Option<Range>,
    weight: u16,
}

/// Ranges from the least to the most specific, RFC 9110 §12.5.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Range {
    Everything,
    Family,
    Exact,
}

impl Wishes {
    fn add(&mut self, element: &[u8]) {
        let mut parts = elements(element, b';');
        let range = parts.next().unwrap_or_default();
        let weight =
            parts.find_map(|part| parameter(part, b"q")).map_or(WEIGHT_MAX, weight_or_full);
        // `*` alone is what Java's own HTTP client sends.
        let known = range == b"*" || range.contains(&b'/');
        self.readable |= known;
        if range == b"*" || range == b"*/*" {
            self.json.add(Range::Everything, weight);
            // Not text/xml: `application/xml;q=0, */*` must not bring XML in by the back door.
            self.application_xml.add(Range::Everything, weight);
        } else if range.eq_ignore_ascii_case(b"application/*") {
            self.json.add(Range::Family, weight);
            self.application_xml.add(Range::Family, weight);
        } else if range.eq_ignore_ascii_case(b"text/*") {
            self.text_xml.add(Range::Family, weight);
        } else if range.eq_ignore_ascii_case(b"application/json") {
            self.json.add(Range::Exact, weight);
        } else if range.eq_ignore_ascii_case(b"application/xml") {
            self.application_xml.add(Range::Exact, weight);
        } else if range.eq_ignore_ascii_case(b"text/xml") {
            self.text_xml.add(Range::Exact, weight);
        }
    }

    fn verdict(&self, otherwise: Format) -> Result<Format, NotAcceptable> {
        let (json, xml) = (self.json.weight, self.application_xml.weight.max(self.text_xml.weight));
        if !self.readable {
            return Ok(otherwise);
        }
        match json.cmp(&xml) {
            Ordering::Greater => Ok(Format::Json),
            Ordering::Less => Ok(Format::Xml),
            Ordering::Equal if json > 0 => Ok(otherwise),
            Ordering::Equal => Err(NotAcceptable),
        }
    }
}

impl Wish {
    fn add(&mut self, range: Range, weight: u16) {
        if self.range < Some(range) {
            *self = Self { range: Some(range), weight };
        } else if self.range == Some(range) {
            self.weight = self.weight.max(weight);
        }
    }
}

/// A weight of 1, in thousandths.
const WEIGHT_MAX: u16 = 1000;

/// A weight in thousandths. What is no weight counts as 1, as if it were not there.
fn weight_or_full(text: &[u8]) -> u16 {
    let (whole, fraction) = match text.iter().position(|b| *b == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &text[..0]),
    };
    let mut digits = whole.iter().chain(fraction);
    let is_number = text != b"." && !text.is_empty() && digits.all(u8::is_ascii_digit);
    if !is_number || whole.iter().any(|b| *b != b'0') {
        return WEIGHT_MAX;
    }
    let thousandths = fraction.iter().chain(b"000").take(3);
    thousandths.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
}

/// The value of a `name=value` part, if that is its name; quotes around the value are dropped.
fn parameter<'a>(part: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let equals = part.iter().position(|b| *b == b'=')?;
    if !part[..equals].trim_ascii().eq_ignore_ascii_case(name) {
        return None;
    }
    let value = part[equals + 1..].trim_ascii();
    Some(value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value))
}

/// The parts between separators, trimmed; a separator inside quotes is none.
fn elements(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    line.split(move |byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == separator
    })
    .map(<[u8]>::trim_ascii)
}

fn is_any_of(text: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| text.eq_ignore_ascii_case(name.as_bytes()))
}
