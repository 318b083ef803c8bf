//! Voice messages: the documented requests and their defaults.

use std::time::Duration;

use api::wire::Format;
use api::wire::submit::{advanced, multi, single, single_form};
use model::message::{DeliveryWindow, Keys, Leg2, MachineDetection, Notify, Prompt, Retry};
use model::{AccountId, Message, Timestamp};

use super::{
    ADVANCED_JSON, ADVANCED_XML, MULTI_JSON, MULTI_XML, NOW, SINGLE_JSON, SINGLE_XML, fate,
    planned, under, with,
};

/// 2026-12-01T09:00:00+0100.
const SEND_AT: Timestamp = Timestamp::from_millis(1_796_112_000_000);

fn plain(bulk_id: &str, message_id: &str, to: &str) -> Message {
    Message {
        account: AccountId(1),
        bulk_id: bulk_id.into(),
        message_id: message_id.into(),
        from: "41793026700".into(),
        destination_a: to.parse().unwrap(),
        destination_b: None,
        transfers: Vec::new(),
        pause: Duration::ZERO,
        prompt: Some(spoken("Your table is ready", "Joanna", 100)),
        keys: None,
        machine_detection: None,
        ring_timeout: Duration::from_secs(45),
        call_timeout: None,
        retry: None,
        window: None,
        asked_send_at: None,
        send_at: NOW,
        valid_until: None,
        notify: None,
        callback_data: None,
        record: false,
    }
}

