//! API keys: add (shown once), list, revoke.

use axum::body::Body;
use axum::extract::{Path, State};
use http::{Request, Response, StatusCode};
use model::{ApiKey, limits};
use serde::{Deserialize, Serialize};

use super::accounts::named;
use super::{admin, json, read, role_names, roles, shown};
use crate::credential;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::routes::{Edged, query};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewKey {
    account: String,
    #[serde(default)]
    label: String,
    roles: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    account: String,
    label: String,
    roles: Vec<&'static str>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// Only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[derive(Serialize)]
struct List {
    keys: Vec<Shown>,
}

pub(super) async fn list(State(edge): Edged, request: Request<Body>) -> Response<Body> {
    admin(edge, request, |edge, head, _| async move {
        let query = query(&head)?;
        let account = query.one("account")?;
        let account = account.map(|name| named(&edge, name)).transpose()?;
        let mut keys = edge.ledger.keys().await?;
        keys.retain(|key| account.as_ref().is_none_or(|account| account.id == key.account));
        let keys = keys.iter().map(|key| show(&edge, key, None)).collect();
        json(StatusCode::OK, &List { keys })
    })
    .await
}

pub(super) async fn add(State(edge): Edged, request: Request<Body>) -> Response<Body> {
    admin(edge, request, |edge, _, body| async move {
        let new: NewKey = read(&edge, body).await?;
        let account = named(&edge, &new.account)?;
        if new.roles.is_empty() {
            return Err(ApiError::at("roles", "must name at least one role"));
        }
        if new.label.len() > limits::ACCOUNT_NAME_BYTES_MAX {
            return Err(ApiError::at("label", "must be of at most 100 bytes"));
        }
        let (id, text) = credential::fresh_key().map_err(|_| ApiError::internal())?;
        let secret = text.splitn(3, '_').nth(2).unwrap_or_default();
        let key = ApiKey {
            id,
            account: account.id,
            label: new.label,
            digest: credential::digest(secret),
            roles: roles(&new.roles)?,
            created_at: edge.clock.now(),
            revoked_at: None,
        };
        edge.ledger.put_key(key.clone()).await?;
        edge.accounts_changed().await?;
        json(StatusCode::CREATED, &show(&edge, &key, Some(text)))
    })
    .await
}

pub(super) async fn revoke(
    State(edge): Edged,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let keys = edge.ledger.keys().await?;
        let Some(mut key) = keys.into_iter().find(|key| key.id == id) else {
            return Err(ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such key"));
        };
        if key.revoked_at.is_none() {
            key.revoked_at = Some(edge.clock.now());
            edge.ledger.put_key(key.clone()).await?;
            edge.accounts_changed().await?;
        }
        json(StatusCode::OK, &show(&edge, &key, None))
    })
    .await
}

fn show(edge: &Edge, key: &ApiKey, text: Option<String>) -> Shown {
    Shown {
        id: key.id.clone(),
        account: edge.auth.account(key.account).map_or_else(String::new, |a| a.name.clone()),
        label: key.label.clone(),
        roles: role_names(key.roles),
        created_at: shown(key.created_at),
        revoked_at: key.revoked_at.map(shown),
        key: text,
    }
}
