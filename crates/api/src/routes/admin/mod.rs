//! The admin API: accounts, keys, decks, calls, trunks, audits, and feeding on behalf of an account. JSON alone,
//! but for the decks themselves.
//!
//! Served on the admin listener, to the token of this process (which whoever can read the data
//! directory can read) and to keys with the role `admin`.

mod accounts;
mod audit;
mod calling;
mod calls;
mod decks;
mod keys;
mod ladder;
mod trunks;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{delete, get, patch, post};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use model::{Role, Roles, Timestamp, Zone};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Answer, answer, read_body, with_allow};
use crate::credential;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::negotiate::Format;
use crate::wire::date::Dates;

pub(super) fn router() -> Router<Arc<Edge>> {
    let accounts = with_allow(get(accounts::list).post(accounts::add), "GET, POST, OPTIONS");
    let account = with_allow(patch(accounts::change), "PATCH, OPTIONS");
    let feed = with_allow(post(accounts::feed), "POST, OPTIONS");
    let keys = with_allow(get(keys::list).post(keys::add), "GET, POST, OPTIONS");
    let key = with_allow(delete(keys::revoke), "DELETE, OPTIONS");
    let decks = with_allow(get(decks::list), "GET, HEAD, OPTIONS");
    let deck = with_allow(get(decks::file).put(decks::put), "GET, HEAD, PUT, OPTIONS");
    let calls = with_allow(get(calls::show), "GET, HEAD, OPTIONS");
    let trunks = with_allow(get(trunks::list), "GET, HEAD, OPTIONS");
    let trial = with_allow(post(trunks::trial), "POST, OPTIONS");
    Router::new()
        .route("/callslip/1/admin/trunks", trunks)
        .route("/callslip/1/admin/trunks/{name}/test", trial)
        .route("/callslip/1/admin/calls/{messageId}", calls)
        .route("/callslip/1/admin/accounts", accounts)
        .route("/callslip/1/admin/accounts/{name}", account)
        .route("/callslip/1/admin/accounts/{name}/reports", feed)
        .route("/callslip/1/admin/keys", keys)
        .route("/callslip/1/admin/keys/{id}", key)
        .route("/callslip/1/admin/decks", decks)
        .route("/callslip/1/admin/decks/{name}", deck)
        .route("/callslip/1/admin/audit/{messageId}", with_allow(get(audit::show), "GET, OPTIONS"))
}

/// Runs an admin handler for a caller that may administer.
async fn admin<F>(
    edge: Arc<Edge>,
    request: Request<Body>,
    handler: impl FnOnce(Arc<Edge>, Parts, Body) -> F,
) -> Response<Body>
where
    F: Future<Output = Answer>,
{
    answer(Ok(Format::Json), |_| async move {
        let (head, body) = request.into_parts();
        authorize(&edge, &head).await?;
        handler(edge, head, body).await
    })
    .await
}

async fn authorize(edge: &Edge, head: &Parts) -> Result<(), ApiError> {
    let header = head.headers.get(header::AUTHORIZATION);
    let token = header.and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("app").then(|| token.trim())
    });
    if token.is_some_and(|t| credential::is_same(t.as_bytes(), edge.admin_token().as_bytes())) {
        return Ok(());
    }
    super::caller(edge, head).await?.may(Role::Admin)
}

async fn read<T: DeserializeOwned>(edge: &Edge, body: Body) -> Result<T, ApiError> {
    let body = read_body(body, &edge.settings).await?;
    serde_json::from_slice(&body).map_err(|error| ApiError::bad_request(error.to_string()))
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Answer {
    let body = serde_json::to_vec(body).map_err(|_| ApiError::internal())?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn roles(names: &[String]) -> Result<Roles, ApiError> {
    let role = |name: &String| {
        name.parse::<Role>().map_err(|unknown| ApiError::at("roles", unknown.to_string()))
    };
    names.iter().map(role).collect()
}

fn role_names(roles: Roles) -> Vec<&'static str> {
    roles.iter().map(Role::name).collect()
}

fn zone(name: &str) -> Result<Zone, ApiError> {
    Zone::named(name).map_err(|unknown| ApiError::at("timeZone", unknown.to_string()))
}

fn shown(at: Timestamp) -> String {
    Dates::of(&Zone::utc()).show(at).as_str().to_owned()
}
