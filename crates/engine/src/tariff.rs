//! A tariff: how the calls of one account are priced now.

use std::sync::Arc;

use model::calling::Unlisted;
use model::cdr::Charged;
use model::message::Leg2;
use model::{Account, Amount, Message, Number, Price, Timestamp};

use crate::rating::{Billed, BilledLeg, Deck, NoRate, UNKNOWN_CURRENCY, charge};

/// How the calls of one account are priced. A call keeps the one that it was placed under: a deck
/// that is imported while it lasts prices later calls.
#[derive(Clone, Debug)]
pub struct Tariff {
    /// Whose calls.
    pub account: Arc<Account>,
    /// By which deck.
    pub deck: DeckOf,
}

/// The deck of an account.
#[derive(Clone, Debug)]
pub enum DeckOf {
    /// It has none: its calls cost nothing.
    None,
    /// This one.
    Ready(Arc<Deck>),
    /// It names one that is not there or cannot be read.
    Missing,
}

/// What a call costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// As its report shows it.
    pub price: Price,
    /// Mobile country and network codes of leg A, if its deck line says.
    pub mcc_mnc: Option<String>,
    /// In all, and by which lines.
    pub charged: Charged,
}

impl Tariff {
    /// Whether calls can be placed under it. If the deck is missing, and calls without a line are
    /// to be refused, they can neither be refused nor be given away: they wait.
    pub fn is_ready(&self) -> bool {
        match (&self.deck, self.account.calling.unlisted) {
            (DeckOf::Missing, Unlisted::Refuse) => false,
            (DeckOf::Missing, Unlisted::Unrated) | (DeckOf::None | DeckOf::Ready(_), _) => true,
        }
    }

    /// Whether the message may be placed at that instant: every leg that it may get has a deck
    /// line, or needs none.
    pub fn is_rated(&self, message: &Message, at: Timestamp) -> bool {
        let deck = match &self.deck {
            DeckOf::Ready(deck) => deck,
            DeckOf::None | DeckOf::Missing => return self.is_ready(),
        };
        let has_rate = |second: Option<&Leg2>| {
            let b = second.map(|leg| unanswered(&leg.number));
            let call = Billed { a: unanswered(&message.destination_a), b, at };
            charge(&call, deck, self.account.calling.unlisted).is_ok()
        };
        has_rate(message.destination_b.as_ref())
            && message.transfers.iter().all(|transfer| has_rate(Some(transfer)))
    }

    /// The price of a call that has been made, or that nothing came of. A leg without a line costs
    /// nothing by now, whatever becomes of calls that are yet to be made.
    pub fn price(&self, call: &Billed<'_>) -> Priced {
        let DeckOf::Ready(deck) = &self.deck else { return self.unpriced() };
        match charge(call, deck, Unlisted::Unrated) {
            Ok(charge) => Priced {
                price: charge.price(),
                mcc_mnc: charge.a.and_then(|leg| leg.rate.mcc_mnc.clone()),
                charged: charge.charged(self.account.calling.deck.clone()),
            },
            Err(NoRate::LegA | NoRate::LegB) => self.unpriced(),
        }
    }

    fn unpriced(&self) -> Priced {
        let deck = self.account.calling.deck.clone();
        Priced {
            price: Price { per_second: Amount::ZERO, currency: UNKNOWN_CURRENCY.into() },
            mcc_mnc: None,
            charged: Charged {
                deck,
                total: Amount::ZERO,
                billed_seconds: 0,
                line_a: None,
                line_b: None,
            },
        }
    }

    /// The day of the account at that instant, in days since 1970-01-01 in its time zone.
    pub fn day(&self, at: Timestamp) -> i32 {
        let offset_millis = i64::from(self.account.zone.offset_seconds(at)) * 1_000;
        let day = (at.as_millis() + offset_millis).div_euclid(86_400_000);
        i32::try_from(day).unwrap_or(i32::MAX)
    }
}

/// A leg that is yet to be made, or that nobody answered.
fn unanswered(number: &Number) -> BilledLeg<'_> {
    BilledLeg { number, talked_seconds: None }
}
