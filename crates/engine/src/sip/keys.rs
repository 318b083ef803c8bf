//! Keys in SIP INFO: `application/dtmf-relay` and `application/dtmf`, as everybody does it and no
//! RFC says.

use super::message::Message;

/// What an INFO is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Info {
    /// A key.
    Key(char),
    /// Nothing that matters.
    Nothing,
    /// Something in a language of its own.
    Foreign,
}

/// What we understand.
pub(super) const ACCEPT: &str = "application/dtmf-relay, application/dtmf";

/// Reads an INFO.
pub(super) fn read(info: &Message) -> Info {
    let content_type = info.value("Content-Type").unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let body = String::from_utf8_lossy(&info.body);
    if body.trim().is_empty() {
        Info::Nothing
    } else if content_type.eq_ignore_ascii_case("application/dtmf-relay") {
        let signal = body.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_owned())
        });
        signal.and_then(|signal| key(&signal)).map_or(Info::Nothing, Info::Key)
    } else if content_type.eq_ignore_ascii_case("application/dtmf") {
        key(body.trim()).map_or(Info::Nothing, Info::Key)
    } else {
        Info::Foreign
    }
}

/// Writes a key into an INFO.
pub(super) fn write(key: char, info: Message) -> Message {
    let body = format!("Signal={key}\r\nDuration=160\r\n");
    info.with_body("application/dtmf-relay", body.into_bytes())
}

/// Some write 10 and 11 for the star and the hash: their event codes (RFC 4733 §3.2).
fn key(signal: &str) -> Option<char> {
    match signal {
        "10" => Some('*'),
        "11" => Some('#'),
        _ => {
            let mut signs = signal.chars();
            let key = signs.next()?.to_ascii_uppercase();
            let is_key = matches!(key, '0'..='9' | '*' | '#' | 'A'..='D');
            (is_key && signs.next().is_none()).then_some(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(content_type: &str, body: &str) -> Info {
        let info = Message::request("INFO", "sip:a@x");
        read(&info.with_body(content_type, body.as_bytes().to_vec()))
    }

    #[test]
    fn keys_are_read_and_written() {
        let relay = "application/dtmf-relay";
        for key in "0123456789*#ABCD".chars() {
            let written = write(key, Message::request("INFO", "sip:a@x"));
            assert_eq!(read(&written), Info::Key(key));
        }
        assert_eq!(info(relay, "Duration=100\nsignal = b\n"), Info::Key('B'));
        assert_eq!(info(relay, "Signal=11\r\n"), Info::Key('#'));
        assert_eq!(info("application/DTMF; x=y", " 5\r\n"), Info::Key('5'));
    }

    #[test]
    fn what_is_no_key_is_none() {
        assert_eq!(info("application/dtmf-relay", "Signal=!\r\n"), Info::Nothing);
        assert_eq!(info("application/dtmf-relay", "\u{fffd}"), Info::Nothing);
        assert_eq!(info("application/dtmf", "55"), Info::Nothing);
        assert_eq!(info("application/media_control+xml", ""), Info::Nothing);
        assert_eq!(info("application/media_control+xml", "<x/>"), Info::Foreign);
    }
}
