//! The whole of it in one process, in virtual time and by a seed: the HTTP edge, the engine with the
//! sandbox carrier, and the real ledger, with customers that submit, cancel, pause, lose answers and
//! take slowly, and a process that dies between any two durable steps.
//!
//! On the embedded engine one life follows the other. On the shared one two nodes work at once, and
//! customers talk to whichever; one that dies is cut off from the database at some commit.
//!
//! At the end, everything that was promised is checked against what the customers and the telephone
//! network saw. A seed makes the same run again, but for when nodes hear of each other, which is in
//! real time: `cargo run -p simulation -- --seed N`, with `--shared` for PostgreSQL.

mod check;
mod customer;
mod front;
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
