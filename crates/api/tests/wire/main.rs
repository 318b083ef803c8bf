//! The outside shapes, tested from outside: tables, the documentation's examples, random reports,
//! and damaged bodies.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod accept;
mod calls;
mod damage;
mod dates;
mod feed;
mod golden;
mod params;
mod reports;
mod round_trip;
mod shapes;
mod submit;
#[path = "../../../../fuzz/targets.rs"]
mod targets;
mod wav;
