//! The ports of the media range, in pairs: an even one for RTP, the next for RTCP (RFC 3550, 11).
//!
//! The pair that has rested longest is taken next, so that what is still under way to a call that
//! is over does not reach another one; where that begins is chance.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sockets;

/// The pairs that are free, and how many there are.
#[derive(Debug)]
pub(super) struct Ports {
    free: Arc<Mutex<VecDeque<u16>>>,
    pairs: usize,
}

/// The sockets of a leg. The pair is free again when they are dropped.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    lease: Lease,
}

#[derive(Debug)]
struct Lease {
    port: u16,
    free: Arc<Mutex<VecDeque<u16>>>,
}

impl Ports {
    pub(super) fn new(range: RangeInclusive<u16>) -> Self {
        let last = range.end().saturating_sub(1);
        let pairs = (*range.start()..=last).filter(|port| port % 2 == 0 && *port > 0);
        let mut free: VecDeque<u16> = pairs.collect();
        fastrand::shuffle(free.make_contiguous());
        let pairs = free.len();
        Self { free: Arc::new(Mutex::new(free)), pairs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs == 0
    }

    /// How many pairs are in use.
    pub(super) fn taken(&self) -> u64 {
        (self.pairs - lock(&self.free).len()) as u64
    }

    /// Opens the next free pair. What another process holds goes to the end.
    pub(super) fn open(&self, bind: IpAddr) -> io::Result<Sockets> {
        for _ in 0..self.pairs {
            let Some(port) = lock(&self.free).pop_front() else { break };
            let lease = Lease { port, free: Arc::clone(&self.free) };
            match sockets::media(bind, port) {
                Ok((rtp, rtcp)) => return Ok(Sockets { rtp, rtcp, lease }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no port of the media range is free"))
    }
}

impl Sockets {
    /// The port of RTP.
    pub(super) fn port(&self) -> u16 {
        self.lease.port
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.free).push_back(self.port);
    }
}

fn lock(free: &Mutex<VecDeque<u16>>) -> MutexGuard<'_, VecDeque<u16>> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_begin_at_even_ports_and_stay_in_the_range() {
        let pairs = |range| {
            let mut free = Vec::from(lock(&Ports::new(range).free).clone());
            free.sort_unstable();
            free
        };
        assert_eq!(pairs(1001..=1006), [1002, 1004]);
        assert_eq!(pairs(65_530..=65_535), [65_530, 65_532, 65_534]);
        assert_eq!(pairs(0..=3), [2]);
        assert!(pairs(7..=7).is_empty());
    }
}
