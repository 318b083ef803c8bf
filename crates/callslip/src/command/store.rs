//! `callslip store copy`: a ledger moves from a directory to a database, or back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use model::Clock;
use store::copy::{self, CopyError, Part, Source, Stage, Target};
use store::{Embedded, Postgres, PostgresSettings};
use tokio::runtime::Runtime;

use super::say;
use crate::clock::Pace;
use crate::settings::{Flags, Settings};

/// Work with ledgers.
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Copy a ledger from a directory to a database, or back.
    Copy(Copy),
}

/// The flags of `store copy`.
#[derive(Args, Debug)]
#[command(after_help = "\
LEDGER is a directory, or a database such as postgres://callslip@db.example/callslip. No server may\n\
have either open, and TO must be empty. The copy is made aside, compared with FROM by counts and\n\
digests, and only then put in its place; FROM stays as it is. Stopped in the middle, the same\n\
command goes on where it was, as long as FROM has not changed. What it says at the end is the same\n\
for the same content, so that the copy of a copy can be told from another.")]
pub(crate) struct Copy {
    /// The ledger that is read.
    #[arg(long, value_name = "LEDGER")]
    from: Ledger,
    /// Where it is to be.
    #[arg(long, value_name = "LEDGER")]
    to: Ledger,
    /// File with the database's password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// PEM of the authorities that the database's certificate is verified with.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// File with the server's settings (TOML): what becomes of answers that were under way when it
    /// was killed.
    #[arg(long, value_name = "FILE", env = "CALLSLIP_CONFIG")]
    config: Option<PathBuf>,
}

/// Where a ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ledger {
    Dir(PathBuf),
    Database(String),
}

impl std::str::FromStr for Ledger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                crate::settings::database(text)?;
                Ok(Self::Database(text.to_owned()))
            }
            Some((scheme, _)) => Err(format!("no ledger is at {scheme}://; postgres:// is known")),
            None if text.is_empty() => Err("must not be empty".to_owned()),
            None => Ok(Self::Dir(text.into())),
        }
    }
}

impl Store {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self::Copy(copy) = self;
        let flags = Flags { config: copy.config.clone(), data: None };
        let settings = flags.settings()?;
        Runtime::new().context("cannot start the runtime")?.block_on(copy.run(&settings))
    }
}

impl Copy {
    async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let clock = Pace::of_life().clock;
        let mut source = self.source(settings, &clock).await.map_err(told)?;
        let target = self.target(&clock).await.map_err(told)?;
        let begun = target.bookmark().items;
        if begun > 0 {
            eprintln!("going on after {begun} items");
        }
        let bar = bar();
        let copied = copy::copy(source.as_mut(), target, |stage, done, all| {
            bar.set_message(match stage {
                Stage::Copying => "copying",
                Stage::Comparing => "comparing",
            });
            bar.set_length(all.max(done));
            bar.set_position(done);
        });
        let sum = copied.await.map_err(told);
        bar.finish_and_clear();
        let sum = sum.context("not copied")?;
        for part in Part::ALL {
            if sum.count(part) > 0 {
                say(format!("{} {}", sum.count(part), part.name()))?;
            }
        }
        say(format!("the same on both sides: {}", sum.digest()))
    }

    async fn source(
        &self,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> copy::Result<Box<dyn Source>> {
        let keeping = settings.keeping();
        match &self.from {
            Ledger::Dir(dir) => Embedded::export(dir, keeping, Arc::clone(clock)),
            Ledger::Database(url) => {
                let at_start = keeping.in_flight_at_start;
                Postgres::export(self.database(url), at_start, Arc::clone(clock)).await
            }
        }
    }

    async fn target(&self, clock: &Arc<dyn Clock>) -> copy::Result<Box<dyn Target>> {
        let from = match &self.from {
            Ledger::Dir(dir) => absolute(dir),
            Ledger::Database(url) => url.clone(),
        };
        match &self.to {
            Ledger::Dir(dir) => Embedded::import(dir, &from),
            Ledger::Database(url) => {
                Postgres::import(self.database(url), &from, Arc::clone(clock)).await
            }
        }
    }

    fn database(&self, url: &str) -> PostgresSettings {
        PostgresSettings {
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            ..PostgresSettings::at(url)
        }
    }
}

fn absolute(dir: &Path) -> String {
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned()).display().to_string()
}

/// The error as the exit codes know it.
fn told(error: CopyError) -> anyhow::Error {
    match error {
        CopyError::Store(error) => anyhow::Error::new(error),
        error => anyhow::Error::new(error),
    }
}

/// On standard error, and only if that is a terminal.
fn bar() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg:9} {bar:40} {human_pos}/{human_len}, {eta} left");
    let bar = ProgressBar::new(0);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
