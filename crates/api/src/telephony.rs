//! What the edge asks of telephony before it lets a call be kept. Wired by the executable: the edge
//! and the engine never meet.

use std::sync::Arc;

use async_trait::async_trait;
use model::deck::DeckFile;
use model::{Account, Message, Outcome, Timestamp};
use store::Ledger;

use crate::trunk::{SipFigures, Trial, Tried, Untried};

/// What the edge asks of telephony.
#[async_trait]
pub trait Telephony: Send + Sync + 'static {
    /// Whether there is anybody who carries calls.
    fn takes_calls(&self) -> bool;

    /// Whether there is a voice for the language tag.
    fn speaks(&self, language: &str) -> bool;

    /// Whether answering machines can be told from people.
    fn detects_machines(&self) -> bool;

    /// Whether the call could be priced at that time, or need not be. Quick: it is asked of every
    /// message of a request.
    fn is_rated(&self, account: &Arc<Account>, message: &Message, at: Timestamp) -> bool;

    /// Whether the deck can be used.
    ///
    /// # Errors
    /// It cannot; everything that is wrong with it, each with its line and column.
    fn check_deck(&self, deck: &DeckFile) -> Result<(), Vec<String>>;

    /// Accounts or decks have changed in the ledger. Whoever changed them is answered after this, and
    /// what is asked of telephony then has to go by them.
    async fn settings_changed(&self, _ledger: &dyn Ledger) -> store::Result<()> {
        Ok(())
    }

    /// What there is to tell on the metrics and health pages, and of the trunks.
    fn figures(&self) -> CallFigures;

    /// Tries the trunk of that name. Takes a bounded time; if it is dropped before, so is the trial.
    ///
    /// # Errors
    /// It cannot be tried.
    async fn try_trunk(&self, _name: &str, _trial: Trial) -> Result<Vec<Tried>, Untried> {
        Err(Untried::NoTrunks)
    }
}

/// What telephony has done since it started.
#[derive(Clone, Debug, Default)]
pub struct CallFigures {
    /// Language tags that there is a voice for.
    pub voices: usize,
    /// Attempts started.
    pub started: u64,
    /// Attempts that are followed by another.
    pub retried: u64,
    /// Calls given back to be placed later.
    pub put_off: u64,
    /// Calls that got their report, by outcome.
    pub finished: Vec<(Outcome, u64)>,
    /// What the trunks do; none if calls do not go through trunks.
    pub sip: Option<SipFigures>,
}
