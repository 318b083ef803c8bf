//! A deck: the lines that price calls, and the one that applies to a number at an instant.

use std::collections::HashMap;
use std::ops::Range;

use model::{Number, Timestamp};

use super::import::{self, Fault, Terms};
use super::{Prefix, Rate};

/// A rate table that cannot change; a new import makes a new one.
#[derive(Clone, Debug)]
pub struct Deck {
    /// By prefix, then by the start of the period, then by line.
    rates: Vec<Rate>,
    /// Where in `rates` the lines of a prefix are.
    index: HashMap<Prefix, Range<usize>>,
    decimals: u32,
}

impl Deck {
    /// The deck that a CSV file holds, or all that is wrong with the file: nothing is half-imported.
    ///
    /// The first line names the columns, in any order; capitals, spaces, `_` and `-` in a name do
    /// not matter. Cells are parted by `,` or `;`. A leading byte order mark is ignored.
    ///
    /// | column | other names | cell |
    /// |---|---|---|
    /// | `prefix` | code, dialcode, dial_prefix | digits; required |
    /// | `destination` | name, description | text |
    /// | `per_minute` | rate, price, price_per_minute, rate_per_minute | decimal; this or the next |
    /// | `per_second` | price_per_second, rate_per_second | decimal |
    /// | `increments` | increment, billing_increment | `60/60`, `30/6`, `1` |
    /// | `first_increment` | min_increment, initial_increment | seconds, in place of `increments` |
    /// | `further_increment` | next_increment; `increment` beside the former | seconds |
    /// | `connect_fee` | connection_fee, setup_fee | decimal |
    /// | `effective_from` | effective_date, effective, start, start_date, valid_from, from | UTC date or RFC 3339 instant |
    /// | `effective_to` | end, end_date, valid_to, to | UTC date, the last day; or the instant it ends |
    /// | `mccMnc` | | five or six digits |
    /// | `currency` | | `EUR`; one in the whole deck |
    /// | `charge_b` | both_legs | yes or no |
    ///
    /// # Errors
    /// Every fault of every line. A column of another name is one: a misspelt fee must not be lost.
    pub fn import(csv: &[u8], terms: &Terms) -> Result<Self, Vec<Fault>> {
        import::import(csv, terms)
    }

    /// The file of [`Deck::demo`].
    pub const DEMO_CSV: &[u8] = include_bytes!("demo.csv");

    /// A small deck of invented prices, for trying things out.
    pub fn demo() -> Self {
        Self::import(Self::DEMO_CSV, &Terms::default()).expect("the demo deck is sound")
    }

    pub(super) fn new(mut rates: Vec<Rate>, decimals: u32) -> Self {
        rates.sort_by_key(|rate| (rate.prefix, rate.period.start(), rate.line));
        let mut index = HashMap::new();
        let mut start = 0;
        for same_prefix in rates.chunk_by(|left, right| left.prefix == right.prefix) {
            let end = start + same_prefix.len();
            index.insert(same_prefix[0].prefix, start..end);
            start = end;
        }
        Self { rates, index, decimals }
    }

    /// The line that prices a call to the number: that of the longest prefix with a line in force.
    /// Of several in force for one prefix, the one that began last; of those, the last in the file.
    pub fn rate(&self, number: &Number, at: Timestamp) -> Option<&Rate> {
        self.candidates(number).find_map(|rates| in_force(rates, at))
    }

    /// All lines, by prefix and start.
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// Decimals that totals are rounded to.
    pub fn decimals(&self) -> u32 {
        self.decimals
    }

    /// The lines of each prefix of the number, longest first: at most 15 probes.
    pub(super) fn candidates(&self, number: &Number) -> impl Iterator<Item = &[Rate]> {
        std::iter::successors(Some(Prefix::whole(number)), |prefix| prefix.shorter())
            .filter_map(|prefix| self.index.get(&prefix))
            .map(|lines| &self.rates[lines.clone()])
    }

    /// The lines of each prefix in the deck.
    pub(super) fn by_prefix(&self) -> impl Iterator<Item = &[Rate]> {
        self.rates.chunk_by(|left, right| left.prefix == right.prefix)
    }
}

/// The line of one prefix that is in force.
pub(super) fn in_force(same_prefix: &[Rate], at: Timestamp) -> Option<&Rate> {
    same_prefix.iter().rev().find(|rate| rate.period.contains(at))
}
