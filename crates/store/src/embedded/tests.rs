//! What cannot be seen from outside: a full queue, a writer that panics, and ids that share their
//! hashes, which outside happens once in a lifetime.

use std::path::PathBuf;
use std::sync::Arc;

use model::Clock;

use super::{Embedded, PLACES, Shared, keys};
use crate::{Health, Keeping, Ledger, StoreError, conformance};

const SEEDS: u64 = 4;
const STEPS: usize = 300;

/// Removed at the end, also of a test that fails.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn directory(name: &str) -> Removed {
    Removed(std::env::temp_dir().join(format!("store-{name}-{}", std::process::id())))
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let dir = directory("busy");
    let clock = Arc::new(model::ManualClock::at(conformance::START));
    let ledger = Embedded::open(&dir.0, Keeping::default(), clock).unwrap();
    let all = u32::try_from(PLACES).unwrap();
    let full = Arc::clone(&ledger.0.places).acquire_many_owned(all).await.unwrap();
    let refused = ledger.add_account(conformance::account("one")).await;
    assert!(matches!(refused, Err(StoreError::Busy)));
    drop(full);
    ledger.add_account(conformance::account("one")).await.unwrap();
}

#[test]
fn a_writer_that_panics_poisons() {
    let shared = Arc::new(Shared::default());
    let watch = super::writer::PanicWatch(Arc::clone(&shared));
    let panicked = std::thread::spawn(move || {
        let _watch = watch;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert!(matches!(shared.health(), Health::Poisoned(_)));
}

#[test]
fn ids_that_share_a_hash_are_told_apart() {
    assert!(keys::hash("any") < 4, "ids share hashes here");
    let dir = directory("hashes");
    let open = async |name: String, keeping: Keeping, clock: Arc<dyn Clock>| {
        let ledger = Embedded::open(&dir.0.join(name), keeping, clock).unwrap();
        Arc::new(ledger) as Arc<dyn Ledger>
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for seed in 1_000..1_000 + SEEDS {
        println!("seed {seed}");
        runtime.block_on(conformance::walk(&open, seed, STEPS));
    }
}
