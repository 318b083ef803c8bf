//! `callslip call`: everything that is known of a call, event by event.

use std::fmt::Write;

use anyhow::bail;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::say;
use crate::client::{Ask, escaped};
use crate::door::{Missing, Whose};
use crate::number::shown;

/// The flags of `call`.
#[derive(Args, Debug)]
pub(crate) struct Call {
    /// The call's messageId.
    message_id: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Deserialize)]
struct List {
    calls: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    account: String,
    call: Story,
}

/// What the server knows of one call; times are shown as they come.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Story {
    bulk_id: String,
    message_id: String,
    state: String,
    to: String,
    destination_b: Option<String>,
    submitted_at: String,
    due: Option<String>,
    cancelled_at: Option<String>,
    started: Option<Started>,
    #[serde(default)]
    attempts: Vec<Attempt>,
    charged: Option<Charged>,
    report: Option<Report>,
}

#[derive(Deserialize)]
struct Started {
    attempt: u8,
    at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    attempt: u8,
    outcome: String,
    ending: String,
    keys: String,
    leg_a: Leg,
    leg_b: Option<Leg>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Leg {
    outcome: String,
    dialled_at: String,
    ringing_at: Option<String>,
    answered_at: Option<String>,
    ended_at: Option<String>,
    sip_code: Option<u16>,
    q850_cause: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Charged {
    deck: Option<String>,
    /// As it was written, so that no digit changes.
    total: Box<RawValue>,
    billed_seconds: u64,
    line_a: Option<Line>,
    line_b: Option<Line>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    done_at: String,
    duration: u32,
    status: Named,
    error: Named,
    price: Price,
}

#[derive(Deserialize)]
struct Named {
    id: u32,
    name: String,
}

#[derive(Deserialize)]
struct Price {
    currency: String,
}

impl Call {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let door = self.whose.open(Missing::Refuse)?;
        let path = format!("/callslip/1/admin/calls/{}", escaped(&self.message_id));
        let answer = door.get_bytes(&Ask::path(&path))?;
        if self.json {
            let answer: Value = serde_json::from_slice(&answer)?;
            return say(format!("{answer:#}"));
        }
        let List { calls } = serde_json::from_slice(&answer)?;
        if calls.is_empty() {
            bail!("no call of a message {} is known", self.message_id);
        }
        calls.iter().try_for_each(|known| say(known.told()?.trim_end()))
    }
}

impl Known {
    /// One line per event, in their order.
    fn told(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let Self { account, call } = self;
        let Story { bulk_id, message_id, state, .. } = call;
        writeln!(text, "Call {message_id} of account {account}, bulk {bulk_id}: {state}")?;
        let joined =
            call.destination_b.as_ref().map_or(String::new(), |b| format!(", then {}", shown(b)));
        writeln!(text, "  {}  submitted: call {}{joined}", call.submitted_at, shown(&call.to))?;
        call.attempts.iter().try_for_each(|attempt| attempt.tell(&mut text))?;
        if let Some(at) = &call.cancelled_at {
            writeln!(text, "  {at}  cancelled by its account")?;
        }
        if let Some(Started { attempt, at }) = &call.started {
            writeln!(text, "  {at}  attempt {attempt} started, and is under way")?;
        } else if let Some(due) = &call.due {
            writeln!(text, "  {due}  due")?;
        }
        if let (Some(report), Some(charged)) = (&call.report, &call.charged) {
            charged.tell(report, &mut text)?;
        }
        Ok(text)
    }
}

impl Attempt {
    fn tell(&self, text: &mut String) -> std::fmt::Result {
        let Self { attempt, outcome, ending, keys, .. } = self;
        self.leg_a.tell(&format!("attempt {attempt}, A"), text)?;
        if !keys.is_empty() {
            writeln!(text, "{}A pressed {keys}", " ".repeat(self.leg_a.dialled_at.len() + 4))?;
        }
        if let Some(b) = &self.leg_b {
            b.tell(&format!("attempt {attempt}, B"), text)?;
        }
        let legs = [Some(&self.leg_a), self.leg_b.as_ref()];
        // Dates of one zone sort as texts.
        let end = legs.into_iter().flatten().filter_map(|leg| leg.ended_at.as_ref()).max();
        let end = end.unwrap_or(&self.leg_a.dialled_at);
        writeln!(text, "  {end}  attempt {attempt} is over: {outcome}, ended {ending}")
    }
}

impl Leg {
    fn tell(&self, who: &str, text: &mut String) -> std::fmt::Result {
        writeln!(text, "  {}  {who} dialled", self.dialled_at)?;
        for (at, what) in [(&self.ringing_at, "rings"), (&self.answered_at, "answers")] {
            if let Some(at) = at {
                writeln!(text, "  {at}  {who} {what}")?;
            }
        }
        let Some(at) = &self.ended_at else { return Ok(()) };
        let code = self.sip_code.map_or(String::new(), |code| format!(", SIP {code}"));
        let cause = self.q850_cause.map_or(String::new(), |cause| format!(", Q.850 {cause}"));
        writeln!(text, "  {at}  {who} ends: {}{code}{cause}", self.outcome)
    }
}

impl Charged {
    fn tell(&self, report: &Report, text: &mut String) -> std::fmt::Result {
        let Report { done_at, duration, status, error, price } = report;
        let (status_id, status) = (status.id, &status.name);
        let (error_id, error) = (error.id, &error.name);
        writeln!(
            text,
            "  {done_at}  reported: {duration} s, {status_id} {status}, {error_id} {error}"
        )?;
        let indent = " ".repeat(done_at.len() + 4);
        let (total, currency) = (self.total.get(), &price.currency);
        let deck = self.deck.as_ref().map_or(String::new(), |deck| format!(" by deck {deck}"));
        writeln!(
            text,
            "{indent}charged {total} {currency} for {} billed seconds{deck}",
            self.billed_seconds
        )?;
        for (leg, line) in [("A", &self.line_a), ("B", &self.line_b)] {
            if let Some(Line { text: line }) = line {
                writeln!(text, "{indent}leg {leg}, {line}")?;
            }
        }
        Ok(())
    }
}
