//! Every status that refuses a message of a submit, over HTTP and in both formats: for what is in
//! it, and for what its account may not do. Nothing of it is kept.

use serde_json::{Value, json};

use crate::calling::{ADVANCED, CTC, XML, clicks, voice, xml_of};
use crate::server::{Plan, TestServer};
use crate::telephony::Told;

/// A message that is refused: with which status, by which request, for what in it.
struct Refused(u32, &'static str, &'static str, &'static str, Value);

/// Every status that refuses a message for what is in it.
fn refusals() -> Vec<Refused> {
    let twice = json!([{"transferTo": "41793026785", "if": "dtmf", "equals": "1"},
        {"transferTo": "41793026786", "if": "dtmf", "equals": "1"}]);
    let unusable = json!([{"transferTo": "41793026785", "if": "sometimes"}]);
    let a = "/messages/0/destinationA";
    vec![
        Refused(51, "MISSING_TO", CTC, a, json!("")),
        Refused(51, "MISSING_TO", CTC, "/messages/0/destinationB", json!(null)),
        Refused(51, "MISSING_TO", ADVANCED, "/messages/0/destinations/0/to", json!("")),
        Refused(52, "REJECTED_DESTINATION", CTC, a, json!("nobody")),
        Refused(52, "REJECTED_DESTINATION", ADVANCED, "/messages/0/destinations/0/to", json!("1")),
        refused_field(
            53,
            "REJECTED_INVALID_AUDIO_FILE_URL",
            CTC,
            "audioFileUrl",
            json!("ftp://x/y"),
        ),
        refused_field(54, "REJECTED_UNSUPPORTED_LANGUAGE", ADVANCED, "language", json!("xx")),
        refused_field(55, "REJECTED_MESSAGE_IS_EMPTY", ADVANCED, "text", json!("")),
        refused_field(56, "REJECTED_INVALID_NOTIFY_URL", CTC, "notifyUrl", json!("nowhere")),
        refused_field(
            57,
            "REJECTED_INVALID_NOTIFY_CONTENT_TYPE",
            CTC,
            "notifyContentType",
            json!("a/b"),
        ),
        refused_field(58, "REJECTED_INVALID_DTMF_SIGN", ADVANCED, "repeatDtmf", json!("x")),
        refused_field(59, "REJECTED_INVALID_DTMF_TIMEOUT", ADVANCED, "dtmfTimeout", json!(0)),
        refused_field(60, "REJECTED_INVALID_RING_TIMEOUT", ADVANCED, "ringTimeout", json!(171)),
        refused_field(61, "REJECTED_INVALID_CALL_TIMEOUT", ADVANCED, "callTimeout", json!(0)),
        refused_field(
            62,
            "REJECTED_INVALID_MACHINE_DETECTION",
            CTC,
            "machineDetection",
            json!("continue"),
        ),
        refused_field(
            62,
            "REJECTED_INVALID_MACHINE_DETECTION",
            ADVANCED,
            "machineDetection",
            json!("x"),
        ),
        refused_field(63, "REJECTED_INVALID_ACTIONS", ADVANCED, "callTransfers", unusable),
        refused_field(64, "REJECTED_INVALID_ACTION_GROUPS", ADVANCED, "callTransfers", twice),
        refused_field(
            87,
            "REJECTED_INVALID_DELIVERY_TIME_WINDOW",
            CTC,
            "deliveryTimeWindow",
            json!({"days": ["NODAY"]}),
        ),
        refused_field(91, "REJECTED_INVALID_SSML", ADVANCED, "text", json!("<speak>Hello")),
        Refused(8, "REJECTED_PREFIX_MISSING", CTC, a, json!("999123456")),
    ]
}

fn refused_field(
    id: u32,
    name: &'static str,
    path: &'static str,
    field: &'static str,
    value: Value,
) -> Refused {
    Refused(id, name, path, field, value)
}

/// The bare request of that path with one thing in it exchanged.
fn exchanged(path: &str, at: &str, value: &Value) -> Value {
    let mut request = match path {
        CTC => clicks("b", &["m"]),
        _ => voice("m"),
    };
    match at.starts_with('/') {
        true => *request.pointer_mut(at).unwrap() = value.clone(),
        false => request["messages"][0][at] = value.clone(),
    }
    request["bulkId"] = json!("b");
    request
}

#[track_caller]
fn check_refused(server: &TestServer, path: &str, request: &Value, id: u32, name: &str) {
    let json = server.post(path, request);
    assert_eq!(json.status, 200, "{id}: {}", json.text());
    let status = &json.json()["messages"][0]["status"];
    assert_eq!((&status["id"], &status["name"]), (&json!(id), &json!(name)), "{request}");
    assert_eq!((&status["groupId"], &status["groupName"]), (&json!(5), &json!("REJECTED")));
    let xml = server.send("POST", path, XML, &xml_of(request));
    assert_eq!(xml.status, 200, "{id}: {}", xml.text());
    let told = format!("<groupName>REJECTED</groupName><id>{id}</id><name>{name}</name>");
    assert!(xml.text().contains(&told), "{}", xml.text());
}

/// Nothing of it is kept: not in the logs, and no bulk.
#[track_caller]
fn nothing_kept(server: &TestServer) {
    assert_eq!(server.open_ids(), [""; 0]);
    assert_eq!(server.get("/tts/3/logs").text(), r#"{"results":[]}"#);
    assert_eq!(server.get("/tts/3/bulks?bulkId=b").status, 404);
}

#[test]
fn what_is_wrong_with_a_message_refuses_it_with_a_status_of_its_own() {
    let server = TestServer::start();
    for Refused(id, name, path, at, value) in refusals() {
        check_refused(&server, path, &exchanged(path, at, &value), id, name);
        nothing_kept(&server);
    }
}

#[test]
fn without_machine_detection_it_cannot_be_asked_for() {
    let telephony = Told { detects_machines: false };
    let server = TestServer::with(Plan { telephony, ..Plan::default() });
    for (path, what) in [(CTC, "hangup"), (ADVANCED, "continue")] {
        let request = exchanged(path, "machineDetection", &json!(what));
        check_refused(&server, path, &request, 83, "REJECTED_MACHINE_DETECTION_DISABLED");
    }
    nothing_kept(&server);
}

#[test]
fn an_account_may_call_its_destinations_alone() {
    let server = TestServer::start();
    server.set_calling(&json!({"destinations": ["4179302672", "4420"]}));
    let blocked = "REJECTED_DESTINATION";
    check_refused(&server, CTC, &clicks("b", &["m"]), 14, blocked);
    let transfer = json!([{"transferTo": "41793026785", "if": "anyDtmf"}]);
    check_refused(&server, ADVANCED, &exchanged(ADVANCED, "callTransfers", &transfer), 14, blocked);
    let unrated = exchanged(CTC, "/messages/0/destinationA", &json!("999123456"));
    check_refused(&server, CTC, &unrated, 14, blocked);
    nothing_kept(&server);
    assert_eq!(server.post(ADVANCED, &voice("m")).json()["messages"][0]["status"]["id"], 26);
    server.set_calling(&json!({"destinations": null}));
    assert_eq!(server.post(CTC, &clicks("b", &["n"])).json()["messages"][0]["status"]["id"], 26);
}

#[test]
fn what_a_day_may_cost_is_counted_by_the_accounts_own_days() {
    let server = TestServer::start();
    server.set_calling(&json!({"dailySpend": "5.00"}));
    assert_eq!(server.post(CTC, &clicks("first", &["m"])).status, 200);
    let leased = server.start_next();
    server.finish(&leased, "5");
    check_refused(&server, CTC, &clicks("b", &["n"]), 12, "REJECTED_NOT_ENOUGH_CREDITS");
    // What was submitted while there was credit is answered as it was.
    let again = server.post(CTC, &clicks("b", &["m"]));
    assert_eq!(again.json()["messages"][0]["status"]["id"], 26, "{}", again.text());
    assert_eq!(again.json()["bulkId"], "first");
    assert_eq!(server.open_ids(), [""; 0]);
    // It is 23:13 in Zagreb, and 22:13 in UTC.
    server.clock.advance(std::time::Duration::from_secs(47 * 60));
    assert_eq!(server.post(CTC, &clicks("b", &["n"])).json()["messages"][0]["status"]["id"], 26);
}

#[test]
fn more_than_may_wait_are_refused_whole_now_or_for_good() {
    let server = TestServer::start();
    server.set_calling(&json!({"waitingCalls": 2}));
    check_refused(&server, CTC, &clicks("b", &["1", "2", "3"]), 20, "REJECTED_FLOODING_FILTER");
    nothing_kept(&server);
    assert_eq!(server.post(CTC, &clicks("b", &["1", "2"])).status, 200);
    let full = server.post(CTC, &clicks("b", &["3"]));
    assert_eq!((full.status, full.error_id().as_str()), (429, "TOO_MANY_REQUESTS"));
    assert!(full.text().contains("would wait, of at most 2"), "{}", full.text());
    assert!(full.header("retry-after").is_some());
    assert_eq!(server.open_ids(), ["1", "2"]);
    assert_eq!(server.post(CTC, &clicks("b", &["2"])).status, 200, "it waits already");
    let leased = server.start_next();
    server.finish(&leased, "0");
    assert_eq!(server.post(CTC, &clicks("b", &["3"])).status, 200);
    assert_eq!(server.open_ids(), ["2", "3"]);
}
