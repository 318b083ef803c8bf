//! How a price comes about, step by step, for people.

use std::fmt;

use model::{Number, Timestamp};
use rust_decimal::Decimal;

use super::charge::{self, LegCharge};
use super::deck::in_force;
use super::period::instant;
use super::{BilledLeg, Currency, Deck, Increments, Rate};

/// One step from a number and its seconds to a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'d> {
    /// A line of a fitting prefix that does not apply at the instant.
    NotInForce {
        /// The line.
        rate: &'d Rate,
        /// The instant of the call.
        at: Timestamp,
    },
    /// No fitting line is in force: the last step.
    NoLine {
        /// The number that has none.
        number: Number,
        /// The instant of the call.
        at: Timestamp,
    },
    /// The line that applies.
    Line {
        /// The line.
        rate: &'d Rate,
    },
    /// The price of a second, as the report shows it.
    PerSecond {
        /// The price.
        per_second: Decimal,
        /// Its currency.
        currency: Currency,
    },
    /// Nobody answered: nothing is due.
    Unanswered,
    /// Seconds rounded up.
    Increments {
        /// From answer to end.
        talked_seconds: u32,
        /// The rule.
        increments: Increments,
        /// Seconds to pay for.
        billed_seconds: u64,
    },
    /// Seconds times price.
    Talk {
        /// Seconds to pay for.
        billed_seconds: u64,
        /// The price of a minute.
        per_minute: Decimal,
        /// Their product: sixty times what the talk costs.
        sixtieths: Decimal,
    },
    /// The connection fee.
    Fee {
        /// The fee.
        fee: Decimal,
    },
    /// The sum, rounded: the last step.
    Total {
        /// Sixty times the exact sum.
        sixtieths: Decimal,
        /// Decimals of the deck.
        decimals: u32,
        /// What the leg costs.
        total: Decimal,
        /// Its currency.
        currency: Currency,
    },
}

/// Every step from a leg to its price, each printing as one line. A call of one leg costs exactly
/// what the last step says.
pub fn explain<'d>(leg: &BilledLeg<'_>, at: Timestamp, deck: &'d Deck) -> Vec<Step<'d>> {
    let mut steps = Vec::new();
    for same_prefix in deck.candidates(leg.number) {
        let Some(rate) = in_force(same_prefix, at) else {
            steps.extend(same_prefix.iter().map(|rate| Step::NotInForce { rate, at }));
            continue;
        };
        steps.push(Step::Line { rate });
        let (per_second, currency) = (charge::per_second(rate.per_minute()), rate.currency);
        steps.push(Step::PerSecond { per_second, currency });
        arithmetic(leg, rate, deck.decimals(), &mut steps);
        return steps;
    }
    steps.push(Step::NoLine { number: leg.number.clone(), at });
    steps
}

fn arithmetic<'d>(leg: &BilledLeg<'_>, rate: &'d Rate, decimals: u32, steps: &mut Vec<Step<'d>>) {
    let increments = rate.increments;
    let billed = leg.talked_seconds.map(|talked| (talked, increments.billed_seconds(talked)));
    let part = LegCharge { rate, billed_seconds: billed.map(|(_, billed)| billed) };
    match billed {
        None => steps.push(Step::Unanswered),
        Some((talked_seconds, billed_seconds)) => {
            steps.push(Step::Increments { talked_seconds, increments, billed_seconds });
            let sixtieths = part.talk_sixtieths(billed_seconds);
            steps.push(Step::Talk { billed_seconds, per_minute: rate.per_minute(), sixtieths });
            if !rate.connect_fee.is_zero() {
                steps.push(Step::Fee { fee: rate.connect_fee });
            }
        }
    }
    let sixtieths = part.sixtieths();
    let total = charge::total(sixtieths, decimals);
    steps.push(Step::Total { sixtieths, decimals, total, currency: rate.currency });
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInForce { rate, at } => {
                write!(f, "not in force at {}: {rate}", instant(*at))
            }
            Self::NoLine { number, at } => {
                write!(f, "no line for {number} is in force at {}", instant(*at))
            }
            Self::Line { rate } => write!(f, "longest prefix in force: {rate}"),
            Self::PerSecond { per_second, currency } => {
                write!(f, "price shown in the report: {per_second} {currency} a second")
            }
            Self::Unanswered => f.write_str("not answered: nothing is due"),
            Self::Increments { talked_seconds, increments, billed_seconds } => {
                write!(f, "{talked_seconds} s by {increments} are billed as {billed_seconds} s")
            }
            Self::Talk { billed_seconds, per_minute, sixtieths } => write!(
                f,
                "{billed_seconds} s × {} a minute ÷ 60 {}",
                per_minute.normalize(),
                Sixtieths(*sixtieths)
            ),
            Self::Fee { fee } => write!(f, "plus {fee} to connect"),
            Self::Total { sixtieths, decimals, total, currency } => write!(
                f,
                "total {}, half up to {decimals} decimals: {total} {currency}",
                Sixtieths(*sixtieths)
            ),
        }
    }
}

/// Prints the sixtieth of a decimal, and whether that is all of its digits.
struct Sixtieths(Decimal);

impl fmt::Display for Sixtieths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = charge::per_second(self.0);
        let sign = if shown * Decimal::from(60) == self.0 { '=' } else { '≈' };
        write!(f, "{sign} {shown}")
    }
}
