//! Who answered.
use model::cdr::{Detection, Verdict};
use std::time::Duration;
/// What tells a person from a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Silence before anybody speaks, at most.
    pub initial_silence: Duration,
    /// A person's greeting is at most so long.
    pub greeting: Duration,
    /// Silence after a greeting that a person waits for an answer.
    pub after_greeting_silence: Duration,
    /// When to give up.
    pub total: Duration,
    /// A sound shorter than that is no word.
    pub word: Duration,
    /// Silence that parts words.
    pub between_words: Duration,
    /// A person's greeting has at most so many words.
    pub words: u32,
    /// A person's word is at most so long.
    pub word_max: Duration,
    /// Mean magnitude of a frame below which it is silent.
    pub silence_threshold: u16,
    /// Who it is if nobody speaks.
    pub on_silence: Verdict,
    /// Who it is if it cannot be told in time.
    pub on_time_out: Verdict,
}
impl Default for Settings {
    fn default() -> Self {
        todo!()
    }
}
/// Listens to a leg that has just answered.
#[derive(Clone, Debug)]
pub struct Detector {}
impl Detector {
    /// A detector with those settings.
    pub fn new(settings: Settings) -> Self {
        let _ = settings;
        todo!()
    }
    /// Hears the next frame; who answered, once that is clear, and nothing more after that.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Detection> {
        let _ = frame;
        todo!()
    }
}
