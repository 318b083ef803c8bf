//! `/tts/3/bulks` and `/tts/3/bulks/status`: when a bulk begins, and how far it is.

use serde_json::{Value, json};

use crate::calling::{CTC, JSON, XML, clicks, voice};
use crate::server::{ALADDIN, Reply, TestServer};

const TIME: &str = "/tts/3/bulks?bulkId=b";
const STATUS: &str = "/tts/3/bulks/status?bulkId=b";

/// A server with the bulk `b` of two messages, scheduled for an hour ahead.
fn scheduled() -> TestServer {
    let server = TestServer::start();
    let mut request = voice("m");
    request["bulkId"] = json!("b");
    request["messages"][0]["destinations"] =
        json!([{"to": "41793026727", "messageId": "m"}, {"to": "41793026731", "messageId": "n"}]);
    request["messages"][0]["sendAt"] = json!("2023-11-15T00:13:20.000+0100");
    request["messages"][0]["sendingSpeed"] = json!({"speed": 1, "timeUnit": "minute"});
    assert_eq!(server.post("/tts/3/advanced", &request).status, 200);
    server
}

fn set(server: &TestServer, status: &str) -> Reply {
    server.send("PUT", STATUS, JSON, &json!({"status": status}).to_string())
}

#[track_caller]
fn refused(reply: &Reply, status: u16, error_id: &str) {
    assert_eq!((reply.status, reply.error_id().as_str()), (status, error_id), "{}", reply.text());
}

