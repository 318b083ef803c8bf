//! Health and metrics, on the admin listener.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use store::Health;

use super::Edged;
use crate::edge::Edge;
use crate::metrics::Ledgered;
use crate::trunk::{Fitness, SipFigures, TrunkFigures};

/// Accounts with a metric of their own at most, the longest queues first.
const ACCOUNTS_SHOWN_MAX: usize = 100;

/// What to do about a ledger on a disk.
const FREE_DISK: &str = "Free the disk or replace it, then restart: what was answered is kept.";
/// What to do about one on a database.
const REACH_DATABASE: &str = "Bring the database back, or the way to it; this process goes on by \
    itself then. Until then it refuses with 503: what was answered is kept.";

/// The process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "live"}))
}

/// Requests can be served: the ledger can be written to and no stop has begun.
pub(super) async fn ready(State(edge): Edged) -> (StatusCode, Json<Value>) {
    let stopping = edge.stopping.load(Ordering::SeqCst);
    let (ledger, trouble) = told(edge.ledger.health());
    let is_ready = !stopping && trouble.is_none();
    let mut body = json!({
        "status": if is_ready { "ready" } else { "unavailable" },
        "ledger": {"status": ledger},
        "stopping": stopping,
    });
    if edge.telephony.takes_calls() {
        // Without a voice, texts are refused and everything else goes on. Without a trunk, calls
        // wait and end as they do, and everything but them goes on.
        let figures = edge.telephony.figures();
        body["speech"] = json!({"status": if figures.voices > 0 { "ready" } else { "no voice" }});
        if let Some(sip) = figures.sip {
            body["trunks"] = trunks(&sip);
        }
    }
    if let Some((reason, remedy)) = trouble {
        body["ledger"]["reason"] = json!(reason);
        body["ledger"]["remedy"] = json!(remedy);
    }
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body))
}

/// Whether calls find a trunk.
fn trunks(sip: &SipFigures) -> Value {
    let is_up = |trunk: &&TrunkFigures| trunk.fitness() == Fitness::Up;
    let (up, down): (Vec<_>, Vec<_>) = sip.trunks.iter().partition(is_up);
    let names: Vec<_> = down.iter().map(|trunk| &trunk.name).collect();
    let status = match (up.is_empty(), down.is_empty()) {
        (_, true) => "ready",
        (false, false) => "some down",
        (true, false) => "all down",
    };
    if down.is_empty() {
        json!({"status": status})
    } else {
        json!({"status": status, "down": names})
    }
}

/// How the ledger is, in a word; and if it is not well, why, and what to do.
fn told(health: Health) -> (&'static str, Option<(String, &'static str)>) {
    match health {
        Health::Ready => ("ready", None),
        Health::Stalled(span) => {
            let reason = format!("a commit has been under way for {} s", span.as_secs());
            ("stalled", Some((reason, FREE_DISK)))
        }
        Health::Poisoned(reason) => ("poisoned", Some((reason, FREE_DISK))),
        Health::Unreachable(reason) => ("unreachable", Some((reason, REACH_DATABASE))),
    }
}

/// The metrics page, in Prometheus' text format.
pub(super) async fn metrics(State(edge): Edged) -> Response<Body> {
    let ledgered = ledgered(&edge).await;
    let mut response = Response::new(Body::from(edge.metrics.page(&ledgered)));
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format));
    response
}

async fn ledgered(edge: &Arc<Edge>) -> Ledgered {
    let mut figures = edge.ledger.figures().await.unwrap_or_default();
    let now = edge.clock.now();
    let oldest = figures.waiting.iter().filter_map(|(_, waiting)| waiting.oldest).min();
    figures.waiting.sort_by_key(|(_, waiting)| std::cmp::Reverse(waiting.pending));
    figures.waiting.truncate(ACCOUNTS_SHOWN_MAX);
    figures.calls.sort_by_key(|calls| std::cmp::Reverse(calls.due));
    figures.calls.truncate(ACCOUNTS_SHOWN_MAX);
    let name = |id| edge.auth.account(id).map_or_else(String::new, |a| a.name.clone());
    Ledgered {
        accounts: figures.waiting.iter().map(|(id, _)| name(*id)).collect(),
        callers: figures.calls.iter().map(|calls| name(calls.account)).collect(),
        figures,
        calls: edge.telephony.figures(),
        oldest_seconds: oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64()),
        ready: edge.ledger.health() == Health::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_reached_is_told_with_its_reason() {
        let (ledger, trouble) = told(Health::Unreachable("connection refused".into()));
        let (reason, remedy) = trouble.unwrap();
        assert_eq!((ledger, reason.as_str()), ("unreachable", "connection refused"));
        assert!(remedy.contains("database") && !remedy.contains("restart"));
    }
}
