//! `/callslip/1/calls/{messageId}`: everything known of a call, and its cancellation.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::routing::{MethodRouter, get};
use http::{Request, StatusCode};
use model::Role;

use super::{Answer, Edged, answer, caller, format_of, ok, with_allow};
use crate::edge::Edge;
use crate::error::ApiError;
use crate::negotiate::Format;
use crate::wire;

/// The `messageId` in the path, its escapes undone.
type MessageId = Result<Path<String>, PathRejection>;

pub(super) fn route() -> MethodRouter<Arc<Edge>> {
    let show = |State(edge): Edged, id: MessageId, request: Request<Body>| async move {
        answer(format_of(None, request.headers()), |format| show(edge, id, request, format)).await
    };
    let cancel = |State(edge): Edged, id: MessageId, request: Request<Body>| async move {
        answer(format_of(None, request.headers()), |format| cancel(edge, id, request, format)).await
    };
    with_allow(get(show).delete(cancel), "GET, HEAD, DELETE, OPTIONS")
}

async fn show(
    edge: Arc<Edge>,
    message_id: MessageId,
    request: Request<Body>,
    format: Format,
) -> Answer {
    let (head, _) = request.into_parts();
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Read)?;
    let message_id = readable(message_id)?;
    let call = edge.ledger.call(caller.account, &message_id).await?.ok_or_else(no_such_call)?;
    Ok(ok(format, wire::call::call(format, &call, &caller.zone)?))
}

async fn cancel(
    edge: Arc<Edge>,
    message_id: MessageId,
    request: Request<Body>,
    format: Format,
) -> Answer {
    let (head, _) = request.into_parts();
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Send)?;
    let message_id = readable(message_id)?;
    let cancelled = edge.ledger.cancel(caller.account, &message_id).await?;
    let cancelled = cancelled.ok_or_else(no_such_call)?;
    Ok(ok(format, wire::call::cancelled(format, &message_id, cancelled)))
}

fn readable(message_id: MessageId) -> Result<String, ApiError> {
    let Path(id) = message_id.map_err(|_| ApiError::at("messageId", "is not UTF-8"))?;
    Ok(id)
}

fn no_such_call() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such call")
}
