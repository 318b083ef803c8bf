//! `callslip rates explain`: every step from a number and its seconds to a price.

use anyhow::{Context, bail};
use clap::Args;
use engine::rating::{Billed, BilledLeg, Charge, Deck, charge, explain};
use model::calling::Unlisted;
use model::{Clock, Number, Timestamp, Zone};

use super::stored;
use crate::clock::SystemClock;
use crate::command::{account, say};
use crate::door::{Missing, Whose};

/// The flags of `rates explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The number of leg A.
    number: Number,
    /// Seconds from its answer to its end.
    seconds: u32,
    /// When it was answered, such as 2026-11-24T12:00:00Z; else now.
    #[arg(value_parser = instant)]
    at: Option<Timestamp>,
    /// The deck.
    #[arg(long, value_name = "NAME", required_unless_present = "account")]
    deck: Option<String>,
    /// The account whose deck it is.
    #[arg(long, value_name = "NAME", conflicts_with = "deck")]
    account: Option<String>,
    /// The number of leg B, for decks that charge both legs.
    #[arg(long, value_name = "NUMBER", requires = "b_seconds")]
    b: Option<Number>,
    /// Seconds from B's answer to its end.
    #[arg(long, value_name = "SECONDS", requires = "b")]
    b_seconds: Option<u32>,
    #[command(flatten)]
    whose: Whose,
}

/// A date means its first instant in UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    api::wire::date::parse(&whole).map_err(|error| error.to_string())
}

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let door = self.whose.open(Missing::Refuse)?;
        let name = match (&self.deck, &self.account) {
            (Some(deck), _) => deck.clone(),
            (None, Some(name)) => account::deck_of(&door, name)?,
            (None, None) => bail!("give --deck or --account"),
        };
        let deck = stored::named(&door, &name)?;
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        let a = BilledLeg { number: &self.number, talked_seconds: Some(self.seconds) };
        let b = self.b.as_ref().map(|number| BilledLeg { number, talked_seconds: self.b_seconds });
        let when = api::wire::date::text(at, &Zone::utc());
        say(format!("By deck {name}, at {when}:"))?;
        tell_leg("A", &a, at, &deck)?;
        let Some(b) = b else { return Ok(()) };
        let charge = charge(&Billed { a, b: Some(b), at }, &deck, Unlisted::Unrated)
            .context("what has no line is unrated")?;
        tell_second(&b, at, &deck, &charge)
    }
}

fn tell_second(
    b: &BilledLeg<'_>,
    at: Timestamp,
    deck: &Deck,
    charge: &Charge<'_>,
) -> anyhow::Result<()> {
    if !charge.a.is_some_and(|a| a.rate.charge_b) {
        return say("Leg B costs nothing: the line of leg A does not charge both legs.");
    }
    tell_leg("B", b, at, deck)?;
    let price = charge.price();
    let total = charge.total;
    say(format!(
        "Both legs: {} {} a second in the report, {total} {} in all, rounded once.",
        price.per_second, price.currency, price.currency
    ))
}

fn tell_leg(leg: &str, billed: &BilledLeg<'_>, at: Timestamp, deck: &Deck) -> anyhow::Result<()> {
    let seconds = billed.talked_seconds.unwrap_or_default();
    say(format!("Leg {leg}, {}, {seconds} s:", billed.number))?;
    explain(billed, at, deck).iter().try_for_each(|step| say(format!("  {step}")))
}
