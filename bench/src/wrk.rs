//! The load: wrk, on every core, over 64 connections that are kept.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::process::Command;

/// Connections at the same time.
const CONNECTIONS: usize = 64;

/// Requests per second, over so many seconds. Every answer must be a good one.
pub(crate) async fn rate(
    to: SocketAddr,
    path: &str,
    authorization: &str,
    seconds: u32,
) -> anyhow::Result<f64> {
    let mut command = Command::new("wrk");
    command
        .args(["-t2", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")])
        .args(["-H", &format!("Authorization: {authorization}")])
        .arg(format!("http://{to}{path}"))
        .kill_on_drop(true);
    let out = command.output().await.context("cannot run wrk: scripts/install-bench-deps.sh")?;
    let text = String::from_utf8_lossy(&out.stdout);
    let bad = text.contains("Non-2xx") || text.contains("Socket errors");
    anyhow::ensure!(out.status.success() && !bad, "wrk was not answered well: {text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("wrk said {text}"))
}
