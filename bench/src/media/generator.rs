//! Telephones: they send a packet of 20 ms each way in every call, and note when each one comes.
//!
//! All of side A share a socket, and all of side B: a relay tells its legs apart by the port that it
//! gave them, and many packets go out, and come in, in one system call, so that there is time left
//! for who is measured. A packet carries when it was sent; when it came is the kernel's stamp, taken
//! as the relay sends it, so that a late reader looks like no delay of the relay's.

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt,
    sockopt,
};
use voip::FRAME;
use voip::rtp::{HEADER, Header};

const PACKET: usize = HEADER + FRAME;
/// Moments at which packets go out, in 20 ms.
const SLOTS: usize = 80;
const SLOT: Duration = Duration::from_micros(250);
/// What is read in one system call.
const BATCH: usize = 64;
/// What the kernel keeps while nobody reads.
const BUFFER: usize = 32 << 20;
/// Once nothing has come for so long after the last was sent, the rest is lost.
const STRAGGLERS: Duration = Duration::from_millis(300);

/// The telephones of side A and of side B.
pub(super) struct Generator {
    sockets: [UdpSocket; 2],
}

/// Where a relay takes the packets of a call's two sides.
pub(super) type Ports = [SocketAddr; 2];

/// What came of a load.
pub(super) struct Load {
    pub(super) sent: u64,
    pub(super) received: u64,
    /// Microseconds from one side to the other.
    pub(super) micros: Vec<f64>,
    /// How long it took to send what is due in the span.
    pub(super) took: Duration,
}

/// The packets of one side that are due at one moment.
struct Group {
    to: Vec<Option<SockaddrIn>>,
    packets: Vec<[u8; PACKET]>,
    headers: MultiHeaders<SockaddrIn>,
}

impl Generator {
    pub(super) fn bind() -> anyhow::Result<Self> {
        let open = || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_read_timeout(Some(Duration::from_millis(50)))?;
            setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
            // Beyond the limit for everybody only by those who may.
            if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
                setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
            }
            anyhow::Ok(socket)
        };
        Ok(Self { sockets: [open()?, open()?] })
    }

    /// The addresses of both sides.
    pub(super) fn addresses(&self) -> anyhow::Result<Ports> {
        Ok([self.sockets[0].local_addr()?, self.sockets[1].local_addr()?])
    }

    /// Sends to those ports: first for a while that does not count, then for the span. `at` is told
    /// when that begins, and when all of it has come or is lost.
    pub(super) fn run(
        &self,
        calls: &[Ports],
        (lead, span): (Duration, Duration),
        mut at: impl FnMut(bool) -> anyhow::Result<()>,
    ) -> anyhow::Result<Load> {
        let mut groups = groups(calls);
        let (over, came) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let listeners =
                self.sockets.each_ref().map(|socket| scope.spawn(|| listen(socket, &over, &came)));
            let sent = (|| {
                self.send(&mut groups, lead, false)?;
                at(true)?;
                let begun = Instant::now();
                let sent = self.send(&mut groups, span, true)?;
                let took = begun.elapsed();
                let mut before = u64::MAX;
                while before != came.load(Ordering::Relaxed) {
                    before = came.load(Ordering::Relaxed);
                    std::thread::sleep(STRAGGLERS);
                }
                at(false)?;
                anyhow::Ok((sent, took))
            })();
            over.store(true, Ordering::Relaxed);
            let mut micros = Vec::new();
            for listener in listeners {
                let heard = listener.join().map_err(|_| anyhow::anyhow!("a listener failed"))?;
                micros.extend(heard?);
            }
            let (sent, took) = sent?;
            Ok(Load { sent, received: micros.len() as u64, micros, took })
        })
    }

    /// Sends for so long; how much.
    fn send(&self, groups: &mut [[Group; 2]], span: Duration, counts: bool) -> anyhow::Result<u64> {
        let mut due = Instant::now();
        let (end, mut sent) = (due + span, 0);
        while due < end {
            for group in &mut *groups {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                due += SLOT;
                for (socket, side) in self.sockets.iter().zip(group) {
                    sent += side.send(socket, counts)?;
                }
            }
        }
        Ok(sent)
    }
}

