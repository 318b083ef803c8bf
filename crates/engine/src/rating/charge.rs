//! What a call costs: its legs, each by its deck line, folded into one price and one total.

use model::calling::Unlisted;
use model::cdr::{Charged, RateLine};
use model::{Amount, Number, Price, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Currency, Deck, Rate};

/// Decimals to which a price per second is shown whose digits do not end. Even the longest call
/// that a report can tell of (366 days) times such a price is right to four decimals.
const SHOWN_DECIMALS: u32 = 12;

/// The currency of a call that no deck line prices.
pub const UNKNOWN_CURRENCY: &str = "UNKNOWN";

/// What is to be priced.
#[derive(Clone, Copy, Debug)]
pub struct Billed<'c> {
    /// The customer, called first.
    pub a: BilledLeg<'c>,
    /// The second, if the call had or would have had one.
    pub b: Option<BilledLeg<'c>>,
    /// When leg A was answered; when it was sent, if nobody answered.
    pub at: Timestamp,
}

/// One leg of a call.
#[derive(Clone, Copy, Debug)]
pub struct BilledLeg<'c> {
    /// Whom it called.
    pub number: &'c Number,
    /// Whole seconds from answer to end; `None` if nobody answered.
    pub talked_seconds: Option<u32>,
}

/// The deck has no line in force for a number, and such calls are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// The number of leg A.
    #[error("the rate deck has no line for the number of leg A")]
    LegA,
    /// The number of leg B, which leg A's line charges too.
    #[error("the rate deck has no line for the number of leg B")]
    LegB,
}

/// What a call costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge<'d> {
    /// The price of one second with all charged legs up.
    pub per_second: Decimal,
    /// `None` if no line was found.
    pub currency: Option<Currency>,
    /// What the call costs, rounded half up to the decimals of the deck.
    pub total: Decimal,
    /// Leg A's share; `None` if the deck has no line for it.
    pub a: Option<LegCharge<'d>>,
    /// Leg B's share; `None` if it is not charged or the deck has no line for it.
    pub b: Option<LegCharge<'d>>,
}

/// What one leg adds to a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegCharge<'d> {
    /// The deck line.
    pub rate: &'d Rate,
    /// Seconds to pay for; `None` if nobody answered.
    pub billed_seconds: Option<u64>,
}

/// The price of a call.
///
/// A call that is yet to be made is asked about with unanswered legs: the answer is its rate, or
/// the refusal.
///
/// # Errors
/// A charged number has no line in force and `unlisted` is [`Unlisted::Refuse`]. A call that has
/// already been made, under a deck that has changed since, is priced with [`Unlisted::Unrated`].
pub fn charge<'d>(
    call: &Billed<'_>,
    deck: &'d Deck,
    unlisted: Unlisted,
) -> Result<Charge<'d>, NoRate> {
    let find = |leg: &BilledLeg<'_>, refusal| match (leg_charge(leg, call.at, deck), unlisted) {
        (None, Unlisted::Refuse) => Err(refusal),
        (found, _) => Ok(found),
    };
    let a = find(&call.a, NoRate::LegA)?;
    let b = match &call.b {
        Some(leg) if a.is_some_and(|a| a.rate.charge_b) => find(leg, NoRate::LegB)?,
        _ => None,
    };
    let legs = || a.iter().chain(&b);
    Ok(Charge {
        per_second: per_second(legs().map(|leg| leg.rate.per_minute()).sum()),
        currency: a.map(|a| a.rate.currency),
        total: total(legs().map(LegCharge::sixtieths).sum(), deck.decimals()),
        a,
        b,
    })
}

fn leg_charge<'d>(leg: &BilledLeg<'_>, at: Timestamp, deck: &'d Deck) -> Option<LegCharge<'d>> {
    let rate = deck.rate(leg.number, at)?;
    let billed_seconds = leg.talked_seconds.map(|talked| rate.increments.billed_seconds(talked));
    Some(LegCharge { rate, billed_seconds })
}

/// The price of a second where a minute costs that.
pub(super) fn per_second(per_minute: Decimal) -> Decimal {
    half_up(per_minute / Decimal::from(60), SHOWN_DECIMALS)
}

/// The total of that many sixtieths. Rounding what the division may already have cut at 28 digits
/// is safe: a sixtieth that does not end ends in threes or sixes, never near a half.
pub(super) fn total(sixtieths: Decimal, decimals: u32) -> Decimal {
    half_up(sixtieths / Decimal::from(60), decimals)
}

fn half_up(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero).normalize()
}

impl LegCharge<'_> {
    fn line(&self) -> RateLine {
        RateLine { line: self.rate.line, text: self.rate.to_string() }
    }

    /// Sixty times what the leg costs, which is exact where the cost itself need not end.
    pub(super) fn sixtieths(&self) -> Decimal {
        match self.billed_seconds {
            None => Decimal::ZERO,
            Some(billed) => self.talk_sixtieths(billed) + self.rate.connect_fee * Decimal::from(60),
        }
    }

    pub(super) fn talk_sixtieths(&self, billed_seconds: u64) -> Decimal {
        self.rate.per_minute() * Decimal::from(billed_seconds)
    }
}

impl Charge<'_> {
    /// The price as the report shows it.
    pub fn price(&self) -> Price {
        Price {
            per_second: amount(self.per_second),
            currency: self.currency.map_or(UNKNOWN_CURRENCY.into(), |code| code.to_string()),
        }
    }

    /// What is kept of it: the total, and the lines of the deck of that name that made it.
    pub fn charged(&self, deck: Option<String>) -> Charged {
        Charged {
            deck,
            total: amount(self.total),
            billed_seconds: self.billed_seconds(),
            line_a: self.a.as_ref().map(LegCharge::line),
            line_b: self.b.as_ref().map(LegCharge::line),
        }
    }

    /// Seconds to pay for, of all charged legs together.
    pub fn billed_seconds(&self) -> u64 {
        self.a.iter().chain(&self.b).filter_map(|leg| leg.billed_seconds).sum()
    }
}

fn amount(price: Decimal) -> Amount {
    price.to_string().parse().expect("a price is not negative and has fewer than 28 digits")
}
