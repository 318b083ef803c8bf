//! What makes calls happen: the exchange that takes them from the ledger and brings reports back,
//! the state machine of a call, the carriers that place it, and what it costs. No HTTP, no names of
//! the outside world.

pub mod call;
pub mod carrier;
pub mod exchange;
pub mod media;
pub mod outcome;
pub mod prompt;
pub mod rating;
pub mod report;
pub mod retry;
pub mod sandbox;
pub mod sip;
mod sockets;
pub mod tariff;
pub mod tariffs;
pub mod time;
