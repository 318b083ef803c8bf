//! Whose packets are taken for a leg's: until the first good one anybody's that policy allows, then
//! only those of its sender.

use std::net::SocketAddr;

/// Who may be the far end of a leg, beside the address that it has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latching {
    /// Nobody else.
    Strict,
    /// Another port of the same host.
    #[default]
    Host,
    /// Anybody, as for telephones behind a NAT that tell their inner address. What comes from the
    /// told address after all displaces them.
    Anyone,
}

/// Whom a leg listens to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latch {
    policy: Latching,
    told: SocketAddr,
    locked: Option<SocketAddr>,
}

impl Latch {
    pub(super) fn new(policy: Latching, told: SocketAddr) -> Self {
        Self { policy, told, locked: None }
    }

    /// Whether a packet from there may be the leg's.
    pub(super) fn admits(&self, from: SocketAddr) -> bool {
        match self.locked {
            Some(locked) => from == locked || from == self.told,
            None => match self.policy {
                Latching::Strict => from == self.told,
                Latching::Host => from.ip() == self.told.ip(),
                Latching::Anyone => true,
            },
        }
    }

    /// A good packet of the leg's has come from there.
    pub(super) fn lock(&mut self, from: SocketAddr) {
        self.locked = Some(from);
    }

    /// Where to send: to where it sends from, or else to where it said.
    pub(super) fn target(&self) -> SocketAddr {
        self.locked.unwrap_or(self.told)
    }

    /// The far end has told an address, perhaps the same again.
    pub(super) fn tell(&mut self, told: SocketAddr) {
        if told != self.told {
            *self = Self::new(self.policy, told);
        }
    }
}
