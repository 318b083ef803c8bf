//! `/tts/3/files/{messageId}/{to}`: what was recorded of a call, for the account whose call it was.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Request, Response, StatusCode, header};
use model::{AccountId, Role};
use store::{ArchivedCall, CallEntry};

use super::{Answer, Edged, answer, caller, format_of, with_allow};
use crate::edge::Edge;
use crate::error::ApiError;
use crate::wire::wav;

/// The `messageId` and destination A, their escapes undone.
type Named = Result<Path<(String, String)>, PathRejection>;

pub(super) fn route() -> MethodRouter<Arc<Edge>> {
    let show = |State(edge): Edged, named: Named, request: Request<Body>| async move {
        answer(format_of(None, request.headers()), |_| show(edge, named, request)).await
    };
    with_allow(get(show), "GET, HEAD, OPTIONS")
}

async fn show(edge: Arc<Edge>, named: Named, request: Request<Body>) -> Answer {
    let (head, _) = request.into_parts();
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Read)?;
    let Path((message_id, to)) = named.map_err(|_| ApiError::at("messageId", "is not UTF-8"))?;
    let call = recorded(&edge, caller.account, &message_id, &to).await?;
    Ok(file(edge, *call))
}

/// The call of that name to that destination, if something of it was recorded.
async fn recorded(
    edge: &Edge,
    account: AccountId,
    message_id: &str,
    to: &str,
) -> Result<Box<ArchivedCall>, ApiError> {
    match edge.ledger.call(account, message_id).await? {
        Some(CallEntry::Finished(call))
            if call.recording.bytes > 0 && call.message.destination_a.digits() == to =>
        {
            Ok(call)
        }
        Some(_) | None => {
            Err(ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such recording"))
        }
    }
}

/// The file, read a part at a time while it is sent.
fn file(edge: Arc<Edge>, call: ArchivedCall) -> Response<Body> {
    let bytes = call.recording.bytes;
    let first = Bytes::copy_from_slice(&wav::header(bytes));
    let length = first.len() as u64 + bytes;
    let body = stream::unfold((edge, call, None), move |(edge, call, part)| {
        let first = first.clone();
        async move {
            let Some(part) = part else { return Some((Ok(first), (edge, call, Some(0)))) };
            let next = read(&edge, &call, part).await.transpose()?;
            Some((next, (edge, call, Some(part + 1))))
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/x-wav"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

async fn read(edge: &Edge, call: &ArchivedCall, part: u32) -> store::Result<Option<Bytes>> {
    if part >= call.recording.parts {
        return Ok(None);
    }
    let message = &call.message;
    let bytes = edge.ledger.recording(message.account, &message.message_id, part).await?;
    // The retention may have come in between; the connection then ends early, and says so.
    let gone = || store::StoreError::Corrupt("a part of a recording is gone".into());
    bytes.map(|bytes| Some(bytes.into())).ok_or_else(gone)
}
