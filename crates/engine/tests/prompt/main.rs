//! Prompts: real speech from the real program, real files from real, and really bad, servers.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod address;
mod cache;
mod fetch;
mod server;
mod speech;
mod ssml;
mod stand_in;
mod turns;

use std::sync::Arc;

use engine::carrier::Audio;
use engine::prompt::{PromptError, PromptSettings, Prompter, Prompts};
use model::ManualClock;
use model::message::Prompt;

async fn prompts(settings: PromptSettings) -> Prompts {
    Prompts::new(settings, Arc::new(ManualClock::default())).await
}

fn english(text: &str) -> Prompt {
    spoken(text, "en", None, 100)
}

fn spoken(text: &str, language: &str, voice: Option<&str>, rate_percent: u16) -> Prompt {
    let (text, language, voice) = (text.into(), language.into(), voice.map(str::to_owned));
    Prompt::Text { text, language, voice, rate_percent }
}

fn file(url: &str) -> Prompt {
    Prompt::Audio { url: url.to_owned() }
}

async fn prepared(prompts: &Prompts, prompt: &Prompt) -> Audio {
    prompts.prepare(prompt).await.unwrap()
}

async fn refused(prompts: &Prompts, prompt: &Prompt) -> PromptError {
    prompts.prepare(prompt).await.unwrap_err()
}
