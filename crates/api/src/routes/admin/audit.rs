//! "Did you ever give me this report?": what happened to a message.

use axum::body::Body;
use axum::extract::{Path, State};
use http::{Request, Response, StatusCode};
use serde::Serialize;
use store::{Audit, ReportState, ReturnReason, TakeEntry, TakeState};

use super::{admin, json, shown};
use crate::edge::Edge;
use crate::routes::Edged;

#[derive(Serialize)]
struct List {
    audits: Vec<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    account: String,
    bulk_id: String,
    message_id: String,
    fed_at: String,
    state: &'static str,
    takes: Vec<ShownTake>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownTake {
    take: u64,
    at: String,
    credential: String,
    peer: String,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    reports: u64,
    bytes_acknowledged: u64,
    replays: u32,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
}

pub(super) async fn show(
    State(edge): Edged,
    Path(message_id): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let audits = edge.ledger.audit(&message_id).await?;
        let audits = audits.into_iter().map(|audit| shown_audit(&edge, audit)).collect();
        json(StatusCode::OK, &List { audits })
    })
    .await
}

fn shown_audit(edge: &Edge, audit: Audit) -> Shown {
    Shown {
        account: edge.auth.account(audit.account).map_or_else(String::new, |a| a.name.clone()),
        bulk_id: audit.report.bulk_id,
        message_id: audit.report.message_id,
        fed_at: shown(audit.report.fed_at),
        state: match audit.report.state {
            ReportState::Pending => "pending",
            ReportState::InFlight => "in flight",
            ReportState::Settled => "settled",
        },
        takes: audit.takes.into_iter().map(shown_take).collect(),
    }
}

fn shown_take(take: TakeEntry) -> ShownTake {
    let (state, reason) = match take.state {
        TakeState::InFlight => ("in flight", None),
        TakeState::Settled => ("settled", None),
        TakeState::Returned(reason) => ("returned", Some(reason_text(reason))),
    };
    ShownTake {
        take: take.take.0,
        at: shown(take.at),
        credential: take.by.credential,
        peer: take.by.peer,
        request_id: take.by.request_id,
        idempotency_key: take.key,
        reports: take.reports,
        bytes_acknowledged: take.bytes_acknowledged,
        replays: take.replays,
        state,
        reason,
        ended_at: take.ended_at.map(shown),
    }
}

fn reason_text(reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::NotWritten => "the answer was dropped before all of it was written",
        ReturnReason::Reset => "the connection was reset",
        ReturnReason::NotAcknowledged => "bytes of the answer were never acknowledged",
        ReturnReason::Crash => "the server stopped with the answer under way",
        ReturnReason::WindowEnded => "the key's window ended with no answer acknowledged",
    }
}
