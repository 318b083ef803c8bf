//! Promise P5: one click never rings a phone twice, however often the request is sent.

use std::time::Duration;

use serde_json::json;

use crate::calling::{ADVANCED, CTC, JSON, XML, clicks, voice, xml_of};
use crate::server::{Plan, TestDir, TestServer};

/// A click without an id of its own: only a key can tell that it was sent before.
fn nameless() -> serde_json::Value {
    let mut request = clicks("b", &["m"]);
    request["messages"][0].as_object_mut().unwrap().remove("messageId");
    request.as_object_mut().unwrap().remove("bulkId");
    request
}

#[test]
fn the_same_message_id_is_the_same_call() {
    let server = TestServer::start();
    let first = server.post(CTC, &clicks("first", &["m"]));
    server.clock.advance(Duration::from_secs(3_600));
    let again = server.post(CTC, &clicks("second", &["m"]));
    assert_eq!(again.text(), first.text(), "also the bulk is that of the first");
    let xml = server.send("POST", CTC, XML, &xml_of(&clicks("third", &["m"])));
    assert!(xml.text().contains("<bulkId>first</bulkId>"), "{}", xml.text());
    assert_eq!(server.open_ids(), ["m"]);
    assert_eq!(server.get("/tts/3/bulks?bulkId=second").status, 404);
    let leased = server.start_next();
    assert_eq!(server.post(CTC, &clicks("fourth", &["m"])).text(), first.text());
    server.finish(&leased, "0");
    assert_eq!(server.post(CTC, &clicks("fifth", &["m"])).text(), first.text());
    assert_eq!(server.open_ids(), [""; 0]);
    assert_eq!(server.take_all(), ["m"]);
}

#[test]
fn another_call_under_a_used_message_id_is_refused() {
    let server = TestServer::start();
    server.post(CTC, &clicks("b", &["m"]));
    let mut other = clicks("b", &["m", "n"]);
    other["messages"][0]["destinationB"] = json!("41793026799");
    let reply = server.post(CTC, &other).json();
    let status = &reply["messages"][0]["status"];
    assert_eq!(
        (&status["id"], &status["name"]),
        (&json!(23), &json!("REJECTED_DUPLICATE_MESSAGE_ID"))
    );
    assert_eq!(reply["messages"][1]["status"]["id"], 26);
    let xml = server.send("POST", ADVANCED, XML, &xml_of(&voice("m")));
    let told =
        "<groupName>REJECTED</groupName><id>23</id><name>REJECTED_DUPLICATE_MESSAGE_ID</name>";
    assert!(xml.text().contains(told), "{}", xml.text());
    assert_eq!(server.open_ids(), ["m", "n"]);
    // Twice in one request, too.
    let mut twice = clicks("c", &["o", "o"]);
    assert_eq!(server.post(CTC, &twice).json()["messages"][1]["status"]["id"], 26);
    twice["messages"][1]["from"] = json!("41793026711");
    assert_eq!(server.post(CTC, &twice).json()["messages"][1]["status"]["id"], 23);
    assert_eq!(server.open_ids(), ["m", "n", "o"]);
}

#[test]
fn a_key_makes_a_request_repeatable_in_either_format() {
    let server = TestServer::start();
    let first = server.post_keyed(CTC, "k-1", &nameless());
    assert_eq!(first.status, 200, "{}", first.text());
    let again = server.post_keyed(CTC, "k-1", &nameless());
    assert_eq!(again.text(), first.text());
    let headers = format!("Content-Type: {JSON}\r\nIdempotency-Key: k-1\r\nAccept: {XML}\r\n");
    let xml = server.send_with("POST", CTC, &headers, &nameless().to_string());
    let first = first.json();
    for id in [&first["bulkId"], &first["messages"][0]["messageId"]] {
        assert!(xml.text().contains(id.as_str().unwrap()), "{}", xml.text());
    }
    assert_eq!(server.open_ids().len(), 1);
    server.post_keyed(CTC, "k-2", &nameless());
    assert_eq!(server.open_ids().len(), 2, "another key is another click");
    server.clock.advance(Duration::from_secs(24 * 3_600));
    server.post_keyed(CTC, "k-1", &nameless());
    assert_eq!(server.open_ids().len(), 3, "a key is kept for a day");
}

