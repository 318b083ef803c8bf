//! A line of the sandbox: the far ends of one attempt, and the agenda of what they will do.

use std::collections::BTreeMap;
use std::task::{Context, Poll};
use std::time::Duration;

use model::{Number, Timestamp};

use super::numbers::{Behaviour, Who, behaviour};
use super::{Fault, Sandbox};
use crate::carrier::{Leg, Line, Order, Progress, Signal};
use model::cdr::{Clue, Detection, Release, Verdict};

/// From an order or a signal to what the far end makes of it.
const NETWORK: Duration = Duration::from_millis(40);
/// From the INVITE to the first ring, or to the refusal.
const POST_DIAL: Duration = Duration::from_millis(300);
/// After that much ringing the network gives up.
const RINGS_OUT: Duration = Duration::from_secs(120);
/// How long one must listen to tell a person from a machine.
const LISTENING: Duration = Duration::from_millis(1_500);
/// From when there is something to hear to the key.
const REACTION: Duration = Duration::from_millis(500);
/// How much a person's timing varies: by a tenth, both ways.
const JITTER: std::ops::RangeInclusive<u32> = 90..=110;

/// One attempt at a message, seen from the far end.
pub(super) struct SandboxLine {
    sandbox: Sandbox,
    message_id: String,
    attempt: u8,
    rng: fastrand::Rng,
    a: FarEnd,
    b: FarEnd,
    /// By time, and by order of planning within the same millisecond.
    agenda: BTreeMap<(Timestamp, u64), Signal>,
    planned: u64,
}

#[derive(Clone, Copy, Debug)]
enum FarEnd {
    /// Not called, or no more.
    Idle,
    /// Being called.
    Called(Behaviour),
    /// On the line.
    Up(Who),
}

impl Line for SandboxLine {
    fn order(&mut self, order: Order, now: Timestamp) {
        match order {
            Order::Dial { leg, to, .. } => self.dial(leg, &to, now),
            Order::Cancel(leg) => self.cancel(leg, now),
            Order::HangUp(leg) => self.hang_up(leg, now),
            Order::Detect => self.detect(now),
            Order::Play(audio) => {
                self.plan(now, audio.length(), Signal::PromptFinished);
                self.press_key(now);
            }
            Order::StopPlaying => self.strike(|signal| signal == Signal::PromptFinished),
            Order::Ringback | Order::EarlyMedia => self.press_key(now),
            Order::Bridge => self.talk(now),
            // Nobody says anything here.
            Order::Beep | Order::Record => {}
        }
    }

    fn poll(&mut self, now: Timestamp, _: &mut Context<'_>) -> Poll<Signal> {
        match self.agenda.first_entry() {
            Some(entry) if entry.key().0 <= now => {
                let signal = entry.remove();
                self.happens(signal, now);
                Poll::Ready(signal)
            }
            Some(_) | None => Poll::Pending,
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }
}

impl SandboxLine {
    pub(super) fn new(sandbox: Sandbox, message_id: String, attempt: u8, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        let (a, b) = (FarEnd::Idle, FarEnd::Idle);
        Self { sandbox, message_id, attempt, rng, a, b, agenda: BTreeMap::new(), planned: 0 }
    }

    fn dial(&mut self, leg: Leg, to: &Number, now: Timestamp) {
        let (message_id, attempt) = (self.message_id.as_str(), self.attempt);
        tracing::debug!(message_id, attempt, ?leg, "The sandbox calls a phone.");
        let behaviour = behaviour(to);
        *self.far_end(leg) = FarEnd::Called(behaviour);
        let Some((ringing, last)) = (match behaviour {
            Behaviour::Silent => None,
            Behaviour::Refuses(release) => Some((Duration::ZERO, Progress::Failed(release))),
            Behaviour::RingsOut => {
                let release = Release { code: Some(480), cause: Some(19) };
                Some((RINGS_OUT, Progress::Failed(release)))
            }
            Behaviour::Answers { ringing, .. } => Some((self.about(ringing), Progress::Answered)),
        }) else {
            return;
        };
        let rings = self.about(POST_DIAL);
        self.plan(now, NETWORK, Signal::Leg(leg, Progress::Trying));
        if !ringing.is_zero() {
            self.plan(now, rings, Signal::Leg(leg, Progress::Ringing { early_media: false }));
        }
        self.plan(now, rings + ringing, Signal::Leg(leg, last));
    }

