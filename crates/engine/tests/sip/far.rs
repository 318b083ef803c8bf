//! A far end: sipp, playing a scenario.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use engine::sip::{Hop, Transport};
use tempfile::TempDir;

use crate::scenario::Scenario;

/// sipp, killed if it is dropped before its end.
pub(crate) struct Far {
    child: Child,
    dir: TempDir,
    pub(crate) address: SocketAddr,
    transport: Transport,
}

impl Far {
    /// Plays the scenario once.
    pub(crate) async fn plays(scenario: Scenario) -> Self {
        Self::plays_with(scenario, &["-m", "1"]).await
    }

    /// Plays the scenario once, over TCP.
    pub(crate) async fn plays_over_tcp(scenario: Scenario) -> Self {
        Self::plays_with(scenario, &["-m", "1", "-t", "t1"]).await
    }

    /// Plays the scenario, with those options.
    pub(crate) async fn plays_with(scenario: Scenario, options: &[&str]) -> Self {
        let transport = if options.contains(&"t1") { Transport::Tcp } else { Transport::Udp };
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("scenario.xml");
        std::fs::write(&file, scenario.xml()).expect("a scenario");
        let port = free_port();
        let child = Command::new("sipp")
            .current_dir(dir.path())
            .args(["-sf", "scenario.xml", "-i", "127.0.0.1", "-p", &port.to_string()])
            .args(["-nostdin", "-timeout", "20s", "-timeout_error", "-trace_err"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(dir.path().join("out")).expect("a file"))
            .stderr(std::fs::File::create(dir.path().join("err")).expect("a file"))
            .spawn()
            .expect("sipp (package sip-tester)");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut far = Self { child, dir, address, transport };
        let started = Instant::now();
        while !far.listens() {
            assert!(far.child.try_wait().expect("a child").is_none(), "sipp: {}", far.log());
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "sipp does not listen: {}",
                far.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        far
    }

    /// Looked up, not tried: trying would take the port from under its hands.
    fn listens(&self) -> bool {
        let table = match self.transport {
            Transport::Udp => "/proc/net/udp",
            Transport::Tcp | Transport::Tls => "/proc/net/tcp",
        };
        let table = std::fs::read_to_string(table).expect("a table of sockets");
        let local = format!(" 0100007F:{:04X} 00000000:0000 ", self.address.port());
        table.contains(&local)
    }

    /// How it is called.
    pub(crate) fn hop(&self) -> Hop {
        Hop { transport: self.transport, ..Hop::udp(self.address) }
    }

    /// Waits until the scenario is over; it must have gone as it should.
    pub(crate) async fn ends_well(mut self) {
        let started = Instant::now();
        let status: ExitStatus = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(25), "sipp goes on: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(status.success(), "sipp: {status}: {}", self.log());
    }

    /// How its complaints begin.
    fn log(&self) -> String {
        let files = std::fs::read_dir(self.dir.path()).expect("a directory");
        let texts = files.filter_map(|file| {
            let path = file.ok()?.path();
            let text = std::fs::read_to_string(&path).ok()?;
            (path.extension() != Some("xml".as_ref())).then(|| text.chars().take(2000).collect())
        });
        texts.collect::<Vec<String>>().join("\n")
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free for datagrams and connections, and will not be handed out by chance: below
/// the ephemeral ones. No other test of this process gets it.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() as u16;
    for _ in 0..1000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + first.wrapping_mul(151).wrapping_add(step) % 12_000;
        let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        let connections = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if datagrams.is_ok() && connections.is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
