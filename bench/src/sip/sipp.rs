//! sipp: the far ends of our calls, and what it can do by itself.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::Signal;

use crate::process::{Process, used};
use crate::scratch::Scratch;

/// How long it may take to begin, and to come to an end once all calls have.
const PATIENCE: Duration = Duration::from_secs(20);
/// Calls that it has up at a time with itself.
const AT_ONCE: usize = 100;

/// What a far end does after it was called: it rings, answers, and is hung up on or hangs up. An INVITE
/// that is sent again on a busy machine is no fault.
const CALLED: &str = r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="called">
<recv request="INVITE" crlf="true"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="target"/>
</action></recv>
<Reference variables="caller,target"/>
<send><![CDATA[

SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=far[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<send retrans="500"><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=far[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=far 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio MEDIA RTP/AVP 0
a=rtpmap:0 PCMU/8000

]]></send>
<recv request="INVITE" optional="true" crlf="true"/>
<recv request="INVITE" optional="true" crlf="true"/>
<recv request="ACK" crlf="true"/>
"#;

const HANGS_UP: &str = r#"<pause milliseconds="HOLD"/>
<send retrans="500"><![CDATA[

BYE [$target] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:far@[local_ip]>;tag=far[call_number]
To: [$caller]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200" crlf="true"/>
</scenario>
"#;

const IS_HUNG_UP_ON: &str = r#"<recv request="BYE" crlf="true"/>
<send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"#;

/// A sipp that is called.
pub(super) struct Far {
    process: Process,
    pub(super) address: SocketAddr,
    /// Hears what is said to it, so that the kernel does not refuse it. Nobody listens.
    _media: Option<UdpSocket>,
    dir: Scratch,
}

impl Far {
    /// Takes so many calls, and hangs up after the time that it says.
    pub(super) async fn start(
        dir: Scratch,
        calls: usize,
        hold: Option<Duration>,
    ) -> anyhow::Result<Self> {
        let media = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let end = match hold {
            Some(hold) => HANGS_UP.replace("HOLD", &hold.as_millis().to_string()),
            None => IS_HUNG_UP_ON.into(),
        };
        let called = CALLED.replace("MEDIA", &media.local_addr()?.port().to_string());
        std::fs::write(dir.path().join("called.xml"), called + &end)?;
        let calls = calls.to_string();
        let far = Self::of(dir, &["-sf", "called.xml", "-m", &calls], free_port()?).await?;
        Ok(Self { _media: Some(media), ..far })
    }

    async fn of(dir: Scratch, arguments: &[&str], port: u16) -> anyhow::Result<Self> {
        let process = sipp(dir.path(), arguments, port)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut far = Self { process, address, _media: None, dir };
        let begun = Instant::now();
        while !listens(port)? {
            let ended = far.process.ended()?.is_some() || begun.elapsed() > PATIENCE;
            anyhow::ensure!(!ended, "sipp does not listen: {}", far.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(far)
    }

    /// Waits until it has had all its calls, none of which may have failed.
    pub(super) async fn ends_well(mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.ended()? {
                anyhow::ensure!(status.success(), "calls failed at sipp: {status}: {}", self.log());
                return Ok(());
            }
            anyhow::ensure!(begun.elapsed() < PATIENCE, "sipp goes on: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it complains of.
    pub(super) fn log(&self) -> String {
        let files = std::fs::read_dir(self.dir.path()).into_iter().flatten().flatten();
        let logs = files.filter(|file| file.path().extension() == Some("log".as_ref()));
        let texts = logs.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts.map(|text| text.chars().take(2_000).collect::<String>()).collect()
    }
}

/// What it can do by itself: `-sn uac` calls `-sn uas`. Legs per second, and microseconds of the
/// caller's processor time for one.
pub(super) async fn alone(scratch: &Scratch, calls: usize) -> anyhow::Result<(f64, f64)> {
    let uac_dir = scratch.sub("uac")?;
    let far = Far::of(scratch.sub("uas")?, &["-sn", "uas"], free_port()?).await?;
    let (to, count) = (far.address.to_string(), calls.to_string());
    let limit = AT_ONCE.to_string();
    let arguments = [&to, "-sn", "uac", "-d", "0", "-r", "100000", "-l", &limit, "-m", &count];
    let begun = Instant::now();
    let mut uac = sipp(uac_dir.path(), &arguments, free_port()?)?;
    let mut cpu = Duration::ZERO;
    loop {
        if let Some(status) = uac.ended()? {
            anyhow::ensure!(status.success(), "sipp failed with itself: {status}");
            break;
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE * 3, "sipp does not come to an end");
        cpu = cpu.max(used(uac.id()).unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let calls = calls as f64;
    Ok((calls / begun.elapsed().as_secs_f64(), cpu.as_secs_f64() * 1e6 / calls))
}

fn sipp(dir: &Path, arguments: &[&str], port: u16) -> anyhow::Result<Process> {
    let mut command = Command::new("sipp");
    command.current_dir(dir).args(arguments);
    command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-trace_err"]);
    // So that it does not lose what it could only not read in time.
    command.args(["-buff_size", "8388608"]);
    Process::start(&mut command, &dir.join("out.log"), Signal::KILL)
        .context("sipp: scripts/install-bench-deps.sh")
}

fn free_port() -> std::io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Looked up, not tried: trying would take the port from under its hands.
fn listens(port: u16) -> std::io::Result<bool> {
    let table = std::fs::read_to_string("/proc/net/udp")?;
    Ok(table.contains(&format!(" 0100007F:{port:04X} ")))
}
