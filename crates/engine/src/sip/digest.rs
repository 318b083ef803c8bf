//! Digest authentication (RFC 3261 §22, RFC 8760): challenges are answered, but not for ever.

use super::message::{Message, outside_quotes, unquoted};
use super::settings::Credentials;
use super::wire::{Algorithm, DigestOf, digest, random};

/// What has been asked of one request, and answered.
#[derive(Debug, Default)]
pub(super) struct Digest {
    credentials: Option<Credentials>,
    challenges: Vec<Challenge>,
    stale: u8,
}

#[derive(Debug)]
struct Challenge {
    /// The header that answers it.
    header: &'static str,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As the challenge writes it.
    algorithm: Option<String>,
    function: Algorithm,
    qop: bool,
    stale: bool,
}

/// How often a nonce may be said to be too old.
const STALE_MAX: u8 = 2;

impl Digest {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, ..Self::default() }
    }

    /// Takes in a 401 or 407. False if there is no use in asking again: no credentials, no
    /// challenge that we understand, or the same realm has refused them already.
    pub(super) fn takes(&mut self, response: &Message) -> bool {
        let (asks, answers) = match response.code() {
            Some(401) => ("WWW-Authenticate", "Authorization"),
            Some(407) => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return false,
        };
        let found = response.values(asks).filter_map(|value| Challenge::parse(value, answers));
        // The better function of those that are offered.
        let found = found.max_by_key(|challenge| challenge.function == Algorithm::Sha256);
        let Some(found) = found.filter(|_| self.credentials.is_some()) else { return false };
        let is_again = |known: &Challenge| known.header == answers && known.realm == found.realm;
        if let Some(known) = self.challenges.iter().position(is_again) {
            if !found.stale || self.stale == STALE_MAX {
                return false;
            }
            self.stale += 1;
            self.challenges.remove(known);
        }
        self.challenges.push(found);
        true
    }

    /// Puts the answers into a request.
    pub(super) fn sign(&self, request: &mut Message) {
        let Some(credentials) = &self.credentials else { return };
        for challenge in &self.challenges {
            if let Some(answer) = challenge.answer(credentials, request) {
                request.push(challenge.header, &answer);
            }
        }
    }
}

impl Challenge {
    fn parse(value: &str, header: &'static str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let parameter = |name: &str| {
            let mut parameters = outside_quotes(rest, ',').filter_map(|part| part.split_once('='));
            let found = parameters.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| unquoted(value))
        };
        let algorithm = parameter("algorithm");
        let function = match algorithm.as_deref().unwrap_or("MD5") {
            name if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            name if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            _ => return None,
        };
        let qop = parameter("qop");
        let has_auth =
            |list: &str| list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth"));
        if !qop.as_deref().is_none_or(has_auth) {
            return None;
        }
        Some(Self {
            header,
            realm: parameter("realm")?,
            nonce: parameter("nonce")?,
            opaque: parameter("opaque"),
            algorithm,
            function,
            qop: qop.is_some(),
            stale: parameter("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    fn answer(&self, credentials: &Credentials, request: &Message) -> Option<String> {
        let cnonce = self.qop.then(|| random(16));
        let response = digest(&DigestOf {
            algorithm: self.function,
            username: &credentials.username,
            password: &credentials.password,
            realm: &self.realm,
            nonce: &self.nonce,
            method: request.method(),
            uri: request.uri(),
            cnonce: cnonce.as_deref(),
        })?;
        let mut answer = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(&credentials.username),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(request.uri()),
        );
        if let Some(algorithm) = &self.algorithm {
            answer.push_str(&format!(", algorithm={algorithm}"));
        }
        if let Some(cnonce) = cnonce {
            answer.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            answer.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        Some(answer)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Option<Credentials> {
        Some(Credentials { username: "bob".into(), password: "zanzibar".into() })
    }

    fn asks(code: u16, headers: &str) -> Message {
        let text = format!("SIP/2.0 {code} No\r\n{headers}\r\n");
        Message::parse(text.as_bytes()).expect("a message")
    }

    fn signed(digest: &Digest) -> Message {
        let mut request = Message::request("INVITE", "sip:bob@biloxi.com");
        digest.sign(&mut request);
        request
    }

    #[test]
    fn the_example_of_the_rfc_comes_out() {
        // draft-smith-sipping-auth-examples, 3.1: MD5 without qop.
        let mut digest = Digest::new(credentials());
        assert!(digest.takes(&asks(
            401,
            "WWW-Authenticate: Digest realm=\"biloxi.com\", qop=\"auth-int\", nonce=\"x\"\r\n\
             WWW-Authenticate: Digest realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"o\"\r\n",
        )));
        let request = signed(&digest);
        let answer = request.value("Authorization").expect("an answer");
        assert!(answer.contains("response=\"bf57e4e0d0bffc0fbaedce64d59add5e\""), "{answer}");
        assert!(answer.contains("opaque=\"o\"") && !answer.contains("qop"), "{answer}");
    }

    #[test]
    fn a_proxy_and_the_far_end_may_both_ask_but_each_only_once() {
        let mut digest = Digest::new(credentials());
        let proxy =
            asks(407, "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\", qop=\"auth\"\r\n");
        let server =
            asks(401, "WWW-Authenticate: Digest realm=\"s\", nonce=\"2\", algorithm=SHA-256\r\n");
        assert!(digest.takes(&proxy) && digest.takes(&server));
        let request = signed(&digest);
        assert!(
            request
                .value("Proxy-Authorization")
                .is_some_and(|value| value.contains("qop=auth, nc=00000001"))
        );
        assert!(
            request.value("Authorization").is_some_and(|value| value.contains("algorithm=SHA-256"))
        );
        assert!(!digest.takes(&proxy) && !digest.takes(&server));
    }

    #[test]
    fn a_stale_nonce_is_replaced_twice() {
        let mut digest = Digest::new(credentials());
        let stale = "WWW-Authenticate: Digest realm=\"s\", nonce=\"new\", stale=TRUE\r\n";
        let taken: Vec<_> = (0..4).map(|_| digest.takes(&asks(401, stale))).collect();
        assert_eq!(taken, [true, true, true, false]);
        assert_eq!(signed(&digest).values("Authorization").count(), 1);
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        let challenge = "WWW-Authenticate: Digest realm=\"s\", nonce=\"1\"\r\n";
        assert!(!Digest::new(None).takes(&asks(401, challenge)));
        for headers in [
            "",
            "WWW-Authenticate: Basic realm=\"s\"\r\n",
            "WWW-Authenticate: Digest realm=\"s\", nonce=\"1\", algorithm=MD5-sess\r\n",
            "WWW-Authenticate: Digest realm=\"s\"\r\n",
            "Proxy-Authenticate: Digest realm=\"s\", nonce=\"1\"\r\n",
        ] {
            assert!(!Digest::new(credentials()).takes(&asks(401, headers)), "{headers}");
        }
    }
}
