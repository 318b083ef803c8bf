//! The telephony of a server that is measured for its reports: there are no calls.

use model::deck::DeckFile;
use model::{Account, Message, Timestamp};

pub(crate) struct NoCalls;

impl api::Telephony for NoCalls {
    fn speaks(&self, _language: &str) -> bool {
        false
    }

    fn detects_machines(&self) -> bool {
        false
    }

    fn is_rated(&self, _account: &Account, _message: &Message, _at: Timestamp) -> bool {
        false
    }

    fn check_deck(&self, _deck: &DeckFile) -> Result<(), Vec<String>> {
        Err(Vec::new())
    }
}
