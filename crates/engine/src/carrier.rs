//! The seam to the far end: what a call asks of a carrier, and what a carrier tells the call.
//!
//! A carrier decides nothing. It does not know what a call is for, keeps none of the call's timers
//! and reports what it saw, also when that crosses an order; `call` makes sense of it.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
pub use model::cdr::Leg;
use model::cdr::{Detection, Quality, Release};
use model::ladder::Ladder;
use model::{Number, Timestamp};

/// Places calls: the sandbox, or SIP trunks.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// A line for one attempt at a message. Nothing happens on it before its first order.
    fn line(&self, message_id: &str, attempt: u8) -> Box<dyn Line>;

    /// Hangs up a leg that a process which died had left up. Takes a bounded time; whether the far
    /// end has heard it makes no difference to the call.
    async fn hang_up_left_behind(&self, dialog: &[u8]) {
        let _ = dialog;
    }
}

/// What one attempt has of a carrier: up to two legs, and the media between them.
///
/// Dropping a line gives up what is left on it: a leg that is answered after that is for the
/// carrier to hang up.
pub trait Line: Send {
    /// Takes an order. Never waits; what comes of it is told by `poll`.
    ///
    /// An order that has been overtaken, such as hanging up a leg that is already gone, is no
    /// error and is told nothing about.
    fn order(&mut self, order: Order, now: Timestamp);

    /// What the far end has done by now, oldest first. A carrier that works in its own tasks wakes
    /// `cx` when there is more; one that only waits for the clock says when in `deadline`.
    fn poll(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Signal>;

    /// When to poll again although nothing woke us.
    fn deadline(&self) -> Option<Timestamp>;

    /// What it takes to hang the leg up without this process, once it has answered; none if it is
    /// gone with the process.
    fn dialog(&self, leg: Leg) -> Option<Vec<u8>> {
        let _ = leg;
        None
    }

    /// What was recorded and not yet handed out: samples of both sides in turn, A's first.
    fn recorded(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// What is to be kept of the call beside its signals, once it is over. The last of what was
    /// recorded is then there as well. Comes at once, or as soon as the carrier's own threads run.
    fn poll_remains(&mut self, cx: &mut Context<'_>) -> Poll<Remains> {
        let _ = cx;
        Poll::Ready(Remains::default())
    }
}

/// What a line knows of a call beside what it has told.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// What it knows of leg A.
    pub a: LegRemains,
    /// What it knows of leg B.
    pub b: LegRemains,
    /// The messages of both.
    pub ladder: Ladder,
}

/// What a line knows of a leg.
#[derive(Clone, Debug, Default)]
pub struct LegRemains {
    /// The trunk that it went through last.
    pub trunk: Option<String>,
    /// How its media came through.
    pub quality: Option<Quality>,
}

/// What a call asks of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Call a number.
    Dial {
        /// As which leg.
        leg: Leg,
        /// Shown to the person called.
        from: String,
        /// Who is called.
        to: Number,
    },
    /// Stop calling. The far end may answer all the same, and that is told as an answer.
    Cancel(Leg),
    /// Release a leg that has answered. Told as `Ended` once the far end has confirmed.
    HangUp(Leg),
    /// Listen to A for who answered, and tell it.
    Detect,
    /// Play to A, from the start. Nothing else is being played by then.
    Play(Audio),
    /// Play no more. That it is finished is not told after this.
    StopPlaying,
    /// Let A hear that B rings.
    Ringback,
    /// Let A hear what B's network says before B answers.
    EarlyMedia,
    /// Join A and B.
    Bridge,
    /// Record what they say from now on.
    Record,
    /// Let both hear that the end is near.
    Beep,
}

/// What a line tells. Keys need no order: those of A are told whenever they are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A leg has come further.
    Leg(Leg, Progress),
    /// A pressed a key: 0-9, `*`, `#`, A-D.
    Key(char),
    /// What was to be played has been, to the end.
    PromptFinished,
    /// Who answered.
    Detected(Detection),
    /// There is something recorded to be kept.
    Recorded,
    /// Nobody has sent any media for long; the far end has probably gone.
    Silence,
}

/// How far a leg has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It could not be reached through one trunk, and is being called through the next one.
    Redialled,
    /// The trunk works on it: SIP 100.
    Trying,
    /// It rings: SIP 180, or 183 with early media.
    Ringing {
        /// The far end's network sends what A should hear.
        early_media: bool,
    },
    /// Answered: SIP 200. Also when it crosses our cancel.
    Answered,
    /// Not answered, finally. After a cancel, its confirmation.
    Failed(Release),
    /// Released after the answer, by the far end or as the confirmation of our release.
    Ended(Release),
}

/// Sound ready to be sent: G.711 µ-law, 8000 samples a second; clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio(Arc<[u8]>);

impl Audio {
    /// The sound of those samples.
    pub fn new(samples: impl Into<Arc<[u8]>>) -> Self {
        Self(samples.into())
    }

    /// The samples.
    pub fn samples(&self) -> &[u8] {
        &self.0
    }

    /// How long it takes to play.
    pub fn length(&self) -> Duration {
        Duration::from_micros(self.0.len() as u64 * 125)
    }
}

impl Signal {
    /// The leg that it is about.
    pub fn leg(self) -> Leg {
        match self {
            Self::Leg(leg, _) => leg,
            Self::Key(_)
            | Self::PromptFinished
            | Self::Detected(_)
            | Self::Recorded
            | Self::Silence => Leg::A,
        }
    }
}
