//! The HTTP edge against bare handlers that send the same bytes, on the same runtime.

use std::sync::Arc;

use store::Ledger as _;

use crate::Plan;
use crate::bare::Bare;
use crate::house::{BASIC, House};
use crate::raw;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};
use crate::work::{self, Numbers, TAKE};
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
    let own = Own { house, numbers: Arc::default() };
    let empty = own.get().await?;
    let bare = Bare::start(&empty, PATH).await?;
    let [mut ours, mut axum, mut hyper] = <[Rounds; 3]>::default();
    for _ in 0..plan.rounds {
        ours.add(wrk::load(own.house.public, PATH, BASIC, POLL_SECONDS).await?);
        axum.add(wrk::load(bare.axum, PATH, BASIC, POLL_SECONDS).await?);
        hyper.add(wrk::load(bare.hyper, PATH, BASIC, POLL_SECONDS).await?);
    }
    compare(table, "empty poll", &ours, [&axum, &hyper], Goal::AtLeast(0.9));

    work::fill(&own.house.ledger, own.house.account, &own.numbers, TAKE as u64).await?;
    let full = own.get().await?;
    let bare = Bare::start(&full, PATH).await?;
    let [mut ours, mut axum, mut hyper] = <[Rounds; 3]>::default();
    let mut enough = PENDING_FIRST;
    own.take_round(&mut enough).await?;
    for _ in 0..plan.rounds {
        ours.add(own.take_round(&mut enough).await?);
        axum.add(wrk::load(bare.axum, PATH, BASIC, TAKE_SECONDS).await?);
        hyper.add(wrk::load(bare.hyper, PATH, BASIC, TAKE_SECONDS).await?);
    }
    let what = format!("take of 50 ({} KB)", full.body.len() / 1000);
    compare(table, &what, &ours, [&axum, &hyper], Goal::AtLeast(0.5));
    own.house.server.stop().await;
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

/// Callslip's edge over a ledger of its own.
struct Own {
    house: House,
    numbers: Arc<Numbers>,
}

impl Own {
    async fn get(&self) -> anyhow::Result<raw::Reply> {
        raw::ask(self.house.public, &format!("GET {PATH}"), BASIC, "").await
    }

    /// Takes for a while, from a queue that does not run out.
    async fn take_round(&self, enough: &mut u64) -> anyhow::Result<(f64, f64)> {
        loop {
            let pending = self.house.ledger.waiting(self.house.account).await?.pending;
            let missing = enough.saturating_sub(pending);
            work::fill(&self.house.ledger, self.house.account, &self.numbers, missing).await?;
            wrk::quiet().await;
            let load = wrk::load(self.house.public, PATH, BASIC, TAKE_SECONDS).await?;
            if self.house.ledger.waiting(self.house.account).await?.pending > 0 {
                return Ok(load);
            }
            // It ran out, and the rest were empty answers: not a round.
            *enough *= 2;
        }
    }
}
