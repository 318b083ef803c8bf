//! Accounts: add, list, change, and feed on behalf of one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use http::{Request, Response, StatusCode};
use model::{Account, AccountId, Calling, Role, Roles, Zone, limits};
use serde::{Deserialize, Serialize};
use store::StoreError;

use super::{admin, calling, json, read, role_names, roles, shown, zone};
use crate::credential;
use crate::edge::Edge;
use crate::error::ApiError;
use crate::negotiate::Format;
use crate::routes::Edged;
use crate::routes::feed::feed_into;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewAccount {
    name: String,
    password: Option<String>,
    time_zone: Option<String>,
    roles: Option<Vec<String>>,
    calling: Option<calling::Change>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    password: Option<String>,
    disabled: Option<bool>,
    time_zone: Option<String>,
    roles: Option<Vec<String>>,
    calling: Option<calling::Change>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    time_zone: String,
    roles: Vec<&'static str>,
    disabled: bool,
    calling: calling::Shown,
    created_at: String,
    pending: u64,
    in_flight: u64,
    /// Only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

#[derive(Serialize)]
struct List {
    accounts: Vec<Shown>,
}

pub(super) async fn list(State(edge): Edged, request: Request<Body>) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let mut accounts = Vec::new();
        for account in edge.ledger.accounts().await? {
            accounts.push(show(&edge, &account, None).await?);
        }
        json(StatusCode::OK, &List { accounts })
    })
    .await
}

pub(super) async fn add(State(edge): Edged, request: Request<Body>) -> Response<Body> {
    admin(edge, request, |edge, _, body| async move {
        let new: NewAccount = read(&edge, body).await?;
        check_name(&new.name)?;
        let generated = match new.password {
            Some(_) => None,
            None => Some(credential::fresh_secret().map_err(|_| ApiError::internal())?),
        };
        let calling = changed(&edge, Calling::default(), new.calling).await?;
        let password = new.password.or_else(|| generated.clone()).unwrap_or_default();
        let account = Account {
            id: AccountId(0),
            name: new.name,
            zone: new.time_zone.as_deref().map_or_else(|| Ok(Zone::utc()), zone)?,
            password_hash: Some(hash(password).await?),
            roles: match &new.roles {
                Some(names) => roles(names)?,
                None => Roles::default().with(Role::Read).with(Role::Send),
            },
            disabled: false,
            calling,
            created_at: edge.clock.now(),
        };
        let account = edge.ledger.add_account(account).await?;
        edge.accounts_changed().await?;
        json(StatusCode::CREATED, &show(&edge, &account, generated).await?)
    })
    .await
}

pub(super) async fn change(
    State(edge): Edged,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, _, body| async move {
        let mut account = Account::clone(&*named(&edge, &name)?);
        let change: Change = read(&edge, body).await?;
        if let Some(password) = change.password {
            account.password_hash = Some(hash(password).await?);
        }
        if let Some(names) = &change.roles {
            account.roles = roles(names)?;
        }
        if let Some(name) = &change.time_zone {
            account.zone = zone(name)?;
        }
        account.calling = changed(&edge, account.calling, change.calling).await?;
        account.disabled = change.disabled.unwrap_or(account.disabled);
        edge.ledger.replace_account(account.clone()).await?;
        edge.accounts_changed().await?;
        json(StatusCode::OK, &show(&edge, &account, None).await?)
    })
    .await
}

pub(super) async fn feed(
    State(edge): Edged,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, head, body| async move {
        let account = named(&edge, &name)?.id;
        feed_into(&edge, account, (&head, body), Format::Json).await
    })
    .await
}

async fn changed(
    edge: &Edge,
    mut calling: Calling,
    change: Option<calling::Change>,
) -> Result<Calling, ApiError> {
    let Some(change) = change else { return Ok(calling) };
    if let Some(name) = change.deck()
        && !edge.ledger.decks().await?.iter().any(|deck| deck.name == name)
    {
        return Err(calling::fault("deck", "names a deck that is not there"));
    }
    change.apply(&mut calling)?;
    Ok(calling)
}

pub(super) fn named(edge: &Edge, name: &str) -> Result<Arc<Account>, ApiError> {
    edge.auth.account_named(name).ok_or_else(|| StoreError::NoSuchAccount.into())
}

async fn show(edge: &Edge, account: &Account, password: Option<String>) -> Result<Shown, ApiError> {
    let waiting = edge.ledger.waiting(account.id).await?;
    Ok(Shown {
        name: account.name.clone(),
        time_zone: account.zone.name().to_owned(),
        roles: role_names(account.roles),
        disabled: account.disabled,
        calling: calling::show(&account.calling),
        created_at: shown(account.created_at),
        pending: waiting.pending,
        in_flight: waiting.in_flight,
        password,
    })
}

/// RFC 7617 §2 allows no colon in a user name; a control character would upset every log.
fn check_name(name: &str) -> Result<(), ApiError> {
    let fits = !name.is_empty() && name.len() <= limits::ACCOUNT_NAME_BYTES_MAX;
    if fits && !name.contains(|c: char| c == ':' || c == '/' || c.is_control()) {
        return Ok(());
    }
    Err(ApiError::at("name", "must be of 1 to 100 bytes, without `:`, `/` and control characters"))
}

async fn hash(password: String) -> Result<String, ApiError> {
    if password.is_empty() || password.len() > limits::PASSWORD_BYTES_MAX {
        return Err(ApiError::at("password", "must be of 1 to 1000 bytes"));
    }
    let hashing = tokio::task::spawn_blocking(move || credential::hash_password(&password));
    match hashing.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(_)) | Err(_) => Err(ApiError::internal()),
    }
}
