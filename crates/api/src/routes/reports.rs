//! `GET /tts/3/reports` and `GET /voice/1/reports`: take what is pending, once.
//!
//! Everything that can be refused is refused before the take; after it, the answer is watched
//! until it is known whether the client has it (`connection`).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, get};
use http::{HeaderMap, HeaderValue, Request, Version};
use http_body::Body as _;
use model::{AccountId, Role};
use store::{Filter, TakeAsk, Taken, TakenBy};
use tokio::time::Instant;

use super::{
    Answer, Edged, answer, caller, connection, format_of, ok, query, read_body, request_id,
    with_allow,
};
use crate::connection::Connection;
use crate::edge::{Carried, Edge};
use crate::error::ApiError;
use crate::idempotency::replay_key;
use crate::negotiate::Format;
use crate::wire;
use crate::wire::params::TakeParams;

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The shape of the reports: the same queue under two generations of the API.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// `/tts/3/reports`.
    Classic,
    /// `/voice/1/reports`.
    Newer,
}

pub(super) fn route(shape: Shape, ending: Option<Format>) -> MethodRouter<Arc<Edge>> {
    let take = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_of(ending, request.headers());
        answer(format, |format| take(edge, request, shape, format)).await
    };
    let head = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_of(ending, request.headers());
        answer(format, |format| head(edge, request, format)).await
    };
    with_allow(get(take).head(head), ALLOW)
}

/// What a GET would be refused for, HEAD is refused for; nothing is taken.
async fn head(edge: Arc<Edge>, request: Request<Body>, format: Format) -> Answer {
    let (head, _) = request.into_parts();
    caller(&edge, &head).await?.may(Role::Read)?;
    TakeParams::parse(&query(&head)?, edge.settings.limit_max)?;
    Ok(ok(format, Vec::new()))
}

async fn take(edge: Arc<Edge>, request: Request<Body>, shape: Shape, format: Format) -> Answer {
    let (head, body) = request.into_parts();
    refuse_prefetch(&head.headers)?;
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Read)?;
    let params = TakeParams::parse(&query(&head)?, edge.settings.limit_max)?;
    let key = replay_key(&head.headers, &[format!("{shape:?} {params:?}").as_bytes()])?;
    let wait = wait_asked(&head.headers).min(edge.settings.wait_max);
    if !body.is_end_stream() {
        // The content of a body on GET says nothing here (RFC 9110 §9.3.1), but its limits hold.
        read_body(body, &edge.settings).await?;
    }
    if wait.is_zero() && edge.ledger.has_nothing(caller.account, key.is_some()) {
        return Ok(ok(format, shaped(shape, format, &Taken::default(), &caller.zone)?));
    }
    let connection = connection(&head)?;
    let by = TakenBy {
        credential: caller.credential.clone(),
        peer: connection.peer.to_string(),
        request_id: request_id(&head)?,
    };
    let filter = Filter { bulk_id: params.bulk_id, message_id: params.message_id };
    let ask = TakeAsk { filter, limit: params.limit, key, by };
    let taken = take_or_wait(&edge, caller.account, &ask, connection, wait).await?;
    let Some(take) = taken.take else {
        return Ok(ok(format, shaped(shape, format, &taken, &caller.zone)?));
    };
    // From here on the answer is watched: if it is dropped, its reports return to pending.
    let in_flight = connection.answer(take, head.version == Version::HTTP_2);
    edge.metrics.takes.inc();
    edge.metrics.reports_taken.inc_by(taken.records.len() as u64);
    if taken.replayed {
        edge.metrics.takes_replayed.inc();
    }
    let mut response = ok(format, shaped(shape, format, &taken, &caller.zone)?);
    response.extensions_mut().insert(Carried::new(in_flight));
    Ok(response)
}

fn shaped(
    shape: Shape,
    format: Format,
    taken: &Taken,
    zone: &model::Zone,
) -> Result<Vec<u8>, ApiError> {
    let reports = taken.reports()?;
    Ok(match shape {
        Shape::Classic => wire::reports(format, &reports, zone),
        Shape::Newer => wire::voice_reports(format, &reports, zone),
    })
}

/// Takes; or, with `Prefer: wait` (RFC 7240 §4.3) and nothing there, waits for something.
async fn take_or_wait(
    edge: &Edge,
    account: AccountId,
    ask: &TakeAsk,
    connection: &Arc<Connection>,
    wait: Duration,
) -> Result<Taken, ApiError> {
    let until = Instant::now() + wait;
    let mut pending = edge.ledger.watch(account);
    loop {
        pending.mark_unchanged();
        if connection.client_has_gone() {
            // Nobody reads this; what matters is that nothing was taken.
            return Err(ApiError::bad_request("The client has closed the connection"));
        }
        let taken = edge.ledger.take(account, ask.clone()).await?;
        if taken.take.is_some() || Instant::now() >= until {
            return Ok(taken);
        }
        tokio::select! {
            changed = pending.changed() => if changed.is_err() { return Ok(taken) },
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

/// A page that is fetched ahead may never be shown.
fn refuse_prefetch(headers: &HeaderMap) -> Result<(), ApiError> {
    let marked = ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        headers.get_all(*name).iter().any(|value| {
            let value = value.as_bytes().to_ascii_lowercase();
            value.starts_with(b"prefetch") || value.starts_with(b"prerender") || value == b"preview"
        })
    });
    if marked {
        return Err(ApiError::forbidden("Reports are returned once and cannot be prefetched"));
    }
    Ok(())
}

/// Seconds asked for by `Prefer: wait=20`; an unreadable preference is none (RFC 7240 §2).
fn wait_asked(headers: &HeaderMap) -> Duration {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let wait = name.trim().eq_ignore_ascii_case("wait");
            wait.then(|| value.trim().trim_matches('"').parse().ok()).flatten()
        })
        .next()
        .map_or(Duration::ZERO, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefer_wait_is_read_among_other_preferences() {
        let check = |value: &'static str, seconds: u64| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            assert_eq!(wait_asked(&headers), Duration::from_secs(seconds), "{value}");
        };
        check("wait=20", 20);
        check("respond-async, WAIT = \"7\"", 7);
        check("return=minimal; wait=3", 3);
        check("wait", 0);
        check("wait=-1", 0);
        check("waiting=9", 0);
    }
}
