//! What was said on the wire for a call, for the ladder in its record: bounded, and without what
//! would let a reader call at the account's expense.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use model::Clock;
use model::cdr;
use model::ladder::{Entry, Ladder, Transport};

use super::message::outside_quotes;

/// The ladder of a call under way; its legs share it by clones.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Ladder>>);

impl Recorder {
    /// The ladder so far.
    pub fn ladder(&self) -> Ladder {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }
}

/// The ladders of all legs, by Call-ID.
pub(super) struct Records {
    clock: Arc<dyn Clock>,
    legs: RwLock<HashMap<String, (Recorder, cdr::Leg)>>,
}

/// How a message went or came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage {
    pub(super) sent: bool,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) transport: Transport,
}

impl Records {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, legs: RwLock::default() }
    }

    /// From now on, notes what is said for that leg.
    pub(super) fn begin(&self, call_id: &str, recorder: Recorder, leg: cdr::Leg) {
        let mut legs = self.legs.write().unwrap_or_else(PoisonError::into_inner);
        legs.insert(call_id.to_owned(), (recorder, leg));
    }

    /// Notes no more for that leg.
    pub(super) fn end(&self, call_id: &str) {
        self.legs.write().unwrap_or_else(PoisonError::into_inner).remove(call_id);
    }

    /// Notes a message, if it belongs to a leg.
    pub(super) fn note(&self, passage: Passage, message: &[u8]) {
        let Some(call_id) = call_id(message) else { return };
        let legs = self.legs.read().unwrap_or_else(PoisonError::into_inner);
        let Some((recorder, leg)) = legs.get(call_id) else { return };
        let Passage { sent, local, remote, transport } = passage;
        let text = without_secrets(&String::from_utf8_lossy(message));
        let at = self.clock.now();
        recorder.push(Entry { at, leg: *leg, sent, local, remote, transport, text });
    }
}

/// The Call-ID of a message, without taking the rest apart.
fn call_id(message: &[u8]) -> Option<&str> {
    let mut lines = message.split(|byte| *byte == b'\n').take_while(|line| *line != b"\r");
    lines.find_map(|line| {
        let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        let name = name.trim();
        let is_call_id = name.eq_ignore_ascii_case("Call-ID") || name.eq_ignore_ascii_case("i");
        is_call_id.then_some(value.trim())
    })
}

/// What stands for what was taken out.
const HIDDEN: &str = "[hidden]";

/// The headers of digest authentication (RFC 3261 §22).
const DIGEST: [&str; 5] = [
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Authentication-Info",
];

/// Those of their parameters that say nothing about a secret.
const HARMLESS: [&str; 8] =
    ["digest realm", "realm", "username", "uri", "algorithm", "qop", "stale", "nc"];

/// A message without what proves who we are, and without the keys of its media.
fn without_secrets(text: &str) -> String {
    let mut in_secret_header = false;
    let mut scrubbed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let folds = in_secret_header && content.starts_with([' ', '\t']);
        let header = content.split_once(':').filter(|(name, _)| is_digest(name.trim()));
        in_secret_header = folds || header.is_some();
        match header {
            _ if folds => scrubbed.push_str(&format!(" {HIDDEN}")),
            Some((name, value)) => scrubbed.push_str(&format!("{name}: {}", harmless(value))),
            None => match ["a=crypto:", "k="].iter().find(|key| content.starts_with(**key)) {
                Some(key) => scrubbed.push_str(&format!("{key}{HIDDEN}")),
                None => scrubbed.push_str(content),
            },
        }
        scrubbed.push_str(&line[content.len()..]);
    }
    scrubbed
}

fn is_digest(name: &str) -> bool {
    DIGEST.iter().any(|digest| name.eq_ignore_ascii_case(digest))
}

fn harmless(value: &str) -> String {
    let parameters = outside_quotes(value, ',').map(|parameter| {
        let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = name.trim();
        // The first one stands behind the scheme.
        let bare = name.strip_prefix("Digest ").unwrap_or(name).trim().to_ascii_lowercase();
        match HARMLESS.contains(&bare.as_str()) {
            true => parameter.to_owned(),
            false if parameter.contains('=') => format!("{name}={HIDDEN}"),
            // Another scheme, such as Basic, is secret as a whole.
            false => HIDDEN.to_owned(),
        }
    });
    parameters.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use model::{ManualClock, Timestamp};

    use super::*;

    const REGISTER: &str = "INVITE sip:b@x SIP/2.0\r\ni: one@x\r\n\
        proxy-authorization: Digest username=\"me\", realm=\"x, y\", nonce=\"n0nce\", uri=\"sip:b@x\",\r\n\
        \tresponse=\"53cret\", cnonce=\"c0\", qop=auth, nc=00000001, opaque=\"0p\"\r\n\
        WWW-Authenticate: Digest realm=\"x\", nonce=\"n0nce\"\r\n\
        Authorization: Basic bWU6NTNjcmV0\r\nSubject: nonce=kept\r\n\r\n\
        v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:53cret\r\nk=clear:53cret\r\nm=audio 1 RTP/AVP 0\r\n";

    #[test]
    fn no_secret_stays_and_the_rest_does() {
        let scrubbed = without_secrets(REGISTER);
        for secret in ["n0nce", "53cret", "c0", "0p", "bWU6NTNjcmV0"] {
            assert!(!scrubbed.contains(secret), "{secret} in {scrubbed}");
        }
        for kept in ["username=\"me\"", "realm=\"x, y\"", "nonce=kept", "m=audio 1 RTP/AVP 0"] {
            assert!(scrubbed.contains(kept), "{kept} not in {scrubbed}");
        }
        assert_eq!(scrubbed.lines().count(), REGISTER.lines().count());
        assert_eq!(without_secrets("a\nb\r\n\r\nc"), "a\nb\r\n\r\nc");
    }

    #[test]
    fn a_message_is_noted_for_its_own_leg_only() {
        let records = Records::new(Arc::new(ManualClock::at(Timestamp::from_millis(7))));
        let recorder = Recorder::default();
        records.begin("one@x", recorder.clone(), cdr::Leg::B);
        let here: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let passage = Passage { sent: true, local: here, remote: here, transport: Transport::Udp };
        records.note(passage, REGISTER.as_bytes());
        records.note(passage, b"BYE sip:b@x SIP/2.0\r\nCall-ID: two@x\r\n\r\n");
        records.note(passage, b"BYE sip:b@x SIP/2.0\r\nX: 1\r\n\r\nCall-ID: one@x\r\n");
        records.end("one@x");
        records.note(passage, REGISTER.as_bytes());
        let ladder = recorder.ladder();
        assert_eq!((ladder.entries.len(), ladder.entries[0].leg), (1, cdr::Leg::B));
        assert_eq!(ladder.entries[0].at, Timestamp::from_millis(7));
    }
}
