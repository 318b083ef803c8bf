//! What a call engine computes without touching the world: no sockets, no files, no clock, no async.
//!
//! Sound passes through here in frames of 10 to 60 ms, usually 20: what is called for every one of
//! them allocates nothing and cannot fail.

pub mod amd;
pub mod event;
pub mod g711;
pub mod inband;
pub mod key_tone;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sound;
pub mod tone;

/// Samples a second of everything that goes over a telephone line.
pub const RATE: u32 = 8_000;

/// Samples of a frame of 20 ms, the one that we send.
pub const FRAME: usize = 160;
