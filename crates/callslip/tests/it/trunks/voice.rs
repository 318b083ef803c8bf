//! The media of a far end, by hand: datagrams of RTP.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// A packet: what kind, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

/// A socket for media, and how much was sent from it. What it is sent is kept until somebody looks.
pub(crate) struct Voice(UdpSocket, AtomicU16);

impl Voice {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(socket, AtomicU16::new(0))
    }

    pub(crate) fn port(&self) -> String {
        self.0.local_addr().unwrap().port().to_string()
    }

    /// Speaks: so many packets of 20 ms with that byte as each sample of PCMU.
    pub(crate) fn speaks(&self, to: u16, sample: u8, packets: u16) {
        for _ in 0..packets {
            let number = self.1.fetch_add(1, Ordering::Relaxed);
            let mut packet = header(0, number, u32::from(number) * 160);
            packet.extend([sample; 160]);
            self.send(to, &packet);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Plays what sipp has captured in a file of its own, in half the time that it took.
    pub(crate) fn plays(&self, to: u16, capture: &str) {
        let path = Path::new("/usr/share/sip-tester").join(capture);
        for packet in packets(&std::fs::read(path).expect("package sip-tester")) {
            self.send(to, packet);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for a packet that is like that; others are passed over.
    #[track_caller]
    pub(crate) fn hears(&self, what: &str, is_it: impl Fn(&Packet) -> bool) -> Packet {
        let mut buffer = [0; 2048];
        for _ in 0..2000 {
            let length = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("{what}: {error}"));
            if length > 12 {
                let payload = buffer[12..length].to_vec();
                let packet = Packet { kind: buffer[1] & 0x7f, payload };
                if is_it(&packet) {
                    return packet;
                }
            }
        }
        panic!("never heard {what}");
    }

    fn send(&self, to: u16, packet: &[u8]) {
        self.0.send_to(packet, ("127.0.0.1", to)).unwrap();
    }
}

/// RFC 3550, 5.1.
fn header(kind: u8, number: u16, time: u32) -> Vec<u8> {
    [&[0x80, kind], &number.to_be_bytes()[..], &time.to_be_bytes(), &[1, 2, 3, 4]].concat()
}

/// The payloads of the datagrams in a capture of an Ethernet (pcap of the machine's byte order).
fn packets(capture: &[u8]) -> impl Iterator<Item = &[u8]> {
    const HEAD: usize = 24;
    const RECORD: usize = 16;
    const BELOW: usize = 14 + 20 + 8;
    let mut rest = &capture[HEAD..];
    std::iter::from_fn(move || {
        let (record, after) = rest.split_at_checked(RECORD)?;
        let length = u32::from_ne_bytes(record[8..12].try_into().unwrap()) as usize;
        let (frame, after) = after.split_at_checked(length)?;
        rest = after;
        Some(&frame[BELOW..])
    })
}
