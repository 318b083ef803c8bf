//! `callslip trace`: what was said on the wire for a call.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::say;
use crate::client::{Ask, escaped};
use crate::door::{Missing, Whose};
use crate::ladder::{Drawing, Ladder, Style};
use crate::pcap;

/// The flags of `trace`.
#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// The call's messageId.
    message_id: String,
    /// This attempt alone.
    #[arg(long, value_name = "N")]
    attempt: Option<u8>,
    #[command(flatten)]
    drawn: Drawn,
    /// Write the messages to a capture file instead, for Wireshark, tcpdump and their like. What
    /// went over TLS is in there unencrypted.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pcap: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

/// How ladders are drawn.
#[derive(Args, Debug)]
pub(super) struct Drawn {
    /// Draw with nothing but ASCII, as is done when the locale is not UTF-8.
    #[arg(long)]
    ascii: bool,
    /// Print the whole messages too.
    #[arg(long)]
    full: bool,
}

#[derive(Serialize, Deserialize)]
struct List {
    calls: Vec<Call>,
}

#[derive(Serialize, Deserialize)]
struct Call {
    account: String,
    #[serde(skip_serializing)]
    call: Known,
    ladders: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    attempts: Vec<Made>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    attempt: u8,
    leg_a: Leg,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Leg {
    dialled_at: String,
}

#[derive(Serialize, Deserialize)]
struct Attempt {
    attempt: u8,
    #[serde(flatten)]
    ladder: Ladder,
}

impl Drawn {
    pub(super) fn style(&self) -> Style {
        Style::of(self.ascii, self.full)
    }
}

impl Trace {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let door = self.whose.open(Missing::Refuse)?;
        let path = format!("/callslip/1/admin/calls/{}", escaped(&self.message_id));
        let answer = door.get_bytes(&Ask::path(&path))?;
        let List { mut calls } = serde_json::from_slice(&answer)?;
        if calls.is_empty() {
            bail!("no call of a message {} is known", self.message_id);
        }
        let is_wanted = |attempt: &Attempt| self.attempt.is_none_or(|n| n == attempt.attempt);
        for call in &mut calls {
            call.ladders.retain(is_wanted);
        }
        if self.json {
            let list = serde_json::to_value(List { calls })?;
            return say(format!("{list:#}"));
        }
        calls.retain(|call| !call.ladders.is_empty());
        if calls.is_empty() {
            bail!(
                "no SIP message of {} is kept: it did not go through a trunk, or is not over",
                self.message_id
            );
        }
        match &self.pcap {
            Some(file) => write(file, &calls),
            None => self.draw(&calls),
        }
    }

    fn draw(&self, calls: &[Call]) -> anyhow::Result<()> {
        for Call { account, call, ladders } in calls {
            say(format!("Call {} of account {account}", self.message_id))?;
            for Attempt { attempt, ladder } in ladders {
                let made = call.attempts.iter().find(|made| made.attempt == *attempt);
                let at = made.map_or(String::new(), |made| format!(", {}", made.leg_a.dialled_at));
                say(format!("\nAttempt {attempt}{at}\n"))?;
                let ends = ["A far end", "B far end"];
                say(Drawing::of(ladder, ends, self.drawn.style())
                    .to_string()
                    .trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

fn write(file: &Path, calls: &[Call]) -> anyhow::Result<()> {
    let ladders = calls.iter().flat_map(|call| &call.ladders);
    let rungs: Vec<_> = ladders.flat_map(|attempt| &attempt.ladder.messages).collect();
    let count = rungs.len();
    std::fs::write(file, pcap::file(rungs))
        .with_context(|| format!("cannot write {}", file.display()))?;
    say(format!("{count} messages were written to {}.", file.display()))
}
