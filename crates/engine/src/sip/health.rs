//! The health of a destination: whether it answers, and whether it wants to be left alone. Pure.
//!
//! Whatever it answers says that it lives, but for a 503 to OPTIONS; that it does not answer says
//! nothing until it has happened a few times in a row. One answer brings it back.

use std::time::Duration;

use model::Timestamp;

use super::route::Fitness;

/// Unanswered requests in a row after which a destination is down.
const MISSES: u8 = 3;
/// How long a destination that is not pinged is down: then a call may try it again. One more miss
/// takes it down again.
const DOWN_UNPINGED: Duration = Duration::from_secs(30);
/// A destination rests no longer than that, whatever its Retry-After says.
const REST_MAX: Duration = Duration::from_secs(600);

/// How soon what has not answered once is pinged again.
const DOUBT: Duration = Duration::from_secs(5);

/// How a destination fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    misses: u8,
    down_since: Option<Timestamp>,
    rests_until: Option<Timestamp>,
}

/// What has become of it, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It answers again.
    Up,
    /// It does not answer any more.
    Down,
}

impl Health {
    /// It has answered a ping with that code, or not at all.
    pub fn pinged(&mut self, code: Option<u16>, now: Timestamp) -> Option<Change> {
        match code {
            None | Some(503) => self.missed(now),
            Some(_) => self.heard(),
        }
    }

    /// Something came from it, whatever it was.
    pub fn heard(&mut self) -> Option<Change> {
        self.misses = 0;
        self.down_since.take().map(|_| Change::Up)
    }

    /// A request came to nothing: no answer in time, no connection, no such name.
    pub fn missed(&mut self, now: Timestamp) -> Option<Change> {
        self.misses = self.misses.saturating_add(1).min(MISSES);
        if self.misses < MISSES {
            return None;
        }
        let was_down = self.down_since.replace(now).is_some();
        (!was_down).then_some(Change::Down)
    }

    /// It wants to be left alone for that long (RFC 3261 §20.33).
    pub fn rest(&mut self, span: Duration, now: Timestamp) {
        let until = now.plus(span.min(REST_MAX));
        self.rests_until = self.rests_until.max(Some(until));
    }

    /// How likely it is to take a call now. `is_pinged`: whether anybody but a call will find out
    /// that it is back.
    pub fn fitness(&self, is_pinged: bool, now: Timestamp) -> Fitness {
        if self.rests_until(now).is_some() {
            return Fitness::Resting;
        }
        match self.down_since {
            Some(since) if is_pinged || now.since(since) < DOWN_UNPINGED => Fitness::Down,
            Some(_) | None => Fitness::Up,
        }
    }

    /// Until when it is to be left alone, if it is.
    pub fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.rests_until.filter(|until| *until > now)
    }

    /// How long after a ping the next one is due, if they come that often. A doubt is settled soon.
    pub fn ping_after(&self, every: Duration) -> Duration {
        if (1..MISSES).contains(&self.misses) { every.min(DOUBT) } else { every }
    }
}