#[test]
fn a_bulk_is_shown_in_both_formats() {
    let server = scheduled();
    let at = "2023-11-15T00:13:20.000+0100";
    assert_eq!(server.get(TIME).text(), format!(r#"{{"bulkId":"b","sendAt":"{at}"}}"#));
    assert_eq!(server.get(STATUS).text(), r#"{"bulkId":"b","status":"PENDING"}"#);
    let xml = |root: &str, rest: &str| {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><{root}><bulkId>b</bulkId>{rest}</{root}>"#
        )
    };
    let time = server.get("/tts/3/bulks.xml?bulkId=b");
    assert_eq!(time.text(), xml("BulkResponse", &format!("<sendAt>{at}</sendAt>")));
    let status = server.get("/tts/3/bulks/status.xml?bulkId=b");
    assert_eq!(status.text(), xml("BulkStatusResponse", "<status>PENDING</status>"));
    assert_eq!(status.header("content-type"), Some(XML));
    assert_eq!(server.get("/tts/3/bulks/status.json?bulkId=b").header("content-type"), Some(JSON));
}

#[test]
fn a_bulk_is_paused_put_off_resumed_and_cancelled() {
    let server = scheduled();
    assert_eq!(set(&server, "PAUSED").text(), r#"{"bulkId":"b","status":"PAUSED"}"#);
    let later = r#"{"sendAt":"2023-11-16T12:00:00.000+0000"}"#;
    let moved = server.send("PUT", TIME, JSON, later);
    assert_eq!(moved.text(), r#"{"bulkId":"b","sendAt":"2023-11-16T13:00:00.000+0100"}"#);
    assert_eq!(server.get(TIME).text(), moved.text());
    let calls = server.open_calls();
    let gap = calls[0].due.since(calls[1].due);
    assert_eq!(gap, std::time::Duration::from_secs(60), "each as long after the first as it was");
    assert_eq!(set(&server, "PENDING").text(), r#"{"bulkId":"b","status":"PENDING"}"#);
    assert_eq!(set(&server, "CANCELED").text(), r#"{"bulkId":"b","status":"CANCELED"}"#);
    refused(&set(&server, "PAUSED"), 409, "CONFLICT");
    refused(&set(&server, "PROCESSING"), 409, "CONFLICT");
    assert!(set(&server, "PAUSED").text().contains("The bulk is CANCELED"));
}

#[test]
fn to_ask_again_for_what_is_the_case_is_no_fault() {
    let server = scheduled();
    for status in ["PENDING", "PROCESSING", "PAUSED", "PAUSED", "PROCESSING", "PENDING"] {
        let expect = if status == "PROCESSING" { "PENDING" } else { status };
        assert_eq!(set(&server, status).json()["status"], expect);
    }
    for _ in 0..2 {
        assert_eq!(set(&server, "CANCELED").json()["status"], "CANCELED");
    }
}

#[test]
fn a_bulk_under_way_is_processing_and_then_finished() {
    let server = TestServer::start();
    server.post(CTC, &clicks("b", &["m", "n"]));
    let leased = server.start_next();
    assert_eq!(server.get(STATUS).json()["status"], "PROCESSING");
    assert_eq!(set(&server, "PAUSED").json()["status"], "PAUSED");
    server.finish(&leased, "0");
    assert_eq!(set(&server, "PENDING").json()["status"], "PROCESSING");
    let leased = server.start_next();
    server.finish(&leased, "0");
    assert_eq!(server.get(STATUS).json()["status"], "FINISHED");
    refused(&set(&server, "CANCELED"), 409, "CONFLICT");
    refused(&set(&server, "PAUSED"), 409, "CONFLICT");
    refused(
        &server.send("PUT", TIME, JSON, r#"{"sendAt":"2023-11-16T12:00:00Z"}"#),
        409,
        "CONFLICT",
    );
}

#[test]
fn a_new_time_needs_a_pause_and_one_that_has_passed_means_now() {
    let server = scheduled();
    let passed = r#"{"sendAt":"2001-01-01T00:00:00Z"}"#;
    refused(&server.send("PUT", TIME, JSON, passed), 409, "CONFLICT");
    assert_eq!(server.get(TIME).json()["sendAt"], "2023-11-15T00:13:20.000+0100");
    set(&server, "PAUSED");
    let moved = server.send("PUT", TIME, JSON, passed);
    assert_eq!(moved.json()["sendAt"], "2023-11-14T23:13:20.000+0100");
}

#[test]
fn an_xml_request_is_answered_in_xml() {
    let server = scheduled();
    let body = "<BulkStatusRequest><status>PAUSED</status></BulkStatusRequest>";
    let reply = server.send("PUT", STATUS, XML, body);
    assert!(reply.text().contains("<status>PAUSED</status>"), "{}", reply.text());
    let body = "<BulkRequest><sendAt>2023-11-16T12:00:00.000+0000</sendAt></BulkRequest>";
    let reply = server.send("PUT", TIME, XML, body);
    assert!(
        reply.text().contains("<sendAt>2023-11-16T13:00:00.000+0100</sendAt>"),
        "{}",
        reply.text()
    );
    let wrong = server.send("PUT", STATUS, XML, "<BulkRequest/>");
    refused(&wrong, 400, "BAD_REQUEST");
    assert_eq!(wrong.header("content-type"), Some(XML));
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let server = scheduled();
    for status in ["FINISHED", "FAILED", "paused", "", "STOPPED"] {
        refused(&set(&server, status), 400, "BAD_REQUEST");
    }
    for body in ["", "{}", "[]", r#"{"status":7}"#, r#"{"status":"PAUSED","status":"PAUSED"}"#] {
        refused(&server.send("PUT", STATUS, JSON, body), 400, "BAD_REQUEST");
    }
    for body in ["{}", r#"{"sendAt":"tomorrow"}"#, r#"{"sendAt":1700000000}"#] {
        refused(&server.send("PUT", TIME, JSON, body), 400, "BAD_REQUEST");
    }
    let body = r#"{"status":"PAUSED"}"#;
    refused(&server.send("PUT", STATUS, "text/plain", body), 415, "UNSUPPORTED_MEDIA_TYPE");
    for query in ["", "?bulkId=", "?bulkId=null", "?bulkId=b&bulkId=b", "?bulkId=%ff"] {
        refused(&server.get(&format!("/tts/3/bulks{query}")), 400, "BAD_REQUEST");
        let put = server.send("PUT", &format!("/tts/3/bulks/status{query}"), JSON, body);
        refused(&put, 400, "BAD_REQUEST");
    }
    for path in ["/tts/3/bulks?bulkId=c", "/tts/3/bulks/status?bulkId=c"] {
        refused(&server.get(path), 404, "NOT_FOUND");
    }
    refused(&server.send("PUT", "/tts/3/bulks/status?bulkId=c", JSON, body), 404, "NOT_FOUND");
    assert_eq!(server.get(STATUS).json()["status"], "PENDING");
}

#[test]
fn only_its_own_account_sees_and_changes_a_bulk() {
    let server = scheduled();
    server.admin("POST", "/callslip/1/admin/accounts", &json!({"name": "Other"}));
    let other = format!("Authorization: App {}\r\n", server.add_key("Other", &["read", "send"]));
    let ask = |auth: &str, method: &str, path: &str| {
        let headers = format!("{auth}Content-Type: {JSON}\r\n");
        server.connect().request(method, path, &headers, br#"{"status":"CANCELED"}"#)
    };
    refused(&ask(&other, "GET", STATUS), 404, "NOT_FOUND");
    refused(&ask(&other, "PUT", STATUS), 404, "NOT_FOUND");
    let read = format!("Authorization: App {}\r\n", server.read_key);
    assert_eq!(ask(&read, "GET", STATUS).status, 200);
    refused(&ask(&read, "PUT", STATUS), 403, "FORBIDDEN");
    let send = format!("Authorization: App {}\r\n", server.add_key("Aladdin", &["send"]));
    refused(&ask(&send, "GET", STATUS), 403, "FORBIDDEN");
    refused(&ask("", "PUT", STATUS), 401, "UNAUTHORIZED");
    let post = ask(ALADDIN, "POST", STATUS);
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, PUT, OPTIONS")));
    assert_eq!(ask(ALADDIN, "OPTIONS", TIME).status, 204);
    let head = server.connect().request("HEAD", STATUS, ALADDIN, b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(server.get(STATUS).json(), json!({"bulkId": "b", "status": "PENDING"}));
    let _: Value = server.get(TIME).json();
}
