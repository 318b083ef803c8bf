//! A trunk: a peer that takes our calls, and how it wants to be spoken to. Plain data: how it fares
//! is in `standing`, which one a call goes through in `route`.

mod caller;
mod number;

use std::fmt;
use std::time::Duration;

pub use caller::{Caller, CallerPolicy};
pub use number::{Form, NumberFormat};
pub use voip::g711::Codec;

use super::{Credentials, Hop, Network, Party, SessionTimer, Transport};
use crate::exchange::Caps;
use crate::outcome::FINAL_CODES;

/// A peer that takes our calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// What people call it; no two have the same.
    pub name: String,
    /// Where it is. At least one.
    pub destinations: Vec<Destination>,
    /// From where it may send us requests, beside the addresses of its destinations.
    pub sources: Vec<Network>,
    /// The beginnings of the numbers that it serves; none: it serves all.
    pub serves: Vec<String>,
    /// Its place among the trunks that serve a number equally well.
    pub rank: Rank,
    /// What we prove with that we are its customer.
    pub credentials: Option<Credentials>,
    /// How long a registration is asked for; none: we do not register.
    pub register: Option<Duration>,
    /// How often it is asked whether it lives; none: never.
    pub ping: Option<Duration>,
    /// How it wants the number called.
    pub called: NumberFormat,
    /// How it wants to be told who calls.
    pub caller: CallerPolicy,
    /// What is offered to it, the best first. At least one.
    pub codecs: Vec<Codec>,
    /// How keys go to it and come from it.
    pub keys: Keys,
    /// How much may go through it at once. A leg is one call to it.
    pub caps: Caps,
    /// How long it may ring.
    pub ring: Duration,
    /// How long it may take to say anything at all.
    pub no_reply: Duration,
    /// Codes that it means: no other trunk is tried after them.
    pub final_codes: Vec<u16>,
    /// How often a leg that is up proves that it still is.
    pub session: Option<SessionTimer>,
}

/// One of the places where a trunk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Where.
    pub hop: Hop,
    /// Its place among them.
    pub rank: Rank,
}

/// A place among others, as of RFC 2782: the lowest priority first, and within one, in proportion to
/// the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// The lowest is tried first.
    pub priority: u16,
    /// The share among equals.
    pub weight: u16,
}

/// How keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// How ours are sent.
    pub by: KeysBy,
    /// Whether theirs are listened for as tones, beside events and INFO.
    pub in_band: bool,
}

/// How our keys are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysBy {
    /// As telephone events (RFC 4733).
    Events,
    /// By SIP INFO.
    Info,
}

impl Trunk {
    /// A trunk at those places, and nothing else said of it.
    pub fn new(name: impl Into<String>, destinations: Vec<Destination>) -> Self {
        Self {
            name: name.into(),
            destinations,
            sources: Vec::new(),
            serves: Vec::new(),
            rank: Rank::default(),
            credentials: None,
            register: None,
            ping: Some(Duration::from_secs(30)),
            called: NumberFormat::default(),
            caller: CallerPolicy::default(),
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            keys: Keys { by: KeysBy::Events, in_band: false },
            caps: Caps { calls_per_second: 10, concurrent_calls: 100 },
            ring: Duration::from_secs(45),
            no_reply: Duration::from_secs(4),
            final_codes: FINAL_CODES.to_vec(),
            session: Some(SessionTimer {
                expires: Duration::from_secs(1800),
                least: Duration::from_secs(90),
            }),
        }
    }

    /// How many digits of the number it names as served; none if it does not serve it.
    pub fn serves(&self, digits: &str) -> Option<usize> {
        if self.serves.is_empty() {
            return Some(0);
        }
        let matching = self.serves.iter().filter(|prefix| digits.starts_with(prefix.as_str()));
        matching.map(String::len).max()
    }

    /// The right side of our URIs at a destination, unless the caller's policy has one: the trunk's
    /// if it knows us by a password, else ours.
    pub(super) fn known_at<'a>(&self, hop: &'a Hop, ours: &'a str) -> &'a str {
        if self.credentials.is_some() { &hop.host } else { ours }
    }

    /// Who we are to it when we speak for ourselves.
    pub(super) fn ourselves(&self, hop: &Hop, ours: &str) -> Party {
        let user = self.credentials.as_ref().map_or("callslip", |known| known.username.as_str());
        self.caller.ourselves(user, self.known_at(hop, ours))
    }

    /// Whether a registration with the one is one with the other.
    pub(super) fn registers_like(&self, other: &Self) -> bool {
        let of = |trunk: &Self| {
            let hops = trunk.destinations.iter().map(|there| there.hop.clone());
            let domain = trunk.caller.domain.clone();
            (hops.collect::<Vec<_>>(), trunk.credentials.clone(), trunk.register, domain)
        };
        of(self) == of(other)
    }
}

impl Destination {
    /// That place, at the usual rank.
    pub fn new(hop: Hop) -> Self {
        Self { hop, rank: Rank::default() }
    }
}

impl Default for Rank {
    fn default() -> Self {
        Self { priority: 1, weight: 1 }
    }
}

impl fmt::Display for Hop {
    /// As a SIP URI without a user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        write!(f, "sip:{}{transport}", self.authority())
    }
}

impl Hop {
    /// Host and port, as they stand in a URI.
    pub fn authority(&self) -> String {
        let host = uri_host(&self.host);
        self.port.map_or(host.clone(), |port| format!("{host}:{port}"))
    }
}

/// An IPv6 address stands in brackets in a URI (RFC 3261 §25.1).
pub(super) fn uri_host(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}
