//! The two ends of a copy: directories and databases, at a time that stands still.

use std::path::PathBuf;
use std::sync::Arc;

use model::{Clock, ManualClock};
use store::copy::{self, Source, Stage, Sum, Target};
use store::{Embedded, InFlightAtStart, Keeping, Ledger, Postgres, PostgresSettings, conformance};
use tempfile::TempDir;
use testkit::postgres::PostgresServer;

/// Where ledgers of a test are.
pub(crate) struct Place {
    dirs: TempDir,
    pub(crate) server: Arc<PostgresServer>,
    pub(crate) clock: ManualClock,
}

/// Where one ledger is.
#[derive(Clone)]
pub(crate) enum End {
    Dir(PathBuf),
    Database(String),
}

impl Place {
    pub(crate) fn new() -> Self {
        let dirs = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(conformance::START);
        Self { dirs, server: PostgresServer::shared(), clock }
    }

    pub(crate) fn dir(&self, name: &str) -> End {
        End::Dir(self.dirs.path().join(name))
    }

    pub(crate) fn database(&self) -> End {
        End::Database(self.server.database())
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    pub(crate) async fn open(&self, end: &End) -> Arc<dyn Ledger> {
        open(end, Keeping::default(), self.clock()).await
    }

    /// Copies all of it.
    pub(crate) async fn copy(&self, from: &End, to: &End) -> copy::Result<Sum> {
        copy_told(self.clock(), from, to, |_, _, _| ()).await
    }
}

impl End {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Dir(path) => path.display().to_string(),
            Self::Database(url) => url.clone(),
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        match name.starts_with("postgres:") {
            true => Self::Database(name.to_owned()),
            false => Self::Dir(name.into()),
        }
    }
}

pub(crate) async fn open(end: &End, keeping: Keeping, clock: Arc<dyn Clock>) -> Arc<dyn Ledger> {
    match end {
        End::Dir(path) => Arc::new(Embedded::open(path, keeping, clock).unwrap()),
        End::Database(url) => {
            let settings = PostgresSettings { connections: 3, ..PostgresSettings::at(url) };
            Arc::new(Postgres::open(settings, keeping, clock).await.unwrap())
        }
    }
}

pub(crate) async fn source(end: &End, clock: Arc<dyn Clock>) -> copy::Result<Box<dyn Source>> {
    match end {
        End::Dir(path) => Embedded::export(path, Keeping::default(), clock),
        End::Database(url) => {
            let at_start = InFlightAtStart::Return;
            Postgres::export(PostgresSettings::at(url), at_start, clock).await
        }
    }
}

pub(crate) async fn target(
    end: &End,
    from: &End,
    clock: Arc<dyn Clock>,
) -> copy::Result<Box<dyn Target>> {
    match end {
        End::Dir(path) => Embedded::import(path, &from.name()),
        End::Database(url) => {
            Postgres::import(PostgresSettings::at(url), &from.name(), clock).await
        }
    }
}

pub(crate) async fn copy_told(
    clock: Arc<dyn Clock>,
    from: &End,
    to: &End,
    told: impl FnMut(Stage, u64, u64),
) -> copy::Result<Sum> {
    let mut source = source(from, Arc::clone(&clock)).await?;
    let target = target(to, from, clock).await?;
    copy::copy(source.as_mut(), target, told).await
}
