//! `callslip rates`: the decks that price calls.

mod explain;
mod import;
mod list;
mod stored;

use clap::Subcommand;

pub(super) use stored::put as put_deck;

/// The subcommands of `rates`.
#[derive(Debug, Subcommand)]
pub(crate) enum Rates {
    /// Bring in a deck from a CSV file, in place of the one of its name; says what changes.
    Import(import::Import),
    /// List the decks, or the lines of one.
    List(list::List),
    /// Tell step by step what a call costs.
    Explain(explain::Explain),
}

impl Rates {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Import(import) => import.run(),
            Self::List(list) => list.run(),
            Self::Explain(explain) => explain.run(),
        }
    }
}
