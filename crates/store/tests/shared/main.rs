//! The shared ledger, on a PostgreSQL that the tests start: the suite, many at once, crashes,
//! several nodes, faults.

#[cfg(test)]
#[path = "../both/mod.rs"]
mod both;
#[cfg(test)]
mod commits;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod fates;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod leaders;
#[cfg(test)]
mod news;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod secure;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod support;
#[cfg(test)]
mod wear;
