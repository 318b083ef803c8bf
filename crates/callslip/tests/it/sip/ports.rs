//! Ports for programs that have to be told theirs, and cannot say which they took.

use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what the system hands out by itself, above the server's own media.
const FIRST: u16 = 20_000;
const BLOCKS: u16 = 1_000;
/// Ports of one block.
const BLOCK: u16 = 10;

/// The first of ten ports in a row that are free, for datagrams and connections.
pub(super) fn block() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Another run of the tests begins elsewhere.
    let start = u16::try_from(std::process::id() * 37 % u32::from(BLOCKS)).unwrap();
    for _ in 0..BLOCKS {
        let block = (start + NEXT.fetch_add(1, Ordering::Relaxed)) % BLOCKS;
        let first = FIRST + block * BLOCK;
        let is_free = |port: u16| {
            UdpSocket::bind(("127.0.0.1", port)).is_ok()
                && TcpListener::bind(("127.0.0.1", port)).is_ok()
        };
        if (first..first + BLOCK).all(is_free) {
            return first;
        }
    }
    panic!("no ten ports in a row are free");
}
