//! Directories for tests, and ledgers in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use model::{AccountId, ManualClock};
use store::{Embedded, Keeping, Ledger, conformance};

/// A directory of its own, removed at the end.
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Nodes at once on one ledger.
pub(crate) const NODES: usize = 1;
/// Reports that many share at once.
pub(crate) const REPORTS: u64 = 1_000_000;

/// Children that are killed, one after the other.
pub(crate) const ROUNDS: u64 = 8;

/// Where a ledger is, for this process and for others.
pub(crate) struct Home(TestDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TestDir::new())
    }

    /// What another process is told of it.
    pub(crate) fn word(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }
}

/// The ledger that the word is of.
pub(crate) async fn open_at(word: &str, clock: ManualClock) -> Arc<dyn Ledger> {
    Arc::new(Embedded::open(Path::new(word), Keeping::default(), Arc::new(clock)).unwrap())
}

/// A number from the environment.
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The ledger in the directory, at a time that stands still.
pub(crate) fn open(dir: &Path) -> Embedded {
    try_open(dir).unwrap()
}

pub(crate) fn try_open(dir: &Path) -> store::Result<Embedded> {
    Embedded::open(dir, Keeping::default(), Arc::new(ManualClock::at(conformance::START)))
}

/// The account that the tests use; added if it is not there.
pub(crate) async fn account(ledger: &Embedded) -> AccountId {
    match ledger.accounts().await.unwrap().first() {
        Some(account) => account.id,
        None => ledger.add_account(conformance::account("test")).await.unwrap().id,
    }
}
