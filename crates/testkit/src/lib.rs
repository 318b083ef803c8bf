//! What the tests of the whole need: wires that break, a process that dies at the worst moment,
//! everyday HTTP clients.
//!
//! For tests only. Nothing here knows what an answer means.

pub mod clients;
mod lethal;
pub mod wire;

pub use lethal::LethalLedger;
