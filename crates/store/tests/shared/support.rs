//! Databases for tests, and ledgers on them.

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, ManualClock};
use store::{Keeping, Postgres, PostgresSettings, conformance};
use testkit::postgres::PostgresServer;

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
        PostgresSettings { patience: Duration::from_secs(20), ..PostgresSettings::at(&self.url) }
    }

    /// A node, at a time that stands still.
    pub(crate) async fn node(&self) -> Postgres {
        self.node_at(&ManualClock::at(conformance::START)).await
    }

    pub(crate) async fn node_at(&self, clock: &ManualClock) -> Postgres {
        open(self.settings(), Keeping::default(), Arc::new(clock.clone())).await
    }
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
