//! What the stack, and a leg on it, are started with.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use model::cdr;
pub use model::ladder::Transport;

use super::ladder::Recorder;

/// How the stack is reached, and by whom.
#[derive(Clone, Debug)]
pub struct StackSettings {
    /// Where it listens for datagrams, and sends them from.
    pub udp: SocketAddr,
    /// Where it listens for TCP connections.
    pub tcp: Option<SocketAddr>,
    /// Where it listens for TLS connections.
    pub tls: Option<TlsListener>,
    /// PEM of the authorities that trunks on TLS are verified with. None trusts no TLS trunk.
    pub tls_roots: Option<Vec<u8>>,
    /// The address that the far end sees, behind a NAT.
    pub advertised: Option<IpAddr>,
    /// How we call ourselves: the right side of Call-IDs.
    pub domain: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// The estimate of a round trip (RFC 3261 §17.1.1.1); everything else follows from it.
    pub t1: Duration,
    /// Who may send us anything.
    pub sources: Vec<Network>,
}

impl StackSettings {
    /// A stack on that address that listens to those networks, with the protocol's own times.
    pub fn new(udp: SocketAddr, sources: Vec<Network>) -> Self {
        Self {
            udp,
            tcp: None,
            tls: None,
            tls_roots: None,
            advertised: None,
            domain: "callslip.invalid".to_owned(),
            user_agent: "Callslip".to_owned(),
            t1: Duration::from_millis(500),
            sources,
        }
    }
}

/// A listener for TLS.
#[derive(Clone)]
pub struct TlsListener {
    /// Where it listens.
    pub address: SocketAddr,
    /// PEM of the certificate and its chain.
    pub certificate: Vec<u8>,
    /// PEM of its key.
    pub key: Vec<u8>,
}

impl fmt::Debug for TlsListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// One of them.
    pub address: IpAddr,
    /// How many bits count.
    pub bits: u8,
}

impl Network {
    /// Whether the address is one of them. An IPv4 address that came over an IPv6 socket counts as
    /// what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let left = 32u32.saturating_sub(self.bits.into());
                let mask = u32::MAX.checked_shl(left).unwrap_or(0);
                (ours.to_bits() ^ theirs.to_bits()) & mask == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let left = 128u32.saturating_sub(self.bits.into());
                let mask = u128::MAX.checked_shl(left).unwrap_or(0);
                (ours.to_bits() ^ theirs.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }
}

/// Where a request goes first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    /// How.
    pub transport: Transport,
    /// A name or an address (IPv6 with or without brackets).
    pub host: String,
    /// None: asked of the DNS (SRV, RFC 3263), else the usual one.
    pub port: Option<u16>,
}

impl Hop {
    /// That address, over UDP.
    pub fn udp(address: SocketAddr) -> Self {
        let (host, port) = (address.ip().to_string(), Some(address.port()));
        Self { transport: Transport::Udp, host, port }
    }
}

/// Someone, as a From or To header names him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// As shown to a person.
    pub display: Option<String>,
    /// `sip:...`.
    pub uri: String,
}

/// What we prove with that we are the trunk's customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The secret.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// How often a leg that is up proves that it still is (RFC 4028).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimer {
    /// `Session-Expires` that we ask for.
    pub expires: Duration,
    /// The least that we accept: `Min-SE`, not below 90 seconds in a real network.
    pub least: Duration,
}

/// A leg to be.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Request-URI and To.
    pub to: String,
    /// From.
    pub from: Party,
    /// More headers, such as `P-Asserted-Identity` and `Privacy`.
    pub headers: Vec<(String, String)>,
    /// Where the INVITE goes.
    pub hop: Hop,
    /// For 401 and 407.
    pub credentials: Option<Credentials>,
    /// The SDP offer.
    pub offer: Vec<u8>,
    /// None: no session timer is asked for; one that the far end wants is kept.
    pub session: Option<SessionTimer>,
    /// Where what is said is noted; legs of a call share it.
    pub recorder: Recorder,
    /// As which leg it is noted.
    pub leg: cdr::Leg,
}
