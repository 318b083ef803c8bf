//! The message of a call: who answered, what A hears, which keys A presses, and whether that leads
//! to B.

use model::Timestamp;
use model::limits::KEYS_MAX;
use model::message::MachineDetection;

use super::leg::LegCall;
use super::phase::{Hears, Phase, Round, Step, Talk};
use super::{Call, timers};
use crate::carrier::{Leg, Order};
use model::cdr::{Detection, Ending, Verdict};

impl Call {
    pub(super) fn judged(&mut self, detection: Detection, now: Timestamp) {
        let Phase::Connected { limit, step: Step::Detecting { .. } } = self.phase else { return };
        self.detection = Some(detection);
        match (detection.verdict, self.message.machine_detection) {
            (Verdict::Machine, Some(MachineDetection::Hangup)) => self.end(Ending::Machine, now),
            (Verdict::Machine | Verdict::Human, _) => self.begin_message(limit, now),
        }
    }

    pub(super) fn begin_message(&mut self, limit: Timestamp, now: Timestamp) {
        let begins = self.a.record.answered.unwrap_or(now).plus(self.message.pause);
        if now < begins {
            self.phase = Phase::Connected { limit, step: Step::Pause { until: begins } };
        } else {
            let repeats_left = self.message.keys.as_ref().map_or(0, |keys| keys.repeats);
            self.play(Round { repeats_left, keys_before: 0 }, limit, now);
        }
    }

    pub(super) fn play(&mut self, round: Round, limit: Timestamp, now: Timestamp) {
        let Some(prompt) = self.attempt.prompt.clone() else {
            return self.await_keys(round, limit, now);
        };
        let until = now.plus(prompt.length()).plus(timers::PROMPT_SLACK);
        self.order(Order::Play(prompt));
        self.phase = Phase::Connected { limit, step: Step::Prompt { round, until } };
    }

    pub(super) fn prompt_finished(&mut self, now: Timestamp) {
        if let Phase::Connected { limit, step: Step::Prompt { round, .. } } = self.phase {
            self.await_keys(round, limit, now);
        }
    }

    pub(super) fn await_keys(&mut self, round: Round, limit: Timestamp, now: Timestamp) {
        match &self.message.keys {
            Some(keys) if !self.has_all_keys(round) => {
                let step = Step::Keys { round, until: now.plus(keys.timeout) };
                self.phase = Phase::Connected { limit, step };
            }
            Some(_) | None => self.after_message(round, limit, now),
        }
    }

    pub(super) fn pressed(&mut self, key: char, now: Timestamp) {
        let Phase::Connected { limit, step } = self.phase else { return };
        // What is pressed once they are joined, such as a bank's PIN, is not for us.
        if !matches!(step, Step::Bridged { .. }) && self.keys.len() < usize::from(KEYS_MAX) {
            self.keys.push(key);
        }
        match step {
            Step::Prompt { round, .. } if self.asks_for_repeat(round) => {
                self.order(Order::StopPlaying);
                self.play(self.next_round(round), limit, now);
            }
            Step::Prompt { round, .. } if self.has_all_keys(round) => {
                self.order(Order::StopPlaying);
                self.after_message(round, limit, now);
            }
            Step::Keys { round, .. } if self.asks_for_repeat(round) => {
                self.play(self.next_round(round), limit, now);
            }
            Step::Keys { round, .. } => self.await_keys(round, limit, now),
            Step::Detecting { .. }
            | Step::Pause { .. }
            | Step::Prompt { .. }
            | Step::ReachingB { .. }
            | Step::Bridged { .. } => {}
        }
    }

    fn asks_for_repeat(&self, round: Round) -> bool {
        let repeat = self.message.keys.as_ref().and_then(|keys| keys.repeat_on.as_ref());
        round.repeats_left > 0 && repeat.is_some_and(|repeat| *repeat == self.pressed_in(round))
    }

    pub(super) fn repeats_in_silence(&self, round: Round) -> bool {
        let is_on_silence = self.message.keys.as_ref().is_some_and(|keys| keys.repeat_on.is_none());
        round.repeats_left > 0 && is_on_silence && self.pressed_in(round).is_empty()
    }

    pub(super) fn next_round(&self, round: Round) -> Round {
        Round { repeats_left: round.repeats_left - 1, keys_before: self.keys.len() }
    }

    fn has_all_keys(&self, round: Round) -> bool {
        let pressed = self.keys.len() - round.keys_before;
        self.message.keys.as_ref().is_some_and(|keys| pressed >= usize::from(keys.max))
    }

    fn pressed_in(&self, round: Round) -> String {
        self.keys[round.keys_before..].iter().collect()
    }

    /// A has heard the message; the keys say whether B is called, and which one.
    pub(super) fn after_message(&mut self, round: Round, limit: Timestamp, now: Timestamp) {
        let Some(b) = self.message.second_leg(&self.pressed_in(round)) else {
            return self.end(Ending::Completed, now);
        };
        let dial = Order::Dial { leg: Leg::B, from: b.shown.clone(), to: b.number.clone() };
        let talk = Talk { longest: b.max_duration, warning: b.warning_time };
        self.order(dial);
        self.b = Some(LegCall::dialled(Leg::B, timers::RING_B, now));
        let step = Step::ReachingB { hears: Hears::Nothing, talk };
        self.phase = Phase::Connected { limit, step };
    }
}
