//! Three members under Patroni, with etcd as their memory, on the loopback: the recipe of
//! `docs/shared-ledger.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::etcd::Etcd;
use crate::http::{self, Reply};
use crate::process::{Process, Watchman, as_owner, children, free_port, own_dir, signal};

/// Members of the cluster.
const MEMBERS: usize = 3;
/// How long a step of the cluster may take on a busy machine.
const STEP_MAX: Duration = Duration::from_secs(75);

/// The cluster. What it runs ends with it.
pub(crate) struct Cluster {
    dir: PathBuf,
    members: Vec<Member>,
    pub(crate) etcd: Etcd,
    /// Whether a commit waits for a standby. A trial of the trial: without it, it fails.
    synchronous: bool,
}

struct Member {
    name: String,
    dir: PathBuf,
    log: PathBuf,
    port: u16,
    rest: u16,
    patroni: Option<Process>,
}

impl Cluster {
    /// Starts it and waits until it has a leader and a synchronous standby.
    pub(crate) fn start(dir: &Path) -> anyhow::Result<Self> {
        let etcd = Etcd::start(dir)?;
        let mut members = Vec::new();
        for number in 0..MEMBERS {
            let name = format!("member{number}");
            let (own, log) = (own_dir(&dir.join(&name))?, dir.join(format!("{name}.log")));
            let (port, rest) = (free_port()?, free_port()?);
            members.push(Member { name, dir: own, log, port, rest, patroni: None });
        }
        let synchronous = std::env::var("CALLSLIP_CLUSTER_SYNCHRONOUS").as_deref() != Ok("off");
        let mut cluster = Self { dir: dir.to_owned(), members, etcd, synchronous };
        for number in 0..MEMBERS {
            let member = &cluster.members[number];
            let settings = member.settings(&cluster.etcd.hosts(), synchronous)?;
            std::fs::write(member.settings_path(), settings)?;
            cluster.start_member(number)?;
        }
        cluster.wait_until_whole().context("the cluster did not come up")?;
        cluster.ask(cluster.leader()?, "CREATE TABLE probe (at timestamptz)")?;
        Ok(cluster)
    }

