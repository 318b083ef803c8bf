//! The telephony of a server that is measured: whoever asks may call anybody, for nothing.

use std::sync::Arc;

use model::deck::DeckFile;
use model::{Account, Message, Timestamp};

pub(crate) struct Rateless;

impl api::Telephony for Rateless {
    fn takes_calls(&self) -> bool {
        true
    }

    fn speaks(&self, _language: &str) -> bool {
        true
    }

    fn detects_machines(&self) -> bool {
        true
    }

    fn is_rated(&self, _account: &Arc<Account>, _message: &Message, _at: Timestamp) -> bool {
        true
    }

    fn check_deck(&self, _deck: &DeckFile) -> Result<(), Vec<String>> {
        Ok(())
    }

    fn figures(&self) -> api::CallFigures {
        api::CallFigures::default()
    }
}
