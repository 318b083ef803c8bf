//! The tariffs: every account and every deck as the ledger has them now, ready to be asked.
//!
//! Read on every submission and every call, so nothing here waits. Whoever starts the exchange
//! gets them refreshed whenever the settings in the ledger change.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::deck::DeckFile;
use model::{Account, AccountId, Message, Timestamp};
use store::{Ledger, StoreError};

use crate::rating::{Deck, Fault, Increments, Terms};
use crate::tariff::{DeckOf, Tariff};

/// Every account and every deck.
pub struct Tariffs(RwLock<Arc<Known>>);

#[derive(Default)]
struct Known {
    accounts: HashMap<AccountId, Arc<Account>>,
    decks: HashMap<String, KnownDeck>,
}

/// A deck file, and what it holds; none if it cannot be read.
#[derive(Clone)]
struct KnownDeck {
    file: Arc<DeckFile>,
    deck: Option<Arc<Deck>>,
}

impl Tariffs {
    /// Those of the ledger.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn load(ledger: &dyn Ledger) -> store::Result<Self> {
        let tariffs = Self(RwLock::default());
        tariffs.refresh(ledger).await?;
        Ok(tariffs)
    }

    /// Reads them again. Decks that have not changed are not parsed again.
    ///
    /// # Errors
    /// The ledger cannot be read; what was known before is still known.
    pub async fn refresh(&self, ledger: &dyn Ledger) -> store::Result<()> {
        let accounts = ledger.accounts().await?;
        let files = ledger.decks().await?;
        let before = self.known();
        let (mut decks, mut changed) = (HashMap::new(), Vec::new());
        for file in files {
            match before.decks.get(&file.name).filter(|known| *known.file == file) {
                Some(same) => drop(decks.insert(file.name, same.clone())),
                None => changed.push(file),
            }
        }
        if !changed.is_empty() {
            // A large deck takes long to parse, and calls go on meanwhile.
            let parse = move || changed.into_iter().map(known_deck).collect::<Vec<_>>();
            let Ok(parsed) = tokio::task::spawn_blocking(parse).await else {
                return Err(StoreError::Corrupt("a rate deck could not be parsed".into()));
            };
            decks.extend(parsed);
        }
        let accounts = accounts.into_iter().map(|one| (one.id, Arc::new(one))).collect();
        let known = Arc::new(Known { accounts, decks });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// The account of that id.
    pub fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.known().accounts.get(&id).cloned()
    }

    /// The deck of that name, if there is one that can be read.
    pub fn deck(&self, name: &str) -> Option<Arc<Deck>> {
        self.known().decks.get(name)?.deck.clone()
    }

    /// How the calls of the account are priced; none if there is no such account.
    pub fn of(&self, id: AccountId) -> Option<Tariff> {
        Some(self.tariff(self.account(id)?))
    }

    /// Whether the message may be placed at that instant, as [`Tariff::is_rated`] says.
    pub fn is_rated(&self, account: &Arc<Account>, message: &Message, at: Timestamp) -> bool {
        self.tariff(Arc::clone(account)).is_rated(message, at)
    }

    /// What a deck file holds.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(file: &DeckFile) -> Result<Deck, Vec<Fault>> {
        Deck::import(&file.csv, &terms(file)?)
    }

    fn tariff(&self, account: Arc<Account>) -> Tariff {
        let deck = match &account.calling.deck {
            None => DeckOf::None,
            Some(name) => self.deck(name).map_or(DeckOf::Missing, DeckOf::Ready),
        };
        Tariff { account, deck }
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn known_deck(file: DeckFile) -> (String, KnownDeck) {
    let name = file.name.clone();
    let deck = match Tariffs::check(&file) {
        Ok(deck) => Some(Arc::new(deck)),
        Err(faults) => {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            tracing::error!(
                deck = name,
                faults = faults.len(),
                first,
                "A rate deck in the ledger cannot be read. Calls that it prices wait, unless \
                 their account lets unlisted numbers through."
            );
            None
        }
    };
    (name, KnownDeck { file: Arc::new(file), deck })
}

fn terms(file: &DeckFile) -> Result<Terms, Vec<Fault>> {
    let fault = |column: &str, reason: &str| {
        vec![Fault { line: 0, column: Some(column.to_owned()), reason: reason.to_owned() }]
    };
    let currency = file.currency.as_deref().map(str::parse).transpose();
    Ok(Terms {
        currency: currency.map_err(|reason| fault("currency", reason))?,
        increments: file
            .increments
            .parse::<Increments>()
            .map_err(|reason| fault("increments", reason))?,
        charge_b: file.charge_b,
        decimals: file.decimals,
    })
}
