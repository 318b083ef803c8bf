//! The load: wrk, on every core, over 64 connections that are kept.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};
use tokio::process::Command;

/// Connections at the same time.
const CONNECTIONS: usize = 64;

/// What came of a load, and of others in other rounds.
#[derive(Default)]
pub(crate) struct Rounds {
    /// Requests per second.
    pub(crate) rates: Vec<f64>,
    /// Requests per second of this process's own time on the cores. The load generator is another
    /// process, so this tells the server's cost from the generator's and from everybody else's.
    pub(crate) per_cpu_second: Vec<f64>,
}

impl Rounds {
    pub(crate) fn add(&mut self, (rate, per_cpu_second): (f64, f64)) {
        self.rates.push(rate);
        self.per_cpu_second.push(per_cpu_second);
    }
}

/// Requests per second of clock and of processor time, over so many seconds. Every answer must be
/// a good one.
pub(crate) async fn load(
    to: SocketAddr,
    path: &str,
    authorization: &str,
    seconds: u32,
) -> anyhow::Result<(f64, f64)> {
    run(to, path, ["-H", &format!("Authorization: {authorization}")], seconds).await
}

/// The same, with requests made by a script.
pub(crate) async fn load_by(
    to: SocketAddr,
    path: &str,
    script: &Path,
    seconds: u32,
) -> anyhow::Result<(f64, f64)> {
    run(to, path, ["-s", script.to_str().context("a path in UTF-8")?], seconds).await
}

async fn run(
    to: SocketAddr,
    path: &str,
    arguments: [&str; 2],
    seconds: u32,
) -> anyhow::Result<(f64, f64)> {
    let before = cpu_seconds();
    let mut command = Command::new("wrk");
    command
        .args(["-t2", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")])
        .args(arguments)
        .arg(format!("http://{to}{path}"))
        .kill_on_drop(true);
    let out = command.output().await.context("cannot run wrk: scripts/install-bench-deps.sh")?;
    let text = String::from_utf8_lossy(&out.stdout);
    let bad = text.contains("Non-2xx") || text.contains("Socket errors");
    anyhow::ensure!(out.status.success() && !bad, "wrk was not answered well: {text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "));
    let rate = rate.and_then(|rate| rate.trim().parse().ok());
    let requests: Option<f64> = requests.and_then(|(count, _)| count.parse().ok());
    let (rate, requests) = rate.zip(requests).with_context(|| format!("wrk said {text}"))?;
    Ok((rate, requests / (cpu_seconds() - before)))
}

/// Waits until this process has next to nothing left to do: what a feed leaves behind, such as
/// tables to be merged, is not the cost of what is measured next.
pub(crate) async fn quiet() {
    const LOOK: Duration = Duration::from_millis(200);
    for _ in 0..100 {
        let before = cpu_seconds();
        tokio::time::sleep(LOOK).await;
        if cpu_seconds() - before < LOOK.as_secs_f64() / 20.0 {
            return;
        }
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
