//! Calls on the wire: A and B are sipp, Callslip calls the one and then the other and joins them, and
//! B hangs up. In between, sipp calls itself: that is as much as there is to be had here.

mod carry;
mod sipp;
mod stopwatch;

use std::time::{Duration, Instant};

use anyhow::Context;
pub(crate) use carry::carry;
use carry::{A, B, Carrying};
use sipp::{Far, alone};
use tokio::task::JoinSet;

use crate::Plan;
use crate::house::BASIC;
use crate::kept::Kept;
use crate::process::used;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};

const SEND: &str = "POST /voice/ctc/1/send";
/// Calls of two legs that are submitted in a second, in requests of so many.
const CALLS_PER_SECOND: usize = 200;
const CALLS_PER_REQUEST: usize = 10;
/// How long A and B talk.
const TALK: Duration = Duration::from_secs(2);
/// Calls that are up at once when memory is looked at, and how long they are.
const HELD: usize = 1_000;
const HOLD: Duration = Duration::from_secs(12);
/// Calls of sipp with itself.
const ALONE: usize = 10_000;
/// 64·T1, after which the last transaction forgets, and as much again.
const DRAIN: Duration = Duration::from_secs(64);

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    memory(scratch, table).await.context("memory")?;
    rate(plan, scratch, table).await.context("calls per second")
}

