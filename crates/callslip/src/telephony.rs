//! What the HTTP edge is told of telephony while no engine is wired: calls are kept, and wait.

use model::deck::DeckFile;
use model::{Account, Message, Timestamp};

/// Nobody speaks, nobody listens for machines, and no deck can be read.
pub(crate) struct NoEngine;

impl api::Telephony for NoEngine {
    fn speaks(&self, _language: &str) -> bool {
        false
    }

    fn detects_machines(&self) -> bool {
        false
    }

    fn is_rated(&self, account: &Account, _message: &Message, _at: Timestamp) -> bool {
        account.calling.deck.is_none()
    }

    fn check_deck(&self, _deck: &DeckFile) -> Result<(), Vec<String>> {
        Err(vec!["this server prices no calls".to_owned()])
    }
}
