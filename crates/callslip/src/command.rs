//! The command line: one file per command.

mod account;
mod audit;
mod call;
mod check;
mod completions;
mod healthcheck;
mod import;
mod key;
mod rates;
mod sandbox;
mod serve;
mod store;
mod take;
mod trace;
mod trunk;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const TOUR: &str = "\
A short tour

  Try it. Starts a server whose telephones are simulated, and prints what to paste:
    callslip sandbox

  Run it. A deck that prices calls, an account for whoever places them:
    callslip rates import retail.csv --deck retail --data /var/lib/callslip
    callslip account add acme --time-zone Europe/Zagreb --deck retail --data /var/lib/callslip
    export CALLSLIP_CALLS__CARRIER=sandbox
    callslip serve --data /var/lib/callslip --listen 0.0.0.0:8080

  Place a call, and take its report. Each is returned once:
    curl -u acme -H 'Content-Type: application/json' http://localhost:8080/voice/ctc/1/send \\
      -d '{\"messages\":[{\"from\":\"12345\",\"destinationA\":\"38598100001\",\"destinationB\":\"38591100002\"}]}'
    curl -u acme http://localhost:8080/tts/3/reports
  Or without losing one, whatever breaks, one JSON object per line:
    callslip take --url http://localhost:8080 --key-file acme.key --out reports.jsonl --follow

  Ask what became of a call, why it cost what it did, and who took its report:
    callslip call ff4804ef-6ab6-4abd-984d-ab3b1387e852 --data /var/lib/callslip
    callslip rates explain 38598100001 61 --account acme --data /var/lib/callslip
    callslip audit ff4804ef-6ab6-4abd-984d-ab3b1387e852 --data /var/lib/callslip

  See how the trunks of a running server fare, try one, and draw what was said to it for a call:
    callslip trunk list --data /var/lib/callslip
    callslip trunk test north --data /var/lib/callslip
    callslip trace ff4804ef-6ab6-4abd-984d-ab3b1387e852 --data /var/lib/callslip

Commands with --data work on a directory whether its server runs or not. Settings come from flags,
then variables such as CALLSLIP_HTTP__LISTEN, then the file given with --config, then defaults:
`callslip check --defaults` shows every one with its meaning.

Exit codes: 0 done, 1 not done, 2 wrong command line, 69 a server, port or database is not
available, 75 the ledger is in use, 78 wrong settings.";

/// Callslip: a self-hosted click-to-call server that returns every delivery report exactly once.
#[derive(Debug, Parser)]
#[command(name = "callslip", version, after_long_help = TOUR)]
pub(crate) struct Callslip {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Run a server to play with: simulated telephones, an account, and lines to paste.
    Sandbox(sandbox::Sandbox),
    /// Take reports from a server into a file; none lost, none twice.
    Take(take::Take),
    /// Work with reports.
    #[command(subcommand)]
    Reports(Reports),
    /// Add, list and change accounts.
    #[command(subcommand)]
    Account(account::Account),
    /// Add, list and revoke API keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Import, list and explain the rate decks that price calls.
    #[command(subcommand)]
    Rates(rates::Rates),
    /// Work with ledgers: move one to a database, or back.
    #[command(subcommand)]
    Store(store::Store),
    /// Tell what became of a call: each attempt, each leg, its report and what it was charged.
    Call(call::Call),
    /// Draw the SIP messages of a call, or write them to a file for other tools.
    Trace(trace::Trace),
    /// Tell how the trunks of a running server fare, and try them.
    #[command(subcommand)]
    Trunk(trunk::Trunk),
    /// Tell what became of a report: when it came, and who took it.
    Audit(audit::Audit),
    /// Check the settings; exit code 78 if they are wrong.
    Check(check::Check),
    /// Ask a server whether it is ready; exit code 0 if it is.
    Healthcheck(healthcheck::Healthcheck),
    /// Print the completions for a shell.
    Completions(completions::Completions),
}

#[derive(Debug, Subcommand)]
enum Reports {
    /// Bring in reports from files, through the feed.
    Import(import::Import),
}

impl Callslip {
    /// Does what the command line asks for.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        if !matches!(self.command, Command::Serve(_) | Command::Sandbox(_)) {
            crate::logging::start_quiet();
        }
        let done = match self.command {
            Command::Reports(Reports::Import(import)) => return import.run(),
            Command::Healthcheck(healthcheck) => return healthcheck.run(),
            Command::Serve(serve) => serve.run(),
            Command::Sandbox(sandbox) => sandbox.run(),
            Command::Take(take) => take.run(),
            Command::Account(account) => account.run(),
            Command::Key(key) => key.run(),
            Command::Call(call) => call.run(),
            Command::Trace(trace) => trace.run(),
            Command::Trunk(trunk) => trunk.run(),
            Command::Rates(rates) => rates.run(),
            Command::Store(store) => store.run(),
            Command::Audit(audit) => audit.run(),
            Command::Check(check) => check.run(),
            Command::Completions(completions) => completions.run(),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// Writes to standard output; a reader that has gone is an error like any other, not a panic.
fn say(text: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}
