//! Three members under Patroni, with etcd as their memory, on the loopback.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::http::{self, Reply};
use crate::process::{Process, Watchman, as_owner, free_port, own_dir, signal};

/// Members of the cluster.
const MEMBERS: usize = 3;
/// How long a step of the cluster may take on a busy machine.
const STEP_MAX: Duration = Duration::from_secs(75);

/// The cluster. What it runs ends with it.
pub(crate) struct Cluster {
    dir: PathBuf,
    members: Vec<Member>,
    _etcd: Process,
}

struct Member {
    name: String,
    dir: PathBuf,
    port: u16,
    rest: u16,
    patroni: Option<Process>,
}

impl Cluster {
    /// Starts it and waits until it has a leader and a synchronous standby.
    pub(crate) fn start(dir: &Path) -> anyhow::Result<Self> {
        let (port, peers) = (free_port()?, free_port()?);
        let mut etcd = as_owner(Path::new("/usr/bin/etcd"));
        let (client, peer) =
            (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peers}"));
        etcd.arg("--data-dir").arg(own_dir(&dir.join("etcd"))?);
        etcd.args(["--name", "e", "--listen-client-urls", &client]);
        etcd.args(["--advertise-client-urls", &client, "--listen-peer-urls", &peer]);
        etcd.args(["--initial-advertise-peer-urls", &peer]);
        etcd.args(["--initial-cluster", &format!("e={peer}"), "--logger", "zap"]);
        let etcd = Process::start(&mut etcd, &dir.join("etcd.log"))?;
        Watchman::note(dir, "etcd", &etcd)?;
        let mut members = Vec::new();
        for number in 0..MEMBERS {
            let name = format!("member{number}");
            let own = own_dir(&dir.join(&name))?;
            let (port, rest) = (free_port()?, free_port()?);
            members.push(Member { name, dir: own, port, rest, patroni: None });
        }
        let mut cluster = Self { dir: dir.to_owned(), members, _etcd: etcd };
        for number in 0..MEMBERS {
            let member = &cluster.members[number];
            std::fs::write(member.dir.join("patroni.yml"), member.settings(port)?)?;
            cluster.start_member(number)?;
        }
        cluster.wait_until_whole().context("the cluster did not come up")?;
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
        patroni.arg(member.dir.join("patroni.yml"));
        let log = self.dir.join(format!("{}.log", member.name));
        let patroni = Process::start(&mut patroni, &log)?;
        Watchman::note(&self.dir, &member.name, &patroni)?;
        member.patroni = Some(patroni);
        Ok(())
    }

    /// Kills the leader, its Patroni first, as when a machine loses power. Gives its number.
    pub(crate) fn kill_leader(&mut self) -> anyhow::Result<usize> {
        let leads = |member: &Member| member.says("primary");
        let number = self.members.iter().position(leads).context("nobody leads")?;
        let member = &mut self.members[number];
        let server = std::fs::read_to_string(member.dir.join("data/postmaster.pid"))?;
        let server: u32 = server.lines().next().unwrap_or_default().trim().parse()?;
        if let Some(mut patroni) = member.patroni.take() {
            patroni.kill();
        }
        signal("KILL", server);
        Ok(number)
    }

    /// Starts a member that was killed, and waits until the cluster is as before.
    pub(crate) fn bring_back(&mut self, number: usize) -> anyhow::Result<()> {
        self.start_member(number)?;
        self.wait_until_whole().with_context(|| format!("member {number} did not come back"))
    }

    /// Whether every member takes part, and one of them is the synchronous standby.
    fn is_whole(&self) -> bool {
        let leaders = self.members.iter().filter(|member| member.says("primary")).count();
        let standbys = self.members.iter().filter(|member| member.says("replica")).count();
        let synchronous = self.members.iter().any(|member| member.says("synchronous"));
        leaders == 1 && standbys == MEMBERS - 1 && synchronous
    }

    fn wait_until_whole(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + STEP_MAX;
        while !self.is_whole() {
            if Instant::now() > deadline {
                let mut state = String::new();
                for member in &self.members {
                    let log = self.dir.join(format!("{}.log", member.name));
                    let log = std::fs::read_to_string(log).unwrap_or_default();
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
            let pid = std::fs::read_to_string(member.dir.join("data/postmaster.pid"));
            let pid = pid.ok().and_then(|text| text.lines().next()?.trim().parse().ok());
            if let Some(pid) = pid {
                signal("QUIT", pid);
            }
        }
    }
}

impl Member {
    /// Whether its Patroni says so of it.
    fn says(&self, what: &str) -> bool {
        let url = format!("http://127.0.0.1:{}/{what}", self.rest);
        matches!(http::get(&url), Ok(Reply { code: 200, .. }))
    }

    /// Times are as short as Patroni's rule allows: `ttl` is at least `loop_wait` and twice
    /// `retry_timeout`.
    fn settings(&self, etcd: u16) -> anyhow::Result<String> {
        let bin = std::fs::read_dir("/usr/lib/postgresql")?.flatten();
        let bin = bin.map(|entry| entry.path().join("bin")).max().context("no PostgreSQL")?;
        let Self { name, dir, port, rest, .. } = self;
        let (dir, bin) = (dir.display(), bin.display());
        Ok(format!(
            "\
scope: callslip
name: {name}
restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}
etcd3: {{host: '127.0.0.1:{etcd}'}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 5
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters: {{wal_log_hints: 'on', max_connections: 100, shared_buffers: 64MB}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, {{auth: trust}}]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {dir}/data
  bin_dir: {bin}
  pgpass: {dir}/pgpass
  parameters: {{unix_socket_directories: '{dir}'}}
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
