//! Where the ledger of a run is: it outlives every life of the process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::Clock;
use store::{Embedded, Keeping, Ledger, Postgres, PostgresSettings};
use tempfile::TempDir;
use testkit::postgres::{Cut, Cutter, PostgresServer, url_at};
use testkit::{Death, MortalLedger, VirtualClock};
use tokio::runtime::{Builder, Runtime};

use crate::house::UPKEEP;
use crate::run::Engine;

/// Reports are looked at when everything is over, however long that takes.
const RETENTION: Duration = Duration::from_secs(20 * 365 * 86_400);
/// How long a node may be silent before others return what it had in flight. One that says only so
/// often that it lives is not missed for much less.
pub(crate) const SILENCE_MAX: Duration = UPKEEP.saturating_mul(3);
/// A verb waits for a busy machine; in virtual time it takes none.
const PATIENCE: Duration = Duration::from_secs(120);
/// Connections of a life: verbs come one after the other, but those of several accounts.
const CONNECTIONS: usize = 3;
/// What commits by itself.
const MARKS: [&str; 4] = ["FROM exchange(", "FROM feed(", "INTO node (node", "UPDATE node"];

/// Where the ledger of a run is.
pub(crate) enum Place {
    Directory(TempDir),
    Database(Database),
}

/// A database of the run's own.
pub(crate) struct Database {
    server: Arc<PostgresServer>,
    url: String,
    /// Real time, on a thread of its own, for what is between the lives and the server.
    real: Runtime,
}

/// The ledger of one life.
pub(crate) struct Opened {
    pub(crate) ledger: MortalLedger,
    /// The only way by which it reaches the database.
    pub(crate) wire: Option<Cutter>,
}

impl Place {
    pub(crate) fn new(engine: Engine) -> Self {
        match engine {
            Engine::Embedded => {
                Self::Directory(tempfile::tempdir().expect("a directory can be made"))
            }
            Engine::Shared => {
                let server = PostgresServer::shared();
                let url = server.database();
                let real = Builder::new_multi_thread().worker_threads(1).enable_all().build();
                let real = real.expect("a runtime of one thread can be made");
                Self::Database(Database { server, url, real })
            }
        }
    }

    /// Opens it for a life, which ends at that step.
    pub(crate) fn open(&self, clock: &Arc<VirtualClock>, death: Option<Death>) -> Opened {
        let keeping = Keeping { retention: RETENTION, ..Keeping::default() };
        // Whoever reads it on another thread is told what it shows.
        clock.now();
        match self {
            Self::Directory(dir) => {
                let ledger = embedded(dir.path(), keeping, Arc::clone(clock));
                Opened { ledger: MortalLedger::new(ledger, Arc::clone(clock), death), wire: None }
            }
            Self::Database(database) => database.open(keeping, clock, death),
        }
    }
}

fn embedded(dir: &Path, keeping: Keeping, clock: Arc<VirtualClock>) -> Arc<dyn Ledger> {
    let embedded = Embedded::open(dir, keeping, clock);
    Arc::new(embedded.expect("the ledger opens after any death"))
}

impl Database {
    /// On a database a verb may be several steps. So it dies where the steps are, on the wire, in
    /// the middle of whatever verb that is.
    fn open(&self, keeping: Keeping, clock: &Arc<VirtualClock>, death: Option<Death>) -> Opened {
        let is_open = Arc::new(AtomicBool::new(false));
        let decide = at(death, Arc::clone(&is_open));
        let database = self.url.rsplit('/').next().expect("a URL has slashes");
        let opening = async {
            let wire = Cutter::fatal(self.server.address(), MARKS.to_vec(), decide).await;
            let wire = wire.expect("a port of the loopback is free");
            let settings = PostgresSettings {
                connections: CONNECTIONS,
                patience: PATIENCE,
                silence_max: SILENCE_MAX,
                ..PostgresSettings::at(url_at(wire.address(), database))
            };
            (Postgres::open(settings, keeping, clock.clone()).await, wire)
        };
        let real = &self.real;
        let (postgres, wire) = std::thread::scope(|scope| {
            // Not on the thread whose clock moves while it waits.
            let opening = scope.spawn(move || real.block_on(opening));
            opening.join().expect("the opening does not panic")
        });
        is_open.store(true, Ordering::SeqCst);
        let postgres = Arc::new(postgres.expect("the ledger opens after any death"));
        let ledger = MortalLedger::new(postgres, Arc::clone(clock), None).behind(wire.death());
        Opened { ledger, wire: Some(wire) }
    }
}

/// Where the wire is cut: at that step, from the opening on.
fn at(death: Option<Death>, is_open: Arc<AtomicBool>) -> impl FnMut() -> Cut + Send + 'static {
    let mut steps = 0;
    move || {
        steps += u64::from(is_open.load(Ordering::SeqCst));
        match death {
            Some(Death::Before(step)) if step == steps => Cut::Before,
            Some(Death::After(step)) if step == steps => Cut::After,
            Some(_) | None => Cut::None,
        }
    }
}
