//! Calls as they are shown: what is known of one, under way and over, and in the logs.

use std::time::Duration;

use api::wire::{self, Format, call};
use model::cdr::{
    Cdr, Charged, Clue, Detection, Ending, FarEnd, LegRecord, Quality, RateLine, Release, Verdict,
};
use model::ladder::Ladder;
use model::message::{Leg2, Prompt};
use model::{AccountId, Message, Outcome, Report, Timestamp, Zone};
use store::{ArchivedCall, CallEntry, CallId, Cancelled, OpenCall, Record, Recording, Started};

use crate::reports::documented;

const PROLOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// 2026-11-24T12:00:00Z, and so many seconds later.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_521_600_000 + seconds * 1_000)
}

fn message() -> Message {
    Message {
        account: AccountId(1),
        bulk_id: "bulk-7".into(),
        message_id: "a<7>".into(),
        from: "41793026700".into(),
        destination_a: "41793026727".parse().unwrap(),
        destination_b: Some(Leg2 {
            number: "41793026731".parse().unwrap(),
            shown: "41793026727".into(),
            max_duration: None,
            warning_time: None,
            if_keys: Vec::new(),
        }),
        transfers: Vec::new(),
        pause: Duration::ZERO,
        prompt: Some(Prompt::Text {
            text: "Fish & chips".into(),
            language: "en".into(),
            voice: None,
            rate_percent: 100,
        }),
        keys: None,
        machine_detection: None,
        ring_timeout: Duration::from_secs(45),
        call_timeout: None,
        retry: None,
        window: None,
        asked_send_at: None,
        send_at: at(0),
        valid_until: Some(at(3_600)),
        notify: None,
        callback_data: Some("order 12".into()),
        record: false,
    }
}

/// Waits to be placed for the first time.
fn waiting() -> OpenCall {
    OpenCall {
        id: CallId { account: AccountId(1), number: 1 },
        message: message(),
        submitted_at: at(0),
        due: at(0),
        started: None,
        cdrs: Vec::new(),
        cancelled_at: None,
        legs_up: Vec::new(),
        recording: Recording::default(),
    }
}

/// An attempt that found A busy.
fn busy() -> Cdr {
    let release = Release { code: Some(486), cause: Some(17) };
    let dialled = LegRecord::dialled(at(1));
    Cdr {
        attempt: 1,
        outcome: Outcome::Busy,
        ending: Ending::NotReached,
        leg_a: LegRecord { ended: Some(at(2)), release, outcome: Outcome::Busy, ..dialled },
        leg_b: None,
        keys: Vec::new(),
        detection: None,
        prompt: None,
        ladder: Ladder::default(),
    }
}

/// An attempt in which A and B talked.
fn talked() -> Cdr {
    let leg = |dialled| LegRecord {
        ringing: Some(at(dialled + 1)),
        answered: Some(at(dialled + 2)),
        ended: Some(at(80)),
        outcome: Outcome::Answered,
        ..LegRecord::dialled(at(dialled))
    };
    Cdr {
        attempt: 2,
        outcome: Outcome::Answered,
        ending: Ending::ByB,
        leg_a: leg(61),
        leg_b: Some(LegRecord {
            trunk: Some("north".into()),
            quality: Some(Quality {
                sent: 600,
                received: 598,
                lost: 2,
                jitter: Duration::from_micros(1_250),
                far_end: Some(FarEnd { lost: 1, ..FarEnd::default() }),
            }),
            ..leg(66)
        }),
        keys: vec!['1', '#'],
        detection: Some(Detection {
            verdict: Verdict::Human,
            clue: Clue::ShortGreeting,
            after: Duration::from_millis(900),
        }),
        prompt: Some(Duration::from_millis(3_050)),
        ladder: Ladder::default(),
    }
}

#[track_caller]
fn check(entry: &CallEntry, json: &str, xml: &str) {
    let told =
        |format| String::from_utf8(call::call(format, entry, &Zone::utc()).unwrap()).unwrap();
    assert_eq!(told(Format::Json), json);
    assert_eq!(told(Format::Xml), format!("{PROLOG}{xml}"));
}

#[test]
fn a_call_that_waits_says_what_was_submitted() {
    check(
        &CallEntry::Open(Box::new(waiting())),
        concat!(
            r#"{"bulkId":"bulk-7","messageId":"a<7>","state":"waiting","from":"41793026700","#,
            r#""to":"41793026727","destinationB":"41793026731","callbackData":"order 12","#,
            r#""submittedAt":"2026-11-24T12:00:00.000+0000","sendAt":"2026-11-24T12:00:00.000+0000","#,
            r#""validUntil":"2026-11-24T13:00:00.000+0000","due":"2026-11-24T12:00:00.000+0000","#,
            r#""attempts":[]}"#,
        ),
        concat!(
            "<callResponse><bulkId>bulk-7</bulkId><messageId>a&lt;7&gt;</messageId>",
            "<state>waiting</state><from>41793026700</from><to>41793026727</to>",
            "<destinationB>41793026731</destinationB><callbackData>order 12</callbackData>",
            "<submittedAt>2026-11-24T12:00:00.000+0000</submittedAt>",
            "<sendAt>2026-11-24T12:00:00.000+0000</sendAt>",
            "<validUntil>2026-11-24T13:00:00.000+0000</validUntil>",
            "<due>2026-11-24T12:00:00.000+0000</due><attempts/></callResponse>",
        ),
    );
}

