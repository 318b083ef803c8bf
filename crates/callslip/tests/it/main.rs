//! Tests through the user's door: HTTP and the command line. One binary, for link time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_input;
mod bad_submit;
mod binary;
mod bulks;
mod calling;
mod calls;
mod carried;
mod cli;
mod client_faults;
mod cluster;
mod config;
mod contract;
mod crash;
mod decks;
mod far_end;
mod fates;
mod first_minute;
mod import;
mod leases;
mod ledger;
mod limits;
mod moving;
mod nodes;
mod nothing_consumed;
mod official_client;
mod operations;
mod outage;
mod outcomes;
mod phones;
mod rates;
mod refusals;
mod samples;
mod seed;
mod server;
mod sip;
mod submit;
mod submit_again;
mod take;
mod telephony;
mod tidy;
mod traced;
mod trunks;
