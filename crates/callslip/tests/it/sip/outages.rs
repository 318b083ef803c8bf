//! A trunk that goes down and comes back, with another beside it.

use super::proxy::{Has, Proxy};
use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{attempt, server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::{Phones, click};

#[test]
fn calls_go_through_the_second_trunk_while_the_first_is_down() {
    let a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let mut b = Telephone::new(B, Says::Tone(TONE_B), Answers::AtOnce);
    let mut first = Proxy::before(&[&a, &b], &Has::default());
    let second = Proxy::before(&[&a, &b], &Has::default());
    let pinged = "ping_s = 1\nno_reply_ms = 600";
    let trunks = [
        trunk("first", "udp", first.port, &format!("{pinged}\npriority = 1")),
        trunk("second", "udp", second.port, &format!("{pinged}\npriority = 2")),
    ];
    let mut phones = server("", &trunks);
    assert_eq!(call(&phones, &mut b, "before").0, "first");

    first.stop();
    let down = phones.says("A trunk does not answer any more.");
    assert!(down.contains("trunk=\"first\""), "{down}");
    let (way, waited) = call(&phones, &mut b, "meanwhile");
    // Nobody waits for the first one to say nothing.
    assert!(way == "second" && waited < 500, "{way}, {waited} ms");

    first.start();
    let up = phones.says("A trunk answers again.");
    assert!(up.contains("trunk=\"first\""), "{up}");
    assert_eq!(call(&phones, &mut b, "after").0, "first");
}

/// A call that B ends, the trunk of both of its legs, and how many milliseconds A's answer took.
#[track_caller]
fn call(phones: &Phones, b: &mut Telephone, id: &str) -> (String, i64) {
    phones.call(&[click(id, A)]);
    b.talks();
    b.hang_up();
    assert_eq!(phones.take_one(id)["error"]["name"], "VOICE_ANSWERED");
    let detail = phones.detail(id);
    let attempt = attempt(&detail);
    let leg = &attempt["legA"];
    assert_eq!(leg["trunk"], attempt["legB"]["trunk"], "{detail:#}");
    let at = |when: &str| api::wire::date::parse(leg[when].as_str().unwrap()).unwrap().as_millis();
    (leg["trunk"].as_str().unwrap().to_owned(), at("answeredAt") - at("dialledAt"))
}
