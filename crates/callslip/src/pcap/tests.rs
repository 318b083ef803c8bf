//! What is written is read by others.

use std::process::{Command, Stdio};

use super::*;
use crate::ladder::Leg;

fn rung(sent: bool, (local, remote): (&str, &str), transport: Transport, text: &str) -> Rung {
    let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
    Rung { at: 1_700_000_000_123, leg: Leg::A, sent, local, remote, transport, text: text.into() }
}

const V4: (&str, &str) = ("10.0.0.1:5060", "192.0.2.10:5060");
const V6: (&str, &str) = ("[2001:db8::1]:5060", "[2001:db8::2]:5060");
const OPTIONS: &str = "OPTIONS sip:a@192.0.2.10 SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n";

/// What tcpdump says of it.
fn read(capture: &[u8]) -> String {
    use std::io::Write as _;
    let mut tcpdump = Command::new("tcpdump")
        .args(["-nn", "-vv", "-tt", "-S", "-r", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tcpdump.stdin.take().unwrap().write_all(capture).unwrap();
    let output = tcpdump.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_datagram_is_written_byte_by_byte() {
    let capture = file([&rung(true, V4, Transport::Udp, "ab")]);
    let expect = [
        &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0][..],
        // 1700000000 s, 123000 us, 30 bytes.
        &[0x00, 0xf1, 0x53, 0x65, 0x78, 0xe0, 1, 0, 30, 0, 0, 0, 30, 0, 0, 0],
        &[0x45, 0, 0, 30, 0, 0, 0x40, 0, 64, 17, 0x6e, 0xc4, 10, 0, 0, 1, 192, 0, 2, 10],
        &[0x13, 0xc4, 0x13, 0xc4, 0, 10, 0xaa, 0xe4, b'a', b'b'],
    ];
    assert_eq!(capture, expect.concat());
}

#[test]
fn tcpdump_reads_sip_in_datagrams_with_right_sums() {
    let capture = file([&rung(true, V4, Transport::Udp, OPTIONS)]);
    let told = read(&capture);
    for text in [
        "1700000000.123000 IP (",
        "10.0.0.1.5060 > 192.0.2.10.5060: [udp sum ok] SIP, length:",
        "OPTIONS sip:a@192.0.2.10 SIP/2.0",
    ] {
        assert!(told.contains(text), "{told}");
    }
    assert!(!told.contains("bad cksum"), "{told}");
    let told = read(&file([&rung(false, V6, Transport::Udp, OPTIONS)]));
    assert!(told.contains("2001:db8::2.5060 > 2001:db8::1.5060: [udp sum ok] SIP"), "{told}");
}

#[test]
fn a_stream_goes_on_where_it_was() {
    let long = "x".repeat(PAYLOAD_MAX + 1);
    for (ends, from) in [(V4, "10.0.0.1.5060 >"), (V6, "2001:db8::1.5060 >")] {
        let rungs = [
            rung(true, ends, Transport::Tcp, OPTIONS),
            rung(false, ends, Transport::Tcp, "SIP/2.0 200 OK\r\n\r\n"),
            rung(true, ends, Transport::Tls, &long),
        ];
        let told = read(&file(&rungs));
        let lines: Vec<&str> = told.lines().filter(|line| line.contains("Flags")).collect();
        assert_eq!(lines.len(), 4, "{told}");
        let end = 1 + OPTIONS.len();
        for (line, text) in lines.iter().zip([
            format!("seq 1:{end}, ack 1,"),
            format!("seq 1:19, ack {end},"),
            format!("seq {end}:{}, ack 19,", end + PAYLOAD_MAX),
            format!("seq {}:{}, ack 19,", end + PAYLOAD_MAX, end + PAYLOAD_MAX + 1),
        ]) {
            assert!(line.contains(&text) && line.contains("(correct)"), "{text} in {told}");
        }
        assert!(lines[0].contains(from), "{told}");
        assert!(!told.contains("bad cksum"), "{told}");
    }
}

#[test]
fn whatever_stands_in_a_ladder_is_a_packet() {
    let mixed = ("0.0.0.0:5060", "[::1]:9");
    let mapped = ("[::ffff:10.0.0.1]:5060", "192.0.2.10:5060");
    let far = Rung { at: i64::MAX, ..rung(true, V4, Transport::Udp, "") };
    let past = Rung { at: i64::MIN, ..rung(true, V4, Transport::Tcp, "") };
    let long = "\u{e9}".repeat(PAYLOAD_MAX);
    let rungs = [
        rung(true, mixed, Transport::Udp, "a"),
        rung(true, mapped, Transport::Udp, &long),
        far,
        past,
    ];
    let told = read(&file(&rungs));
    assert!(told.contains("::ffff:0.0.0.0.5060 > ::1.9"), "{told}");
    assert!(told.contains("10.0.0.1.5060 > 192.0.2.10.5060"), "{told}");
}
