//! Who A and B are told is calling.

use serde_json::{Value, json};

use super::proxy::{Has, Proxy};
use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::{Phones, click};

/// The number of the company, in `from`.
const FROM: &str = "38515507799";

/// Calls with those fields, and gives what the proxy saw of both calls.
#[track_caller]
fn seen(phones: &Phones, proxy: &Proxy, [a, b]: [&mut Telephone; 2], fields: Value) -> [String; 2] {
    let id = fields.to_string();
    let mut message = click(&id, A);
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    phones.call(&[message]);
    let to_a = proxy.says(&format!("CALL over udp to {A} "));
    a.talks();
    let to_b = proxy.says(&format!("CALL over udp to {B} "));
    b.talks();
    b.hang_up();
    phones.take(1);
    [to_a, to_b]
}

/// What the proxy sees of a call that shows that number.
fn showing(number: &str) -> String {
    let uri = format!("sip:+{number}@127.0.0.1");
    format!("from {uri} name <null> asserted <{uri}> privacy <null> end")
}

#[test]
fn a_and_b_are_shown_what_the_message_says() {
    let mut a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let mut b = Telephone::new(B, Says::Tone(TONE_B), Answers::AtOnce);
    let proxy = Proxy::before(&[&a, &b], &Has::default());
    let phones = server("", &[trunk("edge", "udp", proxy.port, "")]);
    let mut seen = |fields: Value| seen(&phones, &proxy, [&mut a, &mut b], fields);
    assert_eq!(seen(json!({})), [showing(FROM), showing(A)]);
    assert_eq!(seen(json!({"anonymization": true})), [showing(FROM), showing(FROM)]);
    let other = "38516667788";
    assert_eq!(seen(json!({"fromB": other})), [showing(FROM), showing(other)]);
    let both = json!({"fromB": other, "anonymization": true});
    assert_eq!(seen(both), [showing(FROM), showing(other)]);
}

#[test]
fn a_telephone_rings_with_the_number_that_is_shown() {
    let a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let b = Telephone::new(B, Says::Tone(TONE_B), Answers::ByHand);
    let trunks = [
        trunk("a", "udp", a.port, "serves = [\"38598\"]\ncaller_format = \"00\""),
        trunk("b", "udp", b.port, "serves = [\"38591\"]\ncaller_format = \"e164\""),
    ];
    let phones = server("", &trunks);
    phones.call(&[click("click", A)]);
    let shown = b.rings();
    assert!(shown.contains(&format!("sip:{A}@")), "{shown}");
    phones.ask("DELETE", "/callslip/1/calls/click", "", "");
    phones.take_one("click");
}
