//! A call: one attempt at a message, from dialling A to its record.
//!
//! ```text
//!            answered              hung up, too long, cancelled, drained           all legs down
//! Reaching ────────────> Connected ────────────────────────────────────> Ending ──────> Over
//!     │         Detecting, Pause, Prompt, Keys, ReachingB, Bridged          ^
//!     └──────────────── not reached, cancelled, drained ────────────────────┘
//! ```
//! Pure: it takes in what happened and the time, and hands out what is to be done. Whoever runs it
//! feeds one input (`handle` or `tick`) and then drains `poll`; when `deadline` passes, `tick`s.
//! `Finished` comes exactly once and last; nothing that happens after it matters.
//!
//! Dialling A through the next trunk when one fails belongs to the carrier: the call hears of the
//! last trunk only. `outcome::Unanswered::may_fail_over` says when there is a next one.

mod leg;
mod message;
mod phase;
pub mod timers;

use std::collections::VecDeque;

use model::cdr::{Cdr, Detection, Ending, Verdict};
use model::ladder::Ladder;
use model::{Message, Outcome, Timestamp};

use crate::carrier::{Audio, Leg, Order, Signal};
use leg::{LegCall, News};
use phase::{Hears, Phase, Step};

/// The attempt that a call is, and what was prepared for it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From 1.
    pub number: u8,
    /// The message's prompt, ready to be played.
    pub prompt: Option<Audio>,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its line tells something.
    Line(Signal),
    /// The account no longer wants it.
    Cancel,
    /// The server stops and can wait no longer.
    Drain,
}

/// What a call wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// For its line.
    Order(Order),
    /// It is over.
    Finished(Box<Cdr>),
}

/// One attempt at a message, under way.
#[derive(Debug)]
pub struct Call {
    message: Message,
    attempt: Attempt,
    phase: Phase,
    a: LegCall,
    b: Option<LegCall>,
    keys: Vec<char>,
    detection: Option<Detection>,
    actions: VecDeque<Action>,
}

impl Call {
    /// Begins the attempt: A is dialled. That it has started must be durable by then.
    pub fn new(message: Message, attempt: Attempt, now: Timestamp) -> Self {
        let a = LegCall::dialled(Leg::A, message.ring_timeout, now);
        let (from, to) = (message.from.clone(), message.destination_a.clone());
        let mut call = Self {
            message,
            attempt,
            phase: Phase::Reaching,
            a,
            b: None,
            keys: Vec::new(),
            detection: None,
            actions: VecDeque::new(),
        };
        call.order(Order::Dial { leg: Leg::A, from, to });
        call
    }

    /// Takes in what happened.
    pub fn handle(&mut self, event: Event, now: Timestamp) {
        if let Phase::Over = self.phase {
            return;
        }
        match event {
            Event::Line(Signal::Leg(leg, progress)) => {
                let actions = &mut self.actions;
                let news = match leg {
                    Leg::A => self.a.hear(progress, now, actions),
                    Leg::B => self.b.as_mut().and_then(|b| b.hear(progress, now, actions)),
                };
                self.leg_came(leg, news, now);
            }
            Event::Line(Signal::Key(key)) => self.pressed(key, now),
            Event::Line(Signal::PromptFinished) => self.prompt_finished(now),
            Event::Line(Signal::Detected(detection)) => self.judged(detection, now),
            // Whoever drives us keeps it.
            Event::Line(Signal::Recorded) => {}
            Event::Line(Signal::Silence) => {
                if let Phase::Connected { .. } = self.phase {
                    self.end(Ending::Silence, now);
                }
            }
            Event::Cancel => self.end(Ending::Cancelled, now),
            Event::Drain => self.end(Ending::Drained, now),
        }
    }

