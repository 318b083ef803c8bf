//! The socket for datagrams: strangers are dropped in front of it, before a byte is looked at.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use model::ladder::Transport;
use rsipstack::platform::net::UdpSocket as Datagrams;
use rsipstack::sip::Method;
use tokio::net::UdpSocket;

use crate::sip::ladder::{Passage, Records};
use crate::sip::message::Message;
use crate::sip::peers::Peers;

/// The socket.
pub(super) struct Guarded {
    socket: UdpSocket,
    peers: Arc<Peers>,
    records: Arc<Records>,
    local: io::Result<SocketAddr>,
}

impl Guarded {
    pub(super) fn new(socket: UdpSocket, peers: Arc<Peers>, records: Arc<Records>) -> Self {
        let local = socket.local_addr();
        Self { socket, peers, records, local }
    }

    fn note(&self, sent: bool, remote: SocketAddr, message: &[u8]) {
        if let Ok(local) = self.local {
            let passage = Passage { sent, local, remote, transport: Transport::Udp };
            self.records.note(passage, message);
        }
    }

    /// The library cannot read a request whose method it does not know, so that it is answered
    /// here (RFC 3261 §8.2.1). ACK is never answered.
    async fn refuse_unknown(&self, datagram: &[u8], source: SocketAddr) {
        let word = datagram.split(|byte| *byte == b' ').next().unwrap_or_default();
        let is_method = !word.is_empty() && word.iter().all(u8::is_ascii_uppercase);
        if !is_method || Method::try_from(word).is_ok() {
            return;
        }
        if let Some(request) = Message::parse(datagram).filter(|message| message.code().is_none()) {
            let refusal = Message::response_to(&request, 501).to_bytes();
            // A datagram may be lost anyway.
            let _ = self.socket.send_to(&refusal, source).await;
        }
    }
}

#[async_trait]
impl Datagrams for Guarded {
    async fn recv_from(&self, buffer: &mut [u8]) -> rsipstack::Result<(usize, SocketAddr)> {
        loop {
            let (length, source) = self.socket.recv_from(buffer).await?;
            if self.peers.are_heard(source.ip()) {
                self.refuse_unknown(&buffer[..length], source).await;
                self.note(false, source, &buffer[..length]);
                return Ok((length, source));
            }
        }
    }

    async fn send_to(&self, datagram: &[u8], remote: SocketAddr) -> rsipstack::Result<usize> {
        self.note(true, remote, datagram);
        Ok(self.socket.send_to(datagram, remote).await?)
    }

    fn local_addr(&self) -> rsipstack::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }
}
