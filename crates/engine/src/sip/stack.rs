//! The stack: one endpoint on the network, the legs on it, and what trunks are asked.

use std::io;
use std::time::Duration;

use super::leg::Leg;
use super::reason::Reason;
use super::settings::{Credentials, Hop, Invite, Network, Party, StackSettings};

/// The endpoint. Clones share it.
#[derive(Clone, Debug)]
pub struct Stack;

/// How much is going on; all zero once everything has drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Legs that are not over, also those whose [`Leg`] was dropped.
    pub legs: usize,
    /// Those of them that are up.
    pub dialogs: usize,
    /// Transactions that run, or remember what they said for a while yet.
    pub transactions: usize,
}

/// Why a trunk did not do what it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// What it said; none if nothing came back.
    pub code: Option<u16>,
    /// Its reason phrase.
    pub text: String,
    /// When to come again.
    pub retry_after: Option<Duration>,
    /// Nothing could be sent: no such name, no connection.
    pub unreachable: bool,
}

/// An answer to OPTIONS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// The code; any says that the trunk lives.
    pub code: u16,
    /// How long it took.
    pub took: Duration,
}

/// What became of a leg that a former process had left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftBehind {
    /// Released now.
    Released,
    /// The far end no longer knew it (481).
    Gone,
}

/// How to register with a trunk.
#[derive(Clone, Debug)]
pub struct Register {
    /// Where the registrar is.
    pub hop: Hop,
    /// Its domain, as the Request-URI: `sip:example.org`.
    pub registrar: String,
    /// Who we are there.
    pub party: Party,
    /// For 401 and 407.
    pub credentials: Option<Credentials>,
}

/// A registration, refreshed by whoever holds it.
#[derive(Debug)]
pub struct Binding;

impl Stack {
    /// Opens the sockets, and listens.
    pub async fn start(settings: StackSettings) -> io::Result<Self> {
        let _ = settings;
        todo!()
    }

    /// From now on, listens to those networks, and to whom it has called itself.
    pub fn set_sources(&self, sources: Vec<Network>) {
        let _ = sources;
        todo!()
    }

    /// Calls someone. Starts at once; what comes of it is told by the leg.
    pub fn invite(&self, invite: Invite) -> Leg {
        let _ = invite;
        todo!()
    }

    /// Releases a leg of a former process, from what `LegEvent::Answered` had said. Takes no longer
    /// than a transaction may (64·T1).
    pub async fn hang_up_left_behind(
        &self,
        dialog: &[u8],
        reason: Reason,
    ) -> Result<LeftBehind, Refused> {
        let _ = (dialog, reason);
        todo!()
    }

    /// Asks a trunk whether it lives.
    pub async fn options(&self, hop: Hop, from: Party, to: String) -> Result<Pong, Refused> {
        let _ = (hop, from, to);
        todo!()
    }

    /// Begins a registration; nothing is sent yet.
    pub fn binding(&self, register: Register) -> Binding {
        let _ = register;
        todo!()
    }

    /// How much is going on.
    pub fn counts(&self) -> Counts {
        todo!()
    }

    /// Stops, once and for all, and waits until nothing of it runs any more. Legs that are up are
    /// not released: that is for whoever holds them, before.
    pub async fn stop(&self) {
        todo!()
    }
}

impl Binding {
    /// Registers, or refreshes; how long it holds.
    pub async fn refresh(&mut self, expires: Duration) -> Result<Duration, Refused> {
        let _ = expires;
        todo!()
    }

    /// Takes the registration back.
    pub async fn remove(&mut self) -> Result<(), Refused> {
        todo!()
    }
}
