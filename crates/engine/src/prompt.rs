//! What is played to A, made ready: a text is spoken by a child process, an audio file is fetched
//! and decoded.
//!
//! Prompts live in memory only, and what made one is remembered for the next call that asks for the
//! same: text for as long as there is room, a file for a minute (see `cache`).

mod address;
mod cache;
mod fetch;
mod speech;
mod ssml;
mod voices;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::message::Prompt;
use model::{Clock, Outcome};
use voip::sound::SoundError;

use crate::carrier::Audio;
pub use address::{Network, NotANetwork};
use cache::{Cache, Key};
use fetch::Fetch;
pub use fetch::Names;
use speech::{Speech, Synthesizer};
use voices::Voices;

/// Makes prompts ready to be played.
#[async_trait]
pub trait Prompter: Send + Sync {
    /// The sound of a prompt. May be dropped at any time: whoever waits for the same sound then
    /// makes it.
    ///
    /// # Errors
    /// See [`PromptError`].
    async fn prepare(&self, prompt: &Prompt) -> Result<Audio, PromptError>;
}

/// Why a prompt cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// The file could not be had. It may be there at the next attempt.
    #[error("the audio file could not be fetched: {0}")]
    NotFetched(String),
    /// The file is there, and cannot be played.
    #[error("the audio file cannot be played: {0}")]
    Unsupported(String),
    /// No voice speaks the language.
    #[error("no voice speaks {0:?}")]
    Unspoken(String),
    /// The text could not be spoken, and that is our doing.
    #[error("the text could not be spoken: {0}")]
    Speech(String),
}

impl PromptError {
    /// How the call ends that was to play it.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::NotFetched(_) => Outcome::AudioNotFetched,
            Self::Unsupported(_) | Self::Unspoken(_) => Outcome::AudioUnsupported,
            Self::Speech(_) => Outcome::Internal,
        }
    }
}

impl From<SoundError> for PromptError {
    fn from(error: SoundError) -> Self {
        Self::Unsupported(error.to_string())
    }
}

/// How prompts are made.
#[derive(Clone, Debug)]
pub struct PromptSettings {
    /// The program that speaks: `espeak-ng`, or one that takes the same arguments.
    pub speech_program: PathBuf,
    /// How long it may take over one text.
    pub speech_timeout: Duration,
    /// How many of it run at once.
    pub speech_at_once: usize,
    /// The largest audio file, in bytes.
    pub fetch_bytes_max: usize,
    /// How long fetching a file may take, redirects and all.
    pub fetch_timeout: Duration,
    /// How many files are fetched at once.
    pub fetch_at_once: usize,
    /// Where files may be fetched from although it is not the public internet. None by default:
    /// an account could have the server ask its neighbours.
    pub private_networks: Vec<Network>,
    /// How much prompts that are kept may take, in bytes.
    pub cache_bytes: u64,
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self {
            speech_program: "espeak-ng".into(),
            speech_timeout: Duration::from_secs(10),
            speech_at_once: 2,
            fetch_bytes_max: 4_000_000,
            fetch_timeout: Duration::from_secs(30),
            fetch_at_once: 16,
            private_networks: Vec::new(),
            cache_bytes: 64 << 20,
        }
    }
}

/// Speaks and fetches.
pub struct Prompts {
    voices: Voices,
    synthesizer: Synthesizer,
    fetch: Fetch,
    cache: Cache,
}

impl Prompts {
    /// Ready to make prompts. Asks the program that speaks for its voices; without it, or if it
    /// does not answer, no language is spoken until the next start.
    pub async fn new(settings: PromptSettings, clock: Arc<dyn Clock>) -> Self {
        Self::with_names(settings, clock, fetch::system_names()).await
    }

    /// The same, with another way from names to addresses.
    pub async fn with_names(
        settings: PromptSettings,
        clock: Arc<dyn Clock>,
        names: Arc<Names>,
    ) -> Self {
        let cache = Cache::new(settings.cache_bytes, clock);
        let fetch = Fetch::new(&settings, names);
        let synthesizer = Synthesizer::new(&settings);
        let voices = match synthesizer.voices().await {
            Ok(list) => Voices::read(&list),
            Err(error) => {
                let program = settings.speech_program.display();
                tracing::warn!(%error, "{program} does not run: texts in any language are refused");
                Voices::default()
            }
        };
        Self { voices, synthesizer, fetch, cache }
    }

    /// Whether there is a voice for that language tag, or for its language.
    pub fn speaks(&self, language: &str) -> bool {
        self.voices.find(language).is_some()
    }

    /// How many language tags there is a voice for; none if the program that speaks does not run.
    pub fn voices(&self) -> usize {
        self.voices.len()
    }

    /// What makes the sound of a prompt.
    fn key(&self, prompt: &Prompt) -> Result<Key, PromptError> {
        match prompt {
            Prompt::Audio { url } => Ok(Key::File(url.clone())),
            Prompt::Text { text, language, voice, rate_percent } => {
                let unspoken = || PromptError::Unspoken(language.clone());
                let found = self.voices.find(language).ok_or_else(unspoken)?;
                let voice = voices::variant(found, voice.as_deref());
                Ok(Key::Speech(Speech::new(text, voice, *rate_percent)))
            }
        }
    }
}

#[async_trait]
impl Prompter for Prompts {
    async fn prepare(&self, prompt: &Prompt) -> Result<Audio, PromptError> {
        let key = self.key(prompt)?;
        let make = async {
            let codes = match &key {
                Key::Speech(speech) => self.synthesizer.speak(speech).await,
                Key::File(url) => self.fetch.sound(url).await,
            };
            codes.map(Audio::new)
        };
        self.cache.get_or_make(&key, make).await
    }
}
