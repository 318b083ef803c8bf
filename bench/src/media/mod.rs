//! Media: bridged calls through Callslip's plane, beside rtpengine and beside a loop that does
//! nothing but receive and send, under the same load.

mod generator;
mod relay;
mod rtpengine;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use generator::{Generator, Load};
use relay::{Own, Relay};
pub(crate) use relay::{bare, plane};
use rtpengine::Rtpengine;

use crate::Plan;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit, quantile};

/// Bridged calls.
const CALLS: [usize; 3] = [200, 500, 1_000];
/// Of those so many, what is promised is promised.
const PROMISED: usize = 1_000;
/// What is sent before anything counts: time to be latched to.
const LEAD: Duration = Duration::from_millis(500);
const SPAN: Duration = Duration::from_secs(2);

/// What was measured of a relay, round by round.
#[derive(Default)]
struct Samples {
    /// Microseconds of processor time for a packet that it passed on.
    cpu: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    sent: u64,
    lost: u64,
    kilobytes: f64,
}

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    for calls in CALLS {
        let mut relays: [(&str, Box<dyn Relay>, Samples); 3] = [
            ("itself", Box::new(Own::start("plane")?), Samples::default()),
            (
                "rtpengine 10.5, userspace",
                Box::new(Rtpengine::start(scratch.sub("rtpengine")?).await?),
                Samples::default(),
            ),
            ("receive and send alone", Box::new(Own::start("bare")?), Samples::default()),
        ];
        let generator = Arc::new(Generator::bind()?);
        for _ in 0..plan.rounds {
            for (name, relay, samples) in &mut relays {
                let round = round(&generator, relay.as_mut(), calls, samples);
                round.await.with_context(|| format!("{calls} calls through {name}"))?;
            }
        }
        let [(_, _, own), peers @ ..] = &relays;
        rows(calls, own, peers.each_ref().map(|(name, _, samples)| (*name, samples)), table);
    }
    Ok(())
}

/// As many calls, for a span, and none any more.
async fn round(
    generator: &Arc<Generator>,
    relay: &mut dyn Relay,
    calls: usize,
    samples: &mut Samples,
) -> anyhow::Result<()> {
    let before = relay.process().resident_megabytes()?;
    let telephones = generator.addresses()?;
    let mut ports = Vec::with_capacity(calls);
    for _ in 0..calls {
        ports.push(relay.join(telephones).await?);
    }
    let (generator, pid) = (Arc::clone(generator), relay.process().id());
    let (load, cpu) = tokio::task::spawn_blocking(move || {
        let (mut cpu, mut begun) = (Duration::ZERO, Duration::ZERO);
        let load = generator.run(&ports, (LEAD, SPAN), |begins| {
            let time = crate::process::scheduled(pid)?;
            if begins {
                begun = time
            } else {
                cpu = time.saturating_sub(begun)
            }
            Ok(())
        })?;
        anyhow::Ok((load, cpu))
    })
    .await??;
    if samples.sent == 0 {
        let grown = relay.process().resident_megabytes()? - before;
        samples.kilobytes = grown * 1_000.0 / calls as f64;
    }
    samples.add(&load, cpu);
    relay.clear().await
}

impl Samples {
    fn add(&mut self, load: &Load, cpu: Duration) {
        self.cpu.push(cpu.as_secs_f64() * 1e6 / load.received.max(1) as f64);
        self.p50.push(quantile(&load.micros, 0.5));
        self.p99.push(quantile(&load.micros, 0.99));
        self.sent += load.sent;
        self.lost += load.sent.saturating_sub(load.received);
        let late = load.took.saturating_sub(SPAN);
        if late > SPAN / 50 {
            eprintln!("media: the telephones themselves were late by {late:?} in {SPAN:?}");
        }
    }

    /// Lost packets in a million.
    fn loss(&self) -> f64 {
        self.lost as f64 * 1e6 / self.sent.max(1) as f64
    }
}

fn rows(calls: usize, own: &Samples, peers: [(&str, &Samples); 2], table: &mut Table) {
    let promised = |goal| if calls == PROMISED { goal } else { Goal::None };
    for (number, (name, peer)) in peers.into_iter().enumerate() {
        let is_peer = number == 0;
        let goal = |goal| if is_peer { promised(goal) } else { Goal::None };
        let mut row = |what: &str, ours: &[f64], theirs: &[f64], unit, of| {
            let what = format!("{calls} bridged calls, {what}");
            table.compare(&what, (ours, unit), (name, theirs), of);
        };
        row("processor per packet", &own.cpu, &peer.cpu, Unit::Tenths, goal(Goal::AtMost(0.5)));
        row("added latency, p50", &own.p50, &peer.p50, Unit::Micros, Goal::None);
        row("added latency, p99", &own.p99, &peer.p99, Unit::Micros, Goal::None);
        if is_peer {
            let (ours, theirs) = ([own.kilobytes], [peer.kilobytes]);
            row("memory of a call", &ours, &theirs, Unit::Kilobytes, Goal::None);
        }
    }
    for (name, samples) in [("", own), (peers[0].0, peers[0].1), (peers[1].0, peers[1].1)] {
        let by = if name.is_empty() { String::new() } else { format!(" by {name}") };
        let what = format!("{calls} bridged calls, lost{by} of a million packets");
        let goal = if name.is_empty() { promised(Goal::AtMost(0.0)) } else { Goal::None };
        table.value(&what, &[samples.loss()], Unit::Count, goal);
    }
}