    /// The URL of a database, whoever leads.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<String> =
            self.members.iter().map(|member| format!("127.0.0.1:{}", member.port)).collect();
        let hosts = hosts.join(",");
        format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write")
    }

    fn start_member(&mut self, number: usize) -> anyhow::Result<()> {
        let member = &mut self.members[number];
        let mut patroni = as_owner(Path::new("/usr/bin/patroni"));
        let patroni = Process::start(patroni.arg(member.settings_path()), &member.log)?;
        Watchman::note(&self.dir, &member.name, &patroni)?;
        member.patroni = Some(patroni);
        Ok(())
    }

    /// The member of whom Patroni says that: `primary`, `replica`, `synchronous`.
    fn who(&self, what: &str) -> anyhow::Result<usize> {
        let is_it = |member: &Member| member.says(what);
        self.members.iter().position(is_it).with_context(|| format!("nobody is {what}"))
    }

    pub(crate) fn leader(&self) -> anyhow::Result<usize> {
        self.who("primary")
    }

    /// The standby that commits wait for, if they wait.
    pub(crate) fn next_leader(&self) -> anyhow::Result<usize> {
        self.who(if self.synchronous { "synchronous" } else { "replica" })
    }

    /// Kills a member, its Patroni first, as when a machine loses power.
    pub(crate) fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        let server = self.members[number].server().context("its server does not run")?;
        self.members[number].patroni = None;
        signal("KILL", server);
        Ok(())
    }

    /// Kills the server of a member, and not its Patroni.
    pub(crate) fn kill_server(&mut self, number: usize) -> anyhow::Result<()> {
        signal("KILL", self.members[number].server().context("its server does not run")?);
        Ok(())
    }

    /// Stops all of a member where it is, or lets it go on: its sockets stay open, and nobody
    /// answers.
    pub(crate) fn freeze(&mut self, number: usize, freezes: bool) {
        let member = &self.members[number];
        let name = if freezes { "STOP" } else { "CONT" };
        let patroni = member.patroni.as_ref().map(Process::id);
        for process in patroni.into_iter().chain(member.server()) {
            signal(name, process);
            children(process).into_iter().for_each(|child| signal(name, child));
        }
    }

    /// Has the leader hand over, as planned.
    pub(crate) fn switch_over(&self) -> anyhow::Result<()> {
        let member = &self.members[self.leader()?];
        let mut control = as_owner(Path::new("/usr/bin/patronictl"));
        control.arg("-c").arg(member.settings_path()).args(["switchover", "--force", "callslip"]);
        let output = control.stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        Ok(())
    }

    /// Starts a member that was killed.
    pub(crate) fn bring_back(&mut self, number: usize) -> anyhow::Result<()> {
        self.start_member(number)
    }

    /// Whether a write at that member is acknowledged. Nobody may be told so by one that has led
    /// before, and does not know that it does not any more.
    pub(crate) fn acknowledges(&self, number: usize) -> bool {
        self.ask(number, "INSERT INTO probe VALUES (now())").is_ok()
    }

    fn ask(&self, number: usize, sql: &str) -> anyhow::Result<()> {
        let port = self.members[number].port.to_string();
        let mut psql = Command::new("timeout");
        psql.args(["2", "psql", "-X", "-q", "-h", "127.0.0.1", "-U", "postgres", "-p", &port]);
        psql.args(["-c", sql]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        ensure!(psql.status()?.success(), "{sql} was refused");
        Ok(())
    }

    pub(crate) fn is_standby(&self, number: usize) -> bool {
        self.members[number].says("replica")
    }

    /// What each of the members has logged, its server's log with it.
    pub(crate) fn logs(&self) -> Vec<String> {
        let log = |member: &Member| std::fs::read(&member.log).unwrap_or_default();
        let logs = self.members.iter().map(log);
        logs.map(|log| String::from_utf8_lossy(&log).into_owned()).collect()
    }

    /// Whether every member takes part, and one of them is the synchronous standby.
    fn is_whole(&self) -> bool {
        let leaders = self.members.iter().filter(|member| member.says("primary")).count();
        let standbys = self.members.iter().filter(|member| member.says("replica")).count();
        leaders == 1 && standbys == MEMBERS - 1 && self.next_leader().is_ok()
    }

    pub(crate) fn wait_until_whole(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + STEP_MAX;
        while !self.is_whole() {
            if Instant::now() > deadline {
                let mut state = String::new();
                for (member, log) in self.members.iter().zip(self.logs()) {
                    let last: Vec<&str> = log.lines().rev().take(5).collect();
                    let _ = writeln!(state, "{}: {last:#?}", member.name);
                }
                bail!("it is not whole after {STEP_MAX:?}\n{state}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            drop(member.patroni.take());
            let Some(server) = member.server() else { continue };
            // All at once: one that is frozen does not hear of the end of its server.
            let all = children(server);
            signal("KILL", server);
            all.into_iter().for_each(|child| signal("KILL", child));
        }
    }
}

impl Member {
    fn settings_path(&self) -> PathBuf {
        self.dir.join("patroni.yml")
    }

    /// The number of its server's process, if it has one.
    fn server(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    /// Whether its Patroni says so of it.
    fn says(&self, what: &str) -> bool {
        let url = format!("http://127.0.0.1:{}/{what}", self.rest);
        matches!(http::get(&url), Ok(Reply { code: 200, .. }))
    }

    /// `ttl` has to be at least `loop_wait` and twice `retry_timeout`. Shorter ones find a dead leader
    /// sooner, and leave a healthy one when etcd is slow.
    fn settings(&self, etcds: &str, synchronous: bool) -> anyhow::Result<String> {
        let bin = std::fs::read_dir("/usr/lib/postgresql")?.flatten();
        let bin = bin.map(|entry| entry.path().join("bin")).max().context("no PostgreSQL")?;
        let Self { name, dir, port, rest, .. } = self;
        let (dir, bin) = (dir.display(), bin.display());
        Ok(format!(
            "\
scope: callslip
name: {name}
restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}
etcd: {{hosts: [{etcds}]}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 5
    synchronous_mode: {synchronous}
    synchronous_mode_strict: {synchronous}
    postgresql:
      use_pg_rewind: true
      parameters: {{wal_log_hints: 'on', wal_retrieve_retry_interval: 500ms, max_connections: 100,
        shared_buffers: 64MB}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, {{auth: trust}}]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {dir}/data
  bin_dir: {bin}
  pgpass: {dir}/pgpass
  parameters: {{unix_socket_directories: '{dir}', log_timezone: UTC, log_line_prefix: '%m [%p] '}}
  pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', \
'host replication all 127.0.0.1/32 trust']
  authentication:
    superuser: {{username: postgres, password: unused}}
    replication: {{username: replicator, password: unused}}
    rewind: {{username: rewinder, password: unused}}
"
        ))
    }
}
