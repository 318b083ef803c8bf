//! The flags that say how an account may call.

use clap::Args;
use model::Amount;
use serde_json::{Map, Value, json};

/// What is not given stays as it is; `none` leaves it to the server's settings, or to nobody.
#[derive(Args, Clone, Debug)]
pub(super) struct Calling {
    /// Deck that prices its calls, or none: every call then costs 0 UNKNOWN.
    #[arg(long, value_name = "NAME", value_parser = text_or_none)]
    deck: Option<Value>,
    /// What to do with a number that the deck has no line for.
    #[arg(long, value_name = "WHAT", value_parser = ["refuse", "unrated"])]
    unlisted: Option<String>,
    /// Which status and error codes its reports have.
    #[arg(long, value_name = "WHICH", value_parser = ["classic", "newer"])]
    generation: Option<String>,
    /// Calls begun in a second, or none: as the settings say.
    #[arg(long, value_name = "N", value_parser = count_or_none)]
    calls_per_second: Option<Value>,
    /// Calls under way at once, or none: as the settings say.
    #[arg(long, value_name = "N", value_parser = count_or_none)]
    concurrent_calls: Option<Value>,
    /// Calls waiting to be begun, or none: as the settings say.
    #[arg(long, value_name = "N", value_parser = count_or_none)]
    waiting_calls: Option<Value>,
    /// What the calls of a day may cost, in the deck's currency, or none: without a limit.
    #[arg(long, value_name = "AMOUNT", value_parser = amount_or_none)]
    daily_spend: Option<Value>,
    /// Leading digits of numbers that it may call, or none: any number. May be repeated.
    #[arg(long, value_name = "DIGITS", value_parser = digits_or_none)]
    allow: Vec<Value>,
}

impl Calling {
    /// What of it was given, as the admin API has it; none if nothing was.
    pub(super) fn given(self) -> Option<Value> {
        let allowed: Vec<Value> =
            self.allow.iter().filter(|digits| !digits.is_null()).cloned().collect();
        let destinations = (!self.allow.is_empty()).then(|| json!(allowed));
        let members = [
            ("deck", self.deck),
            ("unlisted", self.unlisted.map(Value::from)),
            ("generation", self.generation.map(Value::from)),
            ("callsPerSecond", self.calls_per_second),
            ("concurrentCalls", self.concurrent_calls),
            ("waitingCalls", self.waiting_calls),
            ("dailySpend", self.daily_spend),
            ("destinations", destinations),
        ];
        let given: Map<String, Value> =
            members.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect();
        (!given.is_empty()).then_some(Value::Object(given))
    }
}

fn text_or_none(text: &str) -> Result<Value, String> {
    or_none(text, |text| Ok(text.into()))
}

fn count_or_none(text: &str) -> Result<Value, String> {
    or_none(text, |text| match text.parse::<u32>() {
        Ok(count) if count > 0 => Ok(count.into()),
        Ok(_) | Err(_) => Err("must be a whole number above 0, or none".to_owned()),
    })
}

fn amount_or_none(text: &str) -> Result<Value, String> {
    or_none(text, |text| {
        let amount = text.parse::<Amount>().map_err(|error| error.to_string())?;
        Ok(amount.to_string().into())
    })
}

fn digits_or_none(text: &str) -> Result<Value, String> {
    or_none(text, |text| {
        let digits = text.trim_start_matches('+');
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| digits.into()).ok_or_else(|| "must be 1 to 15 digits, or none".to_owned())
    })
}

fn or_none(text: &str, parse: impl FnOnce(&str) -> Result<Value, String>) -> Result<Value, String> {
    if text == "none" { Ok(Value::Null) } else { parse(text) }
}
