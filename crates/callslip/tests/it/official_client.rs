//! The vendor's own client library for Python, as it comes from PyPI and without a changed line,
//! calls, follows, takes and schedules here; both generations of it that know click-to-call.

use std::process::Command;

use serde_json::{Value, json};
use testkit::clients;

use crate::binary::Ran;
use crate::phones::Phones;

#[test]
fn the_newest_generation_works_unchanged() {
    check("6.0.0");
}

#[test]
fn the_generation_before_works_unchanged() {
    check("5.1.1");
}

fn check(version: &str) {
    let phones = Phones::at_speed(10);
    let key = phones.home.done(&["key", "add", "Aladdin", "--role", "read", "--role", "send"]);
    let (python, script) = clients::sdk(version);
    let url = format!("http://{}", phones.address);
    let ran = Ran::of(Command::new(python).arg(script).args([&url, key.trim()]));
    assert_eq!(ran.code, Some(0), "{version}: {}{}", ran.out, ran.err);
    let seen: Value = serde_json::from_str(&ran.out).unwrap();

    let sent = seen["sent"]["messages"].as_array().unwrap();
    assert_eq!(seen["sent"]["messages"][0]["to"], "385981000001");
    assert!(sent.iter().all(|one| one["status"]["name"] == "PENDING_ACCEPTED"), "{sent:?}");
    let error_of = |list: &str, message: &Value| {
        let all = seen[list]["results"].as_array().unwrap();
        let one = all.iter().find(|one| one["messageId"] == message["messageId"]).unwrap();
        assert_eq!(one["bulkId"], seen["sent"]["bulkId"]);
        one["error"]["name"].clone()
    };
    let ends = ["VOICE_ANSWERED", "EC_VOICE_USER_BUSY", "VOICE_ANSWERED"];
    for (message, end) in sent.iter().zip(ends) {
        assert_eq!(error_of("logs", message), end);
    }
    assert_eq!(error_of("one", &sent[1]), ends[1]);
    assert_eq!(seen["one"]["results"].as_array().unwrap().len(), 1);
    assert_eq!(error_of("rest", &sent[0]), ends[0]);
    assert_eq!(error_of("rest", &sent[2]), ends[2]);
    assert_eq!(seen["rest"]["results"].as_array().unwrap().len(), 2);
    let person = &seen["rest"]["results"][0];
    assert_eq!(person["price"], json!({"pricePerSecond": 0.01, "currency": "EUR"}));
    assert!(person["voiceCall"]["duration"].as_u64() >= Some(2), "{person}");
    assert_eq!(seen["again"]["results"], json!([]), "each report once");

    assert!(seen["scheduled"]["sendAt"].is_string(), "{}", seen["scheduled"]);
    assert_eq!(seen["statuses"], json!(["PENDING", "PAUSED", "PENDING", "CANCELED"]));
    let unauthorized = &seen["unauthorized"];
    assert_eq!(unauthorized["status"], 401);
    let text = &unauthorized["body"]["requestError"]["serviceException"]["text"];
    assert_eq!(text, "Invalid login details");
}
