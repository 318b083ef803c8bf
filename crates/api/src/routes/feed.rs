//! `POST /callslip/1/reports`: reports of an existing platform, into the account's queue.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, post};
use http::Request;
use http::request::Parts;
use model::{AccountId, Report, Role};
use store::Fed;

use super::{Answer, Edged, answer, body_format, caller, format_of, ok, read_body, with_allow};
use crate::edge::Edge;
use crate::error::ApiError;
use crate::metrics::ResultLabels;
use crate::negotiate::Format;
use crate::wire;
use crate::wire::receipt::{Receipt, Refusal, feed_reply};

pub(super) fn route(ending: Option<Format>) -> MethodRouter<Arc<Edge>> {
    let feed = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_of(ending, request.headers());
        answer(format, |format| feed(edge, request, format)).await
    };
    with_allow(post(feed), "POST, OPTIONS")
}

async fn feed(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let (head, body) = request.into_parts();
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Feed)?;
    feed_into(&edge, caller.account, (&head, body), format).await
}

/// Feeds the request's body into the account: durable before the answer.
pub(super) async fn feed_into(
    edge: &Edge,
    account: AccountId,
    (head, body): (&Parts, Body),
    format: Format,
) -> Answer {
    let body_format = body_format(&head.headers)?;
    let body = read_body(body, &edge.settings).await?;
    // The largest feed takes a fifth of a second of a core; other requests do not wait for it.
    let parsing = tokio::task::spawn_blocking(move || wire::feed::parse(body_format, &body));
    let feed = parsing.await.map_err(|_| ApiError::internal())?;
    let feed = feed.map_err(|fault| ApiError::bad_request(fault.to_string()))?;
    let mut reply = Receipt::default();
    let (mut reports, mut indexes) = (Vec::new(), Vec::new());
    for (index, item) in feed.items.into_iter().enumerate() {
        match item {
            Ok(report) => {
                indexes.push(index);
                reports.push(report);
            }
            Err(faults) => reply.refused.extend(faults.into_iter().map(|fault| Refusal {
                index,
                message_id: None,
                fault,
            })),
        }
    }
    let ids: Vec<String> = reports.iter().map(|r: &Report| r.message_id.clone()).collect();
    let fed =
        if reports.is_empty() { Vec::new() } else { edge.ledger.feed(account, reports).await? };
    for ((fed, index), message_id) in fed.into_iter().zip(indexes).zip(ids) {
        match fed {
            Fed::New => reply.accepted += 1,
            Fed::Duplicate => reply.duplicates += 1,
            Fed::Conflict => reply.refused.push(conflict(index, message_id)),
        }
    }
    reply.refused.sort_by_key(|refused| refused.index);
    count(edge, &reply);
    Ok(ok(format, feed_reply(format, &reply)))
}

fn conflict(index: usize, message_id: String) -> Refusal {
    let path = format!("results[{index}].messageId");
    let reason = "names a report that the account has already, with other content".to_owned();
    Refusal { index, message_id: Some(message_id), fault: wire::Fault { path, reason } }
}

fn count(edge: &Edge, reply: &Receipt) {
    let results = [
        ("accepted", reply.accepted),
        ("duplicate", reply.duplicates),
        ("refused", reply.refused.len()),
    ];
    for (result, reports) in results {
        edge.metrics.reports_fed.get_or_create(&ResultLabels { result }).inc_by(reports as u64);
    }
}
