//! Time to wait by: a clock, and how much faster than life it runs. Whatever waits in the engine
//! waits here, so that it can run in virtual time.

use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Timestamp};

/// The longest sleep before the clock is read again: it may have been set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// A clock that can be waited for. Clones share the clock.
#[derive(Clone)]
pub struct Time {
    clock: Arc<dyn Clock>,
    speed: u32,
}

impl Time {
    /// The time of a clock that runs `speed` times faster than life; 0 counts as 1.
    pub fn new(clock: Arc<dyn Clock>, speed: u32) -> Self {
        Self { clock, speed: speed.max(1) }
    }

    /// The instant it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the clock shows that instant; not at all if it already does. Cancel-safe.
    pub async fn until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep((left / self.speed).min(SLEEP_MAX)).await;
        }
    }

    /// The same, and for ever if there is no such instant. Cancel-safe.
    pub async fn until_any(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.until(at).await,
            None => std::future::pending().await,
        }
    }
}
