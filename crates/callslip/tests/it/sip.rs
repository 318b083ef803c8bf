//! Calls through HTTP that real telephones take: the server with trunks, baresip behind them, often
//! with Kamailio between. What people hear is read from what their telephones recorded.

mod callers;
mod certificate;
mod hold;
mod machines;
mod network;
mod outages;
mod ports;
mod proxied;
mod proxy;
mod registered;
mod sound;
mod telephone;
mod trunk;
mod waiting;
mod whole_way;

/// The number of A in these tests.
const A: &str = "38598100001";
/// And of B.
const B: &str = "38591100002";
/// What A's and B's telephones say all the time: tones, in Hz.
const TONE_A: f64 = 440.0;
const TONE_B: f64 = 880.0;
