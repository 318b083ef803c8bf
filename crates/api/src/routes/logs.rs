//! `GET /tts/3/logs`: look into the archive and leave it as it is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, get};
use http::Request;
use model::{Report, Role};

use super::{Answer, Edged, answer, caller, format_of, ok, query, with_allow};
use crate::edge::Edge;
use crate::error::ApiError;
use crate::negotiate::Format;
use crate::wire;
use crate::wire::params::archive_query;

pub(super) fn route(ending: Option<Format>) -> MethodRouter<Arc<Edge>> {
    let list = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_of(ending, request.headers());
        answer(format, |format| list(edge, request, format)).await
    };
    with_allow(get(list), "GET, HEAD, OPTIONS")
}

async fn list(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let (head, _) = request.into_parts();
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Read)?;
    let now = edge.clock.now();
    edge.logs_throttle.take(caller.account, now).map_err(ApiError::too_many_requests)?;
    let settings = &edge.settings;
    let mut query = archive_query(&query(&head)?, settings.limit_max)?;
    query.fed_since = Some(now.minus(settings.logs_window));
    let records = edge.ledger.list(caller.account, query).await?;
    let reports =
        records.iter().map(store::Record::report).collect::<store::Result<Vec<Report<&str>>>>()?;
    Ok(ok(format, wire::logs(format, &reports, &caller.zone)))
}
