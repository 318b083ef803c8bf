//! The shared engine against the suite. `CALLSLIP_SEED` walks one seed again, `CALLSLIP_SEEDS` says
//! how many are walked.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::support::{Database, open, setting};
use model::Clock;
use store::{Keeping, Ledger, PostgresSettings, conformance};

const SEEDS: u64 = 4;
const STEPS: usize = 400;

/// Each ledger has a schema of its own.
fn opener(database: &Database) -> impl conformance::Open {
    async |name: String, keeping: Keeping, clock: Arc<dyn Clock>| {
        let schema = format!("ledger_{}", name.replace(' ', "_"));
        let settings = PostgresSettings { schema, connections: 3, ..database.settings() };
        Arc::new(open(settings, keeping, clock).await) as Arc<dyn Ledger>
    }
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future);
}

#[test]
fn the_shared_engine_passes_every_scenario() {
    let database = Database::new();
    run(conformance::exercise(&opener(&database)));
}

#[test]
fn the_shared_engine_walks_with_the_model() {
    let seeds = match setting("CALLSLIP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("CALLSLIP_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let database = Database::new();
        let walk = || run(conformance::walk(&opener(&database), seed, STEPS));
        if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(walk)) {
            eprintln!("again with CALLSLIP_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
