//! What is made once, and when it is made again.

use std::sync::Arc;
use std::time::Duration;

use engine::prompt::{PromptSettings, Prompter, Prompts};
use model::ManualClock;
use tokio::task::JoinSet;

use super::server::{Server, wav};
use super::stand_in::StandIn;
use super::{english, file, prepared, prompts, refused, spoken};

#[tokio::test]
async fn a_bulk_makes_its_prompt_once() {
    let synthesizer = StandIn::counting();
    let server = Server::start(|_, answer| answer.sound(&wav(8_000)));
    let settings = PromptSettings { private_networks: server.networks(), ..synthesizer.settings() };
    let prompts = Arc::new(prompts(settings).await);
    let mut calls = JoinSet::new();
    for number in 0..2_000 {
        let prompts = prompts.clone();
        let prompt = if number % 2 == 0 { english("Hello") } else { file(&server.url("/a.wav")) };
        calls.spawn(async move { prompts.prepare(&prompt).await });
    }
    for result in calls.join_all().await {
        result.unwrap();
    }
    assert_eq!((synthesizer.runs(), server.requests()), (1, 1));
}

#[tokio::test]
async fn everything_that_makes_the_sound_tells_prompts_apart() {
    let synthesizer = StandIn::counting();
    let prompts = prompts(synthesizer.settings()).await;
    let different = [
        spoken("Hello", "en", None, 100),
        spoken("Hello!", "en", None, 100),
        spoken("Hello", "hr", None, 100),
        spoken("Hello", "en", Some("female"), 100),
        spoken("Hello", "en", None, 150),
        spoken("<speak>Hello</speak>", "en", None, 100),
    ];
    for _ in 0..3 {
        for prompt in &different {
            prepared(&prompts, prompt).await;
        }
    }
    // These sound the same, and are not made again.
    for (language, voice) in [("EN", None), ("en-gb", None), ("en", Some("Joanna"))] {
        prepared(&prompts, &spoken("Hello", language, voice, 100)).await;
    }
    assert_eq!(synthesizer.runs(), different.len());
}

#[tokio::test]
async fn a_file_is_fetched_again_after_a_minute_and_a_text_is_spoken_once() {
    let synthesizer = StandIn::counting();
    let server = Server::start(|request, answer| answer.sound(&wav(8_000 * (request.number + 1))));
    let clock = ManualClock::default();
    let settings = PromptSettings { private_networks: server.networks(), ..synthesizer.settings() };
    let prompts = Prompts::new(settings, Arc::new(clock.clone())).await;
    let audio = file(&server.url("/news.wav"));
    for (seconds, expect) in [(0, 1), (59, 1), (1, 2), (30, 2), (30, 3), (100_000, 4)] {
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(prepared(&prompts, &audio).await.length().as_secs(), expect);
        prepared(&prompts, &english("Hello")).await;
    }
    assert_eq!(synthesizer.runs(), 1);
}

#[tokio::test]
async fn a_failure_is_forgotten_soon() {
    let server = Server::start(|request, answer| match request.number {
        0 => answer.status("503 Service Unavailable"),
        _ => answer.sound(&wav(8_000)),
    });
    let clock = ManualClock::default();
    let settings =
        PromptSettings { private_networks: server.networks(), ..PromptSettings::default() };
    let prompts = Prompts::new(settings, Arc::new(clock.clone())).await;
    let audio = file(&server.url("/a.wav"));
    refused(&prompts, &audio).await;
    refused(&prompts, &audio).await;
    assert_eq!(server.requests(), 1);
    clock.advance(Duration::from_secs(5));
    prepared(&prompts, &audio).await;
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn the_cache_does_not_grow_over_its_bound() {
    let server = Server::start(|_, answer| answer.sound(&wav(8_000)));
    let settings = PromptSettings {
        private_networks: server.networks(),
        cache_bytes: 10 * 8_500,
        ..PromptSettings::default()
    };
    let prompts = prompts(settings).await;
    let rounds = |names: std::ops::Range<usize>| names.map(|name| format!("/{name}.wav"));
    for path in rounds(0..5).chain(rounds(0..5)).chain(rounds(0..5)) {
        prepared(&prompts, &file(&server.url(&path))).await;
    }
    assert_eq!(server.requests(), 5);
    for path in rounds(100..200).chain(rounds(100..200)) {
        prepared(&prompts, &file(&server.url(&path))).await;
    }
    let again = server.requests() - 105;
    assert!((90..=100).contains(&again), "{again} of 100 were not there any more");
}

#[tokio::test]
async fn a_prompt_longer_than_the_cache_is_played_all_the_same() {
    let server = Server::start(|_, answer| answer.sound(&wav(80_000)));
    let settings = PromptSettings {
        private_networks: server.networks(),
        cache_bytes: 1_000,
        ..PromptSettings::default()
    };
    let prompts = prompts(settings).await;
    assert_eq!(prepared(&prompts, &file(&server.url("/a"))).await.length().as_secs(), 10);
}

#[tokio::test]
async fn who_gives_up_leaves_the_work_to_who_waits() {
    let watched = StandIn::new(
        "mkfifo $here/gate.$$ && mv $here/gate.$$ $here/gate && read go <$here/gate\n\
         exec espeak-ng \"$@\"",
    );
    let prompts = Arc::new(prompts(watched.settings()).await);
    let prompt = english("Hello");
    let first = tokio::spawn({
        let (prompts, prompt) = (prompts.clone(), prompt.clone());
        async move { prompts.prepare(&prompt).await }
    });
    let gate = watched.path("gate");
    until_there(&gate).await;
    let second = tokio::spawn(async move { prompts.prepare(&prompt).await });
    // The second waits for the first, which stands at the gate and is given up.
    std::fs::remove_file(&gate).unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    until_there(&gate).await;
    tokio::task::spawn_blocking(move || std::fs::write(gate, "go\n").unwrap()).await.unwrap();
    assert!(second.await.unwrap().is_ok());
}

async fn until_there(path: &std::path::Path) {
    while !path.exists() {
        tokio::task::yield_now().await;
    }
}