/// What a call holds while it is up.
async fn memory(scratch: &Scratch, table: &mut Table) -> anyhow::Result<()> {
    let a = Far::start(scratch.sub("a")?, HELD, None).await?;
    let b = Far::start(scratch.sub("b")?, HELD, Some(HOLD)).await?;
    let mut own = Carrying::start(scratch.sub("held")?, a.address, b.address).await?;
    let before = own.process().resident_megabytes()?;
    submit(own.public, HELD).await?;
    let begun = Instant::now();
    while own.times().await?.calls < HELD {
        anyhow::ensure!(begun.elapsed() < HOLD, "{:?}", own.tables().await?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let tables = own.tables().await?;
    anyhow::ensure!(tables.dialogs == 2 * HELD, "some are over already: {tables:?}");
    let grown = own.process().resident_megabytes()? - before;
    let what = format!("memory of a call, {HELD} up at once, signalling and media");
    table.value(&what, &[grown * 1_000.0 / HELD as f64], Unit::Kilobytes, Goal::None);
    Ok(())
}

/// Calls at a steady rate, and what is left of them.
async fn rate(plan: Plan, scratch: &Scratch, table: &mut Table) -> anyhow::Result<()> {
    let seconds = if plan.long { 60 } else { 20 };
    let calls = seconds * CALLS_PER_SECOND;
    let mut ceilings = vec![alone(scratch, ALONE).await?];
    let a = Far::start(scratch.sub("a")?, calls, None).await?;
    let b = Far::start(scratch.sub("b")?, calls, Some(TALK)).await?;
    let mut own = Carrying::start(scratch.sub("carrying")?, a.address, b.address).await?;
    let pid = own.process().id();
    let (megabytes, sockets) = (own.process().resident_megabytes()?, own.process().sockets()?);
    let (begun, cpu) = (Instant::now(), used(pid)?);
    let mut client = Kept::connect(own.public).await?;
    let mut work = JoinSet::new();
    let public = own.public;
    work.spawn(async move { submit(public, calls).await });
    let took = match reports(&mut client, calls, begun).await {
        Ok(took) => took,
        Err(error) => {
            let tables = own.tables().await?;
            anyhow::bail!("{error}; {tables:?}; A: {}; B: {}", a.log(), b.log());
        }
    };
    while let Some(submitted) = work.join_next().await {
        submitted??;
    }
    let cpu = (used(pid)?.saturating_sub(cpu)).as_secs_f64() * 1e6 / calls as f64;
    let full = own.process().resident_megabytes()?;
    a.ends_well().await.context("A")?;
    b.ends_well().await.context("B")?;
    let times = own.times().await?;
    drop(client);
    drained(&mut own, sockets).await?;
    ceilings.push(alone(scratch, ALONE).await?);

    let (legs, costs): (Vec<f64>, Vec<f64>) = ceilings.into_iter().unzip();
    let done = calls as f64 / (took - TALK).as_secs_f64();
    let (sipp, sipp_cost) = ("sipp with itself", costs);
    let name = format!("two-leg calls for {seconds} s, 0 failed");
    table.value(&name, &[done], Unit::PerSecond, Goal::AtLeast(CALLS_PER_SECOND as f64 * 0.98));
    let what = format!("{name}, legs");
    table.compare(&what, (&[done * 2.0], Unit::PerSecond), (sipp, &legs), Goal::None);
    let what = "processor per leg, with its call, media, price and report";
    table.compare(what, (&[cpu / 2.0], Unit::Micros), (sipp, &sipp_cost), Goal::None);
    for (number, percent) in [(0, 50), (1, 99)] {
        let goal = if number == 1 { Goal::AtMost(50_000.0) } else { Goal::None };
        let what = format!("INVITE → answered, {CALLS_PER_SECOND} calls/s, p{percent}");
        table.value(&what, &[times.answered[number]], Unit::Micros, goal);
        let what = format!("first INVITE → joined, {CALLS_PER_SECOND} calls/s, p{percent}");
        table.value(&what, &[times.bridged[number]], Unit::Micros, Goal::None);
    }
    let what = format!("memory after {calls} calls at {CALLS_PER_SECOND} calls/s");
    table.value(&what, &[full], Unit::Megabytes, Goal::AtMost(500.0));
    table.value("memory before them", &[megabytes], Unit::Megabytes, Goal::None);
    Ok(())
}

/// Waits until nothing is left: no call, leg, dialog, transaction, port, no socket too many.
async fn drained(own: &mut Carrying, sockets: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let (tables, open) = (own.tables().await?, own.process().sockets()?);
        let left = tables.legs + tables.dialogs + tables.transactions;
        if left == 0 && tables.ports == 0 && tables.calls == 0 && open <= sockets {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < DRAIN, "{tables:?} and {open} sockets, {sockets} before");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Submits so many calls, at a steady rate.
async fn submit(to: std::net::SocketAddr, calls: usize) -> anyhow::Result<()> {
    let mut client = Kept::connect(to).await?;
    let requests = CALLS_PER_SECOND / CALLS_PER_REQUEST;
    let mut beat = tokio::time::interval(Duration::from_secs(1) / requests as u32);
    for number in 0..calls / CALLS_PER_REQUEST {
        beat.tick().await;
        client.ask(SEND, BASIC, &body(number)).await?;
    }
    Ok(())
}

fn body(number: usize) -> String {
    let message = |call: usize| {
        let number = 1_000_000 + (number * CALLS_PER_REQUEST + call) % 8_000_000;
        format!(
            r#"{{"from":"38515507799","destinationA":"{A}{number}","destinationB":"{B}{number}"}}"#
        )
    };
    let messages: Vec<String> = (0..CALLS_PER_REQUEST).map(message).collect();
    format!(r#"{{"messages":[{}]}}"#, messages.join(","))
}

/// Takes reports until there are so many, each of a call that was answered; how long that took.
async fn reports(client: &mut Kept, calls: usize, begun: Instant) -> anyhow::Result<Duration> {
    let wait = format!("{BASIC}\r\nPrefer: wait=10");
    let mut taken = 0;
    let mut took = Duration::ZERO;
    while taken < calls {
        let answer = client.ask("GET /tts/3/reports?limit=1000", &wait, "").await?;
        let text = String::from_utf8(answer)?;
        let reports = text.matches(r#""messageId":"#).count();
        let answered = text.matches(r#""name":"VOICE_ANSWERED""#).count();
        anyhow::ensure!(reports == answered, "calls failed: {text}");
        anyhow::ensure!(reports > 0, "{taken} reports of {calls} calls, and no more");
        taken += reports;
        took = begun.elapsed();
    }
    Ok(took)
}
