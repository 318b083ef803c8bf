//! Who answered, a person or a machine, told from the rhythm of what is heard: a person says a word
//! or two and waits, a machine talks on. The rules and their figures are those of Asterisk's `AMD`.
//!
//! Nothing is understood, so it is a guess, and every figure can be set.

use std::time::Duration;

use model::cdr::{Clue, Detection, Verdict};

use crate::{FRAME, RATE};

/// What tells a person from a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So much silence from the start, and nobody is there.
    pub initial_silence: Duration,
    /// So much sound in all, and it is a machine.
    pub greeting: Duration,
    /// So much silence after something was said, and it is a person who waits.
    pub after_greeting_silence: Duration,
    /// When to give up.
    pub total: Duration,
    /// Sound that is shorter is no word.
    pub word_min: Duration,
    /// Silence that parts two words.
    pub between_words: Duration,
    /// So many words, and it is a machine.
    pub words: u32,
    /// One word of that length, and it is a machine.
    pub word_max: Duration,
    /// The mean magnitude of linear samples below which 20 ms are silent.
    pub silence_threshold: u16,
    /// Who it is if nobody says anything.
    pub on_silence: Verdict,
    /// Who it is if it could not be told in time.
    pub on_time_out: Verdict,
}

impl Default for Settings {
    /// Somebody who says nothing is a person: a call that is not put through to a person is worse
    /// than one that is put through to a machine.
    fn default() -> Self {
        Self {
            initial_silence: Duration::from_millis(2500),
            greeting: Duration::from_millis(1500),
            after_greeting_silence: Duration::from_millis(800),
            total: Duration::from_millis(5000),
            word_min: Duration::from_millis(100),
            between_words: Duration::from_millis(50),
            words: 4,
            word_max: Duration::from_millis(5000),
            silence_threshold: 256,
            on_silence: Verdict::Human,
            on_time_out: Verdict::Human,
        }
    }
}

/// Listens to a leg from the moment of its answer.
#[derive(Clone, Debug)]
pub struct Detector {
    settings: Settings,
    heard: Duration,
    /// How long it has been silent by now, and how long it has not.
    silence: Duration,
    voice: Duration,
    /// Sound since the last silence between words.
    word: Duration,
    in_word: bool,
    words: u32,
    /// Something has been said.
    greeted: bool,
    done: bool,
}

impl Detector {
    /// Will judge by those settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            heard: Duration::ZERO,
            silence: Duration::ZERO,
            voice: Duration::ZERO,
            word: Duration::ZERO,
            in_word: false,
            words: 0,
            greeted: false,
            done: false,
        }
    }

    /// Hears what comes next, and tells who answered as soon as that is clear; never again after
    /// that. Time passes by what is heard: where nothing came, let it hear silence.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Detection> {
        frame.chunks(FRAME).find_map(|piece| self.judge(piece))
    }

    fn judge(&mut self, piece: &[i16]) -> Option<Detection> {
        if self.done {
            return None;
        }
        let length = Duration::from_secs(1) * u32::try_from(piece.len()).ok()? / RATE;
        self.heard += length;
        let silent = mean_magnitude(piece) < u64::from(self.settings.silence_threshold);
        let told = if silent { self.silence_for(length) } else { self.voice_for(length) };
        let timed_out = (self.settings.on_time_out, Clue::TimeOut);
        let told = told.or((self.heard >= self.settings.total).then_some(timed_out));
        let (verdict, clue) = told?;
        self.done = true;
        Some(Detection { verdict, clue, after: self.heard })
    }

    fn silence_for(&mut self, length: Duration) -> Option<(Verdict, Clue)> {
        self.silence += length;
        if self.silence >= self.settings.between_words {
            self.in_word = false;
            self.word = Duration::ZERO;
        }
        if self.greeted {
            (self.silence >= self.settings.after_greeting_silence)
                .then_some((Verdict::Human, Clue::ShortGreeting))
        } else {
            (self.silence >= self.settings.initial_silence)
                .then_some((self.settings.on_silence, Clue::InitialSilence))
        }
    }

    fn voice_for(&mut self, length: Duration) -> Option<(Verdict, Clue)> {
        self.silence = Duration::ZERO;
        self.voice += length;
        self.word += length;
        if self.word >= self.settings.word_min && !self.in_word {
            self.in_word = true;
            self.words += 1;
        }
        self.greeted |= self.words > 0;
        let clue = if self.word >= self.settings.word_max {
            Clue::LongWord
        } else if self.words >= self.settings.words {
            Clue::ManyWords
        } else if self.greeted && self.voice >= self.settings.greeting {
            Clue::LongGreeting
        } else {
            return None;
        };
        Some((Verdict::Machine, clue))
    }
}

fn mean_magnitude(samples: &[i16]) -> u64 {
    let sum: u64 = samples.iter().map(|sample| u64::from(sample.unsigned_abs())).sum();
    sum / (samples.len() as u64).max(1)
}