    /// Takes in that time has passed.
    pub fn tick(&mut self, now: Timestamp) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.expire(now);
        }
    }

    /// What is to be done next; to be drained after every input.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to tick; none once it is over.
    pub fn deadline(&self) -> Option<Timestamp> {
        let call = match self.phase {
            Phase::Connected { limit, step } => Some(step.deadline().unwrap_or(limit).min(limit)),
            Phase::Reaching | Phase::Ending(_) => None,
            Phase::Over => return None,
        };
        let b = self.b.as_ref().and_then(LegCall::deadline);
        [call, self.a.deadline(), b].into_iter().flatten().min()
    }

    fn leg_came(&mut self, leg: Leg, news: Option<News>, now: Timestamp) {
        let Some(news) = news else { return };
        match (leg, news) {
            (Leg::A, News::Ringing { .. }) => {}
            (Leg::A, News::Up) => self.a_answered(now),
            (Leg::B, News::Ringing { early_media }) => self.b_rings(early_media),
            (Leg::B, News::Up) => self.bridge(now),
            (leg, News::Down) => self.leg_down(leg, now),
        }
    }

    fn a_answered(&mut self, now: Timestamp) {
        let longest = self.message.call_timeout.unwrap_or(timers::CALL_MAX);
        let limit = now.plus(longest.min(timers::CALL_MAX));
        match self.message.machine_detection {
            Some(_) => {
                self.order(Order::Detect);
                let step = Step::Detecting { until: now.plus(timers::DETECTION) };
                self.phase = Phase::Connected { limit, step };
            }
            None => self.begin_message(limit, now),
        }
    }

    fn b_rings(&mut self, early_media: bool) {
        let (better, order) = match early_media {
            true => (Hears::EarlyMedia, Order::EarlyMedia),
            false => (Hears::Ringback, Order::Ringback),
        };
        if let Phase::Connected { step: Step::ReachingB { hears, .. }, .. } = &mut self.phase
            && *hears < better
        {
            *hears = better;
            self.order(order);
        }
    }

    fn bridge(&mut self, now: Timestamp) {
        let Phase::Connected { limit, step: Step::ReachingB { talk, .. } } = self.phase else {
            return;
        };
        self.order(Order::Bridge);
        if self.message.record {
            self.order(Order::Record);
        }
        let end = talk.longest.map(|longest| now.plus(longest));
        let warning = talk.warning.filter(|warning| !warning.is_zero());
        let beep_at = end.zip(warning).map(|(end, warning)| end.minus(warning));
        let beep_at = beep_at.filter(|beep_at| now < *beep_at);
        let step = Step::Bridged { beep_at, until: end.unwrap_or(limit) };
        self.phase = Phase::Connected { limit, step };
    }

    fn expire(&mut self, now: Timestamp) {
        let is_due = |deadline: Option<Timestamp>| deadline.is_some_and(|at| at <= now);
        if is_due(self.a.deadline()) {
            let news = self.a.expire(now, &mut self.actions);
            return self.leg_came(Leg::A, news, now);
        }
        if let Some(b) = self.b.as_mut().filter(|b| is_due(b.deadline())) {
            let news = b.expire(now, &mut self.actions);
            return self.leg_came(Leg::B, news, now);
        }
        match self.phase {
            Phase::Connected { limit, .. } if limit <= now => self.end(Ending::CallTimeout, now),
            Phase::Connected { limit, step } => self.step_expired(step, limit, now),
            Phase::Reaching | Phase::Ending(_) | Phase::Over => {}
        }
    }

    fn step_expired(&mut self, step: Step, limit: Timestamp, now: Timestamp) {
        match step {
            // If nobody can tell who answered, it counts as a person.
            Step::Detecting { .. } | Step::Pause { .. } => self.begin_message(limit, now),
            Step::Prompt { round, .. } => {
                self.order(Order::StopPlaying);
                self.await_keys(round, limit, now);
            }
            Step::Keys { round, .. } if self.repeats_in_silence(round) => {
                self.play(self.next_round(round), limit, now);
            }
            Step::Keys { round, .. } => self.after_message(round, limit, now),
            Step::ReachingB { .. } => {}
            Step::Bridged { beep_at: Some(beep_at), until } if beep_at <= now => {
                self.order(Order::Beep);
                let step = Step::Bridged { beep_at: None, until };
                self.phase = Phase::Connected { limit, step };
            }
            Step::Bridged { .. } => self.end(Ending::MaxDuration, now),
        }
    }

    fn leg_down(&mut self, leg: Leg, now: Timestamp) {
        match (leg, &self.phase) {
            (_, Phase::Reaching) => self.end(Ending::NotReached, now),
            (Leg::A, Phase::Connected { .. }) => self.end(Ending::ByA, now),
            (Leg::B, Phase::Connected { step: Step::Bridged { .. }, .. }) => {
                self.end(Ending::ByB, now);
            }
            (Leg::B, Phase::Connected { .. }) => self.end(Ending::BNotReached, now),
            (_, Phase::Ending(ending)) => self.finish(*ending),
            (_, Phase::Over) => {}
        }
    }

    /// Lets go of what there is. The first reason stands.
    fn end(&mut self, ending: Ending, now: Timestamp) {
        match self.phase {
            Phase::Reaching | Phase::Connected { .. } => {}
            Phase::Ending(_) | Phase::Over => return,
        }
        let unanswered = ending.outcome_unanswered().unwrap_or(Outcome::Cancelled);
        self.a.let_go(unanswered, now, &mut self.actions);
        if let Some(b) = &mut self.b {
            b.let_go(unanswered, now, &mut self.actions);
        }
        self.phase = Phase::Ending(ending);
        self.finish(ending);
    }

    /// Hands out the record, if every leg is down.
    fn finish(&mut self, ending: Ending) {
        if !self.a.is_down() || self.b.as_ref().is_some_and(|b| !b.is_down()) {
            return;
        }
        let leg_a = self.a.record.clone();
        let verdict = self.detection.map(|detection| detection.verdict);
        let outcome = match (leg_a.answered, verdict) {
            (Some(_), Some(Verdict::Machine)) => Outcome::AnsweredByMachine,
            (Some(_), Some(Verdict::Human) | None) => Outcome::Answered,
            (None, _) => ending.outcome_unanswered().unwrap_or(leg_a.outcome),
        };
        let record = Cdr {
            attempt: self.attempt.number,
            outcome,
            ending,
            leg_a,
            leg_b: self.b.as_ref().map(|b| b.record.clone()),
            keys: std::mem::take(&mut self.keys),
            detection: self.detection,
            prompt: self.attempt.prompt.as_ref().map(Audio::length),
            // Its line knows.
            ladder: Ladder::default(),
        };
        self.actions.push_back(Action::Finished(Box::new(record)));
        self.phase = Phase::Over;
    }

    fn order(&mut self, order: Order) {
        self.actions.push_back(Action::Order(order));
    }
}
