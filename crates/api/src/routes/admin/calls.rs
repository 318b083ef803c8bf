//! What is known of a call, for whoever runs the server: of every account that has one of its name.

use axum::body::Body;
use axum::extract::{Path, State};
use http::{Request, Response, StatusCode};
use model::Zone;
use model::cdr::Cdr;
use serde::Serialize;
use serde_json::value::RawValue;
use store::CallEntry;

use super::ladder::Rungs;
use super::{admin, json};
use crate::error::ApiError;
use crate::negotiate::Format;
use crate::routes::Edged;
use crate::wire;

#[derive(Serialize)]
struct List {
    calls: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    account: String,
    /// As the account itself is shown it, in UTC.
    call: Box<RawValue>,
    /// The SIP messages of its attempts.
    ladders: Vec<Attempt>,
}

#[derive(Serialize)]
struct Attempt {
    attempt: u8,
    #[serde(flatten)]
    said: Rungs,
}

pub(super) async fn show(
    State(edge): Edged,
    Path(message_id): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let mut calls = Vec::new();
        for account in edge.ledger.accounts().await? {
            if let Some(entry) = edge.ledger.call(account.id, &message_id).await? {
                let call = wire::call::call(Format::Json, &entry, &Zone::utc())?;
                let call = serde_json::from_slice(&call).map_err(|_| ApiError::internal())?;
                calls.push(Shown { account: account.name, call, ladders: ladders(entry) });
            }
        }
        json(StatusCode::OK, &List { calls })
    })
    .await
}

fn ladders(entry: CallEntry) -> Vec<Attempt> {
    let cdrs = match entry {
        CallEntry::Open(call) => call.cdrs,
        CallEntry::Finished(call) => call.cdrs,
    };
    let said = |cdr: &Cdr| !cdr.ladder.entries.is_empty();
    let rungs = |cdr: Cdr| Attempt { attempt: cdr.attempt, said: Rungs::from(cdr.ladder) };
    cdrs.into_iter().filter(said).map(rungs).collect()
}
