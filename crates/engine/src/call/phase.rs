//! Where a call is: its phases, and the steps of the one in which A is connected.

use std::time::Duration;

use model::Timestamp;

use model::cdr::Ending;

#[derive(Debug)]
pub(super) enum Phase {
    /// A was dialled and has not answered.
    Reaching,
    /// A is on the line, until `limit` at most.
    Connected { limit: Timestamp, step: Step },
    /// Every leg has been let go of, and not all are down.
    Ending(Ending),
    /// The record has been handed out.
    Over,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Listening for who answered.
    Detecting { until: Timestamp },
    /// A has answered, and the message begins later.
    Pause { until: Timestamp },
    /// A hears the prompt.
    Prompt { round: Round, until: Timestamp },
    /// A is expected to press keys.
    Keys { round: Round, until: Timestamp },
    /// B was dialled and has not answered.
    ReachingB { hears: Hears, talk: Talk },
    /// A and B talk.
    Bridged { beep_at: Option<Timestamp>, until: Timestamp },
}

/// One playing of the prompt and the keys after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// How often it may still be repeated.
    pub(super) repeats_left: u16,
    /// How many keys had been pressed before.
    pub(super) keys_before: usize,
}

/// How long A and B may talk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    pub(super) longest: Option<Duration>,
    pub(super) warning: Option<Duration>,
}

/// What A hears while B is called, each better than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hears {
    Nothing,
    Ringback,
    EarlyMedia,
}

impl Step {
    /// None if only the leg's own timers run.
    pub(super) fn deadline(self) -> Option<Timestamp> {
        match self {
            Self::Detecting { until }
            | Self::Pause { until }
            | Self::Prompt { until, .. }
            | Self::Keys { until, .. } => Some(until),
            Self::ReachingB { .. } => None,
            Self::Bridged { beep_at, until } => Some(beep_at.unwrap_or(until).min(until)),
        }
    }
}
