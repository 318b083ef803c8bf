//! A process of its own with a ledger in it, to be killed by the benchmark. It says one line when
//! it is done, and lives on until then.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use rustix::process::Signal;
use store::{Embedded, Keeping, Ledger};

use crate::ledger::{self, Contestant};
use crate::own::Own;
use crate::process::Process;
use crate::work::{self, Running};

/// The child's side: fills a new ledger.
pub(crate) async fn fill(dir: &Path, pending: u64) -> anyhow::Result<()> {
    let ledger = Embedded::open(dir, Keeping::default(), Arc::new(Running::new()))?;
    let account = work::add_account(&ledger).await?;
    let own = Arc::new(Own::of(Arc::new(ledger), account));
    let contestant: Arc<dyn Contestant> = own.clone();
    ledger::fill(&contestant, &Arc::default(), pending).await?;
    println!("0 {}", own.pending().await?);
    std::future::pending().await
}

/// The child's side: opens a ledger.
pub(crate) async fn open(dir: &Path) -> anyhow::Result<()> {
    let began = Instant::now();
    let ledger = Embedded::open(dir, Keeping::default(), Arc::new(Running::new()))?;
    let account = ledger.accounts().await?.first().context("no account")?.id;
    let pending = ledger.waiting(account).await?.pending;
    println!("{} {pending}", began.elapsed().as_secs_f64());
    std::future::pending().await
}

/// What a survivor said, and the memory that it held then. It is killed by now.
pub(crate) struct Said {
    pub(crate) seconds: f64,
    pub(crate) pending: u64,
    pub(crate) megabytes: f64,
}

/// The parent's side: runs one, listens, and kills it with signal 9.
pub(crate) async fn run(verb: &str, dir: &Path, pending: Option<u64>) -> anyhow::Result<Said> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(verb).arg(dir).args(pending.map(|count| count.to_string()));
    let mut child: Child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().context("it has no output")?;
    let process = Process::of(child, Signal::KILL);
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).map(|_| line)
    });
    let line = line.await??;
    let megabytes = process.resident_megabytes()?;
    drop(process);
    let (seconds, pending) = line.trim().split_once(' ').context("it failed; see above")?;
    Ok(Said { seconds: seconds.parse()?, pending: pending.parse()?, megabytes })
}
