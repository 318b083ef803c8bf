//! `/tts/3/bulks` and `/tts/3/bulks/status`: when a bulk begins, and how far it is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, get};
use http::{Request, StatusCode};
use model::Role;
use store::{Bulk, BulkChange, BulkState, StoreError};

use super::{
    Answer, Edged, answer, body_format, caller, format_like_body, format_of, ok, query, read_body,
    with_allow,
};
use crate::auth::Caller;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::negotiate::Format;
use crate::wire::submit::bulks::{self, BulkStatus};

const ALLOW: &str = "GET, HEAD, PUT, OPTIONS";

/// When its first message is, or was, to be placed.
pub(super) fn time(ending: Option<Format>) -> MethodRouter<Arc<Edge>> {
    let show = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_of(ending, request.headers());
        answer(format, |format| show_time(edge, request, format)).await
    };
    let change = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_like_body(ending, request.headers());
        answer(format, |format| change_time(edge, request, format)).await
    };
    with_allow(get(show).put(change), ALLOW)
}

/// How far it is.
pub(super) fn status(ending: Option<Format>) -> MethodRouter<Arc<Edge>> {
    let show = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_of(ending, request.headers());
        answer(format, |format| show_status(edge, request, format)).await
    };
    let change = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_like_body(ending, request.headers());
        answer(format, |format| change_status(edge, request, format)).await
    };
    with_allow(get(show).put(change), ALLOW)
}

async fn show_time(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let (caller, bulk) = named(&edge, request).await?;
    Ok(time_of(&caller, &bulk, format))
}

async fn show_status(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let (_, bulk) = named(&edge, request).await?;
    Ok(status_of(&bulk, format))
}

async fn change_time(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let asked = Asked::of(&edge, request).await?;
    let at = bulks::new_time(asked.format, &asked.body)?;
    // A time that has passed means at once, as it does in a submit.
    let change = BulkChange::SendAt(at.max(edge.clock.now()));
    let bulk = edge.ledger.change_bulk(asked.caller.account, &asked.bulk_id, change).await?;
    Ok(time_of(&asked.caller, &bulk.ok_or_else(no_such_bulk)?, format))
}

async fn change_status(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let asked = Asked::of(&edge, request).await?;
    let change = change_to(bulks::new_status(asked.format, &asked.body)?)?;
    let account = asked.caller.account;
    let bulk = match edge.ledger.change_bulk(account, &asked.bulk_id, change).await {
        // To ask again for what is the case already is no fault: the first answer may be lost.
        Err(StoreError::BulkState(state)) if is_so_already(state, change) => {
            edge.ledger.bulk(account, &asked.bulk_id).await?
        }
        changed => changed?,
    };
    Ok(status_of(&bulk.ok_or_else(no_such_bulk)?, format))
}

/// The bulk that a GET names, and who asks.
async fn named(edge: &Edge, request: Request<Body>) -> Result<(Arc<Caller>, Bulk), ApiError> {
    let (head, _) = request.into_parts();
    let caller = caller(edge, &head).await?;
    caller.may(Role::Read)?;
    let bulk_id = bulks::named(&query(&head)?)?;
    let bulk = edge.ledger.bulk(caller.account, &bulk_id).await?;
    Ok((caller, bulk.ok_or_else(no_such_bulk)?))
}

/// A change that is asked for, not yet read.
struct Asked {
    caller: Arc<Caller>,
    bulk_id: String,
    format: Format,
    body: bytes::Bytes,
}

impl Asked {
    async fn of(edge: &Edge, request: Request<Body>) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let caller = caller(edge, &head).await?;
        caller.may(Role::Send)?;
        let bulk_id = bulks::named(&query(&head)?)?;
        let format = body_format(&head.headers)?;
        let body = read_body(body, &edge.settings).await?;
        Ok(Self { caller, bulk_id, format, body })
    }
}

fn change_to(status: BulkStatus) -> Result<BulkChange, ApiError> {
    match status {
        BulkStatus::Paused => Ok(BulkChange::Pause),
        BulkStatus::Pending | BulkStatus::Processing => Ok(BulkChange::Resume),
        BulkStatus::Canceled => Ok(BulkChange::Cancel),
        BulkStatus::Finished | BulkStatus::Failed => {
            Err(ApiError::at("status", "can be set to PAUSED, PENDING, PROCESSING and CANCELED"))
        }
    }
}

fn is_so_already(state: BulkState, change: BulkChange) -> bool {
    match change {
        BulkChange::Pause => state == BulkState::Paused,
        BulkChange::Resume => matches!(state, BulkState::Pending | BulkState::Processing),
        BulkChange::Cancel => state == BulkState::Canceled,
        BulkChange::SendAt(_) => false,
    }
}

fn time_of(caller: &Caller, bulk: &Bulk, format: Format) -> http::Response<Body> {
    ok(format, bulks::time_reply(format, &bulk.bulk_id, bulk.send_at, &caller.zone))
}

fn status_of(bulk: &Bulk, format: Format) -> http::Response<Body> {
    ok(format, bulks::status_reply(format, &bulk.bulk_id, bulk.state.into()))
}

fn no_such_bulk() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such bulk")
}
