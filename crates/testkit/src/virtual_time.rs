//! The virtual time of a runtime whose clock is paused.

use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use model::{Clock, Timestamp};
use tokio::time::Instant;

/// A clock that moves with the paused clock of a runtime of one thread, the one that it was made
/// on. Other threads see the instant at which it was last read there.
pub struct VirtualClock {
    home: ThreadId,
    epoch: Instant,
    start: Timestamp,
    last: AtomicI64,
}

impl VirtualClock {
    /// A clock that shows `start` now.
    pub fn at(start: Timestamp) -> Self {
        let last = AtomicI64::new(start.as_millis());
        Self { home: thread::current().id(), epoch: Instant::now(), start, last }
    }

    /// How long it has run.
    pub fn elapsed(&self) -> Duration {
        self.now().since(self.start)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        if thread::current().id() == self.home {
            let now = self.start.plus(self.epoch.elapsed());
            self.last.store(now.as_millis(), Ordering::SeqCst);
        }
        Timestamp::from_millis(self.last.load(Ordering::SeqCst))
    }
}
