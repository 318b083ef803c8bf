//! What the HTTP edge is told of telephony: the edge and the engine meet here, and in the ledger.

mod trunks;

use std::sync::Arc;

use api::{CallFigures, Trial, Tried, Untried};
use async_trait::async_trait;
use engine::exchange::Gauge;
use engine::prompt::Prompts;
use engine::sip::SipCarrier;
use engine::tariffs::Tariffs;
use model::deck::DeckFile;
use model::{Account, Message, Timestamp};
use store::Ledger;

/// What there is of telephony in this process.
pub(crate) struct Telephony {
    pub(crate) tariffs: Arc<Tariffs>,
    pub(crate) exchange: Option<Switched>,
}

/// An exchange at work.
pub(crate) struct Switched {
    pub(crate) prompts: Arc<Prompts>,
    /// Its figures; none if other nodes place the calls.
    pub(crate) gauge: Option<Gauge>,
    /// Whether there is a carrier.
    pub(crate) takes_calls: bool,
    /// The trunks, if calls go through trunks.
    pub(crate) sip: Option<SipCarrier>,
}

#[async_trait]
impl api::Telephony for Telephony {
    fn takes_calls(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.takes_calls)
    }

    fn speaks(&self, language: &str) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.prompts.speaks(language))
    }

    /// Every carrier that there is listens for machines when it is asked to.
    fn detects_machines(&self) -> bool {
        true
    }

    fn is_rated(&self, account: &Arc<Account>, message: &Message, at: Timestamp) -> bool {
        self.tariffs.is_rated(account, message, at)
    }

    fn check_deck(&self, deck: &DeckFile) -> Result<(), Vec<String>> {
        let checked = Tariffs::check(deck).map(drop);
        checked.map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    async fn settings_changed(&self, ledger: &dyn Ledger) -> store::Result<()> {
        self.tariffs.refresh(ledger).await
    }

    fn figures(&self) -> CallFigures {
        let Some(Switched { prompts, gauge, sip, .. }) = &self.exchange else {
            return CallFigures::default();
        };
        let done = gauge.as_ref().map(Gauge::read).unwrap_or_default();
        CallFigures {
            voices: prompts.voices(),
            started: done.started_total,
            retried: done.retried_total,
            put_off: done.put_off_total,
            finished: done.finished_total,
            sip: sip.as_ref().map(trunks::figures),
        }
    }

    async fn try_trunk(&self, name: &str, trial: Trial) -> Result<Vec<Tried>, Untried> {
        let exchange = self.exchange.as_ref();
        let carrier = exchange.and_then(|exchange| exchange.sip.as_ref());
        trunks::try_one(carrier.ok_or(Untried::NoTrunks)?, name, trial).await
    }
}
