//! Whether a person or a machine has answered.

use serde_json::Value;

use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{attempt, server, trunk};
use super::{A, B, TONE_B};
use crate::phones::click;

const GREETING: &str = "Hello, you have reached the voice mail of Morgiana. I cannot take your call \
    right now. Please leave a message after the tone, and I will call you back.";

/// A call that a telephone answers with those words: its report, and its attempt.
#[track_caller]
fn answered_with(words: &'static str) -> (Value, Value) {
    let a = Telephone::new(A, Says::Words(words), Answers::AtOnce);
    let mut b = Telephone::new(B, Says::Tone(TONE_B), Answers::AtOnce);
    let trunks = [
        trunk("a", "udp", a.port, "serves = [\"38598\"]"),
        trunk("b", "udp", b.port, "serves = [\"38591\"]"),
    ];
    let phones = server("", &trunks);
    let mut message = click("click", A);
    message["machineDetection"] = "hangup".into();
    phones.call(&[message]);
    a.talks();
    if words != GREETING {
        b.talks();
        b.hang_up();
    }
    let report = phones.take_one("click");
    (report, attempt(&phones.detail("click")).clone())
}

#[test]
fn an_answering_machine_is_told_by_its_greeting_and_hung_up_on() {
    let (report, attempt) = answered_with(GREETING);
    assert_eq!(report["error"]["id"], 5001, "{report:#}");
    assert_eq!(attempt["verdict"], "machine");
    let by = attempt["verdictBy"].as_str().unwrap();
    assert!(["longGreeting", "manyWords", "longWord"].contains(&by), "{attempt:#}");
    assert!(attempt["verdictAfterSeconds"].as_f64().unwrap() < 5.0, "{attempt:#}");
    assert_eq!(attempt["ending"], "machine");
    assert_eq!(attempt["legB"], Value::Null, "B is left in peace");
}

#[test]
fn a_person_is_told_by_waiting_and_put_through() {
    let (report, attempt) = answered_with("Hello?");
    assert_eq!(report["error"]["id"], 5000, "{report:#}");
    assert_eq!(attempt["verdict"], "human", "{attempt:#}");
    assert_eq!(attempt["verdictBy"], "shortGreeting");
    assert!(attempt["verdictAfterSeconds"].as_f64().unwrap() < 3.0, "{attempt:#}");
    assert_eq!(attempt["ending"], "byB");
}
