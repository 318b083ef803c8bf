//! The embedded engine against the suite. `CALLSLIP_SEED` walks one seed again, `CALLSLIP_SEEDS`
//! says how many are walked.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::support::{TestDir, setting};
use model::Clock;
use store::{Embedded, Keeping, Ledger, conformance};

const SEEDS: u64 = 12;
const STEPS: usize = 500;

fn opener(dir: &TestDir) -> impl conformance::Open {
    async |name: String, keeping: Keeping, clock: Arc<dyn Clock>| {
        let ledger = Embedded::open(&dir.path().join(name), keeping, clock).unwrap();
        Arc::new(ledger) as Arc<dyn Ledger>
    }
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future);
}

#[test]
fn the_embedded_engine_passes_every_scenario() {
    let dir = TestDir::new();
    run(conformance::exercise(&opener(&dir)));
}

#[test]
fn the_embedded_engine_walks_with_the_model() {
    let seeds = match setting("CALLSLIP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("CALLSLIP_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let dir = TestDir::new();
        let walk = || run(conformance::walk(&opener(&dir), seed, STEPS));
        if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(walk)) {
            eprintln!("again with CALLSLIP_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
