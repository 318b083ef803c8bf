//! A ladder as the admin API shows it.

use std::net::SocketAddr;

use model::cdr::Leg;
use model::ladder::{Entry, Ladder};
use serde::Serialize;

/// The messages of a ladder.
#[derive(Serialize)]
pub(super) struct Rungs {
    messages: Vec<Rung>,
    /// How many more there were.
    dropped: u32,
}

#[derive(Serialize)]
struct Rung {
    /// In milliseconds since 1970.
    at: i64,
    leg: &'static str,
    sent: bool,
    local: SocketAddr,
    remote: SocketAddr,
    transport: String,
    text: String,
}

impl From<Ladder> for Rungs {
    fn from(ladder: Ladder) -> Self {
        let messages = ladder.entries.into_iter().map(Rung::from).collect();
        Self { messages, dropped: ladder.dropped }
    }
}

impl From<Entry> for Rung {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at.as_millis(),
            leg: match entry.leg {
                Leg::A => "A",
                Leg::B => "B",
            },
            sent: entry.sent,
            local: entry.local,
            remote: entry.remote,
            transport: entry.transport.to_string(),
            text: entry.text,
        }
    }
}
