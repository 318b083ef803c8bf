//! The ledger from outside: the suite, many at once, crashes, and what is found at the start.

mod concurrency;
mod conformance;
mod crash;
mod open;
mod support;