fn spoken(text: &str, voice: &str, rate_percent: u16) -> Prompt {
    let (text, language, voice) = (text.into(), "en".into(), Some(voice.into()));
    Prompt::Text { text, language, voice, rate_percent }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[test]
fn the_documented_single_message_is_read_in_all_formats() {
    let expect = [plain("id-1", "id-2", "41793026727")];
    assert_eq!(planned(single, Format::Json, SINGLE_JSON), expect);
    assert_eq!(planned(single, Format::Xml, SINGLE_XML), expect);
    let form = "text=Your+table%20is+ready&language=en&voice.gender=female&voice.name=Joanna\
        &from=%2B41793026700&to=41793026727&notifyUrl=x";
    let read = under(NOW, true, |terms| single_form(form.as_bytes(), terms)).unwrap();
    assert_eq!(read.messages[0].verdict, Ok(expect[0].clone()));
}

#[test]
fn a_form_is_judged_like_the_others() {
    let check = |form: &[u8], expect: &str| {
        assert_eq!(fate(under(NOW, true, |terms| single_form(form, terms))), expect);
    };
    check(b"from=12345&to=111", "55");
    check(b"from=12345&text=x", "51");
    check(b"", "from is missing");
    check(
        b"from=x&to=111&text=x",
        "from has a character that is none of digits, +, spaces and ( ) - . /",
    );
    check(b"from=12345&to=1&to=2", "to is given more than once");
    check(b"from=%zz", "from has a % that two hexadecimal digits do not follow");
    check(b"from=\xFF", "is not UTF-8 (line 1, column 6)");
    check(b"from=12345&to=111&text=x&voice.gender=x", "voice.gender is none of female, male");
}

#[test]
fn the_documented_messages_for_many_are_read() {
    let audio = Prompt::Audio { url: "http://media.example.com/greeting.mp3".into() };
    let woman = Some(spoken("Your table is ready", "female", 100));
    let expect = [
        Message { prompt: woman.clone(), ..plain("id-1", "id-2", "41793026727") },
        Message { prompt: woman, ..plain("id-1", "id-3", "41793026731") },
        Message { prompt: Some(audio), ..plain("id-1", "id-4", "41793026785") },
    ];
    assert_eq!(planned(multi, Format::Json, MULTI_JSON), expect);
    assert_eq!(planned(multi, Format::Xml, MULTI_XML), expect);
}

#[test]
fn the_documented_advanced_message_is_read() {
    let transfer = |number: &str, seconds: Option<u64>, keys: &[&str]| Leg2 {
        number: number.parse().unwrap(),
        shown: "41793026700".into(),
        max_duration: seconds.map(Duration::from_secs),
        warning_time: None,
        if_keys: keys.iter().map(|keys| (*keys).to_owned()).collect(),
    };
    let first = Message {
        transfers: vec![
            transfer("41793026785", Some(30), &["2"]),
            transfer("41793026786", None, &[]),
        ],
        pause: Duration::from_secs(3),
        prompt: Some(spoken("Press 1 to confirm, or 2 for a person", "male", 125)),
        keys: Some(Keys {
            max: 1,
            timeout: Duration::from_secs(8),
            repeats: 5,
            repeat_on: Some("0".into()),
        }),
        machine_detection: Some(MachineDetection::Continue),
        ring_timeout: Duration::from_secs(40),
        call_timeout: Some(Duration::from_secs(130)),
        retry: Some(Retry { min_period: minutes(1), max_period: minutes(5), max_count: 2 }),
        window: Some(DeliveryWindow { days: 0b10, minutes: None }),
        asked_send_at: Some(SEND_AT),
        send_at: SEND_AT,
        valid_until: Some(SEND_AT.plus(minutes(720))),
        notify: Some(Notify {
            url: "https://app.example.com/voice".into(),
            xml: false,
            version_1: false,
        }),
        callback_data: Some("order 12".into()),
        ..plain("bulk-8", "message-8", "41793026727")
    };
    // Four a minute: the second begins a quarter of a minute later.
    let pace = Duration::from_secs(15);
    let second = Message {
        message_id: "id-1".into(),
        destination_a: "41793026731".parse().unwrap(),
        send_at: SEND_AT.plus(pace),
        valid_until: Some(SEND_AT.plus(minutes(720)).plus(pace)),
        ..first.clone()
    };
    let expect = [first, second];
    assert_eq!(planned(advanced, Format::Json, ADVANCED_JSON), expect);
    assert_eq!(planned(advanced, Format::Xml, ADVANCED_XML), expect);
}

/// The first message of the smallest advanced request with these fields besides.
#[track_caller]
fn with_fields(fields: &str) -> Message {
    let body = format!(
        r#"{{"messages":[{{"destinations":[{{"to":"111"}},{{"to":"222"}}],"text":"x"{fields}}}]}}"#
    );
    planned(advanced, Format::Json, &body).remove(0)
}

#[test]
fn what_is_out_of_range_is_clamped_where_it_is_documented() {
    let rate = |rate: &str| match with_fields(&format!(r#","speechRate":{rate}"#)).prompt {
        Some(Prompt::Text { rate_percent, .. }) => rate_percent,
        other => panic!("{other:?}"),
    };
    let clamped = ["0.1", "-3", "0.5", "1", "1.999", "2", "2.5", "1e400"].map(rate);
    assert_eq!(clamped, [50, 50, 50, 100, 200, 200, 200, 200]);
    let until = |minutes: &str| with_fields(&format!(r#","validityPeriod":{minutes}"#)).valid_until;
    assert_eq!(until("2880"), Some(NOW.plus(minutes(2880))));
    assert_eq!(until("2881"), Some(NOW.plus(minutes(2880))));
    let retry = r#","retry":{"minPeriod":7,"maxPeriod":3,"maxCount":9}"#;
    let expect = Retry { min_period: minutes(7), max_period: minutes(7), max_count: 4 };
    assert_eq!(with_fields(retry).retry, Some(expect));
}

#[test]
fn keys_are_collected_when_they_have_a_meaning() {
    assert_eq!(with_fields("").keys, None);
    assert_eq!(with_fields(r#","maxDtmf":0,"dtmfTimeout":3"#).keys, None);
    let keys = |max, repeats, repeat_on: Option<&str>| {
        let repeat_on = repeat_on.map(str::to_owned);
        Some(Keys { max, timeout: Duration::from_secs(10), repeats, repeat_on })
    };
    assert_eq!(with_fields(r#","maxDtmf":3"#).keys, keys(3, 0, None));
    assert_eq!(with_fields(r#","repeatDtmf":"*9""#).keys, keys(2, 5, Some("*9")));
    let transfers = r#","callTransfers":[{"if":"dtmf","equals":"123","transferTo":"333"}]"#;
    let message = with_fields(transfers);
    assert_eq!(message.keys, keys(3, 0, None));
    assert_eq!(message.second_leg("123").unwrap().shown, "12345");
}

#[test]
fn a_time_that_has_passed_means_at_once() {
    let message = with_fields(r#","sendAt":"2020-01-01T00:00:00Z","validityPeriod":1"#);
    assert_eq!(message.send_at, NOW);
    assert!(message.asked_send_at.unwrap() < NOW);
    assert_eq!(message.valid_until, Some(NOW.plus(minutes(1))));
    let unit = |unit: &str| {
        let fields =
            format!(r#","sendAt":"2020-01-01T00:00:00Z","sendingSpeed":{{"speed":1{unit}}}"#);
        let body = with(ADVANCED_JSON, r#""sendAt": "2026-12-01T09:00:00.000+0100""#, &fields[1..]);
        let body = with(&body, r#""sendingSpeed": { "speed": 4, "timeUnit": "minute" },"#, "");
        planned(advanced, Format::Json, &body)[1].send_at.since(NOW).as_secs()
    };
    let units = ["", r#","timeUnit":"SECOND""#, r#","timeUnit":"hour""#, r#","timeUnit":"day""#];
    assert_eq!(units.map(unit), [60, 1, 3_600, 86_400]);
}

#[test]
fn a_scheduled_request_repeated_when_its_time_has_come_asks_the_same() {
    let at = |now: Timestamp| {
        let read =
            under(now, true, |terms| advanced(Format::Json, ADVANCED_JSON.as_bytes(), terms));
        let drafts = read.unwrap().messages.into_iter();
        drafts.map(|draft| draft.verdict.unwrap()).collect::<Vec<Message>>()
    };
    let (before, after) = (at(NOW), at(SEND_AT.plus(minutes(1))));
    assert_ne!(before, after);
    assert!(before.iter().zip(&after).all(|(before, after)| before.asks_the_same(after)));
    assert!(!before[0].asks_the_same(&before[1]));
}
