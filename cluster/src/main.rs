//! The failover of the database, on one machine: a Patroni cluster of three with three etcds,
//! synchronous; two nodes on it; feeders, takers and callers on both. One fault comes after the
//! other: what was acknowledged is there afterwards, and comes once; no phone rings twice. Ends
//! within six minutes, and leaves nothing.
//!
//! ```text
//! [CALLSLIP_SEED=N] callslip-cluster PATH-OF-CALLSLIP
//! ```

mod check;
mod dice;
mod etcd;
mod fault;
mod http;
mod load;
mod node;
mod patroni;
mod process;
mod table;
mod tally;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use check::check;
use dice::Dice;
use fault::{Fault, Stage};
use load::Load;
use node::{Callslip, Node};
use patroni::Cluster;
use process::Watchman;

/// The longest that the whole may take.
const ALL_MAX: Duration = Duration::from_secs(360);
/// How long what is left may take to be taken: a lease of a node that died has to end.
const DRAIN_MAX: Duration = Duration::from_secs(75);
/// Wrongs that are shown.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    // Whatever hangs, the end comes: the watchman clears up after this process.
    std::thread::spawn(|| {
        std::thread::sleep(ALL_MAX);
        eprintln!("test-cluster: not done after {ALL_MAX:?}");
        std::process::exit(1);
    });
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("test-cluster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let program = std::env::args_os().nth(1).context("which callslip?")?;
    let program = PathBuf::from(program).canonicalize().context("callslip is not built")?;
    let seed = seed()?;
    println!("seed {seed}");
    let dir = tempfile::Builder::new().prefix("callslip-cluster-").tempdir()?;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
    let _watchman = Watchman::over(dir.path())?;
    let began = Instant::now();
    let cluster = Cluster::start(dir.path())?;
    println!("three members and three etcds after {:.1?}", began.elapsed());
    let callslip = Callslip { program, database: cluster.url(), dir: dir.path().to_owned() };
    let key = callslip.furnish()?;
    let nodes = vec![callslip.start("node0")?, callslip.start("node1")?];
    let urls: Vec<String> = nodes.iter().map(|node| node.url.clone()).collect();
    let load = Load::new(key, &urls);
    let (senders, takers) = load.start(seed);
    let dice = Dice::of(seed, u64::MAX >> 1);
    let mut stage = Stage { cluster, callslip, nodes, load, dice, death: None };
    println!("{}", table::HEAD);
    for fault in Fault::all(&mut stage.dice) {
        match stage.suffer(fault) {
            Ok(recovery) => println!("{recovery}"),
            Err(error) => {
                // What has been lost by then is worth knowing as well.
                stage.load.tally.wrong(format!("{error:#}"));
                break;
            }
        }
    }
    stage.load.feed_up();
    join(senders)?;
    let deadline = Instant::now() + DRAIN_MAX;
    while stage.load.tally.missing() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    stage.load.take_up();
    join(takers)?;
    judge(stage, began)
}

/// Stops the nodes, which then have said everything, and holds what happened against what was
/// promised.
fn judge(stage: Stage, began: Instant) -> anyhow::Result<()> {
    let Stage { cluster, callslip, nodes, load, death, .. } = stage;
    nodes.into_iter().try_for_each(Node::stop)?;
    drop(cluster);
    let said = ["node0", "node1"].map(|name| callslip.said(name));
    let finding = check(&load.tally.known(), &said, &death.context("no node was killed")?);
    println!("\n{finding}");
    println!(
        "{} requests refused with Retry-After; {} cut short, and asked again; {:.0?} in all",
        load.tally.refused.load(Ordering::SeqCst),
        load.tally.in_doubt.load(Ordering::SeqCst),
        began.elapsed()
    );
    let first: Vec<&String> = finding.wrongs.iter().take(SHOWN).collect();
    ensure!(first.is_empty(), "{} wrongs, such as {first:#?}", finding.wrongs.len());
    println!("passed");
    Ok(())
}

fn seed() -> anyhow::Result<u64> {
    match std::env::var("CALLSLIP_SEED") {
        Ok(seed) => seed.parse().context("CALLSLIP_SEED is no number"),
        Err(_) => Ok(u64::from(std::process::id())),
    }
}

fn join(threads: Vec<JoinHandle<()>>) -> anyhow::Result<()> {
    for thread in threads {
        if thread.join().is_err() {
            bail!("a client panicked");
        }
    }
    Ok(())
}