#[test]
fn a_call_under_way_says_what_has_happened_so_far() {
    let open = OpenCall {
        message: Message {
            destination_b: None,
            valid_until: None,
            callback_data: None,
            ..message()
        },
        started: Some(Started { attempt: 2, at: at(61) }),
        cdrs: vec![busy()],
        cancelled_at: Some(at(62)),
        due: at(61),
        ..waiting()
    };
    check(
        &CallEntry::Open(Box::new(open)),
        concat!(
            r#"{"bulkId":"bulk-7","messageId":"a<7>","state":"underWay","from":"41793026700","#,
            r#""to":"41793026727","submittedAt":"2026-11-24T12:00:00.000+0000","#,
            r#""sendAt":"2026-11-24T12:00:00.000+0000","due":"2026-11-24T12:01:01.000+0000","#,
            r#""cancelledAt":"2026-11-24T12:01:02.000+0000","#,
            r#""started":{"attempt":2,"at":"2026-11-24T12:01:01.000+0000"},"#,
            r#""attempts":[{"attempt":1,"outcome":"busy","ending":"notReached","keys":"","#,
            r#""legA":{"outcome":"busy","dialledAt":"2026-11-24T12:00:01.000+0000","#,
            r#""endedAt":"2026-11-24T12:00:02.000+0000","sipCode":486,"q850Cause":17}}]}"#,
        ),
        concat!(
            "<callResponse><bulkId>bulk-7</bulkId><messageId>a&lt;7&gt;</messageId>",
            "<state>underWay</state><from>41793026700</from><to>41793026727</to>",
            "<submittedAt>2026-11-24T12:00:00.000+0000</submittedAt>",
            "<sendAt>2026-11-24T12:00:00.000+0000</sendAt><due>2026-11-24T12:01:01.000+0000</due>",
            "<cancelledAt>2026-11-24T12:01:02.000+0000</cancelledAt>",
            "<started><attempt>2</attempt><at>2026-11-24T12:01:01.000+0000</at></started>",
            "<attempts><attempt><attempt>1</attempt><outcome>busy</outcome>",
            "<ending>notReached</ending><keys></keys><legA><outcome>busy</outcome>",
            "<dialledAt>2026-11-24T12:00:01.000+0000</dialledAt>",
            "<endedAt>2026-11-24T12:00:02.000+0000</endedAt><sipCode>486</sipCode>",
            "<q850Cause>17</q850Cause></legA></attempt></attempts></callResponse>",
        ),
    );
}

#[test]
fn a_call_that_is_over_has_its_legs_its_charge_and_its_report() {
    let line = |line| RateLine { line, text: format!("41 0.01 EUR a second, line {line}") };
    let archived = ArchivedCall {
        message: message(),
        submitted_at: at(0),
        cdrs: vec![busy(), talked()],
        charged: Charged {
            deck: Some("demo".into()),
            total: "0.170".parse().unwrap(),
            billed_seconds: 29,
            line_a: Some(line(2)),
            line_b: Some(line(3)),
        },
        recording: Recording::default(),
        report: Record::new(&documented(), at(80)),
    };
    let entry = CallEntry::Finished(Box::new(archived));
    let json = String::from_utf8(call::call(Format::Json, &entry, &Zone::utc()).unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["state"], "finished");
    assert_eq!(json["attempts"][0]["legA"]["sipCode"], 486);
    let talk = serde_json::json!({
        "attempt": 2, "outcome": "answered", "ending": "byB", "verdict": "human",
        "verdictBy": "shortGreeting", "verdictAfterSeconds": 0.9, "keys": "1,#",
        "promptSeconds": 3.05,
        "legA": {"outcome": "answered", "dialledAt": "2026-11-24T12:01:01.000+0000",
            "ringingAt": "2026-11-24T12:01:02.000+0000", "answeredAt": "2026-11-24T12:01:03.000+0000",
            "endedAt": "2026-11-24T12:01:20.000+0000"},
        "legB": {"outcome": "answered", "dialledAt": "2026-11-24T12:01:06.000+0000",
            "ringingAt": "2026-11-24T12:01:07.000+0000", "answeredAt": "2026-11-24T12:01:08.000+0000",
            "endedAt": "2026-11-24T12:01:20.000+0000", "trunk": "north",
            "media": {"packetsSent": 600, "packetsReceived": 598, "packetsLost": 2,
                "jitterSeconds": 0.00125, "farEndPacketsLost": 1, "farEndJitterSeconds": 0}},
    });
    assert_eq!(json["attempts"][1], talk);
    let charged = serde_json::json!({
        "deck": "demo", "total": 0.170, "billedSeconds": 29,
        "lineA": {"line": 2, "text": "41 0.01 EUR a second, line 2"},
        "lineB": {"line": 3, "text": "41 0.01 EUR a second, line 3"},
    });
    assert_eq!(json["charged"], charged);
    let classic = String::from_utf8(wire::reports(Format::Json, &[documented()], &Zone::utc()));
    let classic: serde_json::Value = serde_json::from_str(&classic.unwrap()).unwrap();
    assert_eq!(json["report"], classic["results"][0]);
    let xml = String::from_utf8(call::call(Format::Xml, &entry, &Zone::utc()).unwrap()).unwrap();
    assert!(xml.contains("<total>0.170</total><billedSeconds>29</billedSeconds><lineA>"), "{xml}");
    assert!(xml.contains("<promptSeconds>3.05</promptSeconds>"), "{xml}");
    assert!(xml.contains("</charged><report><bulkId>"), "{xml}");
}

