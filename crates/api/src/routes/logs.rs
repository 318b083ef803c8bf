//! `GET /tts/3/logs`: look at calls under way and into the archive, and leave them as they are.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, get};
use http::Request;
use model::{AccountId, Report, Role};
use store::{ArchiveQuery, OpenCall, Record};

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
    let (mut open, records) = look(&edge, caller.account, query).await?;
    let reports =
        records.iter().map(Record::report).collect::<store::Result<Vec<Report<&str>>>>()?;
    // A call that ended between the two looks is in both, and is over.
    let over: HashSet<&str> = reports.iter().map(|report| report.message_id).collect();
    open.retain(|call| !over.contains(&*call.message.message_id));
    Ok(ok(format, wire::logs(format, &open, &reports, &caller.zone)))
}

/// Calls without a report first, then reports, together no more than the limit. In this order, for
/// a call that ends meanwhile must not be in neither.
async fn look(
    edge: &Edge,
    account: AccountId,
    query: ArchiveQuery,
) -> Result<(Vec<OpenCall>, Vec<Record>), ApiError> {
    let limit = query.limit;
    // Without a report a call is in either of these groups, and however old it is listed.
    let is_open = |group: &String| matches!(&**group, "PENDING" | "ACCEPTED");
    let status_group = query.status_group.clone().filter(|group| !is_open(group));
    let of_open = ArchiveQuery { fed_since: None, status_group, ..query.clone() };
    let open = edge.ledger.open_calls(account, of_open).await?;
    let left = limit.saturating_sub(open.len());
    let records = match left {
        0 => Vec::new(),
        left => edge.ledger.list(account, ArchiveQuery { limit: left, ..query }).await?,
    };
    Ok((open, records))
}
