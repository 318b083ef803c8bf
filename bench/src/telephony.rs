//! The telephony of a server that is measured for its reports: there are no calls.

use std::sync::Arc;

use model::deck::DeckFile;
use model::{Account, Message, Timestamp};

pub(crate) struct NoCalls;

impl api::Telephony for NoCalls {
    fn takes_calls(&self) -> bool {
        false
    }

    fn speaks(&self, _language: &str) -> bool {
        false
    }

    fn detects_machines(&self) -> bool {
        false
    }

    fn is_rated(&self, _account: &Arc<Account>, _message: &Message, _at: Timestamp) -> bool {
        false
    }

    fn check_deck(&self, _deck: &DeckFile) -> Result<(), Vec<String>> {
        Err(Vec::new())
    }

    fn figures(&self) -> api::CallFigures {
        api::CallFigures::default()
    }
}
