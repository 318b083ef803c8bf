//! Rating: what a call costs, what a deck file may say, and what an import tells about it.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod cases;
mod coverage;
mod explain;
mod import;
mod properties;

use engine::rating::{Deck, Terms};
use model::{Number, Timestamp};

fn number(digits: &str) -> Number {
    digits.parse().unwrap()
}

fn at(instant: &str) -> Timestamp {
    Timestamp::from_millis(instant.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// The deck of the table of cases, priced by the minute.
fn by_the_minute() -> Deck {
    Deck::import(include_bytes!("deck.csv"), &Terms::default()).unwrap()
}

/// A deck in euro, from the columns and lines of a file.
#[track_caller]
fn deck(csv: &str) -> Deck {
    let terms = Terms { currency: Some("EUR".parse().unwrap()), ..Terms::default() };
    Deck::import(csv.as_bytes(), &terms).unwrap()
}
