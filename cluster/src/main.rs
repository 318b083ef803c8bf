//! The failover of the database, on one machine: a Patroni cluster of three with etcd, synchronous;
//! two nodes on it; feeders and takers on both. The leader is killed again and again: what was
//! acknowledged is there afterwards, and comes once. Ends within four minutes, and leaves nothing.
//!
//! ```text
//! callslip-cluster PATH-OF-CALLSLIP
//! ```

mod http;
mod load;
mod node;
mod patroni;
mod process;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use load::{Tally, feeder, taker};
use node::{Callslip, Node};
use patroni::Cluster;
use process::Watchman;

/// How often the leader is killed.
const KILLS: usize = 2;
/// A failover that takes longer has failed.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// The longest that the whole may take.
const ALL_MAX: Duration = Duration::from_secs(235);
/// How long what is left may take to be taken.
const DRAIN_MAX: Duration = Duration::from_secs(40);

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
    let dir = tempfile::Builder::new().prefix("callslip-cluster-").tempdir()?;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))?;
    let _watchman = Watchman::over(dir.path())?;
    let began = Instant::now();
    let mut cluster = Cluster::start(dir.path())?;
    println!("three members, one of them a synchronous standby, after {:.1?}", began.elapsed());
    let callslip = Callslip { program, database: cluster.url(), dir: dir.path().to_owned() };
    callslip.say(&["account", "add", "acme", "--time-zone", "Europe/Zagreb"])?;
    let key = |role| callslip.say(&["key", "add", "acme", "--role", role]);
    let (feed, read) = (key("feed")?, key("read")?);
    let nodes = [callslip.start("node0")?, callslip.start("node1")?];
    let urls = |first: usize| -> Vec<String> {
        let all = nodes.iter().map(|node| node.url.clone());
        all.cycle().skip(first).take(nodes.len()).collect()
    };
    let tally = Arc::new(Tally::default());
    let feeders: Vec<_> =
        (0..4).map(|number| feeder(&tally, number, urls(number), feed.clone())).collect();
    let takers: Vec<_> = (0..4)
        .map(|number| taker(&tally, urls(number), read.clone(), (number == 3).then_some(number)))
        .collect();
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_secs(3));
        fail_over(&mut cluster, &tally, &nodes)?;
    }
    std::thread::sleep(Duration::from_secs(2));
    tally.fed_up.store(true, Ordering::SeqCst);
    join(feeders)?;
    let deadline = Instant::now() + DRAIN_MAX;
    while tally.missing() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    tally.taken_up.store(true, Ordering::SeqCst);
    join(takers)?;
    println!(
        "{} reports acknowledged; {} requests refused with Retry-After, {} answers in doubt; \
         {:.0?} in all",
        tally.acknowledged(),
        tally.refused.load(Ordering::SeqCst),
        tally.in_doubt.load(Ordering::SeqCst),
        began.elapsed()
    );
    let wrongs = tally.wrongs();
    let first: Vec<&String> = wrongs.iter().take(20).collect();
    ensure!(wrongs.is_empty(), "{} wrongs, such as {first:#?}", wrongs.len());
    println!("each of them was returned, and once");
    nodes.into_iter().try_for_each(Node::stop)
}

/// Kills the leader, waits until feeds are acknowledged again, and brings the member back.
fn fail_over(cluster: &mut Cluster, tally: &Tally, nodes: &[Node; 2]) -> anyhow::Result<()> {
    let before = tally.acknowledged();
    ensure!(before > 0, "nothing was acknowledged before the kill");
    let killed = cluster.kill_leader()?;
    let began = tally.mark();
    let mut excuse = None;
    let recovered = loop {
        if let Some(at) = tally.recovered() {
            break at;
        }
        if began.elapsed() > RECOVERY_MAX {
            bail!("no feed was acknowledged within {RECOVERY_MAX:?} of a kill");
        }
        if let Ok((false, why)) = nodes[0].ready() {
            excuse.get_or_insert(why);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    println!(
        "member {killed}, which led, was killed after {before} acknowledged reports; the first feed \
         sent afterwards was acknowledged after {:.1?}",
        recovered - began
    );
    let excuse = excuse.context("a node was ready all the while")?;
    ensure!(excuse.contains("database"), "its health page does not say why: {excuse}");
    let began = Instant::now();
    cluster.bring_back(killed)?;
    println!("it is back as a standby after {:.1?}", began.elapsed());
    Ok(())
}

fn join(threads: Vec<std::thread::JoinHandle<()>>) -> anyhow::Result<()> {
    for thread in threads {
        if thread.join().is_err() {
            bail!("a client panicked");
        }
    }
    Ok(())
}
