//! Trunks: what they are told, which one a leg goes through, and how they fare.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod caller;
mod health;
mod hunt;
mod keeper;
mod load;
mod number;
mod peer;
mod registrar;
mod reload;
mod route;

use std::time::Duration;

use engine::sip::{Destination, Hop, Rank, Transport, Trunk};
use model::Timestamp;

/// When everything begins.
const START: Timestamp = Timestamp::from_millis(1_000_000);

/// That many milliseconds later.
fn at(millis: u64) -> Timestamp {
    START.plus(Duration::from_millis(millis))
}

/// A destination of that name, and rank.
fn destination(host: &str, priority: u16, weight: u16) -> Destination {
    let hop = Hop { transport: Transport::Udp, host: host.to_owned(), port: None };
    Destination { hop, rank: Rank { priority, weight } }
}

/// A trunk of that name with one destination of the same name.
fn trunk(name: &str) -> Trunk {
    Trunk::new(name, vec![destination(name, 1, 1)])
}
