//! What the edge of a test server is told of telephony. Its calls wait in the ledger: nobody makes
//! them.

use model::deck::DeckFile;
use model::{Account, Message, Timestamp};

/// English and German are spoken. Numbers that begin with 999 have no price.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    pub(crate) detects_machines: bool,
}

impl Default for Told {
    fn default() -> Self {
        Self { detects_machines: true }
    }
}

impl api::Telephony for Told {
    fn speaks(&self, language: &str) -> bool {
        matches!(language, "en" | "de")
    }

    fn detects_machines(&self) -> bool {
        self.detects_machines
    }

    fn is_rated(&self, _account: &Account, message: &Message, _at: Timestamp) -> bool {
        !message.destination_a.digits().starts_with("999")
    }

    fn check_deck(&self, deck: &DeckFile) -> Result<(), Vec<String>> {
        if deck.csv.starts_with(b"prefix,") {
            return Ok(());
        }
        Err(vec!["line 1: there is no column `prefix`".into(), "line 2: `x` is odd".into()])
    }
}
