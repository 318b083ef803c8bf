//! What is done with hostile bytes: each function takes any, and must not panic.
//!
//! The fuzz targets call these, and so does the bounded run in the ordinary tests.

use api::negotiate::{self, Format};
use api::wire::params::{TakeParams, archive_query};
use api::wire::query::Query;
use api::wire::submit::{self, Refused, Submit, Terms, bulks};
use api::wire::{self, date, feed};
use model::catalogue::status::PENDING_ACCEPTED;
use model::limits::{ID_BYTES_MAX, RETRIES_MAX, SPOKEN_CHARS_MAX};
use model::message::{Draft, Prompt};
use model::{AccountId, Message, Report, Timestamp, Zone};
use store::Answer;

/// A feed in JSON. What is accepted survives being written and read again.
pub(crate) fn feed_json(data: &[u8]) {
    read(Format::Json, data);
    if let Ok(feed) = feed::parse_one(data) {
        judge(feed);
    }
}

/// A feed in XML. What is accepted survives being written and read again.
pub(crate) fn feed_xml(data: &[u8]) {
    read(Format::Xml, data);
}

/// Every submit request in JSON. What is planned is within its bounds, and asks the same again.
pub(crate) fn submit_json(data: &[u8]) {
    submit_in(Format::Json, data);
}

/// Every submit request in XML. What is planned is within its bounds, and asks the same again.
pub(crate) fn submit_xml(data: &[u8]) {
    submit_in(Format::Xml, data);
}

/// A query string. What is accepted is within its bounds.
pub(crate) fn query(data: &[u8]) {
    submitted(|terms| submit::single_form(data, terms));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(query) = Query::parse(text) else { return };
    if let Ok(params) = TakeParams::parse(&query, 1000) {
        assert!((1..=1000).contains(&params.limit));
        assert!(params.bulk_id.as_ref().is_none_or(|id| !id.is_empty() && id != "null"));
    }
    assert!(!bulks::named(&query).is_ok_and(|id| id.is_empty()));
    if let Ok(archive) = archive_query(&query, 1000) {
        assert!((1..=1000).contains(&archive.limit));
    }
}

/// The lines of an `Accept`, and a `Content-Type`.
pub(crate) fn accept(data: &[u8]) {
    let lines = || data.split(|byte| *byte == b'\n');
    let chosen = negotiate::format(None, lines(), Format::Json);
    let with_anything_else =
        negotiate::format(None, lines().chain([b"text/html".as_slice()]), Format::Json);
    // To admit one thing more that we do not have changes nothing, once there is anything to read.
    assert!(chosen == with_anything_else || chosen == Ok(Format::Json));
    assert_eq!(negotiate::format(Some(Format::Xml), lines(), Format::Json), Ok(Format::Xml));
    let is_document = negotiate::body_format(Some(data)).is_ok();
    assert!(!(is_document && negotiate::is_form(Some(data))));
}

/// A date. What is accepted is shown so that it names the same instant.
pub(crate) fn date(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(at) = date::parse(text) else { return };
    let shown = date::text(at, &zone(data));
    assert_eq!(date::parse(&shown), Ok(at), "{text} shown as {shown}");
}

/// One of several zones, by the bytes.
fn zone(data: &[u8]) -> Zone {
    let names = ["UTC", "Europe/Zagreb", "Asia/Kathmandu", "America/St_Johns"];
    Zone::named(names[data.len() % names.len()]).expect("the zones are in every database")
}

fn read(format: Format, data: &[u8]) {
    match feed::parse(format, data) {
        Ok(feed) => judge(feed),
        Err(fault) => assert!(!fault.reason.is_empty()),
    }
}

fn judge(feed: feed::Feed) {
    for item in feed.items {
        match item {
            Ok(report) => survives(report),
            Err(faults) => assert!(!faults.is_empty()),
        }
    }
}

