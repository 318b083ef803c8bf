//! From a finished call to its price: decks, the longest prefix, increments.
//!
//! Pure: the same deck and the same call give the same charge, today and in the archive. No clock
//! (the instant is part of the call), no files (a deck comes as the bytes of a CSV file), and no
//! floats: prices are exact decimals.
//!
//! How a leg is priced:
//!
//! 1. Its deck line is that of the longest prefix with a line in force when leg A was answered,
//!    or sent if it never was.
//! 2. An answered leg is billed the first increment, then as many further ones as it takes. An
//!    unanswered leg is billed nothing.
//! 3. Billed seconds × price + connection fee, exactly. A price per minute is multiplied first
//!    and divided by 60 last.
//! 4. The sum over the legs is rounded once, half up, to the decimals of the deck.
//!
//! The price per second that a report shows is not rounded, with one exception: a sixtieth that
//! does not end (0.02 a minute) is shown to twelve decimals. Totals never come from it.

mod charge;
mod coverage;
mod deck;
mod diff;
mod explain;
mod header;
mod import;
mod period;
mod prefix;
mod rate;

pub use charge::{Billed, BilledLeg, Charge, LegCharge, NoRate, UNKNOWN_CURRENCY, charge};
pub use coverage::{Gap, Overlap};
pub use deck::Deck;
pub use diff::{Diff, diff};
pub use explain::{Step, explain};
pub use import::{Fault, Terms};
pub use period::Period;
pub use prefix::Prefix;
pub use rate::{Currency, Increments, Rate, Unit};
