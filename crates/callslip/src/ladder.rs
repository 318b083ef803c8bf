//! A ladder: the SIP messages of a call as the admin API tells them, drawn for a terminal.

mod drawing;
mod message;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub(crate) use drawing::{Drawing, Style};

/// The SIP messages of a call, oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ladder {
    pub(crate) messages: Vec<Rung>,
    /// How many more there were, which were not kept.
    pub(crate) dropped: u32,
}

/// One message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rung {
    /// In milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) leg: Leg,
    /// Callslip sent it.
    pub(crate) sent: bool,
    /// Callslip's address.
    pub(crate) local: SocketAddr,
    /// The far end's.
    pub(crate) remote: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) text: String,
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Leg {
    A,
    B,
}

/// What carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

impl Rung {
    /// Where it came from, and where it went.
    pub(crate) fn ends(&self) -> (SocketAddr, SocketAddr) {
        if self.sent { (self.local, self.remote) } else { (self.remote, self.local) }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        })
    }
}
