//! The trunks: how they fare, and a trial of one.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use http::{Request, Response, StatusCode};
use model::Number;
use serde::{Deserialize, Serialize};

use super::ladder::Rungs;
use super::{admin, json};
use crate::error::ApiError;
use crate::routes::{Edged, read_body};
use crate::trunk::{Trial, Tried, TrunkFigures, Untried};

#[derive(Serialize)]
struct List {
    trunks: Vec<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<bool>,
    destinations: Vec<Place>,
    legs: u64,
    legs_max: u64,
    last_second: u64,
    last_second_max: u64,
    answered: u64,
    failed: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Place {
    address: String,
    state: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    number: Option<String>,
    from: Option<String>,
}

#[derive(Serialize)]
struct Trials {
    trunk: String,
    trials: Vec<Came>,
}

#[derive(Serialize)]
struct Came {
    to: String,
    worked: bool,
    said: String,
    milliseconds: u64,
    #[serde(flatten)]
    ladder: Rungs,
}

pub(super) async fn list(State(edge): Edged, request: Request<Body>) -> Response<Body> {
    admin(edge, request, |edge, _, _| async move {
        let trunks = edge.telephony.figures().sip.map_or_else(Vec::new, |sip| sip.trunks);
        json(StatusCode::OK, &List { trunks: trunks.into_iter().map(Shown::from).collect() })
    })
    .await
}

/// Asks its destinations whether they live, or, given a number, places a short call.
pub(super) async fn trial(
    State(edge): Edged,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    admin(edge, request, |edge, _, body| async move {
        let body = read_body(body, &edge.settings).await?;
        let trial = if body.is_empty() { Trial::Options } else { trial_of(&body)? };
        let tried = edge.telephony.try_trunk(&name, trial).await;
        let trials = tried.map_err(refusal)?.into_iter().map(Came::from).collect();
        json(StatusCode::OK, &Trials { trunk: name, trials })
    })
    .await
}

fn trial_of(body: &[u8]) -> Result<Trial, ApiError> {
    let asked: Asked =
        serde_json::from_slice(body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    match asked {
        Asked { number: None, from: None } => Ok(Trial::Options),
        Asked { number: None, from: Some(_) } => {
            Err(ApiError::at("from", "is of no use without a number"))
        }
        Asked { number: Some(number), from } => {
            let number = number.parse::<Number>();
            let number = number.map_err(|error| ApiError::at("number", error.to_string()))?;
            let from = from.map(|from| from.parse::<Number>()).transpose();
            let from = from.map_err(|error| ApiError::at("from", error.to_string()))?;
            let from = from.map_or_else(String::new, |from| from.digits().to_owned());
            Ok(Trial::Call { number, from })
        }
    }
}

fn refusal(untried: Untried) -> ApiError {
    let unknown = |text: &'static str| ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", text);
    let not_now = |text: &'static str| ApiError::new(StatusCode::CONFLICT, "CONFLICT", text);
    match untried {
        Untried::NoTrunks => {
            unknown("Calls do not go through trunks here: carrier in [calls] is not sip")
        }
        Untried::Unknown => unknown("There is no such trunk"),
        Untried::Full => not_now("As many calls go through the trunk as may; try again later"),
        Untried::Resting => not_now("The trunk has asked to be left alone for a while"),
    }
}

impl From<TrunkFigures> for Shown {
    fn from(trunk: TrunkFigures) -> Self {
        let places = trunk
            .destinations
            .iter()
            .map(|there| Place { address: there.address.clone(), state: there.fitness.name() });
        Self {
            state: trunk.fitness().name(),
            destinations: places.collect(),
            registered: trunk.registered,
            legs: trunk.legs,
            legs_max: trunk.legs_max,
            last_second: trunk.last_second,
            last_second_max: trunk.last_second_max,
            answered: trunk.answered,
            failed: trunk.failures().collect(),
            name: trunk.name,
        }
    }
}

impl From<Tried> for Came {
    fn from(Tried { to, worked, said, took, ladder }: Tried) -> Self {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { to, worked, said, milliseconds, ladder: Rungs::from(ladder) }
    }
}
