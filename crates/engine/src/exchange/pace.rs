//! A pace: how many calls may begin in any one second, and which have. Pure.
//!
//! A call comes to it in three steps: it is *handed out* by the scheduler, it *may begin*, and it
//! *has been dialled*. Only dialled calls have an instant; the others count until they have one, so
//! that whatever lies between the steps, no second ever has more dialled calls than it may.

use std::collections::VecDeque;
use std::time::Duration;

use model::Timestamp;

/// What a pace counts over.
const WINDOW: Duration = Duration::from_secs(1);

/// How many calls may begin in any one second, and which have.
#[derive(Debug, Default)]
pub struct Pace {
    per_second: u32,
    /// Handed out, and about to begin.
    ahead: usize,
    /// May begin, and are about to be dialled.
    beginning: usize,
    /// When calls were dialled, oldest first; those of the last second.
    dialled: VecDeque<Timestamp>,
}

impl Pace {
    /// No more than that many a second from now on.
    pub fn limit(&mut self, per_second: u32) {
        self.per_second = per_second;
    }

    /// How many more calls can be handed out now, to begin at once.
    pub fn room(&mut self, now: Timestamp) -> u64 {
        let taken = self.in_window(now) + self.beginning + self.ahead;
        u64::from(self.per_second).saturating_sub(taken as u64)
    }

    /// A call was handed out, or is about to begin again.
    pub fn hand_out(&mut self) {
        self.ahead += 1;
    }

    /// A call that was handed out is not about to begin.
    pub fn take_back(&mut self) {
        self.ahead -= 1;
    }

    /// Whether a call that was handed out may begin now.
    pub fn may_begin(&mut self, now: Timestamp) -> bool {
        self.in_window(now) + self.beginning < self.per_second as usize
    }

    /// A call that was handed out begins.
    pub fn begin(&mut self) {
        self.ahead -= 1;
        self.beginning += 1;
    }

    /// A call that had begun is dialled.
    pub fn dial(&mut self, now: Timestamp) {
        self.beginning -= 1;
        self.dialled.push_back(now);
    }

    /// A call that had begun is not dialled after all.
    pub fn give_up(&mut self) {
        self.beginning -= 1;
    }

    /// When there may be more room than there is now.
    pub fn next_room(&mut self, now: Timestamp) -> Timestamp {
        self.in_window(now);
        self.dialled.front().copied().unwrap_or(now).plus(WINDOW)
    }

    /// How many were dialled within the last second.
    pub fn dialled_lately(&mut self, now: Timestamp) -> u64 {
        self.in_window(now) as u64
    }

    fn in_window(&mut self, now: Timestamp) -> usize {
        while self.dialled.front().is_some_and(|at| at.plus(WINDOW) <= now) {
            self.dialled.pop_front();
        }
        self.dialled.len()
    }
}
