//! The office: what every desk of this node shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use model::Clock;

use super::bulletin::Bulletin;
use super::line::{Lent, Pool};
use super::node::Presence;
use super::takes::Fates;
use super::trouble::{Done, Trouble};
use crate::{Keeping, Result, StoreError};

/// What every desk of this node shares.
pub(super) struct Office {
    pub(super) pool: Arc<Pool>,
    pub(super) keeping: Keeping,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bulletin: Bulletin,
    pub(super) fates: Arc<Fates>,
    /// Which node this is.
    pub(super) node: i64,
    pub(super) presence: Presence,
    pub(super) patience: Duration,
    pub(super) silence_max: Duration,
    /// The last operation of this node; each has a larger number than those before it.
    operation: AtomicI64,
    pub(super) commits: AtomicU64,
    pub(super) commands: AtomicU64,
    /// The day on which old days were dropped from what was spent.
    pub(super) spent_dropped_on: AtomicI64,
}

/// What an office is made with.
pub(super) struct Furniture {
    pub(super) pool: Arc<Pool>,
    pub(super) keeping: Keeping,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) fates: Arc<Fates>,
    pub(super) node: i64,
    pub(super) patience: Duration,
    pub(super) silence_max: Duration,
}

impl Office {
    pub(super) fn new(with: Furniture) -> Self {
        let Furniture { pool, keeping, clock, fates, node, patience, silence_max } = with;
        Self {
            presence: Presence::new(clock.now()),
            pool,
            keeping,
            clock,
            bulletin: Bulletin::default(),
            fates,
            node,
            patience,
            silence_max,
            operation: AtomicI64::new(0),
            commits: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            spent_dropped_on: AtomicI64::new(i64::MIN),
        }
    }

    /// The number of the next operation.
    pub(super) fn next_operation(&self) -> i64 {
        self.operation.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Looks, and looks again over another line if one breaks; not for longer than the patience.
    pub(super) async fn look<T, F: Future<Output = Done<T>>>(
        &self,
        look: impl Fn(Lent) -> F,
    ) -> Result<T> {
        let looking = async {
            loop {
                match look(self.pool.lend().await).await {
                    Ok(seen) => return Ok(seen),
                    Err(Trouble::Refused(error)) => return Err(error),
                    Err(Trouble::Lost(reason)) => tracing::debug!(reason, "A look was cut short."),
                }
                // A server that is starting refuses at once.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(self.patience, looking).await {
            Ok(seen) => seen,
            Err(_) => Err(self.unavailable()),
        }
    }

    pub(super) fn unavailable(&self) -> StoreError {
        StoreError::Unavailable(self.pool.excuse())
    }
}
