//! Click-to-call: the documented request, its defaults, and its answer.

use std::time::Duration;

use api::wire::Format;
use api::wire::submit::{click_to_call, reply};
use model::message::{DeliveryWindow, Leg2, MachineDetection, Notify, Prompt, Retry};
use model::{AccountId, Message};

use super::{CTC_JSON, CTC_XML, NOW, answers, planned, read, under, with};

fn documented() -> Message {
    Message {
        account: AccountId(1),
        bulk_id: "bulk-7".into(),
        message_id: "message-7".into(),
        from: "41793026700".into(),
        destination_a: "41793026727".parse().unwrap(),
        destination_b: Some(Leg2 {
            number: "41793026731".parse().unwrap(),
            shown: "41793026701".into(),
            max_duration: Some(Duration::from_secs(600)),
            warning_time: Some(Duration::from_secs(30)),
            if_keys: Vec::new(),
        }),
        transfers: Vec::new(),
        pause: Duration::ZERO,
        prompt: Some(Prompt::Audio { url: "https://media.example.com/greeting.wav".into() }),
        keys: None,
        machine_detection: Some(MachineDetection::Hangup),
        ring_timeout: Duration::from_secs(45),
        call_timeout: None,
        retry: Some(Retry {
            min_period: Duration::from_secs(60),
            max_period: Duration::from_secs(300),
            max_count: 4,
        }),
        window: Some(DeliveryWindow { days: 0b101_0001, minutes: Some((1350, 360)) }),
        asked_send_at: None,
        send_at: NOW,
        valid_until: None,
        notify: Some(Notify {
            url: "https://app.example.com/voice?x=1&y=2".into(),
            xml: true,
            version_1: true,
        }),
        callback_data: None,
        record: false,
    }
}

const BARE: &str = r#"{"messages":[{"destinationB":"222","destinationA":"111","from":"12345"}]}"#;

#[test]
fn the_documented_request_is_read_in_both_formats() {
    assert_eq!(planned(click_to_call, Format::Json, CTC_JSON), [documented()]);
    assert_eq!(planned(click_to_call, Format::Xml, CTC_XML), [documented()]);
}

#[test]
fn without_audio_the_text_is_spoken() {
    for (format, body, audio) in [
        (Format::Json, CTC_JSON, "\"https://media.example.com/greeting.wav\""),
        (Format::Xml, CTC_XML, "https://media.example.com/greeting.wav"),
    ] {
        let none = if format == Format::Json { "null" } else { "" };
        let spoken = Prompt::Text {
            text: "Fish & chips – one moment".into(),
            language: "en".into(),
            voice: Some("Joanna".into()),
            rate_percent: 100,
        };
        let read = planned(click_to_call, format, &with(body, audio, none));
        assert_eq!(read, [Message { prompt: Some(spoken), ..documented() }]);
    }
}

#[test]
fn what_is_absent_has_its_default() {
    let bare = |body: &str| planned(click_to_call, Format::Json, body).remove(0);
    let message = bare(BARE);
    let b = message.destination_b.clone().unwrap();
    assert_eq!((b.shown.as_str(), b.max_duration, b.warning_time), ("111", None, None));
    assert_eq!((&*message.bulk_id, &*message.message_id), ("id-1", "id-2"));
    assert_eq!((message.send_at, message.valid_until), (NOW, None));
    assert_eq!(message.ring_timeout, Duration::from_secs(45));
    let nothing = (&message.prompt, &message.retry, &message.window, &message.notify);
    assert_eq!(nothing, (&None, &None, &None, &None));
    let nulls = BARE.replace(
        "\"12345\"",
        r#""12345","fromB":null,"text":"","voice":null,"anonymization":null,"retry":null,
        "deliveryTimeWindow":null,"maxDuration":null,"messageId":"","bulkId":7,"more":[{"x":{}}]"#,
    );
    assert_eq!(bare(&nulls), message);
}

#[test]
fn b_sees_who_calls_unless_told_otherwise() {
    let shown = |fields: &str| {
        let body = BARE.replace("\"12345\"", &format!("\"12345\"{fields}"));
        let message = planned(click_to_call, Format::Json, &body).remove(0);
        message.destination_b.unwrap().shown
    };
    assert_eq!(shown(""), "111");
    assert_eq!(shown(r#","anonymization":false"#), "111");
    assert_eq!(shown(r#","anonymization":true"#), "12345");
    assert_eq!(shown(r#","anonymization":true,"fromB":"+333""#), "333");
}

#[test]
fn the_same_request_again_asks_the_same() {
    let later = NOW.plus(Duration::from_secs(5));
    let json = planned(click_to_call, Format::Json, CTC_JSON).remove(0);
    let xml = under(later, true, |terms| click_to_call(Format::Xml, CTC_XML.as_bytes(), terms));
    let xml = xml.unwrap().messages.remove(0).verdict.unwrap();
    assert!(json != xml && json.asks_the_same(&xml));
    let other = with(CTC_JSON, "\"warningTime\": 30", "\"warningTime\": 31");
    let other = planned(click_to_call, Format::Json, &other).remove(0);
    assert!(!json.asks_the_same(&other));
}

#[test]
fn the_answer_says_what_became_of_each_message() {
    let two = r#"{"bulkId":"b<1>","messages":[{"from":"12345","destinationA":"+1 11","destinationB":"222",
        "messageId":"m&\"1"},{"from":"12345","destinationA":"nobody","destinationB":"222"},
        {"from":"12345","destinationB":"222"}]}"#;
    let submit = read(click_to_call, Format::Json, two).unwrap();
    let answers = answers(&submit);
    let json = String::from_utf8(reply(Format::Json, &submit.bulk_id, &answers)).unwrap();
    let expect = concat!(
        r#"{"bulkId":"b<1>","messages":[{"to":"111","status":{"groupId":1,"groupName":"PENDING","#,
        r#""id":26,"name":"PENDING_ACCEPTED","description":"Message accepted, pending for delivery."},"#,
        r#""messageId":"m&\"1"},{"to":"nobody","status":{"groupId":5,"groupName":"REJECTED","id":52,"#,
        r#""name":"REJECTED_DESTINATION","description":"The destination is not a telephone number"},"#,
        r#""messageId":"id-1"},{"status":{"groupId":5,"groupName":"REJECTED","id":51,"name":"MISSING_TO","#,
        r#""description":"The destination is missing"},"messageId":"id-2"}]}"#,
    );
    assert_eq!(json, expect);
    let xml = String::from_utf8(reply(Format::Xml, &submit.bulk_id, &answers[..1])).unwrap();
    let expect = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><voiceResponse><bulkId>b&lt;1&gt;</bulkId><messages>"#,
        "<message><to>111</to><status><groupId>1</groupId><groupName>PENDING</groupName><id>26</id>",
        "<name>PENDING_ACCEPTED</name><description>Message accepted, pending for delivery.",
        "</description></status><messageId>m&amp;\"1</messageId></message></messages></voiceResponse>",
    );
    assert_eq!(xml, expect);
}
