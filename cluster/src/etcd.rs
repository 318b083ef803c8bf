//! The memory of the cluster: etcd, three of them, so that one may die.

use std::path::{Path, PathBuf};

use crate::process::{Process, Watchman, as_owner, free_port, own_dir};

/// Members of it.
pub(crate) const ETCDS: usize = 3;

/// The etcds. What runs ends with them.
pub(crate) struct Etcd {
    dir: PathBuf,
    ports: Vec<(u16, u16)>,
    running: Vec<Option<Process>>,
}

impl Etcd {
    pub(crate) fn start(dir: &Path) -> anyhow::Result<Self> {
        let ports = (0..ETCDS).map(|_| Ok((free_port()?, free_port()?)));
        let ports = ports.collect::<anyhow::Result<_>>()?;
        let running = (0..ETCDS).map(|_| None).collect();
        let mut this = Self { dir: dir.to_owned(), ports, running };
        (0..ETCDS).try_for_each(|number| this.start_one(number))?;
        Ok(this)
    }

    /// Where clients ask, as Patroni wants it.
    pub(crate) fn hosts(&self) -> String {
        let hosts = self.ports.iter().map(|(port, _)| format!("'127.0.0.1:{port}'"));
        hosts.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn start_one(&mut self, number: usize) -> anyhow::Result<()> {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let (name, (client, peer)) = (format!("etcd{number}"), self.ports[number]);
        let all = self.ports.iter().enumerate();
        let all: Vec<String> =
            all.map(|(n, (_, peer))| format!("etcd{n}={}", url(*peer))).collect();
        let (client, peer) = (url(client), url(peer));
        let mut etcd = as_owner(Path::new("/usr/bin/etcd"));
        etcd.arg("--data-dir").arg(own_dir(&self.dir.join(&name))?);
        etcd.args(["--name", &name, "--listen-client-urls", &client]);
        etcd.args(["--advertise-client-urls", &client, "--listen-peer-urls", &peer]);
        etcd.args(["--initial-advertise-peer-urls", &peer, "--logger", "zap"]);
        // Patroni speaks v2 with it: see the recipe.
        etcd.args(["--initial-cluster", &all.join(","), "--enable-v2"]);
        let etcd = Process::start(&mut etcd, &self.dir.join(format!("{name}.log")))?;
        Watchman::note(&self.dir, &name, &etcd)?;
        self.running[number] = Some(etcd);
        Ok(())
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self, number: usize) {
        self.running[number] = None;
    }
}
