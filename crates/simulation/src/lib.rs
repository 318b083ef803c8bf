//! The whole of it in one process, in virtual time and by a seed: the HTTP edge, the engine with the
//! sandbox carrier, and the real embedded ledger, with customers that submit, cancel, pause, lose
//! answers and take slowly, and a process that dies between any two durable steps.
//!
//! At the end, everything that was promised is checked against what the customers and the telephone
//! network saw. A seed makes the same run again: `cargo run -p simulation -- --seed N`.

mod check;
mod customer;
mod house;
mod place;
mod price;
mod request;
mod run;
mod sender;
mod taker;
mod witness;

pub mod fairness;

pub use run::{Engine, Plan, Summary, run};
