//! Requests that no call of ours has led to.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::board::{Board, trunk_to};
use super::far_end::FarEnd;
use super::script::Script;

/// A request out of the blue.
pub(super) fn request(method: &str, from: SocketAddr, port: u16) -> String {
    let id = fastrand::u64(..);
    format!(
        "{method} sip:385981001@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{id}\r\n\
         From: <sip:x@y>;tag=1\r\nTo: <sip:385981001@127.0.0.1>\r\nCall-ID: {id}\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:x@{from}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The first line of what comes back, if anything does.
fn answer(address: &str, method: &str, port: u16) -> Option<String> {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    let message = request(method, socket.local_addr().unwrap(), port);
    socket.send_to(message.as_bytes(), ("127.0.0.1", port)).unwrap();
    let mut buffer = [0; 9000];
    let length = socket.recv(&mut buffer).ok()?;
    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
    text.lines().next().map(str::to_owned)
}

#[test]
fn strangers_hear_nothing_and_a_trunk_that_calls_us_is_refused() {
    let far = FarEnd::new(&[("", Script::answers().released())]);
    let board = Board::new(&trunk_to(&far, "north", "sources = [\"127.0.0.3\"]"));
    for method in ["INVITE", "OPTIONS", "BYE", "REGISTER", "MESSAGE"] {
        assert_eq!(answer("127.0.0.2", method, board.port), None, "{method}");
    }
    for trunk in ["127.0.0.1", "127.0.0.3"] {
        let says = |method: &str| answer(trunk, method, board.port).unwrap_or_default();
        assert!(says("OPTIONS").starts_with("SIP/2.0 200"), "{}", says("OPTIONS"));
        assert!(says("INVITE").starts_with("SIP/2.0 404"), "{}", says("INVITE"));
        assert!(says("BYE").starts_with("SIP/2.0 481"), "{}", says("BYE"));
        assert!(says("REGISTER").starts_with("SIP/2.0 405"), "{}", says("REGISTER"));
    }
    assert_eq!(far.count("INVITE"), 0);
}
