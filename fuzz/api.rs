//! The outside shapes alone, under the name of the crate that they belong to: a fuzz run need not
//! build the server around them, which takes minutes with instrumentation.

#[path = "../crates/api/src/negotiate.rs"]
pub mod negotiate;
#[path = "../crates/api/src/wire/mod.rs"]
pub mod wire;
