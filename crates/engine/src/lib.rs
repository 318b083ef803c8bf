//! What makes calls happen: the state machine of a call, the carriers that place it, and what it
//! costs. No HTTP, no names of the outside world.

pub mod call;
pub mod carrier;
pub mod outcome;
pub mod prompt;
pub mod rating;
pub mod retry;
pub mod sandbox;
