//! The executable's parts: configuration, wiring, command line, system clock.
//!
//! A library so that the parts can be tested and documented; `main` only calls [`run`].

mod admin_file;
mod backoff;
mod carriers;
mod client;
pub mod clock;
mod command;
mod door;
mod ladder;
mod logging;
mod number;
mod pcap;
mod server;
pub mod settings;
mod table;
mod telephony;
mod upkeep;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use client::ClientError;
use door::NotRunning;
use server::CannotListen;
use settings::BadSettings;
use store::StoreError;
use store::copy::CopyError;

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    match command::Callslip::parse().run() {
        Ok(code) => code,
        // Whoever reads the output has seen enough, as in `callslip key list | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callslip: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Exit codes as in sysexits(3), so that a supervisor can tell what a restart cannot cure.
fn exit_code(error: &anyhow::Error) -> u8 {
    const UNAVAILABLE: u8 = 69;
    const TRY_AGAIN: u8 = 75;
    const CONFIGURATION: u8 = 78;
    let ledger = error.downcast_ref::<StoreError>();
    if error.is::<BadSettings>() || matches!(ledger, Some(StoreError::Settings(_))) {
        CONFIGURATION
    } else if error.is::<CannotListen>()
        || error.is::<NotRunning>()
        || matches!(ledger, Some(StoreError::Unavailable(_)))
    {
        UNAVAILABLE
    } else if let Some(StoreError::InUse(_)) = ledger {
        TRY_AGAIN
    } else if let Some(CopyError::InUse(_)) = error.downcast_ref() {
        TRY_AGAIN
    } else if error.downcast_ref().is_some_and(ClientError::may_pass) {
        UNAVAILABLE
    } else {
        1
    }
}
