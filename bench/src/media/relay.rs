//! Who passes media on: Callslip's plane, rtpengine, and a loop that does nothing but that.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use engine::carrier::Leg;
use engine::media::{CallMedia, LegSettings, MediaSettings, Peer, Plane};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use voip::g711::Codec;
use voip::sdp;

use super::generator::Ports;
use crate::child::{Child, serve};
use crate::process::Process;

/// Threads that every relay has.
pub(super) const THREADS: usize = 2;
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Someone who passes media on.
#[async_trait]
pub(super) trait Relay: Send {
    /// Bridges two telephones; where they are to send to.
    async fn join(&mut self, telephones: Ports) -> anyhow::Result<Ports>;

    /// Ends all calls, and sees to it that nothing is left of them.
    async fn clear(&mut self) -> anyhow::Result<()>;

    fn process(&self) -> &Process;
}

/// A relay in a process of the benchmark's own.
pub(super) struct Own(Child);

impl Own {
    pub(super) fn start(verb: &str) -> anyhow::Result<Self> {
        Ok(Self(Child::start(&[verb])?))
    }
}

#[async_trait]
impl Relay for Own {
    async fn join(&mut self, [a, b]: Ports) -> anyhow::Result<Ports> {
        let answer = self.0.ask(&format!("{a} {b}")).await?;
        pair(&answer)
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        let left = self.0.ask("clear").await?;
        anyhow::ensure!(left == "0", "{left} are left");
        Ok(())
    }

    fn process(&self) -> &Process {
        &self.0.process
    }
}

fn pair(line: &str) -> anyhow::Result<Ports> {
    let (a, b) = line.split_once(' ').context("there are two")?;
    Ok([a.parse()?, b.parse()?])
}

/// The child's side of Callslip's plane.
pub(crate) async fn plane() -> anyhow::Result<()> {
    let settings =
        MediaSettings { ports: 20_000..=29_999, threads: THREADS, ..MediaSettings::on(LOCAL) };
    let plane = Plane::start(settings)?;
    let mut calls = Vec::new();
    serve(async |line| {
        if line != "clear" {
            let (call, [a, b]) = bridged(&plane, pair(line)?)?;
            calls.push(call);
            return Ok(format!("{a} {b}"));
        }
        calls.clear();
        for _ in 0..500 {
            if plane.counts().ports == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(plane.counts().ports.to_string())
    })
    .await
}

fn bridged(plane: &Plane, telephones: Ports) -> anyhow::Result<(CallMedia, Ports)> {
    let mut call = plane.call();
    let mut ours = telephones;
    for ((leg, telephone), ours) in [Leg::A, Leg::B].into_iter().zip(telephones).zip(&mut ours) {
        *ours = call.open(leg, LegSettings::default())?;
        let answer = sdp::read(describe(telephone).as_bytes())?;
        let agreed = sdp::agree(&[Codec::Pcmu], &answer)?;
        call.connect(leg, Peer { rtp: answer.address, rtcp: answer.rtcp, agreed });
    }
    call.bridge();
    Ok((call, ours))
}

/// A telephone's session: µ-law, and no port for RTCP that anything would answer from.
pub(super) fn describe(telephone: SocketAddr) -> String {
    let port = telephone.port();
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// A leg of the bare loop: where its packets come, and where the other leg's go to.
struct Pipe {
    socket: UdpSocket,
    telephone: SocketAddr,
}

/// The calls of one thread of the bare loop, by a number of its own.
type Pipes = Arc<Mutex<HashMap<u64, [Pipe; 2]>>>;

/// The child's side of a loop that takes a datagram from one socket and sends it from another.
pub(crate) async fn bare() -> anyhow::Result<()> {
    let mut threads = Vec::new();
    for _ in 0..THREADS {
        let watched = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let pipes = Pipes::default();
        let theirs = (Arc::clone(&watched), Arc::clone(&pipes));
        // It ends with the process.
        std::thread::spawn(move || pass_on(&theirs.0, &theirs.1));
        threads.push((watched, pipes));
    }
    let mut number = 0;
    serve(async |line| {
        if line == "clear" {
            for (_, pipes) in &threads {
                pipes.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            return Ok("0".into());
        }
        let [a, b] = pair(line)?;
        let (watched, pipes) = &threads[number as usize % THREADS];
        let open = |telephone| {
            let socket = UdpSocket::bind((LOCAL, 0))?;
            socket.set_nonblocking(true)?;
            std::io::Result::Ok(Pipe { socket, telephone })
        };
        let both = [open(a)?, open(b)?];
        let ours = [both[0].socket.local_addr()?, both[1].socket.local_addr()?];
        for (side, pipe) in (0..).zip(&both) {
            let token = epoll::EventData::new_u64(number << 1 | side);
            epoll::add(&**watched, &pipe.socket, token, epoll::EventFlags::IN)?;
        }
        pipes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, both);
        number += 1;
        Ok(format!("{} {}", ours[0], ours[1]))
    })
    .await
}

fn pass_on(watched: &rustix::fd::OwnedFd, pipes: &Pipes) {
    let mut events = Vec::with_capacity(256);
    let mut room = [0; 2_048];
    while epoll::wait(watched, spare_capacity(&mut events), None).is_ok() {
        let pipes = pipes.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events.drain(..) {
            let token = event.data.u64();
            let Some(both) = pipes.get(&(token >> 1)) else { continue };
            let from = (token & 1) as usize;
            let to = &both[1 - from];
            if let Ok((bytes, _)) = both[from].socket.recv_from(&mut room) {
                let _ = to.socket.send_to(&room[..bytes], to.telephone);
            }
        }
    }
}
