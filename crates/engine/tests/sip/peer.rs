//! A far end by hand: datagrams, for what no user agent does.

use std::net::SocketAddr;
use std::time::Duration;

use engine::sip::Hop;
use tokio::net::UdpSocket;

use crate::support::NEXT;

/// A socket that speaks for itself.
pub(crate) struct Peer {
    socket: UdpSocket,
    pub(crate) address: SocketAddr,
}

impl Peer {
    pub(crate) async fn new() -> Self {
        Self::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(address: &str) -> Self {
        let socket = UdpSocket::bind(address).await.expect("a socket");
        let address = socket.local_addr().expect("an address");
        Self { socket, address }
    }

    pub(crate) fn hop(&self) -> Hop {
        Hop::udp(self.address)
    }

    /// The next message, and from where.
    pub(crate) async fn next(&self) -> (String, SocketAddr) {
        let mut buffer = [0; 9000];
        let received = tokio::time::timeout(NEXT, self.socket.recv_from(&mut buffer)).await;
        let (length, source) = received.expect("a datagram in time").expect("a datagram");
        (String::from_utf8_lossy(&buffer[..length]).into_owned(), source)
    }

    /// The next message that begins like that; others, such as retransmissions, are passed over.
    pub(crate) async fn expect(&self, start: &str) -> (String, SocketAddr) {
        loop {
            let (message, source) = self.next().await;
            if message.starts_with(start) {
                return (message, source);
            }
        }
    }

    /// Whether nothing that begins like that comes for a while.
    pub(crate) async fn hears_no(&self, start: &str, span: Duration) -> bool {
        tokio::time::timeout(span, self.expect(start)).await.is_err()
    }

    pub(crate) async fn send(&self, message: &str, to: SocketAddr) {
        self.socket.send_to(message.as_bytes(), to).await.expect("sent");
    }

    pub(crate) async fn send_bytes(&self, message: &[u8], to: SocketAddr) {
        self.socket.send_to(message, to).await.expect("sent");
    }

    /// A response with that tag; without a Contact unless it is in `headers`.
    pub(crate) fn response(request: &str, line: &str, tag: &str, headers: &str) -> String {
        let mut response = format!("SIP/2.0 {line}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            let value = header(request, name);
            let tag = if name == "To" && !value.contains("tag=") && !tag.is_empty() {
                format!(";tag={tag}")
            } else {
                String::new()
            };
            response.push_str(&format!("{name}: {value}{tag}\r\n"));
        }
        response + headers + "Content-Length: 0\r\n\r\n"
    }

    pub(crate) fn contact(&self) -> String {
        format!("Contact: <sip:far@{}>\r\n", self.address)
    }

    /// A request out of the blue.
    pub(crate) fn request(&self, method: &str, headers: &str) -> String {
        let id = fastrand::u64(..);
        format!(
            "{method} sip:callslip@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {0};branch=z9hG4bK{id}\r\n\
             From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: {id}\r\nCSeq: 1 {method}\r\n\
             Max-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n",
            self.address
        )
    }
}

/// The first value of a header as we write it.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let mut lines = message.lines().take_while(|line| !line.is_empty());
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {message}"))
}