#[test]
fn a_cancellation_says_what_it_found() {
    let json = call::cancelled(Format::Json, "a\"7", Cancelled::Waiting);
    assert_eq!(String::from_utf8(json).unwrap(), r#"{"messageId":"a\"7","was":"waiting"}"#);
    for (was, name) in [(Cancelled::UnderWay, "underWay"), (Cancelled::Finished, "finished")] {
        let xml = String::from_utf8(call::cancelled(Format::Xml, "a<7>", was)).unwrap();
        let expect = format!(
            "{PROLOG}<cancelResponse><messageId>a&lt;7&gt;</messageId><was>{name}</was></cancelResponse>"
        );
        assert_eq!(xml, expect);
    }
}

fn logged(open: &[OpenCall], format: Format) -> String {
    let none: [Report; 0] = [];
    String::from_utf8(wire::logs(format, open, &none, &Zone::utc())).unwrap()
}

#[test]
fn a_call_in_the_logs_has_no_error_until_it_is_over() {
    let ids = r#"{"results":[{"bulkId":"bulk-7","messageId":"a<7>","to":"41793026727","from":"41793026700","text":"Fish & chips","#;
    let rest = r#""error":{"groupId":0,"groupName":"OK","id":0,"name":"NO_ERROR","description":"No Error","permanent":false}}]}"#;
    let accepted = concat!(
        r#""sentAt":"2026-11-24T12:00:00.000+0000","duration":0,"#,
        r#""price":{"pricePerSecond":0,"currency":"UNKNOWN"},"status":{"groupId":1,"#,
        r#""groupName":"PENDING","id":26,"name":"PENDING_ACCEPTED","#,
        r#""description":"Message accepted, pending for delivery."},"#,
    );
    assert_eq!(logged(&[waiting()], Format::Json), format!("{ids}{accepted}{rest}"));
    let enroute = |sent: &str| {
        format!(
            concat!(
                r#""sentAt":"{}","duration":0,"price":{{"pricePerSecond":0,"currency":"UNKNOWN"}},"#,
                r#""status":{{"groupId":1,"groupName":"PENDING","id":7,"name":"PENDING_ENROUTE","#,
                r#""description":"Message sent to next instance"}},"#,
            ),
            sent
        )
    };
    let tried = OpenCall { cdrs: vec![busy()], due: at(62), ..waiting() };
    let enroute_again_at_62 = enroute("2026-11-24T12:01:02.000+0000");
    assert_eq!(
        logged(std::slice::from_ref(&tried), Format::Json),
        format!("{ids}{enroute_again_at_62}{rest}")
    );
    let started = OpenCall { started: Some(Started { attempt: 2, at: at(61) }), ..tried };
    let enroute_since_61 = enroute("2026-11-24T12:01:01.000+0000");
    assert_eq!(logged(&[started], Format::Json), format!("{ids}{enroute_since_61}{rest}"));
}

#[test]
fn calls_under_way_come_before_those_that_are_over_in_xml_too() {
    let over = [documented()];
    let xml =
        String::from_utf8(wire::logs(Format::Xml, &[waiting()], &over, &Zone::utc())).unwrap();
    let start = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><voiceLogsResponse><results><results>"#,
        "<bulkId>bulk-7</bulkId><messageId>a&lt;7&gt;</messageId><to>41793026727</to>",
        "<from>41793026700</from><text>Fish &amp; chips</text>",
        "<sentAt>2026-11-24T12:00:00.000+0000</sentAt><duration>0</duration>",
        "<price><pricePerSecond>0</pricePerSecond><currency>UNKNOWN</currency></price>",
    );
    assert!(xml.starts_with(start), "{xml}");
    assert!(xml.contains("</results><results><bulkId>8c20f086"), "{xml}");
}
