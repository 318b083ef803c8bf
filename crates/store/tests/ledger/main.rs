//! The ledger from outside: the suite, many at once, crashes, and what is found at the start.

#[cfg(test)]
#[path = "../both/mod.rs"]
mod both;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod open;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod support;
