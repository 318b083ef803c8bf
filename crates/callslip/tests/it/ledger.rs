//! Which engine the ledger of a test is in, and where: it outlives whoever opens it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use model::Clock;
use store::{Embedded, Keeping, Ledger, Postgres, PostgresSettings};
use testkit::postgres::{PostgresServer, url_at};

/// Runs tests on both engines: each is a function of the engine.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod embedded {
            $(#[test]
            fn $test() {
                super::$test($crate::ledger::Kind::Embedded);
            })+
        }
        mod shared {
            $(#[test]
            fn $test() {
                super::$test($crate::ledger::Kind::Shared);
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// How long a node of these tests may be silent before it counts as dead: as short as can be set.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);
/// How long a call is leased on a shared ledger in these tests: as short as can be set.
pub(crate) const LEASE_S: u64 = 5;
/// Connections of a node: the tests have many nodes.
const CONNECTIONS: usize = 3;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In a directory, for one process at a time.
    Embedded,
    /// On PostgreSQL, for several.
    Shared,
}

/// Where a ledger is.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a directory of its own.
    Directory(PathBuf),
    /// In a database of its own.
    Database(Database),
}

/// A database on a PostgreSQL server.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    /// None in a process that was only told the URL.
    server: Option<Arc<PostgresServer>>,
}

impl Database {
    /// On the server of all tests of this process, which ends with it.
    pub(crate) fn new() -> Self {
        static SERVER: LazyLock<Arc<PostgresServer>> = LazyLock::new(PostgresServer::shared);
        Self::on(Arc::clone(&SERVER))
    }

    /// On a server of the test's own, which it may stop.
    pub(crate) fn on(server: Arc<PostgresServer>) -> Self {
        let url = server.database();
        Self { url, server: Some(server) }
    }

    /// The same, reached by way of that address.
    pub(crate) fn by_way_of(&self, address: SocketAddr) -> Self {
        let name = self.url.rsplit('/').next().expect("a URL has slashes");
        Self { url: url_at(address, name), server: self.server.clone() }
    }

    /// Where its server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.as_ref().expect("it is this process's").address()
    }
}

impl Place {
    /// A new one; the directory, if it is one, is `dir`.
    pub(crate) fn new(kind: Kind, dir: &Path) -> Self {
        match kind {
            Kind::Embedded => Self::Directory(dir.to_owned()),
            Kind::Shared => Self::Database(Database::new()),
        }
    }

    /// What another process is told of it.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Directory(dir) => dir.to_str().unwrap().to_owned(),
            Self::Database(database) => database.url.clone(),
        }
    }

    /// What a word from another process means.
    pub(crate) fn of_word(word: &str) -> Self {
        if word.starts_with("postgres://") {
            let url = word.to_owned();
            return Self::Database(Database { url, server: None });
        }
        Self::Directory(PathBuf::from(word))
    }

    /// Opens it. On a database, as a node that counts as dead after that much silence.
    pub(crate) async fn open(
        &self,
        keeping: Keeping,
        clock: Arc<dyn Clock>,
        silence_max: Duration,
    ) -> Arc<dyn Ledger> {
        match self {
            Self::Directory(dir) => Arc::new(Embedded::open(dir, keeping, clock).unwrap()),
            Self::Database(database) => {
                let settings = PostgresSettings {
                    connections: CONNECTIONS,
                    // A busy machine is no outage.
                    patience: Duration::from_secs(20),
                    silence_max,
                    ..PostgresSettings::at(&database.url)
                };
                Arc::new(Postgres::open(settings, keeping, clock).await.unwrap())
            }
        }
    }

    /// The variables that a command is told of it with. A directory is told by `--data`.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Directory(_) => Vec::new(),
            Self::Database(database) => vec![
                ("CALLSLIP_DATA__URL", database.url.clone()),
                ("CALLSLIP_DATA__CONNECTIONS", CONNECTIONS.to_string()),
                ("CALLSLIP_DATA__SILENCE_S", SILENCE.as_secs().to_string()),
            ],
        }
    }
}