#[test]
fn another_request_under_a_used_key_is_422_and_keeps_nothing() {
    let server = TestServer::start();
    let first = server.post_keyed(CTC, "k", &clicks("b", &["m"]));
    let refused = |path: &str, body: &str, content_type: &str| {
        let headers = format!("Content-Type: {content_type}\r\nIdempotency-Key: k\r\n");
        let reply = server.send_with("POST", path, &headers, body);
        assert_eq!((reply.status, &*reply.error_id()), (422, "IDEMPOTENCY_KEY_REUSED"), "{body}");
    };
    refused(CTC, &clicks("b", &["n"]).to_string(), JSON);
    refused(CTC, &format!("{} ", clicks("b", &["m"])), JSON);
    refused(CTC, &xml_of(&clicks("b", &["m"])), XML);
    refused(ADVANCED, &voice("n").to_string(), JSON);
    assert_eq!(server.post_keyed(CTC, "k", &clicks("b", &["m"])).text(), first.text());
    assert_eq!(server.open_ids(), ["m"]);
}

#[test]
fn a_key_that_is_none_is_400_and_keeps_nothing() {
    let server = TestServer::start();
    let body = clicks("b", &["m"]).to_string();
    for keys in [
        "Idempotency-Key: \r\n".to_owned(),
        format!("Idempotency-Key: {}\r\n", "k".repeat(201)),
        "Idempotency-Key: a\r\nIdempotency-Key: a\r\n".to_owned(),
    ] {
        let headers = format!("Content-Type: {JSON}\r\n{keys}");
        let reply = server.send_with("POST", CTC, &headers, &body);
        assert_eq!((reply.status, reply.error_id().as_str()), (400, "BAD_REQUEST"), "{keys}");
    }
    assert_eq!(server.open_ids(), [""; 0]);
}

#[test]
fn what_a_key_was_answered_stands_whatever_the_account_may_do_by_now() {
    let server = TestServer::start();
    let first = server.post_keyed(CTC, "k", &nameless());
    let leased = server.start_next();
    server.finish(&leased, "9");
    for calling in
        [json!({"dailySpend": "5"}), json!({"destinations": ["1"]}), json!({"waitingCalls": 1})]
    {
        server.set_calling(&calling);
        assert_eq!(server.post_keyed(CTC, "k", &nameless()).text(), first.text(), "{calling}");
    }
    let other = server.post_keyed(CTC, "l", &nameless());
    assert_eq!(other.json()["messages"][0]["status"]["id"], 14);
    server.set_calling(&json!({"dailySpend": null, "destinations": null, "waitingCalls": null}));
    let refused = server.post_keyed(CTC, "l", &nameless());
    assert_eq!(refused.text(), other.text(), "a refusal stands, too");
    assert_eq!(server.open_ids(), [""; 0]);
}

#[test]
fn a_request_that_was_refused_whole_leaves_its_key_free() {
    let server = TestServer::start();
    let wrong = json!({"messages": [{"destinationA": "41793026727"}]});
    assert_eq!(server.post_keyed(CTC, "k", &wrong).status, 400);
    assert_eq!(server.post_keyed(CTC, "k", &clicks("b", &["m"])).status, 200);
    assert_eq!(server.open_ids(), ["m"]);
}

#[test]
fn many_at_once_with_one_key_are_one_call() {
    let server = TestServer::start();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let ask = || server.post_keyed(CTC, "k", &nameless()).text();
        let asking: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers[0].contains("PENDING_ACCEPTED"), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(server.open_ids().len(), 1);
}

#[test]
fn keys_and_ids_are_remembered_over_a_restart() {
    let dir = TestDir::new();
    let plan = || Plan { dir: Some(dir.path().join("ledger")), ..Plan::default() };
    let (keyed, named) = {
        let server = TestServer::with(plan());
        let keyed = server.post_keyed(CTC, "k", &nameless()).text();
        (keyed, server.post(CTC, &clicks("b", &["m"])).text())
    };
    let server = TestServer::with(plan());
    assert_eq!(server.post_keyed(CTC, "k", &nameless()).text(), keyed);
    assert_eq!(server.post(CTC, &clicks("c", &["m"])).text(), named);
    assert_eq!(server.post_keyed(CTC, "k", &clicks("b", &["n"])).status, 422);
    assert_eq!(server.open_ids().len(), 2);
}