impl Group {
    fn new(to: Vec<SocketAddr>) -> Self {
        let packets = to.iter().map(|to| first(*to)).collect();
        let headers = MultiHeaders::preallocate(to.len(), None);
        let to = to.into_iter().map(|to| match to {
            SocketAddr::V4(to) => Some(SockaddrIn::from(to)),
            SocketAddr::V6(_) => None,
        });
        Self { to: to.collect(), packets, headers }
    }

    /// Sends the next packet to each of them.
    fn send(&mut self, socket: &UdpSocket, counts: bool) -> anyhow::Result<u64> {
        if self.packets.is_empty() {
            return Ok(0);
        }
        let stamp = if counts { now()? } else { 0 };
        for packet in &mut self.packets {
            advance(packet, stamp);
        }
        let slices: Vec<_> = self.packets.iter().map(|packet| [IoSlice::new(packet)]).collect();
        let (fd, none) = (socket.as_raw_fd(), MsgFlags::empty());
        let sent = sendmmsg(fd, &mut self.headers, &slices, &self.to, [], none)?.count();
        anyhow::ensure!(sent == slices.len(), "the system took {sent} of {}", slices.len());
        Ok(sent as u64)
    }
}

/// Spreads the calls over the moments, and both sides of a call too.
fn groups(calls: &[Ports]) -> Vec<[Group; 2]> {
    let due = |side: usize, slot: usize| {
        let shifted = (slot + side * SLOTS / 2) % SLOTS;
        Group::new(calls.iter().skip(shifted).step_by(SLOTS).map(|ports| ports[side]).collect())
    };
    (0..SLOTS).map(|slot| [due(0, slot), due(1, slot)]).collect()
}

/// Notes all that was stamped, until it is over.
fn listen(socket: &UdpSocket, over: &AtomicBool, all: &AtomicU64) -> anyhow::Result<Vec<f64>> {
    let mut micros = Vec::new();
    let mut rooms = vec![[0_u8; PACKET + 1]; BATCH];
    let space = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, Some(space));
    while !over.load(Ordering::Relaxed) {
        let mut stamps = [None; BATCH];
        {
            let mut slices: Vec<_> = rooms.iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
            let (fd, wait) = (socket.as_raw_fd(), MsgFlags::MSG_WAITFORONE);
            let came = match recvmmsg(fd, &mut headers, slices.iter_mut(), wait, None) {
                Ok(came) => came,
                Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for (stamp, message) in stamps.iter_mut().zip(came) {
                let time = message.cmsgs()?.find_map(|told| match told {
                    ControlMessageOwned::ScmTimestampns(time) => Some(time),
                    _ => None,
                });
                let time = time.context("the kernel stamps what comes")?;
                let nanos = time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64;
                *stamp = (message.bytes == PACKET).then_some(nanos);
            }
        }
        all.fetch_add(stamps.iter().flatten().count() as u64, Ordering::Relaxed);
        for (came, room) in stamps.iter().zip(&rooms) {
            let sent = room[HEADER..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
            if let (Some(came), Some(sent @ 1..)) = (came, sent) {
                micros.push(came.saturating_sub(sent) as f64 / 1e3);
            }
        }
    }
    Ok(micros)
}

/// The packet before the first.
fn first(to: SocketAddr) -> [u8; PACKET] {
    let mut packet = [0x55; PACKET];
    let ssrc = 0x5EED_0000 + u32::from(to.port());
    let header = Header { marker: false, payload_type: 0, sequence: 0, timestamp: 0, ssrc };
    packet[..HEADER].copy_from_slice(&header.write());
    packet
}

/// Makes it the next one, sent at that moment.
fn advance(packet: &mut [u8; PACKET], stamp: u64) {
    let sequence = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(1);
    let time = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&time.wrapping_add(FRAME as u32).to_be_bytes());
    packet[HEADER..HEADER + 8].copy_from_slice(&stamp.to_be_bytes());
}

/// Nanoseconds of the system's time, which the kernel stamps with.
fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64)
}

/// The address of a relay's port.
pub(super) fn at(port: u16) -> SocketAddr {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()
}
