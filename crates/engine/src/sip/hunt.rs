//! The hunt of a leg through its route: which way is tried now, and whether another one is after it
//! came to nothing. Pure.
//!
//! No way is tried twice but for one more time with the other codec, in a whole hunt; and none is
//! tried after an answer that speaks for the person called.

use std::collections::VecDeque;

use model::Outcome;

use super::leg::Failure;
use super::trunks::Way;
use crate::outcome::Unanswered;

/// A hunt. At every moment there is a way that is tried.
#[derive(Debug)]
pub struct Hunt {
    way: Way,
    left: VecDeque<Way>,
    other_codec: bool,
    is_over: bool,
}

/// A leg that was not answered.
#[derive(Clone, Copy, Debug)]
pub struct Unreached<'a> {
    /// What the far end said.
    pub failure: &'a Failure,
    /// Whether it had rung.
    pub rang: bool,
    /// What it was to be when we cancelled it, if we did; `NetworkError` if nothing came back in the
    /// time for it.
    pub cancelled_as: Option<Outcome>,
}

/// What is to be done after a way came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Dial the next way, which is the hunt's now.
    Next,
    /// Dial the same way again and offer only the codec that was not agreed to: the trunk's second.
    OtherCodec,
    /// Dial no more; what was said last is the end.
    Final,
}

impl Hunt {
    /// A hunt through those ways, in that order; none if there are none.
    pub fn new(ways: Vec<Way>) -> Option<Self> {
        let mut left = VecDeque::from(ways);
        let way = left.pop_front()?;
        Some(Self { way, left, other_codec: false, is_over: false })
    }

    /// The way that is to be tried, or is tried.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// The way came to nothing. What that says of the trunk is for [`Way::failed`].
    pub fn failed(&mut self, unreached: &Unreached<'_>) -> Verdict {
        let Unreached { failure: Failure { release, .. }, rang, cancelled_as } = *unreached;
        let unanswered = Unanswered { release: *release, rang, cancelled_as };
        if self.is_over || !unanswered.may_fail_over(&self.way.trunk().final_codes) {
            return self.end();
        }
        let has_other = self.way.trunk().codecs.len() > 1;
        if release.code == Some(488) && has_other && !self.other_codec {
            self.other_codec = true;
            return Verdict::OtherCodec;
        }
        self.skip()
    }

    /// The way was not tried after all, as when its trunk has become full.
    pub fn skip(&mut self) -> Verdict {
        if self.is_over {
            return Verdict::Final;
        }
        match self.left.pop_front() {
            Some(way) => {
                self.way = way;
                Verdict::Next
            }
            None => self.end(),
        }
    }

    fn end(&mut self) -> Verdict {
        self.is_over = true;
        Verdict::Final
    }
}
