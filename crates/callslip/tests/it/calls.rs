//! Calls looked at and cancelled, and the logs while they are under way.

use std::time::Duration;

use serde_json::{Value, json};

use crate::calling::{ADVANCED, CTC, clicks, voice};
use crate::server::{ALADDIN, TestServer};

fn cancel(server: &TestServer, path: &str) -> crate::server::Reply {
    server.connect().request("DELETE", path, ALADDIN, b"")
}

#[test]
fn a_call_is_shown_from_its_submission_to_its_report() {
    let server = TestServer::start();
    let path = "/callslip/1/calls/m";
    server.post(CTC, &clicks("b", &["m"]));
    let waiting = server.get(path).json();
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("waiting"), &json!([])));
    assert_eq!(waiting["submittedAt"], "2023-11-14T23:13:20.000+0100");
    let leased = server.start_next();
    let under_way = server.get(path).json();
    assert_eq!(under_way["state"], "underWay");
    assert_eq!(under_way["started"]["attempt"], 1);
    server.clock.advance(Duration::from_secs(3));
    server.finish(&leased, "5.10");
    let text = server.get(path).text();
    assert!(text.contains(r#""total":5.10,"#), "{text}");
    let over: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(over["state"], "finished");
    assert_eq!(over["attempts"][0]["outcome"], "busy");
    assert_eq!(over["attempts"][0]["legA"]["sipCode"], 486);
    assert_eq!(over["attempts"][0]["legA"]["q850Cause"], 17);
    assert_eq!(over["charged"]["lineA"], json!({"line": 2, "text": "41, 5 EUR a minute"}));
    assert_eq!(over["report"]["error"]["name"], "EC_VOICE_USER_BUSY");
    assert_eq!(server.take_all(), ["m"]);
    assert_eq!(server.get(path).json(), over, "also after the report was taken");
    let xml = server.connect().request("GET", path, &format!("{ALADDIN}Accept: text/xml\r\n"), b"");
    assert!(xml.text().contains("<callResponse><bulkId>b</bulkId>"), "{}", xml.text());
}

#[test]
fn a_cancellation_says_what_the_call_was() {
    let server = TestServer::start();
    server.post(CTC, &clicks("b", &["1", "2"]));
    let under_way = server.start_next();
    assert_eq!(
        cancel(&server, "/callslip/1/calls/1").text(),
        r#"{"messageId":"1","was":"underWay"}"#
    );
    assert_eq!(
        cancel(&server, "/callslip/1/calls/2").text(),
        r#"{"messageId":"2","was":"waiting"}"#
    );
    assert!(server.get("/callslip/1/calls/1").json()["cancelledAt"].is_string());
    server.finish(&under_way, "0");
    assert_eq!(
        cancel(&server, "/callslip/1/calls/1").text(),
        r#"{"messageId":"1","was":"finished"}"#
    );
    let unknown = cancel(&server, "/callslip/1/calls/3");
    assert_eq!((unknown.status, unknown.error_id().as_str()), (404, "NOT_FOUND"));
    assert_eq!(server.get("/callslip/1/calls/3").status, 404);
}

#[test]
fn any_message_id_can_be_written_in_the_path() {
    let server = TestServer::start();
    for (id, path) in [
        ("a/b c", "a%2Fb%20c"),
        ("čaj+?#%", "%C4%8Daj+%3F%23%25"),
        ("x.json", "x.json"),
        ("..", "%2E%2E"),
    ] {
        assert_eq!(server.post(CTC, &clicks("b", &[id])).status, 200);
        let path = format!("/callslip/1/calls/{path}");
        assert_eq!(server.get(&path).json()["messageId"], id);
        assert_eq!(cancel(&server, &path).json()["messageId"], id);
    }
    let odd = server.get("/callslip/1/calls/%ff");
    assert_eq!((odd.status, odd.error_id().as_str()), (400, "BAD_REQUEST"));
    assert_eq!(server.get("/callslip/1/calls/").status, 404);
}

#[test]
fn only_its_own_account_sees_and_cancels_a_call() {
    let server = TestServer::start();
    server.post(CTC, &clicks("b", &["m"]));
    server.admin("POST", "/callslip/1/admin/accounts", &json!({"name": "Other"}));
    let key = |account: &str, role: &str| {
        format!("Authorization: App {}\r\n", server.add_key(account, &[role]))
    };
    let ask = |auth: &str, method: &str| {
        server.connect().request(method, "/callslip/1/calls/m", auth, b"").status
    };
    assert_eq!(ask(&key("Other", "read"), "GET"), 404);
    assert_eq!(ask(&key("Other", "send"), "DELETE"), 404);
    assert_eq!(ask(&key("Aladdin", "read"), "DELETE"), 403);
    assert_eq!(ask(&key("Aladdin", "send"), "GET"), 403);
    assert_eq!(ask("", "DELETE"), 401);
    assert_eq!(ask(ALADDIN, "PUT"), 405);
    assert_eq!(ask(ALADDIN, "OPTIONS"), 204);
    assert_eq!(ask(ALADDIN, "HEAD"), 200);
    assert_eq!(server.get("/callslip/1/calls/m").json()["cancelledAt"], Value::Null);
}

/// Message ids and status ids of the logs.
fn logged(server: &TestServer, query: &str) -> Vec<(String, u64)> {
    let reply = server.get(&format!("/tts/3/logs{query}"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let results = reply.json()["results"].as_array().unwrap().clone();
    let row = |result: &Value| {
        let id = result["messageId"].as_str().unwrap().to_owned();
        (id, result["status"]["id"].as_u64().unwrap())
    };
    results.iter().map(row).collect()
}

fn row(id: &str, status: u64) -> (String, u64) {
    (id.to_owned(), status)
}

#[test]
fn the_logs_show_a_call_until_its_error_is_known() {
    let server = TestServer::start();
    server.post(CTC, &clicks("b", &["m"]));
    let log = server.get("/tts/3/logs?messageId=m").json()["results"][0].clone();
    assert_eq!(log["status"]["name"], "PENDING_ACCEPTED");
    assert_eq!(
        log["error"],
        json!({"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR",
        "description": "No Error", "permanent": false})
    );
    assert_eq!((&log["duration"], &log["doneAt"]), (&json!(0), &Value::Null));
    assert_eq!(log["price"], json!({"pricePerSecond": 0, "currency": "UNKNOWN"}));
    let leased = server.start_next();
    assert_eq!(logged(&server, "?messageId=m"), [row("m", 7)]);
    server.finish(&leased, "0");
    let log = server.get("/tts/3/logs?messageId=m").json()["results"][0].clone();
    assert_eq!((&log["error"]["id"], &log["status"]["id"]), (&json!(5002), &json!(15)));
    assert_eq!(server.take_all(), ["m"], "the logs consume nothing");
}

#[test]
fn calls_under_way_come_first_and_the_newest_before_the_others() {
    let server = TestServer::start();
    server.feed_ids(&["fed"]);
    server.post(CTC, &clicks("b", &["1", "2", "3"]));
    let leased = server.start_next();
    let all = [row("3", 26), row("2", 26), row("1", 7), row("fed", 5)];
    assert_eq!(logged(&server, ""), all);
    assert_eq!(logged(&server, "?limit=2"), all[..2]);
    assert_eq!(logged(&server, "?limit=4"), all);
    server.finish(&leased, "0");
    assert_eq!(logged(&server, ""), [row("3", 26), row("2", 26), row("1", 15), row("fed", 5)]);
    assert_eq!(logged(&server, "?limit=3"), [row("3", 26), row("2", 26), row("1", 15)]);
}

#[test]
fn the_filters_of_the_logs_hold_for_calls_under_way() {
    let server = TestServer::start();
    server.feed_ids(&["fed"]);
    server.post(CTC, &clicks("b", &["m"]));
    let mut later = voice("v");
    later["bulkId"] = json!("c");
    later["messages"][0]["destinations"][0]["to"] = json!("41793026999");
    later["messages"][0]["sendAt"] = json!("2023-11-20T12:00:00Z");
    server.post(ADVANCED, &later);
    let (m, v) = (row("m", 26), row("v", 26));
    let only_v = [row("v", 26)];
    assert_eq!(logged(&server, "?generalStatus=PENDING"), [v.clone(), m.clone()]);
    assert_eq!(logged(&server, "?generalStatus=ACCEPTED"), [v.clone(), m.clone()]);
    assert_eq!(logged(&server, "?generalStatus=DELIVERED"), [row("fed", 5)]);
    assert_eq!(logged(&server, "?bulkId=c"), only_v);
    assert_eq!(logged(&server, "?messageId=m&messageId=fed"), [m.clone(), row("fed", 5)]);
    assert_eq!(logged(&server, "?to=41793026999"), only_v);
    assert_eq!(logged(&server, "?from=41793026700"), [v.clone(), m.clone()]);
    assert_eq!(logged(&server, "?mcc=219"), [row("fed", 5)]);
    assert_eq!(logged(&server, "?sentSince=2023-11-15T00:00:00Z"), only_v);
    assert_eq!(
        logged(&server, "?sentSince=2023-01-01T00:00:00Z&sentUntil=2023-11-15T00:00:00Z"),
        [m]
    );
    // However far ahead a call is, and however long ago it was submitted.
    server.clock.advance(Duration::from_secs(5 * 86_400));
    assert_eq!(logged(&server, "?bulkId=c"), only_v);
}
