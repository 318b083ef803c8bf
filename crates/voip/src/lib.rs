//! What a call engine computes without touching the world: no sockets, no files, no clock, no async.

pub mod g711;
pub mod sound;

/// Samples a second of everything that goes over a telephone line.
pub const RATE: u32 = 8_000;
