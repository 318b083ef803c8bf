//! `callslip trunk`: how the trunks of a running server fare, and a trial of one.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::say;
use super::trace::Drawn;
use crate::client::escaped;
use crate::door::Whose;
use crate::ladder::{Drawing, Ladder};
use crate::table::Table;

const TRUNKS: &str = "/callslip/1/admin/trunks";

/// The subcommands of `trunk`.
#[derive(Debug, Subcommand)]
pub(crate) enum Trunk {
    /// List the trunks: whether they are up, what goes through them, and what came of it.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Ask a trunk whether it lives, or place a short call through it, and draw what is said.
    Test(Test),
}

/// The flags of `trunk test`.
#[derive(Args, Debug)]
pub(crate) struct Test {
    /// The trunk.
    name: String,
    /// Call this number, whatever the trunk serves; the call is ended as soon as it rings or is
    /// answered. Without it each destination gets OPTIONS.
    #[arg(requires = "yes")]
    number: Option<String>,
    /// Do place the call: it may ring a telephone, and cost what the trunk charges.
    #[arg(long, requires = "number")]
    yes: bool,
    /// The number that the call shows; else nobody.
    #[arg(long, value_name = "NUMBER", requires = "number")]
    from: Option<String>,
    #[command(flatten)]
    drawn: Drawn,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Deserialize)]
struct List {
    trunks: Vec<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    name: String,
    state: String,
    registered: Option<bool>,
    destinations: Vec<Destination>,
    legs: u64,
    legs_max: u64,
    last_second: u64,
    last_second_max: u64,
    answered: u64,
    failed: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Destination {
    address: String,
    state: String,
}

#[derive(Deserialize)]
struct Trials {
    trials: Vec<Trial>,
}

#[derive(Deserialize)]
struct Trial {
    to: String,
    worked: bool,
    said: String,
    milliseconds: u64,
    #[serde(flatten)]
    ladder: Ladder,
}

impl Trunk {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { json, whose } => list(json, &whose),
            Self::Test(test) => test.run(),
        }
    }
}

fn list(json: bool, whose: &Whose) -> anyhow::Result<()> {
    let answer = whose.open_running()?.get(TRUNKS)?;
    if json {
        return say(format!("{answer:#}"));
    }
    let List { trunks } = serde_json::from_value(answer)?;
    if trunks.is_empty() {
        return say("Calls do not go through trunks here: carrier in [calls] is not sip.");
    }
    let mut table = Table::with_heading(&[
        "TRUNK",
        "STATE",
        "REGISTERED",
        "LEGS",
        "LAST SECOND",
        "ANSWERED",
        "FAILED",
        "DESTINATIONS",
    ]);
    for trunk in trunks {
        table.add(trunk.row());
    }
    say(table.to_string().trim_end())
}

impl Known {
    fn row(self) -> [String; 8] {
        let registered = match self.registered {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        let failed = self.failed.iter().filter(|(_, count)| **count > 0);
        let failed: Vec<String> = failed.map(|(class, count)| format!("{class} {count}")).collect();
        let destinations = self.destinations.iter();
        let destinations: Vec<String> =
            destinations.map(|there| format!("{} {}", there.address, there.state)).collect();
        [
            self.name,
            self.state,
            registered.to_owned(),
            format!("{}/{}", self.legs, self.legs_max),
            format!("{}/{}", self.last_second, self.last_second_max),
            self.answered.to_string(),
            if failed.is_empty() { "0".to_owned() } else { failed.join(", ") },
            destinations.join(", "),
        ]
    }
}

impl Test {
    fn run(self) -> anyhow::Result<()> {
        let door = self.whose.open_running()?;
        let path = format!("{TRUNKS}/{}/test", escaped(&self.name));
        let asked = self.number.as_ref().map(|number| match &self.from {
            Some(from) => json!({ "number": number, "from": from }),
            None => json!({ "number": number }),
        });
        let answer = door.send(Method::POST, &path, &asked.unwrap_or_else(|| json!({})))?;
        if self.json {
            say(format!("{answer:#}"))?;
        }
        let Trials { trials } = serde_json::from_value(answer)?;
        if !self.json {
            trials.iter().try_for_each(|trial| self.tell(trial))?;
        }
        let failed = trials.iter().filter(|trial| !trial.worked).count();
        match (failed, trials.len()) {
            (0, _) => Ok(()),
            (_, 1) => bail!("trunk {} did not pass", self.name),
            (failed, all) => bail!("{failed} of {all} destinations of {} did not pass", self.name),
        }
    }

    fn tell(&self, Trial { to, said, milliseconds, ladder, .. }: &Trial) -> anyhow::Result<()> {
        say(format!("{to}: {said}, after {milliseconds} ms\n"))?;
        say(Drawing::of(ladder, ["Trunk", ""], self.drawn.style()))
    }
}
