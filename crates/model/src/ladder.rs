//! The ladder of a call: the SIP messages of its legs, in order. Kept with the call's record, for the
//! person who has to find out what a trunk made of it.

use std::fmt;
use std::net::SocketAddr;

use crate::Timestamp;
use crate::cdr::Leg;

/// The SIP messages of a call, oldest first, credentials removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// The first of them, within the bounds of [`crate::limits`].
    pub entries: Vec<Entry>,
    /// How many came after that, and are not kept.
    pub dropped: u32,
}

/// One SIP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it went or came.
    pub at: Timestamp,
    /// Whose it is.
    pub leg: Leg,
    /// We sent it; else it came.
    pub sent: bool,
    /// Our address.
    pub local: SocketAddr,
    /// The far end's.
    pub remote: SocketAddr,
    /// What carried it.
    pub transport: Transport,
    /// The message, body and all.
    pub text: String,
}

/// What carries SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One message in a datagram.
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream.
    Tls,
}

impl Ladder {
    /// Adds a message, or counts it if there is no room for it.
    pub fn push(&mut self, entry: Entry) {
        use crate::limits::{LADDER_BYTES_MAX, LADDER_MESSAGES_MAX};
        let bytes: usize = self.entries.iter().map(|entry| entry.text.len()).sum();
        if self.dropped == 0
            && self.entries.len() < LADDER_MESSAGES_MAX
            && bytes + entry.text.len() <= LADDER_BYTES_MAX
        {
            self.entries.push(entry);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        })
    }
}
