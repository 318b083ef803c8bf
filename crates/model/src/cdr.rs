//! The call detail record: what is left of an attempt when it is over, raw; and what it was charged
//! by. Outcome, price and report are made from it. Internal: the customer sees a report.

use std::time::Duration;

use crate::ladder::Ladder;
use crate::{Amount, Outcome, Timestamp};

/// One attempt at a message, over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cdr {
    /// Which attempt it was, from 1.
    pub attempt: u8,
    /// The outcome of the message: that of leg A, whatever became of B.
    pub outcome: Outcome,
    /// What ended it.
    pub ending: Ending,
    /// The first leg.
    pub leg_a: LegRecord,
    /// The second one, if it was dialled.
    pub leg_b: Option<LegRecord>,
    /// What A pressed, in order, before A and B were joined; later keys are between those two.
    pub keys: Vec<char>,
    /// Who answered, if somebody listened and could tell.
    pub detection: Option<Detection>,
    /// The length of the prompt, played to the end or not.
    pub prompt: Option<Duration>,
    /// What the two legs and we said to each other.
    pub ladder: Ladder,
}

/// One of the two parties of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// Called first.
    A,
    /// Called once A has answered.
    B,
}

/// One leg, over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegRecord {
    /// When it was dialled.
    pub invite: Timestamp,
    /// When it began to ring.
    pub ringing: Option<Timestamp>,
    /// When it was answered. An answer that crossed our cancel is none.
    pub answered: Option<Timestamp>,
    /// When it was over: given up, released by us, or by the far end.
    pub ended: Option<Timestamp>,
    /// The final SIP code of its INVITE, and the Q.850 cause of its end.
    pub release: Release,
    /// How it ended.
    pub outcome: Outcome,
    /// The trunk that it went through last.
    pub trunk: Option<String>,
    /// How its media came through.
    pub quality: Option<Quality>,
}

/// How the media of a leg came through (RFC 3550).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// RTP packets that we sent.
    pub sent: u64,
    /// RTP packets that came.
    pub received: u64,
    /// RTP packets that should have come and did not.
    pub lost: u64,
    /// Interarrival jitter of what came, at the end.
    pub jitter: Duration,
    /// The same of what we sent, as the far end told it last by RTCP.
    pub far_end: Option<FarEnd>,
}

/// How what we sent came through at the far end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FarEnd {
    /// Packets that did not come.
    pub lost: u64,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// From us to the far end and back.
    pub round_trip: Option<Duration>,
}

/// What ended a call, and whose doing it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// A was not reached.
    NotReached,
    /// A machine answered, and the message is not for machines.
    Machine,
    /// Everything that was to be done with A has been done.
    Completed,
    /// B was not reached.
    BNotReached,
    /// A hung up.
    ByA,
    /// B hung up.
    ByB,
    /// A and B have talked for as long as they may.
    MaxDuration,
    /// The call has lasted as long as it may.
    CallTimeout,
    /// Neither party sent media any more.
    Silence,
    /// The account cancelled it.
    Cancelled,
    /// The server stopped.
    Drained,
    /// The server died.
    LeftBehind,
}

/// Why the far end let go of a leg, as far as it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Final SIP code.
    pub code: Option<u16>,
    /// Q.850 cause (RFC 3326 `Reason`).
    pub cause: Option<u8>,
}

/// Who answered, how that was told, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Who answered.
    pub verdict: Verdict,
    /// What told it.
    pub clue: Clue,
    /// How long after the answer it was told.
    pub after: Duration,
}

/// What tells a person from an answering machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue {
    /// Nobody said anything.
    InitialSilence,
    /// It spoke for too long for a person.
    LongGreeting,
    /// It said too many words for a person.
    ManyWords,
    /// One word was too long for a person.
    LongWord,
    /// Something short was said, and then silence: somebody waits for an answer.
    ShortGreeting,
    /// Nothing of this within the time for it.
    TimeOut,
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A person.
    Human,
    /// An answering machine.
    Machine,
}

/// What a call was charged, and by which lines of which deck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The deck; none if the account has none.
    pub deck: Option<String>,
    /// What the call cost in all.
    pub total: Amount,
    /// Seconds paid for, of all charged legs together.
    pub billed_seconds: u64,
    /// The line that priced leg A, as [`RateLine`] tells it; none if the deck has none for it.
    pub line_a: Option<RateLine>,
    /// The same for leg B; none too if it is not charged.
    pub line_b: Option<RateLine>,
}

/// A deck line as it was when it priced a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLine {
    /// Its line in the deck's file.
    pub line: u64,
    /// Its prefix, price, increments and period, for people.
    pub text: String,
}

impl Cdr {
    /// When the outcome was known.
    pub fn done_at(&self) -> Timestamp {
        let legs = [Some(&self.leg_a), self.leg_b.as_ref()];
        let ends = legs.into_iter().flatten().filter_map(|leg| leg.ended);
        ends.max().unwrap_or(self.leg_a.invite)
    }

    /// How long A was connected, in whole seconds; what a report calls the duration.
    pub fn connected_seconds(&self) -> u32 {
        u32::try_from(self.leg_a.connected().as_secs()).unwrap_or(u32::MAX)
    }

    /// How long A and B were joined.
    pub fn bridged(&self) -> Duration {
        let b = self.leg_b.as_ref().map(LegRecord::connected).unwrap_or_default();
        b.min(self.leg_a.connected())
    }
}

impl Ending {
    /// What a call that nobody has answered is, if it was ordered to end.
    pub fn outcome_unanswered(self) -> Option<Outcome> {
        match self {
            Self::Cancelled => Some(Outcome::Cancelled),
            Self::Drained | Self::LeftBehind => Some(Outcome::Internal),
            Self::NotReached
            | Self::Machine
            | Self::Completed
            | Self::BNotReached
            | Self::ByA
            | Self::ByB
            | Self::MaxDuration
            | Self::CallTimeout
            | Self::Silence => None,
        }
    }
}

impl LegRecord {
    /// A leg that is dialled now.
    pub fn dialled(now: Timestamp) -> Self {
        Self {
            invite: now,
            ringing: None,
            answered: None,
            ended: None,
            release: Release::default(),
            outcome: Outcome::Internal,
            trunk: None,
            quality: None,
        }
    }

    /// From the answer to the end; zero if there was no answer.
    pub fn connected(&self) -> Duration {
        match (self.answered, self.ended) {
            (Some(answered), Some(ended)) => ended.since(answered),
            (None, _) | (_, None) => Duration::ZERO,
        }
    }
}
