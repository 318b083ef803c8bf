//! A SIP message, as text with a beginning, lines and a body.
//!
//! Nothing here knows what a header means beyond how its value is taken apart.

use std::borrow::Cow;
use std::fmt::Write;

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    start: Start,
    headers: Vec<(String, String)>,
    /// What follows the headers.
    pub(super) body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    Request { method: String, uri: String },
    Response { code: u16, phrase: String },
}

/// RFC 3261 §7.3.3, RFC 4028, RFC 3515.
const COMPACT: [(&str, &str); 12] = [
    ("v", "Via"),
    ("f", "From"),
    ("t", "To"),
    ("i", "Call-ID"),
    ("m", "Contact"),
    ("l", "Content-Length"),
    ("c", "Content-Type"),
    ("e", "Content-Encoding"),
    ("s", "Subject"),
    ("k", "Supported"),
    ("x", "Session-Expires"),
    ("r", "Refer-To"),
];

impl Message {
    /// A request with nothing in it.
    pub(super) fn request(method: &str, uri: &str) -> Self {
        let start = Start::Request { method: method.to_owned(), uri: one_line(uri).into_owned() };
        Self { start, headers: Vec::new(), body: Vec::new() }
    }

    /// A response to a request, with what it must take over (RFC 3261 §8.2.6).
    pub(super) fn response_to(request: &Self, code: u16) -> Self {
        let start = Start::Response { code, phrase: phrase(code).to_owned() };
        let taken = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
        let taken_over = |name: &str| taken.iter().any(|taken| name.eq_ignore_ascii_case(taken));
        let headers = request.headers.iter().filter(|(name, _)| taken_over(name)).cloned();
        Self { start, headers: headers.collect(), body: Vec::new() }
    }

    /// Reads a message. None if it has no beginning that can be understood.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.split("\r\n");
        let start = Start::parse(lines.next()?)?;
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                // A folded line (RFC 3261 §7.3.1).
                let (_, value) = headers.last_mut()?;
                value.push(' ');
                value.push_str(line.trim());
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((long_name(name.trim()).to_owned(), value.trim().to_owned()));
            }
        }
        Some(Self { start, headers, body: bytes[end + 4..].to_vec() })
    }

    /// What goes on the wire; the length of the body is put in.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut head = String::with_capacity(512);
        // Writing to a string cannot fail.
        let _ = match &self.start {
            Start::Request { method, uri } => write!(head, "{method} {uri} SIP/2.0\r\n"),
            Start::Response { code, phrase } => write!(head, "SIP/2.0 {code} {phrase}\r\n"),
        };
        for (name, value) in &self.headers {
            if !name.eq_ignore_ascii_case("Content-Length") {
                let _ = write!(head, "{name}: {value}\r\n");
            }
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", self.body.len());
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The status code; none of a request.
    pub(super) fn code(&self) -> Option<u16> {
        match &self.start {
            Start::Response { code, .. } => Some(*code),
            Start::Request { .. } => None,
        }
    }

    /// The reason phrase; empty of a request.
    pub(super) fn phrase(&self) -> &str {
        match &self.start {
            Start::Response { phrase, .. } => phrase,
            Start::Request { .. } => "",
        }
    }

    /// The method: of a request its own, of a response the one that it answers.
    pub(super) fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => {
                let cseq = self.value("CSeq").unwrap_or_default();
                cseq.split_ascii_whitespace().nth(1).unwrap_or_default()
            }
        }
    }

    /// The Request-URI; empty of a response.
    pub(super) fn uri(&self) -> &str {
        match &self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => "",
        }
    }

    /// The number in CSeq.
    pub(super) fn sequence(&self) -> Option<u32> {
        self.value("CSeq")?.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Adds a header. What would begin another line is taken out.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.headers.push((one_line(name).into_owned(), one_line(value).into_owned()));
    }

    /// Puts a header in front of all others, as Via must be.
    pub(super) fn put_first(&mut self, name: &str, value: &str) {
        self.headers.insert(0, (one_line(name).into_owned(), one_line(value).into_owned()));
    }

    /// The message with one more header.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name, value);
        self
    }

    /// Puts a header in the place of those of that name.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.push(name, value);
    }

    /// Takes out all headers of that name.
    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// The same message with a body.
    pub(super) fn with_body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.set("Content-Type", content_type);
        self.body = body;
        self
    }

    /// The first value of a header.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// The lines of a header.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The values of a header that is a list, from all its lines.
    pub(super) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values(name).flat_map(|value| outside_quotes(value, ','))
    }

    /// Whether a list holds a token, such as `Supported` holds `timer`.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|item| item.eq_ignore_ascii_case(token))
    }

    /// The tag of From or To.
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        parameter(self.value(name)?, "tag").filter(|tag| !tag.is_empty())
    }

    /// The body, if it is SDP.
    pub(super) fn sdp(&self) -> Option<&[u8]> {
        let content_type = self.value("Content-Type")?.split(';').next()?.trim();
        let is_sdp = content_type.eq_ignore_ascii_case("application/sdp") && !self.body.is_empty();
        is_sdp.then_some(self.body.as_slice())
    }
}

