//! Calls with a prompt: made before anything is dialled, and in nobody's way.

use engine::exchange::{Caps, ExchangeSettings};
use engine::prompt::PromptError;
use model::Message;
use model::message::Prompt;

use crate::house::{House, NOON, Plan, persons, secs, text};

#[tokio::test(start_paused = true)]
async fn a_prompt_that_cannot_be_made_ends_the_call_undialled() {
    for (error, id) in [
        (PromptError::NotFetched("404".into()), 5004),
        (PromptError::Unsupported("a picture".into()), 5005),
    ] {
        let house = House::new().await;
        house.prompter.fails("http://files.example/hello.wav", error);
        let prompt = Some(Prompt::Audio { url: "http://files.example/hello.wav".into() });
        house.submit(vec![Message { prompt, ..persons("m") }]).await;
        let record = house.report().await;
        let report = record.report().unwrap();
        assert_eq!((report.error.id, report.text), (id, None));
        assert!(house.carrier.lines().is_empty());
        assert!(house.cdrs("m").await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_made_before_anything_is_dialled() {
    let house = House::new().await;
    house.prompter.takes("slow", secs(7));
    house.submit(vec![Message { prompt: text("slow"), ..persons("m") }]).await;
    let record = house.report().await;
    assert_eq!(record.report().unwrap().file_duration, Some(secs(1)));
    assert_eq!(house.carrier.dialled_a(), [("m".to_owned(), NOON.plus(secs(7)))]);
    assert_eq!(house.cdrs("m").await[0].prompt, Some(secs(1)));
}

#[tokio::test(start_paused = true)]
async fn slow_prompts_hold_nobody_up() {
    let account = Caps { calls_per_second: 2, concurrent_calls: 100 };
    let settings = ExchangeSettings { account, ..ExchangeSettings::default() };
    let house = House::built(Plan { settings, ..Plan::default() }).await;
    house.prompter.takes("slow", secs(60));
    let slow = |n| Message { prompt: text("slow"), ..persons(&format!("slow-{n}")) };
    house.submit((0..20).map(slow).collect()).await;
    house.submit(vec![persons("quick")]).await;
    house.pass(secs(2)).await;
    let dialled = house.carrier.dialled_a();
    assert_eq!(dialled.len(), 1, "{dialled:?}");
    house.reports(21).await;
    assert_eq!(house.carrier.most_in_a_second(|_| true), 2, "they all were ready at once");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_expires_while_its_prompt_is_made_is_not_dialled() {
    let house = House::new().await;
    house.prompter.takes("slow", secs(60));
    let valid_until = Some(NOON.plus(secs(30)));
    house.submit(vec![Message { prompt: text("slow"), valid_until, ..persons("m") }]).await;
    assert_eq!(house.report().await.report().unwrap().error.id, 4101);
    assert!(house.carrier.lines().is_empty());
}
