//! Callslip at work on calls by SIP, in a process of its own: its HTTP edge, its ledger, its exchange,
//! and two trunks to far ends on this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::exchange::{Caps, Exchange, ExchangeSettings, Parts};
use engine::media::{Latching, MediaSettings};
use engine::prompt::{PromptSettings, Prompts};
use engine::sip::{Destination, Hop, Recording, SipCarrier, SipSettings, StackSettings, Trunk};
use engine::tariffs::Tariffs;
use engine::time::Time;

use super::stopwatch::Stopwatch;
use crate::child::{Child, serve};
use crate::house::House;
use crate::process::Process;
use crate::scratch::Scratch;

/// What A's numbers begin with.
pub(super) const A: &str = "38598";
/// What B's numbers begin with.
pub(super) const B: &str = "38591";
/// Caps that bound nobody here.
const WIDE: Caps = Caps { calls_per_second: 10_000, concurrent_calls: 100_000 };
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is still known of calls; all zero when nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) legs: usize,
    pub(super) dialogs: usize,
    pub(super) transactions: usize,
    pub(super) ports: u64,
    pub(super) calls: u64,
}

/// Microseconds.
pub(super) struct Times {
    pub(super) answered: [f64; 2],
    pub(super) bridged: [f64; 2],
    pub(super) calls: usize,
}

/// The parent's side.
pub(super) struct Carrying {
    child: Child,
    /// Where calls are submitted and reports taken.
    pub(super) public: SocketAddr,
    _dir: Scratch,
}

impl Carrying {
    pub(super) async fn start(dir: Scratch, a: SocketAddr, b: SocketAddr) -> anyhow::Result<Self> {
        let path = dir.path().to_str().context("its directory has a name in UTF-8")?;
        let mut child = Child::start(&["carry", path, &a.to_string(), &b.to_string()])?;
        let public = child.ask("where").await?.parse()?;
        Ok(Self { child, public, _dir: dir })
    }

    pub(super) fn process(&self) -> &Process {
        &self.child.process
    }

    pub(super) async fn tables(&mut self) -> anyhow::Result<Tables> {
        let line = self.child.ask("tables").await?;
        let read = |line: &str| {
            let mut numbers = line.split(' ').map(str::parse::<u64>);
            let mut next = || numbers.next()?.ok();
            Some(Tables {
                legs: next()? as usize,
                dialogs: next()? as usize,
                transactions: next()? as usize,
                ports: next()?,
                calls: next()?,
            })
        };
        read(&line).with_context(|| format!("these are no tables: {line}"))
    }

    pub(super) async fn times(&mut self) -> anyhow::Result<Times> {
        let line = self.child.ask("times").await?;
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [a50, a99, b50, b99, calls] = *numbers else { anyhow::bail!("no times: {line}") };
        Ok(Times { answered: [a50, a99], bridged: [b50, b99], calls: calls as usize })
    }
}

/// The child's side.
pub(crate) async fn carry(dir: &Path, a: SocketAddr, b: SocketAddr) -> anyhow::Result<()> {
    let house = House::in_dir(dir).await?;
    let time = Time::new(house.clock.clone(), 1);
    let trunks = vec![trunk("a", A, a), trunk("b", B, b)];
    let settings = SipSettings {
        stack: StackSettings::new((LOCAL, 0).into(), Vec::new()),
        media: MediaSettings { ports: 20_000..=29_999, ..MediaSettings::on(LOCAL) },
        latching: Latching::default(),
        recording: Recording::default(),
        seed: 1,
    };
    let sip = SipCarrier::start(settings, trunks, house.clock.clone(), time.clone()).await?;
    let watch = Arc::new(Stopwatch::new(sip.clone()));
    let prompts = Prompts::new(PromptSettings::default(), house.clock.clone()).await;
    let parts = Parts {
        ledger: house.ledger.clone(),
        carrier: watch.clone(),
        prompter: Arc::new(prompts),
        tariffs: Arc::new(Tariffs::load(&*house.ledger).await?),
        time,
    };
    let settings = ExchangeSettings { account: WIDE, trunk: WIDE, ..Default::default() };
    let exchange = Exchange::start(parts, settings);
    serve(async |line| {
        Ok(match line {
            "where" => house.public.to_string(),
            "times" => watch.read(),
            _ => {
                let (sip, ports) = (sip.counts(), sip.media().ports);
                let calls = exchange.figures().under_way;
                format!("{} {} {} {ports} {calls}", sip.legs, sip.dialogs, sip.transactions)
            }
        })
    })
    .await
}

fn trunk(name: &str, prefix: &str, far: SocketAddr) -> Trunk {
    Trunk {
        serves: vec![prefix.into()],
        ping: None,
        caps: WIDE,
        no_reply: Duration::from_secs(32),
        ..Trunk::new(name, vec![Destination::new(Hop::udp(far))])
    }
}
