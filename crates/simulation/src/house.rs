//! One life of the process: ledger, exchange and edge at one place, until it is stopped or dies.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use api::in_process::Client;
use api::{CallFigures, Edge, Surface, Telephony};
use async_trait::async_trait;
use engine::carrier::Audio;
use engine::exchange::{Exchange, ExchangeSettings, Parts};
use engine::prompt::{PromptError, Prompter};
use engine::tariffs::Tariffs;
use engine::time::Time;
use fastrand::Rng;
use model::deck::DeckFile;
use model::message::Prompt;
use model::{Account, Message, Timestamp};
use std::sync::Mutex;
use store::Ledger;
use testkit::postgres::Cutter;
use testkit::{Death, MortalLedger, VirtualClock};

use crate::place::{Opened, Place};
use crate::witness::Witness;

/// How often what the clock has ended is ended.
pub(crate) const UPKEEP: Duration = Duration::from_secs(60);
/// Turns of the runtime until every task of a process that died is gone.
const TURNS_MAX: usize = 10_000;

/// One life of the process.
pub(crate) struct House {
    pub(crate) ledger: Arc<MortalLedger>,
    exchange: Exchange,
    edge: Arc<Edge>,
    witness: Witness,
    wire: Option<Cutter>,
}

/// The world that every life is lived in.
pub(crate) struct World<'a> {
    pub(crate) place: &'a Place,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) witness: Witness,
    pub(crate) settings: ExchangeSettings,
}

impl House {
    pub(crate) async fn open(world: &World<'_>, seed: u64, death: Option<Death>) -> Self {
        let clock = Arc::clone(&world.clock);
        let Opened { ledger, wire } = world.place.open(&clock, death);
        let ledger = Arc::new(ledger);
        let witness = world.witness.of_house();
        let tariffs = Arc::new(Tariffs::load(&*ledger).await.expect("the ledger can be read"));
        let parts = Parts {
            ledger: ledger.clone(),
            carrier: Arc::new(witness.clone()),
            prompter: Arc::new(Reader),
            tariffs: Arc::clone(&tariffs),
            time: Time::new(clock.clone(), 1),
        };
        let exchange = Exchange::start(parts, world.settings.clone());
        let rng = Mutex::new(Rng::with_seed(seed));
        let fresh_id = move || {
            let mut rng = rng.lock().expect("nobody panics with it");
            format!("{:032x}", rng.u128(..))
        };
        let settings = api::Settings::default();
        let telephony = Arc::new(Wired(tariffs));
        let edge =
            Edge::with_ids(ledger.clone(), telephony, clock, settings, Arc::new(fresh_id)).await;
        Self { ledger, exchange, edge: edge.expect("the edge starts"), witness, wire }
    }

    /// A client of the API.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.edge, Surface::Public)
    }

    /// A client of the admin API, and what opens it.
    pub(crate) fn admin(&self) -> (Client, String) {
        (Client::new(&self.edge, Surface::Admin), format!("App {}", self.edge.admin_token()))
    }

    /// Ends what the clock has ended, for as long as the process lives.
    pub(crate) async fn upkeep(&self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.ledger.upkeep().await.expect("a healthy ledger keeps itself up");
        }
    }

    /// Stops in order.
    pub(crate) async fn stop(self) {
        let Self { ledger, exchange, edge, wire, .. } = self;
        exchange.stop().await;
        drop(edge);
        drop(last(ledger).await);
        drop(wire);
    }

    /// The process has died: whatever it was about to do, it does not. A ledger behind a wire only
    /// finds that out when it leaves and reaches nobody; whoever joins the thread waits for that.
    pub(crate) async fn vanish(self) -> Option<JoinHandle<()>> {
        let Self { ledger, exchange, edge, witness, wire } = self;
        witness.house_died();
        drop(exchange);
        drop(edge);
        let ledger = last(ledger).await;
        // To the end: what is behind a wire that is gone could reach another one at its address.
        let wire = wire?;
        Some(std::thread::spawn(move || {
            drop(ledger);
            drop(wire);
        }))
    }
}

/// Waits until nobody else has the ledger any more.
async fn last(ledger: Arc<MortalLedger>) -> MortalLedger {
    let mut ledger = ledger;
    for _ in 0..TURNS_MAX {
        match Arc::try_unwrap(ledger) {
            Ok(last) => return last,
            Err(shared) => ledger = shared,
        }
        tokio::task::yield_now().await;
    }
    panic!("somebody holds the ledger of a process that is gone");
}

/// Reads a text in as many seconds as it has words, and finds no file whose name says so.
struct Reader;

#[async_trait]
impl Prompter for Reader {
    async fn prepare(&self, prompt: &Prompt) -> Result<Audio, PromptError> {
        let seconds = match prompt {
            Prompt::Text { text, .. } => text.split_whitespace().count(),
            Prompt::Audio { url } if url.ends_with("missing.wav") => {
                return Err(PromptError::NotFetched("404".into()));
            }
            Prompt::Audio { url } => {
                // As long as a server takes that is neither near nor quick.
                tokio::time::sleep(Duration::from_millis(700)).await;
                url.len() / 8
            }
        };
        Ok(Audio::new(vec![0xff; seconds * 8_000]))
    }
}

struct Wired(Arc<Tariffs>);

impl Telephony for Wired {
    fn takes_calls(&self) -> bool {
        true
    }

    fn speaks(&self, language: &str) -> bool {
        language == "en"
    }

    fn detects_machines(&self) -> bool {
        true
    }

    fn is_rated(&self, account: &Arc<Account>, message: &Message, at: Timestamp) -> bool {
        self.0.is_rated(account, message, at)
    }

    fn check_deck(&self, deck: &DeckFile) -> Result<(), Vec<String>> {
        let deck = Tariffs::check(deck);
        deck.map(drop).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    fn figures(&self) -> CallFigures {
        CallFigures::default()
    }
}
