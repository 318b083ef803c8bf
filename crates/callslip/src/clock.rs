//! The clocks: the machine's, and one that runs faster. The only place that reads the machine's.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use model::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where model::Clock gets the time")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that was right when it was started, and runs so many times faster since: what it tells
/// lies more and more in the future.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    started: Timestamp,
    by_machine: Instant,
    speed: u32,
}

impl FastClock {
    /// A clock that starts now; at speed 1 it is as fast as life.
    pub fn start(speed: u32) -> Self {
        Self { started: SystemClock.now(), by_machine: Instant::now(), speed }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.started.plus(self.by_machine.elapsed() * self.speed)
    }
}

/// How fast everything in a server goes.
#[derive(Clone)]
pub struct Pace {
    /// The clock that everything in it reads.
    pub clock: Arc<dyn Clock>,
    /// How many times faster than life the clock runs.
    pub speed: u32,
}

impl Pace {
    /// As fast as life.
    pub fn of_life() -> Self {
        Self { clock: Arc::new(SystemClock), speed: 1 }
    }

    /// So many times faster than life.
    pub fn times(speed: u32) -> Self {
        Self { clock: Arc::new(FastClock::start(speed)), speed }
    }
}
