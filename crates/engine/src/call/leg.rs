//! One leg, from its INVITE to its release.
//!
//! ```text
//!           trying          ringing         answered
//! Dialled ─────────> Trying ───────> Ringing ───────> Up ──────────────┐ ended
//!    └────────┬─────────┴───────────────┘             │ hang up        v
//!             │ too long, or let go                   └─> HangingUp ─> Ended
//!             v               answered all the same             ^
//!        Cancelling ────────────────────────────────────────────┤
//!             └──────> NotReached ──────────────────────────────┘
//! ```
//! It fails from any state on the left. Nothing else moves it: what comes twice, too late or out
//! of turn is ignored.

use std::collections::VecDeque;
use std::time::Duration;

use model::{Outcome, Timestamp};

use super::Action;
use super::timers::{BYE_WAIT, CANCEL_WAIT, NO_PROVISIONAL, RING_MAX};
use crate::carrier::{Leg, Order, Progress};
use crate::outcome::Unanswered;
use model::cdr::LegRecord;
use model::cdr::Release;

/// A leg that was dialled.
#[derive(Debug)]
pub(super) struct LegCall {
    leg: Leg,
    ring_timeout: Duration,
    state: State,
    pub(super) record: LegRecord,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The INVITE is out, and nothing has come back.
    Dialled { until: Timestamp },
    /// The network works on it.
    Trying { until: Timestamp },
    /// It rings.
    Ringing { until: Timestamp },
    /// Answered.
    Up,
    /// We no longer want it; an answer may already be on its way.
    Cancelling { until: Timestamp, outcome: Outcome },
    /// Released by us, not yet confirmed.
    HangingUp { until: Timestamp },
    /// Over without an answer.
    NotReached,
    /// Over after an answer.
    Ended,
}

/// What has become of a leg, as far as the call must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It rings.
    Ringing { early_media: bool },
    /// It was answered.
    Up,
    /// It is over.
    Down,
}

impl LegCall {
    pub(super) fn dialled(leg: Leg, ring_timeout: Duration, now: Timestamp) -> Self {
        Self {
            leg,
            ring_timeout: ring_timeout.min(RING_MAX),
            state: State::Dialled { until: now.plus(NO_PROVISIONAL) },
            record: LegRecord::dialled(now),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.state, State::NotReached | State::Ended)
    }

