//! Databases for tests, and ledgers on them.

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, ManualClock};
use store::{Keeping, Ledger, Postgres, PostgresSettings, conformance};
use testkit::postgres::{Cutter, PostgresServer, url_at};

/// Nodes at once on one ledger.
pub(crate) const NODES: usize = 3;
/// Reports that many share at once.
pub(crate) const REPORTS: u64 = 600_000;

/// What commits by itself.
pub(crate) const MARKS: [&str; 2] = ["FROM exchange(", "FROM feed("];

/// A database of its own, on the server that the tests share.
pub(crate) struct Database {
    pub(crate) server: Arc<PostgresServer>,
    pub(crate) url: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        let server = PostgresServer::shared();
        let url = server.database();
        Self { server, url }
    }

    pub(crate) fn settings(&self) -> PostgresSettings {
        settings_at(&self.url)
    }

    /// A node, at a time that stands still.
    pub(crate) async fn node(&self) -> Postgres {
        self.node_at(&ManualClock::at(conformance::START)).await
    }

    /// A node that reaches the database through the cutter.
    pub(crate) async fn behind(&self, cutter: &Cutter, clock: Arc<dyn Clock>) -> Postgres {
        let name = self.url.rsplit('/').next().unwrap();
        let url = url_at(cutter.address(), name);
        open(PostgresSettings { url, ..self.settings() }, Keeping::default(), clock).await
    }

    pub(crate) async fn node_at(&self, clock: &ManualClock) -> Postgres {
        open(self.settings(), Keeping::default(), Arc::new(clock.clone())).await
    }
}

/// Children that are killed, one after the other.
pub(crate) const ROUNDS: u64 = 4;

/// Where a ledger is, for this process and for others.
pub(crate) struct Home(Database);

impl Home {
    pub(crate) fn new() -> Self {
        Self(Database::new())
    }

    /// What another process is told of it.
    pub(crate) fn word(&self) -> String {
        self.0.url.clone()
    }
}

/// A node on the ledger that the word is of.
pub(crate) async fn open_at(word: &str, clock: ManualClock) -> Arc<dyn Ledger> {
    Arc::new(open(settings_at(word), Keeping::default(), Arc::new(clock)).await)
}

fn settings_at(url: &str) -> PostgresSettings {
    PostgresSettings { patience: Duration::from_secs(20), ..PostgresSettings::at(url) }
}

pub(crate) async fn open(
    settings: PostgresSettings,
    keeping: Keeping,
    clock: Arc<dyn Clock>,
) -> Postgres {
    Postgres::open(settings, keeping, clock).await.unwrap()
}

/// A number from the environment.
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
