//! The whole way: a request, two telephones that ring one after the other and hear each other, and the
//! report of it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::sound::{Says, Sound, speak};
use super::telephone::{Answers, Telephone};
use super::trunk::{attempt, server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::click;
use crate::server::Connection;

const TEXT: &str = "Your table is ready. We are connecting you to the restaurant.";

#[test]
fn two_telephones_ring_one_after_the_other_and_hear_each_other() {
    let mut a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let mut b = Telephone::new(B, Says::Tone(TONE_B), Answers::ByHand);
    let trunks = [
        trunk("a", "udp", a.port, "serves = [\"38598\"]"),
        trunk("b", "udp", b.port, "serves = [\"38591\"]"),
    ];
    let phones = server("", &trunks);
    let mut message = click("click", A);
    message["text"] = TEXT.into();
    message["record"] = true.into();
    phones.call(&[message]);
    a.talks();
    let a_answered = Instant::now();
    a.press('5');
    b.rings();
    b.answer();
    b.talks();
    sleep(Duration::from_secs(2));
    // What is pressed once they are joined, such as a PIN, is for B alone.
    a.press('7');
    b.is_sent_key('7');
    b.hang_up();
    let talked = a_answered.elapsed();

    let report = phones.take_one("click");
    assert_eq!(report["error"]["name"], "VOICE_ANSWERED", "{report:#}");
    assert_eq!(report["status"]["name"], "DELIVERED_TO_HANDSET");
    assert_eq!(report["dtmfCodes"], "5", "{report:#}");
    assert_eq!(report["price"], json!({"pricePerSecond": 0.01, "currency": "EUR"}));
    let duration = report["duration"].as_f64().unwrap();
    assert!((duration - talked.as_secs_f64()).abs() <= 1.0, "{talked:?}: {report:#}");
    let detail = phones.detail("click");
    assert_eq!(attempt(&detail)["ending"], "byB");
    assert_eq!(attempt(&detail)["legA"]["trunk"], "a");
    assert_eq!(attempt(&detail)["legB"]["trunk"], "b");
    // Both legs are charged, A by the second, as the demo deck has it.
    let total = detail["charged"]["total"].as_f64().unwrap();
    let billed = detail["charged"]["billedSeconds"].as_f64().unwrap();
    assert!((total - billed * 0.01).abs() < 1e-9 && billed >= duration, "{detail:#}");

    // A hears the text, then B; B hears A and nothing else.
    let heard = a.heard();
    let joined = heard.begins(TONE_B);
    let words = heard.until(joined).loud(0.7);
    let [spoken] = words[..] else { panic!("{words:?}") };
    let length = attempt(&detail)["promptSeconds"].as_f64().unwrap();
    assert!((spoken.seconds() - length).abs() < 0.3, "{spoken:?}, {length} s");
    assert!(heard.seconds_of(TONE_B) > 1.2, "{:?}", heard.tone(TONE_B));
    let reference = phones.home.path("reference.wav");
    speak(&reference, TEXT, 0);
    let likeness = heard.likeness(&Sound::read(&reference), 1.0);
    assert!(likeness > 0.9, "{likeness}");
    let heard = b.heard();
    assert!(heard.seconds_of(TONE_A) > 1.2, "{:?}", heard.tone(TONE_A));
    assert_eq!(heard.loud(0.5).len(), 1, "{:?}", heard.loud(0.5));

    // The recording has A on the left and B on the right, and is for its account only.
    let url = report["recordedAudioFileUrl"].as_str().unwrap();
    let sides = Sound::channels(&phones.get(url).body);
    let [left, right] = &sides[..] else { panic!("{} channels", sides.len()) };
    assert!(left.seconds_of(TONE_A) > 1.2 && right.seconds_of(TONE_B) > 1.2);
    assert!(left.seconds_of(TONE_B) < 0.1 && right.seconds_of(TONE_A) < 0.1);
    phones.home.file("other-password", "open barley");
    phones.home.done(&["account", "add", "Cassim", "--password-file", "other-password"]);
    let ask = |login: &str| Connection::to(phones.address).request("GET", url, login, b"").status;
    assert_eq!(ask("Authorization: Basic Q2Fzc2ltOm9wZW4gYmFybGV5\r\n"), 404);
    assert_eq!(ask(""), 401);
}
