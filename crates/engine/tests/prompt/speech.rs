//! What the synthesizer says, and that it says it at all.

use engine::prompt::{PromptError, PromptSettings};
use model::Outcome;

use super::{english, prepared, prompts, refused, spoken};

const GREETING: &str = "Hello, we are calling about your order. Please hold the line.";

#[tokio::test]
async fn a_text_is_spoken_and_its_length_is_true() {
    let prompts = prompts(PromptSettings::default()).await;
    let audio = prepared(&prompts, &english(GREETING)).await;
    let seconds = audio.length().as_secs_f64();
    // Eleven words at 175 a minute.
    assert!((3.0..6.0).contains(&seconds), "{seconds}");
    assert_eq!(audio.samples().len(), (seconds * 8_000.0).round() as usize);
    let twice = format!("{GREETING} {GREETING}");
    let twice = prepared(&prompts, &english(&twice)).await.length().as_secs_f64();
    assert!((1.8..2.3).contains(&(twice / seconds)), "{}", twice / seconds);
}

#[tokio::test]
async fn the_rate_is_heard() {
    let prompts = prompts(PromptSettings::default()).await;
    let seconds = async |rate| {
        let prompt = spoken(GREETING, "en", None, rate);
        prepared(&prompts, &prompt).await.length().as_secs_f64()
    };
    let (slow, usual, fast) = (seconds(50).await, seconds(100).await, seconds(200).await);
    assert!((1.6..2.4).contains(&(slow / usual)), "{slow} {usual}");
    // It pauses less, too, when it speaks fast.
    assert!((1.6..2.8).contains(&(usual / fast)), "{usual} {fast}");
}

#[tokio::test]
async fn the_voice_is_heard_and_names_of_other_vendors_are_not() {
    let prompts = prompts(PromptSettings::default()).await;
    let said = async |voice| prepared(&prompts, &spoken(GREETING, "en", voice, 100)).await;
    let own = said(None).await;
    assert_ne!(said(Some("male")).await, own);
    assert_ne!(said(Some("female")).await, own);
    assert_ne!(said(Some("female")).await, said(Some("male")).await);
    assert_eq!(said(Some("Joanna")).await, own);
    assert_eq!(said(Some("../../../etc/passwd")).await, own);
}

#[tokio::test]
async fn languages_are_found_by_tag_and_by_their_beginning() {
    let prompts = prompts(PromptSettings::default()).await;
    assert!(prompts.voices() > 100, "{}", prompts.voices());
    let known = ["en", "EN", "en-gb", "en_US", "En-Us", "pt-br", "pt-BR", "pt-pt", "zh-cn", "hr"];
    for language in known.into_iter().chain(["hr-HR", "no", "nb_NO", "fr-ca", "de-at", "es-mx"]) {
        assert!(prompts.speaks(language), "{language}");
        assert!(
            prepared(&prompts, &spoken("1", language, None, 100)).await.length().as_millis() > 0
        );
    }
    for language in ["", "-", "_", "xx", "xx-en", "e", "en/../x", "-en", "../hr", "ен"] {
        assert!(!prompts.speaks(language), "{language}");
        let error = refused(&prompts, &spoken("1", language, None, 100)).await;
        assert_eq!(error, PromptError::Unspoken(language.into()));
        assert_eq!(error.outcome(), Outcome::AudioUnsupported);
    }
}

#[tokio::test]
async fn each_language_has_its_own_sound() {
    let prompts = prompts(PromptSettings::default()).await;
    let said = async |language| prepared(&prompts, &spoken("1234", language, None, 100)).await;
    assert_ne!(said("en").await, said("hr").await);
    assert_ne!(said("en-gb").await, said("en-us").await);
    assert_ne!(said("pt").await, said("pt-br").await);
    assert_eq!(said("en").await, said("en-gb").await);
    assert_eq!(said("hr").await, said("HR_hr").await);
}

#[tokio::test]
async fn any_text_is_only_text() {
    let prompts = prompts(PromptSettings::default()).await;
    let said = async |text: &str| prepared(&prompts, &english(text)).await;
    for text in ["-v", "--version", "--stdout -w /tmp/x", "$(id)", "`id`", "'\"\\", "1\0two"] {
        assert!(said(text).await.length().as_millis() > 200, "{text:?}");
    }
    // What follows a NUL is spoken too, and commands of the synthesizer are not obeyed.
    assert_eq!(said("one\0two").await, said("one two").await);
    assert_eq!(said("one \u{1}99Stwo").await, said("one  99Stwo").await);
    assert_ne!(said("[[aaaaaaaaaa]]").await, said("[[oooooooooo]]").await);
    let letters = said("[[h@l'oU]]").await.length();
    assert_eq!(letters, said("[ [h@l'oU]]").await.length());
    let longest = "ž".repeat(model::limits::SPOKEN_CHARS_MAX);
    assert!(said(&longest).await.length().as_secs() > 10);
}

#[tokio::test]
async fn nothing_to_say_is_a_moment_or_told() {
    let prompts = prompts(PromptSettings::default()).await;
    let error = refused(&prompts, &english("")).await;
    assert!(error.to_string().contains("says nothing"), "{error}");
    assert_eq!(error.outcome(), Outcome::Internal);
    for text in [" \n ", "…", "<speak><p/></speak>"] {
        assert!(prepared(&prompts, &english(text)).await.length().as_secs() < 2, "{text:?}");
    }
}

#[tokio::test]
async fn without_the_program_nothing_is_spoken() {
    let absent = PromptSettings { speech_program: "/no/such/program".into(), ..Default::default() };
    let prompts = prompts(absent).await;
    assert_eq!((prompts.voices(), prompts.speaks("en")), (0, false));
    assert_eq!(refused(&prompts, &english("Hello")).await, PromptError::Unspoken("en".into()));
}
