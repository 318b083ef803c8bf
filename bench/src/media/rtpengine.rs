//! rtpengine, without its kernel module, and as much of its control protocol ("ng": dictionaries in
//! bencode, by UDP) as a call takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use rustix::process::Signal;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::generator::{Ports, at};
use super::relay::{Relay, THREADS, describe};
use crate::process::Process;
use crate::scratch::Scratch;

/// A daemon of its own.
pub(super) struct Rtpengine {
    control: UdpSocket,
    calls: usize,
    asked: usize,
    process: Process,
    /// Goes last.
    _dir: Scratch,
}

impl Rtpengine {
    pub(super) async fn start(dir: Scratch) -> anyhow::Result<Self> {
        // A port that is free now.
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        let mut command = Command::new("rtpengine");
        command
            .args(["--config-file=none", "--table=-1", "--interface=127.0.0.1", "--foreground"])
            .args(["--log-stderr", "--log-level=4", "--port-min=30000", "--port-max=39999"])
            // It may know a telephone at once, as Callslip does; and what is deleted is gone.
            .args(["--endpoint-learning=immediate", "--delete-delay=0"])
            .arg(format!("--num-threads={THREADS}"))
            .arg(format!("--listen-ng=127.0.0.1:{port}"));
        let process = Process::start(&mut command, &dir.path().join("log"), Signal::TERM)?;
        let control = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        control.connect((Ipv4Addr::LOCALHOST, port)).await?;
        let mut own = Self { control, calls: 0, asked: 0, process, _dir: dir };
        for _ in 0..100 {
            if own.ask(&[("command", "ping")]).await.is_ok() {
                return Ok(own);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(own._dir.path().join("log")).unwrap_or_default();
        anyhow::bail!("rtpengine did not come up: {log}")
    }

    /// Asks it something; its answer, in bencode.
    async fn ask(&mut self, words: &[(&str, &str)]) -> anyhow::Result<String> {
        self.asked += 1;
        let cookie = format!("{} ", self.asked);
        let text = |text: &str| format!("{}:{text}", text.len());
        let words: String = words.iter().map(|(key, value)| text(key) + &text(value)).collect();
        self.control.send(format!("{cookie}d{words}e").as_bytes()).await?;
        let mut room = [0; 8_192];
        loop {
            let bytes = timeout(Duration::from_secs(5), self.control.recv(&mut room)).await??;
            let answer = String::from_utf8_lossy(&room[..bytes]);
            // Others are answers to what was asked before, and given up.
            if let Some(answer) = answer.strip_prefix(&cookie) {
                anyhow::ensure!(!answer.contains("6:result5:error"), "rtpengine: {answer}");
                return Ok(answer.to_owned());
            }
        }
    }

    /// Hands it a session; the port that it names in its place.
    async fn rewrite(
        &mut self,
        verb: &str,
        call: &str,
        telephone: SocketAddr,
    ) -> anyhow::Result<SocketAddr> {
        let sdp = describe(telephone);
        let mut words = vec![("command", verb), ("call-id", call), ("from-tag", "a")];
        words.extend((verb == "answer").then_some(("to-tag", "b")));
        words.extend([("ICE", "remove"), ("sdp", sdp.as_str())]);
        let answer = self.ask(&words).await?;
        let port = answer.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next());
        Ok(at(port.with_context(|| format!("rtpengine: {answer}"))?.parse()?))
    }
}

#[async_trait]
impl Relay for Rtpengine {
    async fn join(&mut self, [a, b]: Ports) -> anyhow::Result<Ports> {
        let call = format!("call-{}", self.calls);
        self.calls += 1;
        let for_b = self.rewrite("offer", &call, a).await?;
        let for_a = self.rewrite("answer", &call, b).await?;
        Ok([for_a, for_b])
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        for number in 0..std::mem::take(&mut self.calls) {
            let call = format!("call-{number}");
            self.ask(&[("command", "delete"), ("call-id", &call), ("from-tag", "a")]).await?;
        }
        Ok(())
    }

    fn process(&self) -> &Process {
        &self.process
    }
}