impl Start {
    fn parse(line: &str) -> Option<Self> {
        let (first, rest) = line.split_once(' ')?;
        if first.eq_ignore_ascii_case("SIP/2.0") {
            let (code, phrase) = rest.split_once(' ').unwrap_or((rest, ""));
            return Some(Self::Response { code: code.parse().ok()?, phrase: phrase.to_owned() });
        }
        let (uri, _version) = rest.rsplit_once(' ')?;
        Some(Self::Request { method: first.to_owned(), uri: uri.trim().to_owned() })
    }
}

fn long_name(name: &str) -> &str {
    let compact = COMPACT.iter().find(|(short, _)| name.eq_ignore_ascii_case(short));
    compact.map_or(name, |(_, long)| long)
}

/// A value without what would begin another line.
fn one_line(value: &str) -> Cow<'_, str> {
    if value.contains(|c: char| c.is_control()) {
        value.chars().filter(|c| !c.is_control()).collect::<String>().into()
    } else {
        value.into()
    }
}

/// The parts between separators that stand neither in quotes nor in angle brackets.
pub(super) fn outside_quotes(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut angled) = (false, false, false);
    let parts = value.split(move |c: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            _ => return c == separator && !quoted && !angled,
        }
        false
    });
    parts.map(str::trim)
}

/// What quotes hold.
pub(super) fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut escaped = false;
    let unescape = |c: &char| {
        escaped = *c == '\\' && !escaped;
        !escaped
    };
    inner.map_or_else(|| value.to_owned(), |inner| inner.chars().filter(unescape).collect())
}

/// A parameter of a value, outside of its URI's brackets; empty if it has no value.
pub(super) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    outside_quotes(value, ';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The URI of a value such as Contact or From, without the header's own parameters.
pub(super) fn uri_in(value: &str) -> Option<&str> {
    let named = outside_quotes(value, ';').next()?;
    // A display name in quotes may hold brackets of its own.
    let after_name = named.rfind('"').map_or(named, |quote| &named[quote + 1..]);
    let uri = match after_name.split_once('<') {
        Some((_, rest)) => rest.split_once('>')?.0,
        None => after_name,
    };
    Some(uri.trim()).filter(|uri| !uri.is_empty())
}

/// The usual phrase of a code (RFC 3261 §21).
pub(super) fn phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        422 => "Session Interval Too Small",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:b@example.org;user=phone SIP/2.0\r\n\
        v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n\
        Record-Route: <sip:p1;lr>, \"P, 2\" <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n\
        f: \"A; <B>\" <sip:a@example.org;x=y>;tag=one\r\nTo: <sip:b@example.org>\r\n\
        Subject: folded\r\n  over lines\r\nk: timer,100rel\r\nCSeq: 7 INVITE\r\n\
        c: application/sdp;charset=x\r\n\r\nv=0\r\n";

    #[test]
    fn a_message_is_taken_apart() {
        let message = Message::parse(INVITE.as_bytes()).expect("a message");
        assert_eq!((message.method(), message.sequence()), ("INVITE", Some(7)));
        assert_eq!(message.uri(), "sip:b@example.org;user=phone");
        let routes: Vec<_> = message.list("record-route").collect();
        assert_eq!(routes, ["<sip:p1;lr>", "\"P, 2\" <sip:p2;lr>", "<sip:p3;lr>"]);
        assert_eq!((message.tag("From"), message.tag("To")), (Some("one"), None));
        assert_eq!(uri_in(message.value("From").expect("From")), Some("sip:a@example.org;x=y"));
        assert_eq!(message.value("Subject"), Some("folded over lines"));
        assert!(message.lists("Supported", "TIMER") && !message.lists("Supported", "path"));
        assert_eq!(message.sdp(), Some(b"v=0\r\n".as_slice()));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let message = Message::parse(INVITE.as_bytes()).expect("a message");
        let again = Message::parse(&message.to_bytes()).expect("a message");
        assert_eq!(again.value("Content-Length"), Some("5"));
        assert_eq!((again.method(), &again.body), (message.method(), &message.body));
        let response = Message::response_to(&message, 486);
        let again = Message::parse(&response.to_bytes()).expect("a message");
        assert_eq!(
            (again.code(), again.phrase(), again.method()),
            (Some(486), "Busy Here", "INVITE")
        );
    }

    #[test]
    fn no_value_begins_a_line() {
        let message = Message::request("BYE", "sip:a@b\r\nX: 1").with("From", "a\r\nEvil: 1\0");
        let text = String::from_utf8(message.to_bytes()).expect("text");
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn bits_of_a_message_are_none_or_harmless() {
        for end in 0..INVITE.len() {
            let _ = Message::parse(&INVITE.as_bytes()[..end]);
        }
        for text in
            ["\r\n\r\n", "SIP/2.0 \r\n\r\n", "A B\r\n\r\n", " a\r\n\r\n", "A B C\r\n x\r\n\r\n"]
        {
            assert_eq!(Message::parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