    /// When it must be told the time.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Dialled { until }
            | State::Trying { until }
            | State::Ringing { until }
            | State::Cancelling { until, .. }
            | State::HangingUp { until } => Some(until),
            State::Up | State::NotReached | State::Ended => None,
        }
    }

    /// Takes in what the far end did.
    pub(super) fn hear(
        &mut self,
        progress: Progress,
        now: Timestamp,
        actions: &mut VecDeque<Action>,
    ) -> Option<News> {
        match progress {
            Progress::Redialled => self.redialled(now),
            Progress::Trying => self.trying(now),
            Progress::Ringing { early_media } => self.ringing(early_media, now),
            Progress::Answered => self.answered(now, actions),
            Progress::Failed(release) | Progress::Ended(release) => self.released(release, now),
        }
    }

    /// Takes in that its deadline has passed.
    pub(super) fn expire(
        &mut self,
        now: Timestamp,
        actions: &mut VecDeque<Action>,
    ) -> Option<News> {
        match self.state {
            State::Dialled { .. } => self.cancel(Outcome::NetworkError, now, actions),
            State::Trying { .. } | State::Ringing { .. } => {
                self.cancel(Outcome::NoAnswer, now, actions);
            }
            State::Cancelling { outcome, .. } => return self.not_reached(outcome, now),
            // The confirmation was lost. The leg ended when we said so.
            State::HangingUp { .. } => return self.ended(),
            State::Up | State::NotReached | State::Ended => {}
        }
        None
    }

    /// Lets go of it, however far it has come; `outcome` is what it ends as if nobody answered.
    pub(super) fn let_go(
        &mut self,
        outcome: Outcome,
        now: Timestamp,
        actions: &mut VecDeque<Action>,
    ) {
        match self.state {
            State::Dialled { .. } | State::Trying { .. } | State::Ringing { .. } => {
                self.cancel(outcome, now, actions);
            }
            State::Up => self.hang_up(now, actions),
            State::Cancelling { .. }
            | State::HangingUp { .. }
            | State::NotReached
            | State::Ended => {}
        }
    }

    /// Whatever the trunk before has told is void.
    fn redialled(&mut self, now: Timestamp) -> Option<News> {
        if let State::Dialled { .. } | State::Trying { .. } | State::Ringing { .. } = self.state {
            self.record.ringing = None;
            self.state = State::Dialled { until: now.plus(NO_PROVISIONAL) };
        }
        None
    }

    fn trying(&mut self, now: Timestamp) -> Option<News> {
        if let State::Dialled { .. } = self.state {
            self.state = State::Trying { until: now.plus(self.ring_timeout) };
        }
        None
    }

    fn ringing(&mut self, early_media: bool, now: Timestamp) -> Option<News> {
        match self.state {
            State::Dialled { .. } | State::Trying { .. } => {
                self.record.ringing = Some(now);
                self.state = State::Ringing { until: now.plus(self.ring_timeout) };
            }
            // Told again, perhaps with early media by now; it does not ring any longer for that.
            State::Ringing { .. } => {}
            State::Up
            | State::Cancelling { .. }
            | State::HangingUp { .. }
            | State::NotReached
            | State::Ended => return None,
        }
        Some(News::Ringing { early_media })
    }

    fn answered(&mut self, now: Timestamp, actions: &mut VecDeque<Action>) -> Option<News> {
        match self.state {
            State::Dialled { .. } | State::Trying { .. } | State::Ringing { .. } => {
                self.state = State::Up;
                self.record.answered = Some(now);
                self.record.outcome = Outcome::Answered;
                self.record.release.code = Some(200);
                Some(News::Up)
            }
            // The 200 crossed our CANCEL (RFC 3261 §15): it must be acknowledged and released, and
            // nobody has been answered.
            State::Cancelling { outcome, .. } => {
                self.record.outcome = outcome;
                self.record.release.code = Some(200);
                self.hang_up(now, actions);
                None
            }
            // Another fork answers after all (RFC 3261 §13.2.2.4), or it comes after our patience.
            State::NotReached => {
                self.hang_up(now, actions);
                None
            }
            State::Up | State::HangingUp { .. } | State::Ended => None,
        }
    }

    fn released(&mut self, release: Release, now: Timestamp) -> Option<News> {
        let cancelled_as = match self.state {
            State::Dialled { .. } | State::Trying { .. } | State::Ringing { .. } => None,
            State::Cancelling { outcome, .. } => Some(outcome),
            State::Up => {
                self.record.release.cause = release.cause;
                self.record.ended = Some(now);
                return self.ended();
            }
            State::HangingUp { .. } => return self.ended(),
            State::NotReached | State::Ended => return None,
        };
        self.record.release = release;
        let unanswered = Unanswered { release, rang: self.record.ringing.is_some(), cancelled_as };
        self.not_reached(unanswered.outcome(), now)
    }

    fn cancel(&mut self, outcome: Outcome, now: Timestamp, actions: &mut VecDeque<Action>) {
        actions.push_back(Action::Order(Order::Cancel(self.leg)));
        self.state = State::Cancelling { until: now.plus(CANCEL_WAIT), outcome };
    }

    /// It ends when we say so; the confirmation only ends our wait for it.
    fn hang_up(&mut self, now: Timestamp, actions: &mut VecDeque<Action>) {
        actions.push_back(Action::Order(Order::HangUp(self.leg)));
        self.record.ended = Some(now);
        self.state = State::HangingUp { until: now.plus(BYE_WAIT) };
    }

    fn not_reached(&mut self, outcome: Outcome, now: Timestamp) -> Option<News> {
        self.record.outcome = outcome;
        self.record.ended = Some(now);
        self.state = State::NotReached;
        Some(News::Down)
    }

    fn ended(&mut self) -> Option<News> {
        self.state = State::Ended;
        Some(News::Down)
    }
}