    fn cancel(&mut self, leg: Leg, now: Timestamp) {
        let FarEnd::Called(behaviour) = *self.far_end(leg) else { return };
        self.strike(|signal| signal.leg() == leg);
        if self.has(Fault::LateAnswer) {
            return self.plan(now, NETWORK, Signal::Leg(leg, Progress::Answered));
        }
        // A trunk that says nothing does not say 487 either.
        if behaviour != Behaviour::Silent {
            let release = Release { code: Some(487), cause: None };
            self.plan(now, NETWORK, Signal::Leg(leg, Progress::Failed(release)));
        }
    }

    fn hang_up(&mut self, leg: Leg, now: Timestamp) {
        let FarEnd::Up(_) = *self.far_end(leg) else { return };
        self.strike(|signal| signal.leg() == leg);
        *self.far_end(leg) = FarEnd::Idle;
        if !self.has(Fault::LostBye) {
            self.plan_end(leg, now, NETWORK);
        }
    }

    fn detect(&mut self, now: Timestamp) {
        let FarEnd::Up(who) = self.a else { return };
        let (verdict, clue) = match who {
            Who::Machine => (Verdict::Machine, Clue::LongGreeting),
            Who::Person | Who::Presses(_) | Who::HangsUp => (Verdict::Human, Clue::ShortGreeting),
        };
        let detection = Detection { verdict, clue, after: LISTENING };
        self.plan(now, LISTENING, Signal::Detected(detection));
    }

    /// A presses the key once, when there is something to hear.
    fn press_key(&mut self, now: Timestamp) {
        if let FarEnd::Up(Who::Presses(key)) = self.a {
            self.a = FarEnd::Up(Who::Person);
            let reaction = self.about(REACTION);
            self.plan(now, reaction, Signal::Key(key));
        }
    }

    fn talk(&mut self, now: Timestamp) {
        if let (FarEnd::Up(_), FarEnd::Up(_)) = (self.a, self.b) {
            self.plan_end(Leg::A, now, self.sandbox.talk);
        }
    }

    /// What the far end becomes by what it does.
    fn happens(&mut self, signal: Signal, now: Timestamp) {
        let Signal::Leg(leg, progress) = signal else { return };
        match (progress, *self.far_end(leg)) {
            (Progress::Answered, FarEnd::Called(behaviour)) => {
                let who = match behaviour {
                    Behaviour::Answers { who, .. } => who,
                    Behaviour::Refuses(_) | Behaviour::RingsOut | Behaviour::Silent => Who::Person,
                };
                *self.far_end(leg) = FarEnd::Up(who);
                if who == Who::HangsUp {
                    self.plan_end(leg, now, NETWORK);
                }
            }
            (Progress::Failed(_) | Progress::Ended(_), _) => {
                *self.far_end(leg) = FarEnd::Idle;
                let is_over = |signal: Signal| {
                    signal.leg() == leg && !matches!(signal, Signal::Leg(_, Progress::Ended(_)))
                };
                self.strike(is_over);
            }
            (Progress::Answered, FarEnd::Idle | FarEnd::Up(_))
            | (Progress::Redialled | Progress::Trying | Progress::Ringing { .. }, _) => {}
        }
    }

    fn plan_end(&mut self, leg: Leg, now: Timestamp, after: Duration) {
        let ended = Signal::Leg(leg, Progress::Ended(Release { code: None, cause: Some(16) }));
        self.plan(now, after, ended);
        if self.has(Fault::DuplicateBye) {
            self.plan(now, after + NETWORK, ended);
        }
    }

    fn plan(&mut self, now: Timestamp, after: Duration, signal: Signal) {
        self.agenda.insert((now.plus(after), self.planned), signal);
        self.planned += 1;
    }

    /// Takes from the agenda what will not happen any more.
    fn strike(&mut self, is_off: impl Fn(Signal) -> bool) {
        self.agenda.retain(|_, signal| !is_off(*signal));
    }

    fn about(&mut self, span: Duration) -> Duration {
        span * self.rng.u32(JITTER) / 100
    }

    fn has(&self, fault: Fault) -> bool {
        self.sandbox.faults.contains(&fault)
    }

    fn far_end(&mut self, leg: Leg) -> &mut FarEnd {
        match leg {
            Leg::A => &mut self.a,
            Leg::B => &mut self.b,
        }
    }
}
