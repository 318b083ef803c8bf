//! The HTTP edge against bare handlers that send the same bytes, on the same runtime.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::Plan;
use crate::bare::Bare;
use crate::house::{BASIC, House};
use crate::ledger::{Contestant, fill};
use crate::own::Own;
use crate::raw;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};
use crate::work::{Numbers, TAKE};
use crate::wrk::{self, Rounds};

const PATH: &str = "/tts/3/reports";
const POLL_SECONDS: u32 = 2;
const TAKE_SECONDS: u32 = 1;
/// Reports pending before the first take round; later ones go by what it took.
const PENDING_FIRST: u64 = 400_000;

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let house = House::open(scratch.sub("edge")?).await?;
    let mut queue = Queue::at(house.public, Own::of(house.ledger.clone(), house.account));
    let empty = queue.get().await?;
    let bare = Bare::start(&empty, PATH).await?;
    let [mut ours, mut axum, mut hyper] = <[Rounds; 3]>::default();
    for _ in 0..plan.rounds {
        ours.add(wrk::load(house.public, PATH, BASIC, POLL_SECONDS).await?);
        axum.add(wrk::load(bare.axum, PATH, BASIC, POLL_SECONDS).await?);
        hyper.add(wrk::load(bare.hyper, PATH, BASIC, POLL_SECONDS).await?);
    }
    compare(table, "empty poll", &ours, [&axum, &hyper], Goal::AtLeast(0.9));

    queue.hold(TAKE as u64).await?;
    let full = queue.get().await?;
    let bare = Bare::start(&full, PATH).await?;
    let [mut ours, mut axum, mut hyper] = <[Rounds; 3]>::default();
    queue.take_round().await?;
    for _ in 0..plan.rounds {
        ours.add(queue.take_round().await?);
        axum.add(wrk::load(bare.axum, PATH, BASIC, TAKE_SECONDS).await?);
        hyper.add(wrk::load(bare.hyper, PATH, BASIC, TAKE_SECONDS).await?);
    }
    let what = format!("take of 50 ({} KB)", full.body.len() / 1000);
    compare(table, &what, &ours, [&axum, &hyper], Goal::AtLeast(0.5));
    house.server.stop().await;
    Ok(())
}

fn compare(table: &mut Table, what: &str, ours: &Rounds, bare: [&Rounds; 2], goal: Goal) {
    for (name, bare) in ["bare axum", "bare hyper"].into_iter().zip(bare) {
        let what = format!("{what}, 64 connections");
        table.compare(&what, (&ours.rates, Unit::PerSecond), (name, &bare.rates), goal);
        let (ours, bare) = (&ours.per_cpu_second, &bare.per_cpu_second);
        let what = format!("{what}, per second of the server's CPU");
        table.compare(&what, (ours, Unit::PerSecond), (name, bare), Goal::None);
    }
}

/// An account that is taken from over HTTP.
pub(crate) struct Queue {
    at: SocketAddr,
    own: Arc<Own>,
    numbers: Arc<Numbers>,
    /// Reports that a round does not empty.
    enough: u64,
}

impl Queue {
    pub(crate) fn at(at: SocketAddr, own: Own) -> Self {
        Self { at, own: Arc::new(own), numbers: Arc::default(), enough: PENDING_FIRST }
    }

    async fn get(&self) -> anyhow::Result<raw::Reply> {
        raw::ask(self.at, &format!("GET {PATH}"), BASIC, "").await
    }

    /// Feeds it until so many are pending.
    async fn hold(&self, pending: u64) -> anyhow::Result<()> {
        let missing = pending.saturating_sub(self.own.pending().await?);
        let own: Arc<dyn Contestant> = self.own.clone();
        fill(&own, &self.numbers, missing).await
    }

    /// Takes for a while, from a queue that does not run out.
    pub(crate) async fn take_round(&mut self) -> anyhow::Result<(f64, f64)> {
        loop {
            self.hold(self.enough).await?;
            wrk::quiet().await;
            let load = wrk::load(self.at, PATH, BASIC, TAKE_SECONDS).await?;
            if self.own.pending().await? > 0 {
                return Ok(load);
            }
            // It ran out, and the rest were empty answers: not a round.
            self.enough *= 2;
        }
    }
}
