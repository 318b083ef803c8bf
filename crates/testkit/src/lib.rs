//! What the tests of the whole need: wires that break, a process that dies at the worst moment,
//! virtual time and a ledger in it, everyday HTTP clients, a PostgreSQL server.
//!
//! For tests only. Nothing here knows what an answer means.

pub mod clients;
mod lethal;
mod mortal;
pub mod postgres;
mod virtual_time;
pub mod wire;

pub use lethal::LethalLedger;
pub use mortal::{Death, MortalLedger};
pub use virtual_time::VirtualClock;
