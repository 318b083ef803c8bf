//! `callslip audit`: "Did you ever give me this report?"

use std::fmt::Write;

use anyhow::bail;
use clap::Args;
use serde::Deserialize;

use super::say;
use crate::client::escaped;
use crate::door::{Missing, Whose};

/// The flags of `audit`.
#[derive(Args, Debug)]
pub(crate) struct Audit {
    /// The report's messageId.
    message_id: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Deserialize)]
struct List {
    audits: Vec<Story>,
}

/// What happened to one message of one account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Story {
    account: String,
    bulk_id: String,
    message_id: String,
    fed_at: String,
    state: String,
    takes: Vec<Take>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Take {
    at: String,
    credential: String,
    peer: String,
    request_id: String,
    idempotency_key: Option<String>,
    reports: u64,
    bytes_acknowledged: u64,
    replays: u32,
    state: String,
    reason: Option<String>,
    ended_at: Option<String>,
}

impl Audit {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let door = self.whose.open(Missing::Refuse)?;
        let answer = door.get(&format!("/callslip/1/admin/audit/{}", escaped(&self.message_id)))?;
        if self.json {
            return say(format!("{answer:#}"));
        }
        let List { audits } = serde_json::from_value(answer)?;
        if audits.is_empty() {
            bail!("no report of a message {} is known", self.message_id);
        }
        audits.iter().try_for_each(|story| say(story.told()?.trim_end()))
    }
}

impl Story {
    /// One line per event, in their order.
    fn told(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let Self { account, bulk_id, message_id, fed_at, state, takes } = self;
        writeln!(text, "Message {message_id} of account {account}, bulk {bulk_id}: {state}")?;
        writeln!(text, "  {fed_at}  entered the ledger")?;
        for take in takes {
            take.tell(&mut text)?;
        }
        if takes.is_empty() {
            writeln!(text, "  not taken by anyone so far")?;
        }
        Ok(text)
    }
}

impl Take {
    fn tell(&self, text: &mut String) -> std::fmt::Result {
        let with = match self.reports {
            1 => String::new(),
            reports => format!(", with {} more", reports - 1),
        };
        let credential = match self.credential.as_str() {
            "password" => "the password".to_owned(),
            key => format!("key {key}"),
        };
        writeln!(
            text,
            "  {}  taken from {} with {credential}{with} (request {})",
            self.at, self.peer, self.request_id
        )?;
        let indent = " ".repeat(self.at.len() + 4);
        if let Some(key) = &self.idempotency_key {
            writeln!(text, "{indent}under the Idempotency-Key {key}")?;
        }
        if self.replays > 0 {
            writeln!(text, "{indent}given again {} times under that key", self.replays)?;
        }
        let bytes = self.bytes_acknowledged;
        let end = self.ended_at.clone().unwrap_or_else(|| " ".repeat(self.at.len()));
        match (self.state.as_str(), &self.reason) {
            ("settled", _) => writeln!(text, "  {end}  received: {bytes} bytes acknowledged"),
            ("returned", Some(reason)) => {
                writeln!(text, "  {end}  not received, pending again: {reason}")
            }
            (state, _) => writeln!(text, "  {end}  {state}: {bytes} bytes acknowledged so far"),
        }
    }
}
