//! Callslip nodes on the cluster.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::http;
use crate::process::{Process, Watchman};

/// How long a node may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// What calls cost.
const DECK: &str = "prefix,destination,per_second,increments,connect_fee,effective_from,\
    effective_to,mccMnc,currency,charge_b\n385,Croatia,0.01,1/1,,,,,EUR,no\n";

/// A node that answers requests.
pub(crate) struct Node {
    process: Process,
    /// Its public API.
    pub(crate) url: String,
    /// Its admin API.
    pub(crate) admin: String,
}

/// The executable, and the database that it works on.
pub(crate) struct Callslip {
    pub(crate) program: PathBuf,
    pub(crate) database: String,
    pub(crate) dir: PathBuf,
}

impl Callslip {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.dir).env("CALLSLIP_DATA__URL", &self.database);
        command.env("CALLSLIP_DATA__DIR", self.dir.join(name));
        // Shorter than a failover takes: a node is not to be given up because all are silent.
        command.env("CALLSLIP_DATA__SILENCE_S", "10");
        command.env("CALLSLIP_CALLS__CARRIER", "sandbox");
        command.env("CALLSLIP_CALLS__SANDBOX_TALK_S", "6");
        command.env("CALLSLIP_CALLS__ACCOUNT_CONCURRENT_CALLS", "2000");
        // It says each phone that its sandbox calls.
        command.env("CALLSLIP_LOG__LEVEL", "warn,callslip=info,engine::sandbox=debug");
        command.env("CALLSLIP_LOG__FORMAT", "json");
        command
    }

    /// What a command says.
    pub(crate) fn say(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command("commands").args(args).output()?;
        if !output.status.success() {
            bail!("callslip {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Accounts and rates: who may feed, take and call. Gives the key to do all of it.
    pub(crate) fn furnish(&self) -> anyhow::Result<String> {
        std::fs::write(self.dir.join("deck.csv"), DECK)?;
        self.say(&["rates", "import", "deck.csv", "--deck", "all"])?;
        self.say(&["account", "add", "acme", "--time-zone", "Europe/Zagreb", "--deck", "all"])?;
        self.say(&["key", "add", "acme", "--role", "feed", "--role", "read", "--role", "send"])
    }

    /// What a node has said, in all of its lives.
    pub(crate) fn said(&self, name: &str) -> String {
        let said = std::fs::read(self.dir.join(format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Starts a node and waits until it listens.
    pub(crate) fn start(&self, name: &str) -> anyhow::Result<Node> {
        let _ = std::fs::remove_file(self.dir.join(name).join("admin.json"));
        let mut command = self.command(name);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        let mut process = Process::start(&mut command, &self.dir.join(format!("{name}.log")))?;
        Watchman::note(&self.dir, name, &process)?;
        let doors = self.dir.join(name).join("admin.json");
        let deadline = Instant::now() + START_MAX;
        loop {
            if let Some((url, admin)) = read(&doors) {
                return Ok(Node { process, url, admin });
            }
            if Instant::now() > deadline || !process.is_running() {
                let log = std::fs::read_to_string(self.dir.join(format!("{name}.log")));
                bail!("{name} did not start: {}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn read(doors: &Path) -> Option<(String, String)> {
    let doors: Value = serde_json::from_slice(&std::fs::read(doors).ok()?).ok()?;
    let text = |name: &str| doors[name].as_str().map(str::to_owned);
    Some((text("public_url")?, text("url")?))
}

impl Node {
    /// Whether it says that it can work, and what it says.
    pub(crate) fn ready(&self) -> anyhow::Result<(bool, String)> {
        let reply = http::get(&format!("{}/healthz/ready", self.admin))?;
        Ok((reply.code == 200, reply.body))
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it in order.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let status = self.process.stop(Duration::from_secs(20)).context("a node did not stop")?;
        if !status.success() {
            bail!("a node ended with {status}");
        }
        Ok(())
    }
}
