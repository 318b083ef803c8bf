//! `callslip rates list`: the decks, or the lines of one.

use clap::Args;
use engine::rating::{Deck, Rate};

use super::stored::{self, Told};
use crate::command::say;
use crate::door::{Missing, Whose};
use crate::table::Table;

/// The flags of `rates list`.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// The deck whose lines to list; else the decks themselves.
    deck: Option<String>,
    /// Only lines for numbers that begin so.
    #[arg(long, value_name = "DIGITS", requires = "deck")]
    prefix: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let door = self.whose.open(Missing::Refuse)?;
        match &self.deck {
            None => decks(&stored::all(&door)?),
            Some(name) => lines(&stored::named(&door, name)?, self.prefix.as_deref()),
        }
    }
}

fn decks(decks: &[Told]) -> anyhow::Result<()> {
    let mut table = Table::with_heading(&["DECK", "IMPORTED"]);
    for deck in decks {
        table.add([deck.name.clone(), deck.imported_at.clone()]);
    }
    say(table.to_string().trim_end())
}

fn lines(deck: &Deck, prefix: Option<&str>) -> anyhow::Result<()> {
    let heading = [
        "PREFIX",
        "DESTINATION",
        "PRICE",
        "INCREMENTS",
        "TO CONNECT",
        "LEGS",
        "MCCMNC",
        "IN FORCE",
        "LINE",
    ];
    let mut table = Table::with_heading(&heading);
    let wanted = prefix.map(|prefix| prefix.trim_start_matches('+')).unwrap_or_default();
    for rate in deck.rates().iter().filter(|rate| rate.prefix.to_string().starts_with(wanted)) {
        table.add(row(rate));
    }
    say(table.to_string().trim_end())
}

fn row(rate: &Rate) -> [String; 9] {
    let or_dash = |text: &str| if text.is_empty() { "-".into() } else { text.to_owned() };
    [
        rate.prefix.to_string(),
        or_dash(&rate.destination),
        format!("{} {} a {}", rate.price, rate.currency, rate.unit),
        rate.increments.to_string(),
        if rate.connect_fee.is_zero() { "-".into() } else { rate.connect_fee.to_string() },
        if rate.charge_b { "A+B" } else { "A" }.into(),
        or_dash(rate.mcc_mnc.as_deref().unwrap_or_default()),
        rate.period.to_string(),
        rate.line.to_string(),
    ]
}
