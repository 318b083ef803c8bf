//! `callslip rates import`: a deck from a CSV file, and what it would change.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use engine::rating::{Currency, Deck, Increments, Terms, diff};

use super::stored;
use crate::command::say;
use crate::door::{Missing, Whose};

/// The flags of `rates import`.
#[derive(Args, Debug)]
#[command(after_help = "\
The first line of the file names the columns: prefix, per_minute or per_second, and as needed\n\
destination, increments, connect_fee, effective_from, effective_to, mccMnc, currency, charge_b.\n\
All or nothing: if a line is wrong, every fault is listed and the deck stays as it was.")]
pub(crate) struct Import {
    /// The CSV file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name of the deck, by which accounts refer to it.
    #[arg(long, value_name = "NAME")]
    deck: String,
    /// Currency where the file has none, such as EUR.
    #[arg(long, value_name = "CODE", value_parser = currency)]
    currency: Option<Currency>,
    /// First and further increment in seconds where the file has none.
    #[arg(long, value_name = "S/S", default_value = "1/1", value_parser = increments)]
    increments: Increments,
    /// Charge leg B too where the file does not say.
    #[arg(long)]
    charge_b: bool,
    /// Decimals that totals are rounded to.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(0..=8))]
    decimals: u32,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    whose: Whose,
}

fn currency(text: &str) -> Result<Currency, &'static str> {
    text.parse()
}

fn increments(text: &str) -> Result<Increments, &'static str> {
    text.parse()
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let file = self.file.display();
        let csv = std::fs::read(&self.file).with_context(|| format!("cannot read {file}"))?;
        let deck = match Deck::import(&csv, &self.terms()) {
            Ok(deck) => deck,
            Err(faults) => {
                faults.iter().for_each(|fault| eprintln!("{file}: {fault}"));
                bail!("{file} is no deck: {} to put right; nothing was imported", faults.len());
            }
        };
        let missing = if self.dry_run { Missing::Refuse } else { Missing::Make };
        let door = self.whose.open(missing)?;
        self.compare(stored::find(&door, &self.deck)?.as_ref(), &deck)?;
        tell_coverage(&deck)?;
        if self.dry_run {
            return say("Nothing was imported: this was a dry run.");
        }
        stored::put(&door, &self.deck, csv, &self.terms())?;
        say(format!("Deck {} imported; it prices calls from now on.", self.deck))
    }

    fn terms(&self) -> Terms {
        Terms {
            currency: self.currency,
            increments: self.increments,
            charge_b: self.charge_b,
            decimals: self.decimals,
        }
    }

    fn compare(&self, present: Option<&Deck>, new: &Deck) -> anyhow::Result<()> {
        let (name, lines) = (&self.deck, new.rates().len());
        let Some(present) = present else {
            return say(format!("Deck {name} is new: {lines} lines."));
        };
        let diff = diff(present, new);
        if diff.is_empty() {
            return say(format!("Deck {name}: {lines} lines, the same as before."));
        }
        say(diff.to_string().trim_end())?;
        let (added, removed) = (diff.added.len(), diff.removed.len());
        say(format!(
            "Deck {name}: {lines} lines; {added} added, {removed} removed, {} changed.",
            diff.changed.len()
        ))
    }
}

/// Where the dates of its lines quarrel or leave a hole; neither is an error.
fn tell_coverage(deck: &Deck) -> anyhow::Result<()> {
    for overlap in deck.overlaps() {
        say(format!("Overlap, {overlap}"))?;
    }
    for gap in deck.gaps() {
        say(format!("Gap, {gap}"))?;
    }
    Ok(())
}
