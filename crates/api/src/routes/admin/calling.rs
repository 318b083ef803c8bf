//! How an account may call, as the admin API shows and takes it.

use model::calling::Unlisted;
use model::{Amount, Calling, Generation};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::ApiError;

/// The largest number of calls that an account may have of anything.
const CALLS_MAX: u32 = 10_000_000;
/// The most destinations that are listed, and their longest, in digits.
const DESTINATIONS_MAX: usize = 1_000;
const DIGITS_MAX: usize = 15;

/// What is to change. A member that is absent leaves things as they are; null leaves them to the
/// server's settings.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    #[serde(deserialize_with = "given")]
    generation: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    deck: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    unlisted: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    calls_per_second: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    concurrent_calls: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    waiting_calls: Option<Option<u32>>,
    /// A text or a number, exact either way.
    #[serde(deserialize_with = "given")]
    daily_spend: Option<Option<Box<RawValue>>>,
    #[serde(deserialize_with = "given")]
    destinations: Option<Option<Vec<String>>>,
}

/// What there is of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    generation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deck: Option<String>,
    unlisted: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrent_calls: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_calls: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_spend: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destinations: Vec<String>,
}

/// The value of a member that is there, null included.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

impl Change {
    /// The deck that it names.
    pub(super) fn deck(&self) -> Option<&str> {
        self.deck.as_ref()?.as_deref()
    }

    /// Makes the change. Whether there is such a deck is not judged here.
    pub(super) fn apply(self, to: &mut Calling) -> Result<(), ApiError> {
        if let Some(name) = self.generation {
            to.generation = generation(name.as_deref())?;
        }
        if let Some(name) = self.unlisted {
            to.unlisted = unlisted(name.as_deref())?;
        }
        if let Some(deck) = self.deck {
            to.deck = deck;
        }
        if let Some(calls) = self.calls_per_second {
            to.calls_per_second = bounded("callsPerSecond", calls)?;
        }
        if let Some(calls) = self.concurrent_calls {
            to.concurrent_calls = bounded("concurrentCalls", calls)?;
        }
        if let Some(calls) = self.waiting_calls {
            to.waiting_calls = bounded("waitingCalls", calls)?;
        }
        if let Some(amount) = self.daily_spend {
            to.daily_spend = amount.map(|amount| exact(&amount)).transpose()?;
        }
        if let Some(digits) = self.destinations {
            to.destinations = destinations(digits.unwrap_or_default())?;
        }
        Ok(())
    }
}

pub(super) fn show(calling: &Calling) -> Shown {
    Shown {
        generation: match calling.generation {
            Generation::Classic => "classic",
            Generation::Newer => "newer",
        },
        deck: calling.deck.clone(),
        unlisted: match calling.unlisted {
            Unlisted::Refuse => "refuse",
            Unlisted::Unrated => "unrated",
        },
        calls_per_second: calling.calls_per_second,
        concurrent_calls: calling.concurrent_calls,
        waiting_calls: calling.waiting_calls,
        daily_spend: calling.daily_spend.map(|amount| amount.to_string()),
        destinations: calling.destinations.clone(),
    }
}

fn generation(name: Option<&str>) -> Result<Generation, ApiError> {
    match name {
        None | Some("classic") => Ok(Generation::Classic),
        Some("newer") => Ok(Generation::Newer),
        Some(_) => Err(fault("generation", "is neither classic nor newer")),
    }
}

fn unlisted(name: Option<&str>) -> Result<Unlisted, ApiError> {
    match name {
        None | Some("refuse") => Ok(Unlisted::Refuse),
        Some("unrated") => Ok(Unlisted::Unrated),
        Some(_) => Err(fault("unlisted", "is neither refuse nor unrated")),
    }
}

fn bounded(name: &str, calls: Option<u32>) -> Result<Option<u32>, ApiError> {
    match calls {
        Some(calls) if !(1..=CALLS_MAX).contains(&calls) => {
            Err(fault(name, &format!("is not between 1 and {CALLS_MAX}")))
        }
        calls => Ok(calls),
    }
}

fn exact(amount: &RawValue) -> Result<Amount, ApiError> {
    let digits = amount.get().trim_matches('"');
    digits.parse::<Amount>().map_err(|error| fault("dailySpend", &error.to_string()))
}

fn destinations(digits: Vec<String>) -> Result<Vec<String>, ApiError> {
    let are_digits = |text: &String| {
        (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if digits.len() > DESTINATIONS_MAX {
        return Err(fault("destinations", &format!("has more than {DESTINATIONS_MAX} items")));
    }
    if !digits.iter().all(are_digits) {
        return Err(fault("destinations", "must be leading digits, 1 to 15, without a +"));
    }
    Ok(digits)
}

pub(super) fn fault(name: &str, reason: &str) -> ApiError {
    ApiError::at(format!("calling.{name}"), reason)
}
