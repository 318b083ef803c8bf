//! SSML: heard where it is harmless, and only there.

use engine::carrier::Audio;
use engine::prompt::{PromptSettings, Prompts};

use super::{english, prepared, prompts};

async fn said(prompts: &Prompts, text: &str) -> Audio {
    prepared(prompts, &english(text)).await
}

#[tokio::test]
async fn markup_is_heard_and_not_read_out() {
    let prompts = prompts(PromptSettings::default()).await;
    let plain = said(&prompts, "<speak>Hello there</speak>").await;
    let without = said(&prompts, "Hello there").await;
    assert!(plain.length().abs_diff(without.length()).as_millis() < 200);
    assert_eq!(said(&prompts, "\n<?xml version=\"1.0\"?><speak>Hello there</speak> ").await, plain);
    let paused = said(&prompts, "<speak>Hello <break time='2s'/> there</speak>").await;
    let pause = paused.length().saturating_sub(plain.length()).as_secs_f64();
    assert!((1.5..2.8).contains(&pause), "{pause}");
    let slow = said(&prompts, "<speak><prosody rate=\"50%\">Hello there</prosody></speak>").await;
    assert!(slow.length() > plain.length().mul_f64(1.3));
    let escaped = said(&prompts, "<speak>1 &lt; 2 &amp; 3</speak>").await;
    assert_eq!(escaped, said(&prompts, "<speak>1 <![CDATA[< 2 &]]> &#51;</speak>").await);
    let alias = said(&prompts, "<speak><sub alias='one two three four'>x</sub></speak>").await;
    assert!(alias.length() > said(&prompts, "x").await.length());
}

#[tokio::test]
async fn what_is_no_ssml_is_read_as_it_stands() {
    let prompts = prompts(PromptSettings::default()).await;
    let plain = said(&prompts, "less than").await;
    for text in ["less <b>than</b>", "less < than", "<speak>less than", "a <speak>less</speak>"] {
        assert!(said(&prompts, text).await.length() > plain.length(), "{text}");
    }
}

#[tokio::test]
async fn no_file_of_the_machine_is_heard() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret.wav");
    let sox = ["-n", "-r", "22050", "-b", "16", "-c", "1"];
    let made = std::process::Command::new("sox")
        .args(sox)
        .arg(&secret)
        .args(["synth", "5", "sine", "1000"])
        .status();
    assert!(made.unwrap().success());
    let secret = secret.display();
    let prompts = prompts(PromptSettings::default()).await;
    for hidden in [
        format!("<audio src=\"{secret}\"/>"),
        format!("<audio src='{secret}'></audio>"),
        format!("<AUDIO src='{secret}'/>"),
        format!("<prosody rate=\"> <audio src='{secret}'/>\"></prosody>"),
        format!("<prosody rate='&gt; &lt;audio src=\"{secret}\"/&gt;'></prosody>"),
        format!("<prosody xml:base='{secret}' src='{secret}'></prosody>"),
        format!("<voice name='{secret}'></voice>"),
        format!("<x:audio src='{secret}'/><!-- <audio src='{secret}'/> -->"),
        format!("<?x <audio src='{secret}'/> ?>"),
    ] {
        let audio = said(&prompts, &format!("<speak>Hello {hidden} there</speak>")).await;
        assert!(audio.length().as_secs_f64() < 3.0, "{hidden}: {:?}", audio.length());
    }
}
