//! Why a request was refused: a status, a code and a text for the client, in the `requestError`
//! shape, JSON or XML. What the client must not see goes to the log instead, once, here.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use store::StoreError;

use crate::negotiate::Format;
use crate::wire;
use crate::wire::submit::Refused;
use crate::wire::submit::bulks::BulkStatus;

/// When to try again if too many calls are waiting: some will have been placed by then.
const QUEUE_PAUSE: Duration = Duration::from_secs(10);

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message_id: &'static str,
    pub(crate) text: String,
    /// Path in the request, and what is wrong with it.
    pub(crate) faults: Vec<(String, Vec<String>)>,
    pub(crate) retry_after_seconds: Option<u64>,
    pub(crate) allow: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        message_id: &'static str,
        text: impl Into<String>,
    ) -> Self {
        let text = text.into();
        let (faults, retry_after_seconds, allow) = (Vec::new(), None, None);
        Self { status, message_id, text, faults, retry_after_seconds, allow }
    }

    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", text)
    }

    /// A bad request whose fault has a place: a parameter's name or a path in the body.
    pub(crate) fn at(path: impl Into<String>, reason: impl Into<String>) -> Self {
        let mut error = Self::bad_request("Bad request");
        error.faults.push((path.into(), vec![reason.into()]));
        error
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Invalid login details")
    }

    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", text)
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let shown: String = path.chars().take(200).collect();
        let text = format!("Requested URL not found: {shown}");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", text)
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let text = format!("Method not allowed; allowed are {allow}");
        let mut error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text);
        error.allow = Some(allow);
        error
    }

    pub(crate) fn not_acceptable() -> Self {
        let text = "This resource has application/json and application/xml";
        Self::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", text)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let text = format!("The request body is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", text)
    }

    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut error = Self::new(status, "TOO_MANY_REQUESTS", "Too many requests");
        error.retry_after_seconds = Some(wait.as_millis().div_ceil(1000).max(1) as u64);
        error
    }

    pub(crate) fn internal() -> Self {
        let text = "Something went wrong. Please contact support.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "GENERAL_ERROR", text)
    }

    fn unavailable(text: &str, retry_after_seconds: u64) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut error = Self::new(status, "SERVICE_UNAVAILABLE", text);
        error.retry_after_seconds = Some(retry_after_seconds);
        error
    }

    pub(crate) fn respond(&self, format: Format) -> Response<Body> {
        let body = wire::error::error_body(format, self.message_id, &self.text, &self.faults);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wire::content_type(format)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"callslip\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<wire::Fault> for ApiError {
    fn from(fault: wire::Fault) -> Self {
        Self::at(fault.path, fault.reason)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let mut error = Self::bad_request(refused.to_string());
        error.faults = refused.validation_errors();
        error
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "IDEMPOTENCY_KEY_REUSED",
                "This Idempotency-Key was used with other parameters",
            ),
            StoreError::Busy => Self::unavailable("The ledger is busy; try again", 1),
            StoreError::NameTaken(name) => {
                let text = format!("There is an account named `{name}` already");
                Self::new(StatusCode::CONFLICT, "CONFLICT", text)
            }
            StoreError::NoSuchAccount => {
                Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such account")
            }
            StoreError::QueueFull { waiting, most } => {
                let mut full = Self::too_many_requests(QUEUE_PAUSE);
                full.text = format!("Too many calls: {waiting} would wait, of at most {most}");
                full
            }
            StoreError::BulkState(state) => {
                let text = format!("The bulk is {}", BulkStatus::from(state).name());
                Self::new(StatusCode::CONFLICT, "CONFLICT", text)
            }
            StoreError::Poisoned(_) => {
                Self::unavailable("The ledger has stopped and waits for its operator", 30)
            }
            StoreError::Unavailable(ref reason) => {
                tracing::warn!(reason, "A request was refused for want of the database.");
                Self::unavailable("The ledger cannot be reached; try again", 2)
            }
            StoreError::Corrupt(_)
            | StoreError::LeaseLost
            | StoreError::InUse(_)
            | StoreError::Newer { .. }
            | StoreError::SchemaNewer { .. }
            | StoreError::Settings(_)
            | StoreError::Open { .. } => {
                tracing::error!(error = %error, "The ledger failed.");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_reached_is_no_fault_of_the_request() {
        let error = ApiError::from(StoreError::Unavailable("connection refused by db-7".into()));
        let response = error.respond(Format::Json);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(!error.text.contains("db-7"), "the client need not know where it is");
    }
}
