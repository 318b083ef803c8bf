//! What the edge asks of telephony before it lets a call be kept. Wired by the executable: the edge
//! and the engine never meet.

use model::deck::DeckFile;
use model::{Account, Message, Timestamp};

/// What the edge asks of telephony.
pub trait Telephony: Send + Sync + 'static {
    /// Whether there is a voice for the language tag.
    fn speaks(&self, language: &str) -> bool;

    /// Whether answering machines can be told from people.
    fn detects_machines(&self) -> bool;

    /// Whether the call could be priced at that time, or need not be. Quick: it is asked of every
    /// message of a request.
    fn is_rated(&self, account: &Account, message: &Message, at: Timestamp) -> bool;

    /// Whether the deck can be used.
    ///
    /// # Errors
    /// It cannot; everything that is wrong with it, each with its line and column.
    fn check_deck(&self, deck: &DeckFile) -> Result<(), Vec<String>>;
}
