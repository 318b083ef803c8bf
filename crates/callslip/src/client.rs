//! A blocking HTTP client for the commands: JSON over one base URL with one credential.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Response, StatusCode, header};

/// Answers are limited by the server; this only keeps a stray server from filling the memory.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// One server, and what opens it.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

/// Why a request brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The server was not reached, or its answer was cut short. Whether it did what was asked is
    /// not known.
    #[error("cannot reach {url}: {source}")]
    Unreached {
        /// Where it should be.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The server answered, and said no.
    #[error("{text} ({messageid}, HTTP {status})", messageid = message_id, status = status.as_u16())]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// What happened, for machines.
        message_id: String,
        /// What happened, for people.
        text: String,
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the server of such a URL gives.
    #[error("{url} does not answer as Callslip does: {reason}")]
    Stranger {
        /// What was asked.
        url: String,
        /// What is odd.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same request may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreached { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
            }
            Self::Stranger { .. } => false,
        }
    }

    /// When the server asked to be tried again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreached { .. } | Self::Stranger { .. } => None,
        }
    }
}

/// The shape of every refusal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    request_error: RequestError,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestError {
    service_exception: ServiceException,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceException {
    message_id: String,
    text: String,
    #[serde(default)]
    validation_errors: BTreeMap<String, Vec<String>>,
}

impl ServiceException {
    /// What happened, and to which part of the request.
    fn told(&self) -> String {
        let mut text = self.text.clone();
        for (path, reasons) in &self.validation_errors {
            text.push_str(&format!("; {path} {}", reasons.join(", ")));
        }
        text
    }
}

/// What is asked.
pub(crate) struct Ask<'a> {
    /// The path and query.
    pub(crate) path: &'a str,
    /// Headers besides the credential.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// How long the whole exchange may take.
    pub(crate) timeout: Duration,
}

impl<'a> Ask<'a> {
    /// The path with nothing special.
    pub(crate) fn path(path: &'a str) -> Self {
        Self { path, headers: &[], timeout: Duration::from_secs(60) }
    }
}

impl Client {
    /// A client of the server at `base`, with an API key if one is needed.
    pub(crate) fn new(base: &str, key: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .user_agent(concat!("callslip/", env!("CARGO_PKG_VERSION")));
        // What is on this machine is not asked for through a proxy.
        let config = if is_loopback(base) { config.proxy(None) } else { config };
        Self {
            agent: config.build().into(),
            base: base.trim_end_matches('/').to_owned(),
            authorization: key.map(|key| format!("App {key}")),
        }
    }

    /// The server's address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The bytes that a GET gives.
    pub(crate) fn get_bytes(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ClientError> {
        self.exchange(Method::GET, ask, None)
    }

    /// The JSON that a GET gives.
    pub(crate) fn get(&self, path: &str) -> Result<Value, ClientError> {
        let bytes = self.get_bytes(&Ask::path(path))?;
        self.parse(path, &bytes)
    }

    /// Sends JSON, and the JSON that comes back; null if nothing does.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        self.post_bytes(method, path, "application/json", body.to_string().into_bytes())
    }

    /// Sends a body as it is, and the JSON that comes back; null if nothing does.
    pub(crate) fn post_bytes(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Value, ClientError> {
        let headers = [("content-type", content_type)];
        let ask = Ask { headers: &headers, ..Ask::path(path) };
        let bytes = self.exchange(method, &ask, Some(body))?;
        self.parse(path, &bytes)
    }

    /// Deletes what the path names.
    pub(crate) fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.exchange(Method::DELETE, &Ask::path(path), None).map(drop)
    }

    fn parse(&self, path: &str, bytes: &[u8]) -> Result<Value, ClientError> {
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(bytes).map_err(|error| ClientError::Stranger {
            url: format!("{}{path}", self.base),
            reason: error.to_string(),
        })
    }

    fn exchange(
        &self,
        method: Method,
        ask: &Ask<'_>,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, ClientError> {
        let url = format!("{}{}", self.base, ask.path);
        let unreached =
            |error| ClientError::Unreached { url: url.clone(), source: Box::new(error) };
        let mut request =
            Request::builder().method(method).uri(&url).header(header::ACCEPT, "application/json");
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = match body {
            Some(body) => self.run(request.body(body), ask.timeout),
            None => self.run(request.body(()), ask.timeout),
        };
        let mut answer = answer.map_err(unreached)?;
        let bytes = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()
            .map_err(unreached)?;
        if answer.status().is_success() { Ok(bytes) } else { Err(refusal(&url, &answer, &bytes)) }
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        request: ureq::http::Result<Request<B>>,
        timeout: Duration,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let request = self.agent.configure_request(request?).timeout_global(Some(timeout)).build();
        self.agent.run(request)
    }
}

fn refusal(url: &str, answer: &Response<ureq::Body>, bytes: &[u8]) -> ClientError {
    let status = answer.status();
    let retry_after = answer
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    match serde_json::from_slice::<Refusal>(bytes) {
        Ok(Refusal { request_error: RequestError { service_exception } }) => ClientError::Refused {
            status,
            text: service_exception.told(),
            message_id: service_exception.message_id,
            retry_after,
        },
        // A proxy in between speaks for itself; what it says may still pass.
        Err(_) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            ClientError::Refused {
                status,
                message_id: "not from Callslip".into(),
                text: format!("{url} is not available"),
                retry_after,
            }
        }
        Err(_) => ClientError::Stranger { url: url.to_owned(), reason: format!("HTTP {status}") },
    }
}

fn is_loopback(base: &str) -> bool {
    let uri: Option<ureq::http::Uri> = base.parse().ok();
    uri.as_ref().and_then(|uri| uri.host()).is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        host == "localhost" || address.is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    })
}

/// A path segment or query value, with everything escaped that could be misread.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The secret that a file holds: its first line. `-` is standard input.
pub(crate) fn secret_from(file: &Path) -> anyhow::Result<String> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let secret = text.lines().next().unwrap_or_default();
    anyhow::ensure!(!secret.trim().is_empty(), "{} holds no secret", file.display());
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, may_pass: bool) {
        let error = ClientError::Refused {
            status: StatusCode::from_u16(status).unwrap(),
            message_id: String::new(),
            text: String::new(),
            retry_after: None,
        };
        assert_eq!(error.may_pass(), may_pass, "{status}");
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        for status in [408, 429, 500, 502, 503, 504] {
            check(status, true);
        }
        for status in [400, 401, 403, 404, 406, 409, 413, 422] {
            check(status, false);
        }
    }

    #[test]
    fn this_machine_is_not_reached_through_a_proxy() {
        for base in ["http://127.0.0.1:1", "http://localhost", "https://[::1]:8080/"] {
            assert!(is_loopback(base), "{base}");
        }
        for base in ["http://192.0.2.1:1", "http://localhost.example", "http://[2001:db8::1]"] {
            assert!(!is_loopback(base), "{base}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_a_path() {
        assert_eq!(escaped("a/b?c d\u{e9}~-._"), "a%2Fb%3Fc%20d%C3%A9~-._");
    }
}