/// Every shape of the report is a body that can be read; the classic one gives the report back.
fn survives(report: Report) {
    let zone = zone(report.message_id.as_bytes());
    let one = [classic(report)];
    for format in [Format::Json, Format::Xml] {
        let body = wire::reports(format, &one, &zone);
        let back = feed::parse(format, &body).expect("what we write can be read");
        if format == Format::Json || !holds_what_xml_forbids(&body) {
            assert_eq!(back.items, [Ok(one[0].clone())]);
            assert_eq!(wire::reports(format, &one, &zone), body);
        }
        let newer = wire::voice_reports(format, &one, &zone);
        feed::parse(format, &newer).expect("what we write can be read");
    }
}

/// The report without what the classic shape has no place for.
fn classic(report: Report) -> Report {
    Report {
        from: None,
        text: None,
        callback_data: None,
        start_time: None,
        answer_time: None,
        end_time: None,
        ..report
    }
}

/// Whether the XML was written with replacements; a text may then be longer than it may be.
fn holds_what_xml_forbids(xml: &[u8]) -> bool {
    String::from_utf8_lossy(xml).contains('\u{FFFD}')
}

fn submit_in(format: Format, data: &[u8]) {
    submitted(|terms| submit::click_to_call(format, data, terms));
    submitted(|terms| submit::single(format, data, terms));
    submitted(|terms| submit::multi(format, data, terms));
    submitted(|terms| submit::advanced(format, data, terms));
    let _ = bulks::new_time(format, data);
    let _ = bulks::new_status(format, data);
}

/// Reads a request twice, an hour apart, and judges both.
fn submitted(read: impl Fn(&mut Terms<'_>) -> Result<Submit, Refused>) {
    let [first, second] = [0, 3_600_000].map(|millis| {
        let mut ids = 0;
        read(&mut Terms {
            account: AccountId(1),
            now: Timestamp::from_millis(1_800_000_000_000 + millis),
            machine_detection: true,
            speaks: &|tag| tag == "en",
            fresh_id: &mut || {
                ids += 1;
                format!("id-{ids}")
            },
        })
    });
    let (first, second) = match (first, second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(first), Err(second)) => {
            assert_eq!(first, second);
            let is_told =
                matches!(first, Refused::Body(_)) || !first.validation_errors().is_empty();
            return assert!(is_told);
        }
        (first, second) => panic!("{first:?}, and later {second:?}"),
    };
    let answers: Vec<Answer> = first.messages.iter().map(answer).collect();
    for format in [Format::Json, Format::Xml] {
        let reply = submit::reply(format, &first.bulk_id, &answers);
        std::str::from_utf8(&reply).expect("an answer is text");
    }
    for (draft, again) in first.messages.iter().zip(&second.messages) {
        assert!((1..=ID_BYTES_MAX).contains(&draft.message_id.len()));
        match (&draft.verdict, &again.verdict) {
            (Ok(message), Ok(again)) => {
                assert!(message.asks_the_same(again), "{message:?}\n{again:?}");
                is_within_bounds(message);
            }
            (Err(row), Err(again)) => assert!(row == again && row.group_id == 5),
            (verdict, again) => panic!("{verdict:?}, and later {again:?}"),
        }
    }
}

/// What a ledger that had no such message before answers.
fn answer(draft: &Draft) -> Answer {
    let row = draft.verdict.as_ref().err().copied().unwrap_or(PENDING_ACCEPTED);
    Answer { message_id: draft.message_id.clone(), to: draft.to.clone(), status: row.into() }
}

fn is_within_bounds(message: &Message) {
    assert!((1..=170).contains(&message.ring_timeout.as_secs()));
    assert!(message.pause.as_secs() <= 10);
    assert!(message.asked_send_at.is_none_or(|asked| message.send_at >= asked));
    assert!(message.retry.is_none_or(|retry| {
        retry.max_count <= RETRIES_MAX && retry.min_period <= retry.max_period
    }));
    assert!(message.window.is_none_or(|window| {
        let is_time = |minute| minute < 24 * 60;
        (1..128).contains(&window.days)
            && window.minutes.is_none_or(|(from, to)| is_time(from) && is_time(to))
    }));
    assert!(message.valid_until.is_none_or(|until| until > message.send_at));
    if let Some(Prompt::Text { text, rate_percent, .. }) = &message.prompt {
        assert!(text.chars().count() <= SPOKEN_CHARS_MAX && (50..=200).contains(rate_percent));
    }
}
