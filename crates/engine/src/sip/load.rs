//! The load of a trunk: the legs that go through it now, and those of the last second. Pure.

use model::Timestamp;

use crate::exchange::Caps;
use crate::exchange::pace::Pace;

/// What goes through a trunk.
#[derive(Debug, Default)]
pub struct Load {
    legs: u32,
    pace: Pace,
    concurrent_max: u32,
}

/// There is no room on a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// When its pace may allow another leg; none if it waits for one to end.
    pub again: Option<Timestamp>,
}

impl Full {
    /// When there may be room on either of two trunks.
    pub(super) fn or(self, other: Self) -> Self {
        Self { again: [self.again, other.again].into_iter().flatten().min() }
    }
}

impl Load {
    /// No more than that from now on; what is under way goes on.
    pub fn limit(&mut self, caps: Caps) {
        self.concurrent_max = caps.concurrent_calls;
        self.pace.limit(caps.calls_per_second);
    }

    /// Whether there is room for one more leg.
    ///
    /// # Errors
    /// There is none.
    pub fn room(&mut self, now: Timestamp) -> Result<(), Full> {
        if self.legs >= self.concurrent_max {
            return Err(Full { again: None });
        }
        match self.pace.room(now) {
            0 => Err(Full { again: Some(self.pace.next_room(now)) }),
            _ => Ok(()),
        }
    }

    /// A leg is dialled, if there is room.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Full> {
        self.room(now)?;
        self.legs += 1;
        self.pace.hand_out();
        self.pace.begin();
        self.pace.dial(now);
        Ok(())
    }

    /// A leg is over.
    pub fn give_back(&mut self) {
        self.legs -= 1;
    }

    /// The legs that go through it now.
    pub fn legs(&self) -> u32 {
        self.legs
    }

    /// Those that were dialled within the last second.
    pub fn last_second(&mut self, now: Timestamp) -> u64 {
        self.pace.dialled_lately(now)
    }
}
