//! Bulk management: when a bulk begins, and how far it is.

use api::wire::Format;
use api::wire::query::Query;
use api::wire::submit::bulks::{BulkStatus, named, new_status, new_time, status_reply, time_reply};
use model::{Timestamp, Zone};

const PROLOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

#[test]
fn the_query_names_one_bulk() {
    let check = |query: &str, expect: Result<&str, &str>| {
        let named = named(&Query::parse(query).unwrap()).map_err(|fault| fault.to_string());
        assert_eq!(named.as_deref().map_err(|text| &**text), expect);
    };
    check("x=1&bulkId=a%20b", Ok("a b"));
    check("", Err("bulkId is missing"));
    check("bulkId=", Err("bulkId is missing"));
    check("bulkId=null", Err("bulkId is missing"));
    check("bulkId=a&bulkId=a", Err("bulkId is given more than once"));
    check(&format!("bulkId={}", "a".repeat(201)), Err("bulkId is longer than 200 bytes"));
}

#[test]
fn a_new_time_is_read_and_told() {
    let at = Timestamp::from_millis(1_796_112_000_000);
    let json = r#"{"sendAt":"2026-12-01T09:00:00.000+01:00","more":1}"#;
    assert_eq!(new_time(Format::Json, json.as_bytes()).unwrap(), at);
    let xml = "<BulkRequest><sendAt>2026-12-01T08:00:00Z</sendAt></BulkRequest>";
    assert_eq!(new_time(Format::Xml, xml.as_bytes()).unwrap(), at);
    let zone = Zone::named("Europe/Zagreb").unwrap();
    assert_eq!(
        time_reply(Format::Json, "b", at, &zone),
        br#"{"bulkId":"b","sendAt":"2026-12-01T09:00:00.000+0100"}"#
    );
    let fields = "<bulkId>b</bulkId><sendAt>2026-12-01T09:00:00.000+0100</sendAt>";
    let expect = format!("{PROLOG}<BulkResponse>{fields}</BulkResponse>");
    assert_eq!(time_reply(Format::Xml, "b", at, &zone), expect.as_bytes());
}

#[test]
fn a_new_status_is_read_and_told() {
    for status in BulkStatus::ALL {
        let name = status.name();
        let json = format!(r#"{{"status":"{name}"}}"#);
        assert_eq!(new_status(Format::Json, json.as_bytes()), Ok(status));
        let xml = format!("<BulkStatusRequest><status>{name}</status></BulkStatusRequest>");
        assert_eq!(new_status(Format::Xml, xml.as_bytes()), Ok(status));
        let json = format!(r#"{{"bulkId":"b","status":"{name}"}}"#);
        assert_eq!(status_reply(Format::Json, "b", status), json.as_bytes());
        let fields = format!("<bulkId>b</bulkId><status>{name}</status>");
        let xml = format!("{PROLOG}<BulkStatusResponse>{fields}</BulkStatusResponse>");
        assert_eq!(status_reply(Format::Xml, "b", status), xml.as_bytes());
    }
}

#[test]
fn what_is_no_time_or_status_says_why() {
    let time = |body: &str| {
        let refused = new_time(Format::Json, body.as_bytes()).unwrap_err();
        format!("{:?}", refused.validation_errors())
    };
    assert_eq!(time("{}"), r#"[("sendAt", ["is missing"])]"#);
    assert_eq!(time(r#"{"sendAt":null}"#), r#"[("sendAt", ["is missing"])]"#);
    assert_eq!(time(r#"{"sendAt":1}"#), r#"[("sendAt", ["is not a text"])]"#);
    assert_eq!(
        time(r#"{"sendAt":"2026-02-30T00:00:00Z"}"#),
        r#"[("sendAt", ["is a date that does not exist"])]"#
    );
    let status = |body: &str| {
        let refused = new_status(Format::Json, body.as_bytes()).unwrap_err();
        format!("{:?}", refused.validation_errors())
    };
    assert_eq!(status("{}"), r#"[("status", ["is missing"])]"#);
    assert_eq!(
        status(r#"{"status":"paused"}"#),
        r#"[("status", ["is none of PENDING, PAUSED, PROCESSING, CANCELED, FINISHED, FAILED"])]"#
    );
    assert!(new_status(Format::Xml, b"<BulkRequest/>").is_err());
}
