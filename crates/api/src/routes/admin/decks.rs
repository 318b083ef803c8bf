//! Rate decks: list, show the file, and bring one in. Whether a file is a deck is telephony's to say.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use model::deck::DeckFile;
use model::limits;
use serde::Serialize;

use super::{admin, json, shown};
use crate::edge::Edge;
use crate::error::ApiError;
use crate::routes::{Edged, query, read_body};
use crate::wire::query::Query;

/// What holds where neither the file nor the request says anything.
const INCREMENTS: &str = "1/1";
const DECIMALS: u32 = 4;

#[derive(Serialize)]
struct List {
    decks: Vec<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    imported_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    increments: String,
    charge_b: bool,
    decimals: u32,
    /// Of the file, its header included.
    lines: usize,
}

pub(super) async fn list(State(edge): Edged, request: Request<Body>) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let decks = edge.ledger.decks().await?.iter().map(show).collect();
        json(StatusCode::OK, &List { decks })
    })
    .await
}

pub(super) async fn file(
    State(edge): Edged,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let decks = edge.ledger.decks().await?;
        let Some(deck) = decks.into_iter().find(|deck| deck.name == name) else {
            return Err(ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such deck"));
        };
        let mut response = Response::new(Body::from(deck.csv));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    })
    .await
}

pub(super) async fn put(
    State(edge): Edged,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, head, body| async move {
        check_name(&name)?;
        let terms = terms(name, &edge, &head)?;
        let csv = read_body(body, &edge.settings).await?.to_vec();
        let deck = checked(&edge, DeckFile { csv, ..terms }).await?;
        let is_there = edge.ledger.decks().await?.iter().any(|known| known.name == deck.name);
        let shown = show(&deck);
        edge.ledger.put_deck(deck).await?;
        edge.decks_changed().await?;
        json(if is_there { StatusCode::OK } else { StatusCode::CREATED }, &shown)
    })
    .await
}

/// A deck of that name without its file, on the terms of the query.
fn terms(name: String, edge: &Edge, head: &Parts) -> Result<DeckFile, ApiError> {
    let query = query(head)?;
    let decimals = match query.one("decimals")? {
        None => DECIMALS,
        Some(text) => {
            text.parse().map_err(|_| ApiError::at("decimals", "is not a whole number"))?
        }
    };
    Ok(DeckFile {
        name,
        imported_at: edge.clock.now(),
        currency: query.one("currency")?.map(str::to_owned),
        increments: query.one("increments")?.unwrap_or(INCREMENTS).to_owned(),
        charge_b: charge_b(&query)?,
        decimals,
        csv: Vec::new(),
    })
}

fn charge_b(query: &Query<'_>) -> Result<bool, ApiError> {
    match query.one("chargeB")? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::at("chargeB", "is not true or false")),
    }
}

/// The deck, if it is one; half a million lines take a while of a core.
async fn checked(edge: &Edge, deck: DeckFile) -> Result<DeckFile, ApiError> {
    let telephony = Arc::clone(&edge.telephony);
    let checking = tokio::task::spawn_blocking(move || match telephony.check_deck(&deck) {
        Ok(()) => Ok(deck),
        Err(faults) => Err(faults),
    });
    let checked = checking.await.map_err(|_| ApiError::internal())?;
    checked.map_err(|faults| {
        let mut error = ApiError::bad_request("This is no deck; nothing was kept");
        error.faults.push(("deck".to_owned(), faults));
        error
    })
}

fn show(deck: &DeckFile) -> Shown {
    Shown {
        name: deck.name.clone(),
        imported_at: shown(deck.imported_at),
        currency: deck.currency.clone(),
        increments: deck.increments.clone(),
        charge_b: deck.charge_b,
        decimals: deck.decimals,
        lines: deck.csv.split_inclusive(|byte| *byte == b'\n').count(),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let fits = !name.is_empty() && name.len() <= limits::ACCOUNT_NAME_BYTES_MAX;
    if fits && !name.contains(|c: char| c == '/' || c.is_control()) {
        return Ok(());
    }
    Err(ApiError::at("name", "must be of 1 to 100 bytes, without `/` and control characters"))
}
