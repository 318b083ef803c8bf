//! How an account may call: where to, how much at once, and what it is charged by.

use crate::{Amount, Generation, Number};

/// How an account may call. What is none is as the server's settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calling {
    /// Which generation of status and error codes its reports have.
    pub generation: Generation,
    /// The deck that prices its calls; without one every call is priced 0 `UNKNOWN`.
    pub deck: Option<String>,
    /// What to do with a number that the deck has no line for.
    pub unlisted: Unlisted,
    /// Calls begun in a second.
    pub calls_per_second: Option<u32>,
    /// Calls under way at once.
    pub concurrent_calls: Option<u32>,
    /// Calls waiting to be begun.
    pub waiting_calls: Option<u32>,
    /// What the calls of a day may cost, in the account's time zone and in the deck's currency. The
    /// calls under way when it is reached go on.
    pub daily_spend: Option<Amount>,
    /// Leading digits of the numbers that it may call; any number if empty.
    pub destinations: Vec<String>,
}

/// What to do with a number that the deck has no line for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlisted {
    /// The call is not made.
    #[default]
    Refuse,
    /// The leg costs nothing; a call without any line has the price 0 `UNKNOWN`.
    Unrated,
}

impl Calling {
    /// Whether it may call the number.
    pub fn may_call(&self, number: &Number) -> bool {
        let begins = |digits: &String| number.digits().starts_with(digits.as_str());
        self.destinations.is_empty() || self.destinations.iter().any(begins)
    }
}
