//! One request and its final response, challenges answered.

use std::sync::Arc;
use std::time::Duration;

use model::cdr::Release;

use super::digest::Digest;
use super::leg::Failure;
use super::message::Message;
use super::reason::Reason;
use super::settings::Credentials;
use super::stack::Refused;
use super::wire::{Asked, Route, Unsent, Wire, is_local};

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoResponse {
    /// Nothing came within the protocol's time.
    Late,
    /// Nothing could be sent.
    Unsent(String),
}

/// How many requests one may become: two challengers, and nonces that are too old.
pub(super) const ATTEMPTS_MAX: u32 = 5;

/// Sends a request, again if it is challenged, and waits for what comes of it. Uses up to
/// `ATTEMPTS_MAX` sequence numbers from the request's own.
pub(super) async fn ask(
    wire: &Arc<Wire>,
    route: &Route,
    mut request: Message,
    credentials: Option<Credentials>,
) -> Result<Message, NoResponse> {
    let mut digest = Digest::new(credentials);
    loop {
        let asked = wire.ask(route, request.clone())?;
        let response = final_response(asked).await?;
        if !digest.takes(&response) {
            return Ok(response);
        }
        let next = request.sequence().unwrap_or(0) + 1;
        request.set("CSeq", &format!("{next} {}", request.method()));
        request.remove("Authorization");
        request.remove("Proxy-Authorization");
        digest.sign(&mut request);
    }
}

async fn final_response(mut asked: Asked) -> Result<Message, NoResponse> {
    while let Some(response) = asked.next().await {
        match response.code() {
            Some(408) if is_local(&response) => return Err(NoResponse::Late),
            Some(503) if is_local(&response) => {
                return Err(NoResponse::Unsent("the connection broke".to_owned()));
            }
            Some(200..) => return Ok(response),
            Some(_) | None => {}
        }
    }
    Err(NoResponse::Late)
}

impl From<Unsent> for NoResponse {
    fn from(Unsent(why): Unsent) -> Self {
        Self::Unsent(why)
    }
}

impl Failure {
    /// What a final response to an INVITE says.
    pub(super) fn of(response: &Message) -> Self {
        let code = response.code();
        match code {
            Some(408) if is_local(response) => Self::late(),
            Some(503) if is_local(response) => Self::unsent("the connection broke"),
            _ => Self {
                release: Release { code, cause: cause_of(response) },
                text: text_of(response),
                retry_after: retry_after(response),
                ..Self::default()
            },
        }
    }

    /// Nothing came in time.
    pub(super) fn late() -> Self {
        Self { text: "nothing came in time".to_owned(), local_timeout: true, ..Self::default() }
    }

    /// Nothing could be sent.
    pub(super) fn unsent(why: &str) -> Self {
        Self { text: why.to_owned(), unreachable: true, ..Self::default() }
    }
}

impl Refused {
    /// What a final response says.
    pub(super) fn of(response: &Message) -> Self {
        Self {
            code: response.code(),
            text: text_of(response),
            retry_after: retry_after(response),
            unreachable: false,
        }
    }
}

impl From<NoResponse> for Refused {
    fn from(none: NoResponse) -> Self {
        match none {
            NoResponse::Late => Self { text: "nothing came in time".to_owned(), ..Self::default() },
            NoResponse::Unsent(text) => Self { text, unreachable: true, ..Self::default() },
        }
    }
}

/// The Q.850 cause that a message gives.
pub(super) fn cause_of(message: &Message) -> Option<u8> {
    Reason::all(message).find_map(|reason| reason.q850_cause())
}

/// What a message says to people: its phrase, and the texts of its reasons.
pub(super) fn text_of(message: &Message) -> String {
    let phrase = Some(message.phrase().to_owned()).filter(|phrase| !phrase.is_empty());
    let texts = Reason::all(message).filter_map(|reason| reason.text);
    phrase.into_iter().chain(texts).collect::<Vec<_>>().join("; ")
}

/// RFC 3261 §20.33: seconds, and perhaps a comment.
fn retry_after(response: &Message) -> Option<Duration> {
    let value = response.value("Retry-After")?;
    let number = value.split([' ', ';', '(']).next()?;
    Some(Duration::from_secs(u64::from(number.parse::<u32>().ok()?)))
}
