//! The benchmark: Callslip beside its floor and its peers, in one run, as ratios.
//!
//! ```text
//! scripts/install-bench-deps.sh && cargo run --release --manifest-path bench/Cargo.toml
//! ```
//!
//! Absolute figures are of the machine and of the hour. So everything is measured in rounds, with
//! whatever it is compared to before and after it (A B A B …), and what counts is the ratio of the
//! medians. Nothing here asserts a time: a goal that is missed is shown as missed.
//!
//! `http` is the edge against bare handlers; `ledger` is the store against the disk and other
//! people's stores; `depth` is a ledger with much in it; `shared` is the ledger on PostgreSQL, and
//! `nodes` is one, two and three nodes on it;
//! `wire` is the shaping of answers; `calls` is what a submit and a price cost, and how soon a
//! report comes; `sip` is calls on the wire, and `media` what is said in them. Every peer is started
//! here, in a directory of its own below one that goes at the end, and speaks over loopback or a
//! socket in that directory. `docs/performance.md` says what each row means.

mod bare;
mod calls;
mod child;
mod depth;
mod floor;
mod growth;
mod house;
mod http;
mod kept;
mod ledger;
mod media;
mod nats;
mod node;
mod own;
mod postgres;
mod process;
mod rating;
mod raw;
mod redis;
mod scratch;
mod shared;
mod shared_http;
mod sip;
mod survivor;
mod table;
mod telephony;
mod wire;
mod work;
mod wrk;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::scratch::Scratch;
use crate::table::Table;

/// Measures Callslip beside its floor and its peers, and prints one table of ratios.
#[derive(Parser)]
struct Args {
    /// Fifteen rounds instead of five, and ten million pending reports as well.
    #[arg(long)]
    long: bool,
    /// One section only.
    #[arg(long, value_enum)]
    only: Option<Section>,
    /// Where the ledgers and the peers' files go; on the disk that is meant to be measured.
    #[arg(long, default_value = "/var/tmp")]
    dir: PathBuf,
    /// A process that the benchmark starts, to be asked or killed by it.
    #[command(subcommand)]
    own: Option<Own>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    Wire,
    Calls,
    Sip,
    Media,
    Http,
    Ledger,
    Depth,
    Shared,
    Nodes,
}

#[derive(Subcommand)]
#[command(hide = true)]
enum Own {
    /// Fills a new ledger and waits to be killed.
    Fill { dir: PathBuf, pending: u64 },
    /// Opens a ledger, says how long that took, and waits to be killed.
    Open { dir: PathBuf },
    /// A node on a shared ledger.
    Node { url: String, number: u64 },
    /// Carries calls by SIP to two far ends.
    Carry { dir: PathBuf, a: SocketAddr, b: SocketAddr },
    /// Passes media on as Callslip does.
    Plane,
    /// Passes media on, and nothing else.
    Bare,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) long: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // A call has four sockets; what is allowed to each process is often less than a thousand calls.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &args.own {
            Some(Own::Fill { dir, pending }) => survivor::fill(dir, *pending).await,
            Some(Own::Open { dir }) => survivor::open(dir).await,
            Some(Own::Node { url, number }) => node::serve(url, *number).await,
            Some(Own::Carry { dir, a, b }) => sip::carry(dir, *a, *b).await,
            Some(Own::Plane) => media::plane().await,
            Some(Own::Bare) => media::bare().await,
            None => until_stopped(&args).await,
        }
    })
}

/// Runs to the end or to the first signal. Either way everything that was started is dropped, and
/// with it its processes and directories.
async fn until_stopped(args: &Args) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = measure(args) => done,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    }
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let scratch = Scratch::new(&args.dir)?;
    let plan = Plan { rounds: if args.long { 15 } else { 5 }, long: args.long };
    let wanted = |section| args.only.is_none_or(|only| only == section);
    let mut table = Table::default();
    let load_before = load();
    if wanted(Section::Wire) {
        eprintln!("wire: shaping …");
        wire::measure(plan, &mut table).await?;
    }
    if wanted(Section::Calls) {
        eprintln!("calls: submits, reports and prices …");
        calls::measure(plan, &scratch, &mut table).await.context("calls")?;
        rating::measure(plan, &mut table);
    }
    if wanted(Section::Sip) {
        eprintln!("sip: calls on the wire …");
        sip::measure(plan, &scratch, &mut table).await.context("sip")?;
    }
    if wanted(Section::Media) {
        eprintln!("media: bridged calls …");
        media::measure(plan, &scratch, &mut table).await.context("media")?;
    }
    if wanted(Section::Http) {
        eprintln!("http: the edge against bare handlers …");
        http::measure(plan, &scratch, &mut table).await.context("http")?;
    }
    if wanted(Section::Ledger) {
        eprintln!("ledger: against the disk and other stores …");
        ledger::measure(plan, &scratch, &mut table).await.context("ledger")?;
    }
    if wanted(Section::Depth) {
        eprintln!("depth: much pending, killed and opened again …");
        depth::measure(plan, &scratch, &mut table).await.context("depth")?;
    }
    if wanted(Section::Shared) {
        eprintln!("shared: a ledger on PostgreSQL against queues on it …");
        shared::measure(plan, &scratch, &mut table).await.context("shared")?;
    }
    if wanted(Section::Nodes) {
        eprintln!("nodes: one, two and three nodes on a PostgreSQL …");
        growth::measure(plan, &scratch, &mut table).await.context("nodes")?;
        eprintln!("nodes: takes over HTTP …");
        shared_http::measure(plan, &scratch, &mut table).await.context("shared_http")?;
    }
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores; {}; load before {load_before}, after {}\n", cpu(), load());
    println!("{table}");
    Ok(())
}

/// The load averages of the last 1, 5 and 15 minutes.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn cpu() -> String {
    let text = std::fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or_else(
        || "unknown processor".into(),
        |name| name.trim_matches([':', ' ', '\t']).into(),
    )
}
