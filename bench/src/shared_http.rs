//! Takes over HTTP, on the shared ledger beside the embedded one: polls that find nothing, where one
//! has to ask the database and the other knows, and takes of fifty.

use std::sync::Arc;

use anyhow::Context;
use store::{Keeping, Ledger as _, Postgres, PostgresSettings};

use crate::Plan;
use crate::house::{BASIC, Front, House};
use crate::http::Queue;
use crate::own::Own;
use crate::postgres::Server;
use crate::raw;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};
use crate::work::Running;
use crate::wrk::{self, Rounds};

const PATH: &str = "/tts/3/reports";
const SECONDS: u32 = 2;
/// Accounts that are polled at once.
const ACCOUNTS: usize = 64;

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let house = House::open(scratch.sub("edge")?).await?;
    let server = Server::start(scratch.sub("polled")?).await?;
    let clock = Arc::new(Running::new());
    let settings = PostgresSettings::at(server.url());
    let ledger = Postgres::open(settings, Keeping::default(), clock.clone()).await?;
    let ledger = Arc::new(ledger);
    let front = Front::open(ledger.clone(), clock).await?;
    front.add_account("bench").await?;
    let account = ledger.accounts().await?.first().context("the account is there")?.id;
    let mut tokens = Vec::new();
    for number in 0..ACCOUNTS {
        tokens.push(front.add_account_with_key(&format!("account{number}")).await?);
    }
    let script = scratch.path().join("accounts.lua");
    std::fs::write(&script, turns(&tokens))?;
    // The first of each is slow: a password is looked at once.
    for (to, by) in [(front.public, BASIC), (house.public, BASIC)] {
        raw::ask(to, &format!("GET {PATH}"), by, "").await?;
    }
    for token in &tokens {
        raw::ask(front.public, &format!("GET {PATH}"), token, "").await?;
    }
    let [mut one, mut many, mut embedded] = <[Rounds; 3]>::default();
    for _ in 0..plan.rounds {
        one.add(wrk::load(front.public, PATH, BASIC, SECONDS).await?);
        many.add(wrk::load_by(front.public, PATH, &script, SECONDS).await?);
        embedded.add(wrk::load(house.public, PATH, BASIC, SECONDS).await?);
    }
    for (what, rounds) in [("one account", &one), ("64 accounts", &many)] {
        let what = format!("shared ledger, empty poll, 64 connections, {what}");
        let against = ("the embedded one", embedded.rates.as_slice());
        table.compare(&what, (&rounds.rates, Unit::PerSecond), against, Goal::None);
    }
    let mut shared = Queue::at(front.public, Own::of(ledger, account));
    let mut own = Queue::at(house.public, Own::of(house.ledger.clone(), house.account));
    let [mut ours, mut embedded] = <[Rounds; 2]>::default();
    for _ in 0..plan.rounds {
        ours.add(shared.take_round().await?);
        embedded.add(own.take_round().await?);
    }
    let what = "shared ledger, take of 50 over HTTP, 64 connections";
    let against = ("the embedded one", embedded.rates.as_slice());
    table.compare(what, (&ours.rates, Unit::PerSecond), against, Goal::None);
    house.server.stop().await;
    Ok(())
}

/// What has wrk ask for one account after the other.
fn turns(tokens: &[String]) -> String {
    let tokens: Vec<String> = tokens.iter().map(|token| format!("{token:?}")).collect();
    format!(
        "local tokens = {{ {} }}\nlocal turn = 0\nrequest = function()\n  turn = turn % #tokens + 1\n  \
         wrk.headers[\"Authorization\"] = tokens[turn]\n  return wrk.format()\nend\n",
        tokens.join(", ")
    )
}
