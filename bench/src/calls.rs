//! Calls: what a durable submit costs, and how soon after a call its report can be taken.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use engine::exchange::{Caps, Exchange, ExchangeSettings, Parts};
use engine::prompt::{PromptSettings, Prompts};
use engine::sandbox::Sandbox;
use engine::tariffs::Tariffs;
use engine::time::Time;
use model::Clock;
use tokio::task::JoinSet;

use crate::Plan;
use crate::bare::Bare;
use crate::house::{BASIC, House};
use crate::kept::Kept;
use crate::raw;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit, quantile};

const SEND: &str = "POST /voice/ctc/1/send";
/// Clients that submit at the same time.
const CLIENTS: usize = 64;
const ROUND: Duration = Duration::from_secs(1);
/// Calls that are submitted in a second, in requests of so many.
const CALLS_PER_SECOND: usize = 200;
const CALLS_PER_REQUEST: usize = 20;
/// Microseconds from the end of a call until a client has its report.
const GOAL: f64 = 50_000.0;
/// Caps that bound nobody here.
const WIDE: Caps = Caps { calls_per_second: 10_000, concurrent_calls: 100_000 };

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    submits(plan, scratch, table).await.context("submits")?;
    reports(plan, scratch, table).await.context("reports")
}

/// Submits of one message each, with nobody who places the calls.
async fn submits(plan: Plan, scratch: &Scratch, table: &mut Table) -> anyhow::Result<()> {
    let house = House::open(scratch.sub("submits")?).await?;
    let answer = raw::ask(house.public, SEND, BASIC, &body(0, 1)).await?;
    let bare = Bare::start(&answer, "/voice/ctc/1/send").await?;
    let (mut ours, mut theirs, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let latencies = load(house.public).await?;
        ours.push(latencies.len() as f64 / ROUND.as_secs_f64());
        p99.push(quantile(&latencies, 0.99));
        theirs.push(load(bare.hyper).await?.len() as f64 / ROUND.as_secs_f64());
    }
    let what = format!("durable submits of one call, {CLIENTS} clients");
    table.compare(&what, (&ours, Unit::PerSecond), ("bare hyper", &theirs), Goal::None);
    table.value(&format!("{what}, p99"), &p99, Unit::Micros, Goal::None);
    house.server.stop().await;
    Ok(())
}

/// Calls in the sandbox, at a steady rate, and a client that waits for their reports.
async fn reports(plan: Plan, scratch: &Scratch, table: &mut Table) -> anyhow::Result<()> {
    let house = House::open(scratch.sub("calls")?).await?;
    let exchange = exchange(&house).await?;
    let seconds = if plan.long { 60 } else { 15 };
    let calls = seconds * CALLS_PER_SECOND;
    let mut work = JoinSet::new();
    let public = house.public;
    work.spawn(async move {
        let mut client = Kept::connect(public).await?;
        let requests = CALLS_PER_SECOND / CALLS_PER_REQUEST;
        let mut beat = tokio::time::interval(Duration::from_secs(1) / requests as u32);
        for number in 0..calls / CALLS_PER_REQUEST {
            beat.tick().await;
            client.ask(SEND, BASIC, &body(number, CALLS_PER_REQUEST)).await?;
        }
        anyhow::Ok(())
    });
    let mut client = Kept::connect(house.public).await?;
    let mut late = Vec::with_capacity(calls);
    while late.len() < calls {
        let wait = format!("{BASIC}\r\nPrefer: wait=10");
        let answer = client.ask("GET /tts/3/reports?limit=1000", &wait, "").await?;
        let now = house.clock.now();
        let text = String::from_utf8(answer)?;
        for rest in text.split(r#""doneAt":""#).skip(1) {
            let date = rest.split('"').next().context("a date ends")?;
            let done_at =
                api::wire::date::parse(date).map_err(|error| anyhow::anyhow!("{error}"))?;
            late.push(now.since(done_at).as_micros() as f64);
        }
    }
    while let Some(sent) = work.join_next().await {
        sent??;
    }
    let what = format!("end of a call → its report with the client, {CALLS_PER_SECOND} calls/s");
    table.value(&format!("{what}, p50"), &[quantile(&late, 0.5)], Unit::Micros, Goal::None);
    table.value(
        &format!("{what}, p99"),
        &[quantile(&late, 0.99)],
        Unit::Micros,
        Goal::AtMost(GOAL),
    );
    exchange.stop().await;
    house.server.stop().await;
    Ok(())
}

/// Submits one call after the other over kept connections, for a round; microseconds of each.
async fn load(to: SocketAddr) -> anyhow::Result<Vec<f64>> {
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(async move {
            let mut client = Kept::connect(to).await?;
            let (body, mut latencies) = (body(number, 1), Vec::new());
            let end = Instant::now() + ROUND;
            while Instant::now() < end {
                let began = Instant::now();
                client.ask(SEND, BASIC, &body).await?;
                latencies.push(began.elapsed().as_micros() as f64);
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(latencies) = clients.join_next().await {
        all.extend(latencies??);
    }
    Ok(all)
}

/// Click-to-calls between people.
fn body(number: usize, calls: usize) -> String {
    let message = |call: usize| {
        let a = 100_000 + (number * 31 + call) % 800_000;
        format!(
            r#"{{"from":"38515507799","destinationA":"38598{a}000","destinationB":"38591{a}000"}}"#
        )
    };
    let messages: Vec<String> = (0..calls).map(message).collect();
    format!(r#"{{"messages":[{}]}}"#, messages.join(","))
}

/// The sandbox at work on the house's calls, with caps that do not matter.
async fn exchange(house: &House) -> anyhow::Result<Exchange> {
    let prompts = Prompts::new(PromptSettings::default(), house.clock.clone()).await;
    let parts = Parts {
        ledger: house.ledger.clone(),
        carrier: Arc::new(Sandbox::default()),
        prompter: Arc::new(prompts),
        tariffs: Arc::new(Tariffs::load(&*house.ledger).await?),
        time: Time::new(house.clock.clone(), 1),
    };
    let settings = ExchangeSettings { account: WIDE, trunk: WIDE, ..Default::default() };
    Ok(Exchange::start(parts, settings))
}
