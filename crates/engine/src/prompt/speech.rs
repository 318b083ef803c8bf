//! Speaking: `espeak-ng` as a child process, text in, sound out.
//!
//! The text comes from outside. It goes in by the standard input, never as an argument; the child
//! gets no environment but the path, and is killed when it takes too long, says too much or is no
//! longer wanted.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use model::limits::PROMPT_SECONDS_MAX;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{PromptError, PromptSettings, ssml};

/// What it speaks at unless told otherwise.
const WORDS_PER_MINUTE: u32 = 175;
/// It speaks in 16 bits at 22 050 Hz; a little more than the longest prompt, for the header.
const SOUND_BYTES_MAX: u64 = (PROMPT_SECONDS_MAX as u64 + 1) * 22_050 * 2;

/// A text and how it is spoken: everything that makes the sound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Speech {
    voice: String,
    words_per_minute: u32,
    is_ssml: bool,
    text: String,
}

impl Speech {
    /// What is to be spoken with that voice.
    pub(super) fn new(text: &str, voice: String, rate_percent: u16) -> Self {
        let ssml = ssml::harmless(text);
        let is_ssml = ssml.is_some();
        let text = spoken(&ssml.unwrap_or_else(|| text.to_owned()));
        let words_per_minute = WORDS_PER_MINUTE * u32::from(rate_percent) / 100;
        Self { voice, words_per_minute, is_ssml, text }
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.voice.len() + self.text.len()
    }
}

/// The text without what is no text to the program: control characters are commands to it, and
/// phonemes stand between double brackets.
fn spoken(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control() && c != '\n', " ");
    text.replace("[[", "[ [")
}

/// Runs the program.
pub(super) struct Synthesizer {
    program: PathBuf,
    timeout: Duration,
    turns: Semaphore,
}

impl Synthesizer {
    pub(super) fn new(settings: &PromptSettings) -> Self {
        Self {
            program: settings.speech_program.clone(),
            timeout: settings.speech_timeout,
            turns: Semaphore::new(settings.speech_at_once.max(1)),
        }
    }

    /// The table of its voices.
    pub(super) async fn voices(&self) -> Result<String, PromptError> {
        let table = self.run(&["--voices"], "").await?;
        Ok(String::from_utf8_lossy(&table).into_owned())
    }

    /// µ-law samples of what it says.
    pub(super) async fn speak(&self, speech: &Speech) -> Result<Vec<u8>, PromptError> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|error| PromptError::Speech(error.to_string()))?;
        let words_per_minute = speech.words_per_minute.to_string();
        // -b 1: the text is UTF-8, whatever the locale.
        let mut arguments = vec!["--stdin", "--stdout", "-b", "1", "-v", &speech.voice];
        arguments.extend(["-s", &words_per_minute]);
        arguments.extend(speech.is_ssml.then_some("-m"));
        let sound = self.run(&arguments, &speech.text).await?;
        if sound.is_empty() {
            return Err(PromptError::Speech("it says nothing".into()));
        }
        let decoded = tokio::task::spawn_blocking(|| voip::sound::decode(sound)).await;
        let codes = decoded.map_err(|error| PromptError::Speech(error.to_string()))?;
        codes.map_err(|error| PromptError::Speech(error.to_string()))
    }

    /// What the program answers.
    async fn run(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>, PromptError> {
        let ran = timeout(self.timeout, self.answer(arguments, input)).await;
        ran.map_err(|_| PromptError::Speech("it took too long".into()))?
    }

    async fn answer(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>, PromptError> {
        let failed = |error: std::io::Error| PromptError::Speech(error.to_string());
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.current_dir("/").kill_on_drop(true).spawn().map_err(failed)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(PromptError::Speech("it has no pipes".into()));
        };
        let mut output = Vec::new();
        let mut stdout = stdout.take(SOUND_BYTES_MAX + 1);
        let write = async move {
            // A child that ends without reading everything tells so by its status.
            let _ = stdin.write_all(input.as_bytes()).await;
        };
        let ((), read) = tokio::join!(write, stdout.read_to_end(&mut output));
        read.map_err(failed)?;
        if output.len() as u64 > SOUND_BYTES_MAX {
            return Err(PromptError::Speech(format!("longer than {PROMPT_SECONDS_MAX} seconds")));
        }
        let status = child.wait().await.map_err(failed)?;
        if status.success() { Ok(output) } else { Err(PromptError::Speech(status.to_string())) }
    }
}
