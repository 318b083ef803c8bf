//! Tests through the user's door: HTTP and the command line. One binary, for link time.

mod bad_input;
mod binary;
mod cli;
mod config;
mod contract;
mod fates;
mod first_minute;
mod import;
mod nothing_consumed;
mod server;
mod take;
