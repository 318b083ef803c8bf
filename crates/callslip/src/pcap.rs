//! A capture file of SIP messages, in the classic format of pcap, for the tools that people know.
//!
//! The packets are made up around the messages: what the network really carried, handshakes and
//! acknowledgements, is not known. What went over TLS is written as over TCP, unencrypted.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use crate::ladder::{Rung, Transport};

/// Packets begin with their IP header (LINKTYPE_RAW).
const RAW: u32 = 101;
/// The longest packet.
const SNAP: u32 = 262_144;
/// What a packet has of a message at most; with its headers it fits a length of 16 bits.
const PAYLOAD_MAX: usize = 65_000;

const UDP: u8 = 17;
const TCP: u8 = 6;
const HOPS: u8 = 64;

/// The messages as a capture file.
pub(crate) fn file<'a>(rungs: impl IntoIterator<Item = &'a Rung>) -> Vec<u8> {
    let mut capture = Capture::begun();
    rungs.into_iter().for_each(|rung| capture.add(rung));
    capture.bytes
}

struct Capture {
    bytes: Vec<u8>,
    /// The next number of each half of a TCP connection.
    next: HashMap<(SocketAddr, SocketAddr), u32>,
}

impl Capture {
    fn begun() -> Self {
        let mut bytes = Vec::new();
        // Microseconds, in our order of bytes; version 2.4; UTC.
        for word in [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, SNAP, RAW] {
            bytes.extend(word.to_le_bytes());
        }
        Self { bytes, next: HashMap::new() }
    }

    fn add(&mut self, rung: &Rung) {
        let (from, to) = of_one_family(rung.ends());
        let text = rung.text.as_bytes();
        match rung.transport {
            Transport::Udp => {
                let text = &text[..text.len().min(PAYLOAD_MAX)];
                self.put(rung.at, &ip(from, to, UDP, &udp(from, to, text)));
            }
            Transport::Tcp | Transport::Tls => {
                for part in text.chunks(PAYLOAD_MAX) {
                    let segment = self.segment(from, to, part);
                    self.put(rung.at, &ip(from, to, TCP, &segment));
                }
            }
        }
    }

    fn put(&mut self, at: i64, packet: &[u8]) {
        let at = at.max(0).unsigned_abs();
        let seconds = u32::try_from(at / 1000).unwrap_or(u32::MAX);
        let micros = u32::try_from(at % 1000 * 1000).unwrap_or(0);
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        for word in [seconds, micros, length, length] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend(packet);
    }

    /// A piece of a stream (RFC 9293 §3.1).
    fn segment(&mut self, from: SocketAddr, to: SocketAddr, text: &[u8]) -> Vec<u8> {
        let acknowledged = *self.next.entry((to, from)).or_insert(1);
        let next = self.next.entry((from, to)).or_insert(1);
        let number = *next;
        *next = number.wrapping_add(u32::try_from(text.len()).unwrap_or(0));
        let mut segment = Vec::with_capacity(20 + text.len());
        segment.extend(from.port().to_be_bytes());
        segment.extend(to.port().to_be_bytes());
        segment.extend(number.to_be_bytes());
        segment.extend(acknowledged.to_be_bytes());
        // Five words of header, PSH and ACK, a window, the checksum, nothing urgent.
        segment.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(text);
        let sum = checksum(&[&pseudo(from, to, TCP, segment.len()), &segment]);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}

/// An IPv4 address beside an IPv6 one is written as the latter (RFC 4291 §2.5.5.2).
fn of_one_family((from, to): (SocketAddr, SocketAddr)) -> (SocketAddr, SocketAddr) {
    let plain = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    let (from, to) = (plain(from), plain(to));
    if from.is_ipv4() == to.is_ipv4() {
        return (from, to);
    }
    let mapped = |end: SocketAddr| match end.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), end.port()),
        IpAddr::V6(_) => end,
    };
    (mapped(from), mapped(to))
}

/// A datagram (RFC 768).
fn udp(from: SocketAddr, to: SocketAddr, text: &[u8]) -> Vec<u8> {
    let length = short(8 + text.len());
    let mut datagram = Vec::with_capacity(8 + text.len());
    for half in [from.port(), to.port(), length, 0] {
        datagram.extend(half.to_be_bytes());
    }
    datagram.extend(text);
    // Zero would say that there is none.
    let sum = match checksum(&[&pseudo(from, to, UDP, datagram.len()), &datagram]) {
        0 => 0xffff,
        sum => sum,
    };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    datagram
}

/// A packet (RFC 791 §3.1, RFC 8200 §3).
fn ip(from: SocketAddr, to: SocketAddr, protocol: u8, inside: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(40 + inside.len());
    match from {
        SocketAddr::V4(_) => {
            packet.extend([0x45, 0]);
            packet.extend(short(20 + inside.len()).to_be_bytes());
            // Not in pieces, and not to be cut into any.
            packet.extend([0, 0, 0x40, 0, HOPS, protocol, 0, 0]);
            packet.extend(octets(from));
            packet.extend(octets(to));
            let sum = checksum(&[&packet]);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        SocketAddr::V6(_) => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(short(inside.len()).to_be_bytes());
            packet.extend([protocol, HOPS]);
            packet.extend(octets(from));
            packet.extend(octets(to));
        }
    }
    packet.extend(inside);
    packet
}

/// What a checksum covers of the header around (RFC 9293 §3.1, RFC 8200 §8.1).
fn pseudo(from: SocketAddr, to: SocketAddr, protocol: u8, length: usize) -> Vec<u8> {
    let mut header = [octets(from), octets(to)].concat();
    header.extend(u32::from(short(length)).to_be_bytes());
    header.extend(u32::from(protocol).to_be_bytes());
    header
}

fn octets(end: SocketAddr) -> Vec<u8> {
    match end.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// The sum of RFC 1071 over what stands one behind the other; only the last may be of odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let word = |pair: &[u8]| {
        let low = pair.get(1).copied().unwrap_or(0);
        u64::from(u16::from_be_bytes([pair[0], low]))
    };
    let mut sum: u64 = words.map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
