//! The ledger from outside: the suite, many at once, crashes, and what is found at the start.

#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod open;
#[cfg(test)]
mod support;
