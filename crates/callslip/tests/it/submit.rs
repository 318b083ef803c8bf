//! `POST /voice/ctc/1/send` and the voice messages: what is answered, and every status that
//! refuses a message, in both formats.

use serde_json::{Value, json};

use crate::calling::{ADVANCED, CTC, JSON, XML, click, clicks, voice, xml_of};
use crate::seed::{compact_json, compact_xml};
use crate::server::{ALADDIN, Plan, Reply, TestServer};
use crate::telephony::Told;

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../../api/tests/golden/submit/", $name))
    };
}

/// A path, a content type, and what is sent and answered.
const EXAMPLES: [(&str, &str, &str, &str); 8] = [
    (CTC, JSON, golden!("ctc.json"), golden!("ctc.reply.json")),
    (CTC, XML, golden!("ctc.xml"), golden!("ctc.reply.xml")),
    ("/tts/3/single", JSON, golden!("single.json"), golden!("single.reply.json")),
    ("/tts/3/single", XML, golden!("single.xml"), golden!("single.reply.xml")),
    ("/tts/3/multi", JSON, golden!("multi.json"), golden!("multi.reply.json")),
    ("/tts/3/multi", XML, golden!("multi.xml"), golden!("multi.reply.xml")),
    (ADVANCED, JSON, golden!("advanced.json"), golden!("advanced.reply.json")),
    (ADVANCED, XML, golden!("advanced.xml"), golden!("advanced.reply.xml")),
];

/// The text with each random id of its own making exchanged for `(uuid)`.
fn without_uuids(text: &str) -> String {
    let mut text = text.to_owned();
    let is_id = |text: &str| {
        text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                14 => byte == b'4',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            })
    };
    while let Some(at) = (0..text.len()).find(|at| text.get(*at..at + 36).is_some_and(is_id)) {
        text.replace_range(at..at + 36, "(uuid)");
    }
    text
}

#[test]
fn the_documented_requests_are_answered_as_documented() {
    for (path, content_type, sent, answered) in EXAMPLES {
        let server = TestServer::start();
        let reply = server.send("POST", path, content_type, sent);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let compact = if content_type == XML { compact_xml } else { compact_json };
        assert_eq!(without_uuids(&reply.text()), compact(answered), "{path}");
        assert_eq!(reply.header("content-type"), Some(content_type), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(server.open_calls().len(), answered.matches("PENDING_ACCEPTED").count());
    }
}

#[test]
fn a_form_is_read_for_a_single_message_alone() {
    let server = TestServer::start();
    let form = "application/x-www-form-urlencoded";
    let body = "from=41793026700&to=%2B41793026727&text=Your+table&language=en&voice.gender=female";
    let reply = server.send("POST", "/tts/3/single", form, body);
    assert_eq!(without_uuids(&reply.text()), compact_json(golden!("single.reply.json")));
    assert_eq!(server.send("POST", "/tts/3/multi", form, body).status, 415);
    assert_eq!(server.send("POST", CTC, form, body).status, 415);
    assert_eq!(server.open_calls().len(), 1);
}

#[test]
fn the_answer_is_in_the_format_of_the_request_unless_another_is_asked_for() {
    let server = TestServer::start();
    let body = clicks("b", &["m"]);
    let ask = |path: &str, content_type: &str, accept: &str| {
        let body = if content_type == JSON { body.to_string() } else { xml_of(&body) };
        let headers = format!("Content-Type: {content_type}\r\n{accept}");
        let reply = server.send_with("POST", path, &headers, &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.header("content-type").unwrap().to_owned()
    };
    assert_eq!(ask(CTC, JSON, ""), JSON);
    assert_eq!(ask(CTC, XML, ""), XML);
    assert_eq!(ask(CTC, "text/xml; charset=utf-8", "Accept: */*\r\n"), XML);
    assert_eq!(ask(CTC, XML, "Accept: application/json\r\n"), JSON);
    assert_eq!(ask(CTC, JSON, "Accept: application/xml\r\n"), XML);
    assert_eq!(ask("/voice/ctc/1/send.xml", JSON, "Accept: application/json\r\n"), XML);
    assert_eq!(ask("/voice/ctc/1/send.json", XML, ""), JSON);
    let refused = server.send("POST", CTC, XML, "<request/>");
    assert_eq!((refused.status, refused.error_id().as_str()), (400, "BAD_REQUEST"));
    assert_eq!(refused.header("content-type"), Some(XML));
}

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
    assert!(full.text().contains("are waiting, of at most 2"), "{}", full.text());
    assert!(full.header("retry-after").is_some());
    assert_eq!(server.open_ids(), ["1", "2"]);
    assert_eq!(server.post(CTC, &clicks("b", &["2"])).status, 200, "it waits already");
    let leased = server.start_next();
    server.finish(&leased, "0");
    assert_eq!(server.post(CTC, &clicks("b", &["3"])).status, 200);
    assert_eq!(server.open_ids(), ["2", "3"]);
}

#[test]
fn a_refused_message_lets_the_others_pass() {
    let server = TestServer::start();
    let mut request = clicks("b", &["1", "2", "3"]);
    request["messages"][1]["destinationA"] = json!("nobody");
    let reply = server.post(CTC, &request).json();
    let ids = |at: &str| -> Vec<Value> {
        let messages = reply["messages"].as_array().unwrap();
        messages.iter().map(|message| message.pointer(at).unwrap().clone()).collect()
    };
    assert_eq!(ids("/status/id"), [26, 52, 26]);
    assert_eq!(ids("/messageId"), ["1", "2", "3"]);
    assert_eq!(ids("/to"), ["41793026727", "nobody", "41793026727"]);
    assert_eq!(server.open_ids(), ["1", "3"]);
}

#[test]
fn submits_have_a_rate_of_their_own() {
    let settings = api::Settings { submits_per_second: 2, ..api::Settings::default() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    let submit = |id: &str| server.post(CTC, &clicks("b", &[id]));
    assert_eq!((submit("1").status, submit("2").status), (200, 200));
    let refused = submit("3");
    assert_eq!((refused.status, refused.error_id().as_str()), (429, "TOO_MANY_REQUESTS"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    server.clock.advance(std::time::Duration::from_millis(500));
    assert_eq!(submit("3").status, 200);
    assert_eq!(server.open_ids(), ["1", "2", "3"]);
}

#[test]
fn who_may_not_send_submits_nothing() {
    let server = TestServer::start();
    let body = clicks("b", &["m"]).to_string();
    let try_with = |headers: &str, method: &str, path: &str| -> Reply {
        let headers = format!("{headers}Content-Type: {JSON}\r\n");
        server.connect().request(method, path, &headers, body.as_bytes())
    };
    let read_only = format!("Authorization: App {}\r\n", server.read_key);
    for path in [CTC, "/tts/3/single", "/tts/3/multi", ADVANCED] {
        assert_eq!(try_with("", "POST", path).status, 401, "{path}");
        let forbidden = try_with(&read_only, "POST", path);
        assert_eq!((forbidden.status, forbidden.error_id().as_str()), (403, "FORBIDDEN"), "{path}");
        let get = try_with(ALADDIN, "GET", path);
        assert_eq!((get.status, get.header("allow")), (405, Some("POST, OPTIONS")), "{path}");
        assert_eq!(try_with(ALADDIN, "OPTIONS", path).status, 204, "{path}");
        assert_eq!(server.send("POST", path, "text/plain", &body).status, 415, "{path}");
        assert_eq!(
            server.send("POST", path, "application/json; charset=utf-16", &body).status,
            415
        );
        let neither = format!("Content-Type: {JSON}\r\nAccept: text/html\r\n");
        assert_eq!(server.send_with("POST", path, &neither, &body).status, 406, "{path}");
    }
    let change = json!({"disabled": true});
    server.admin("PATCH", "/callslip/1/admin/accounts/Aladdin", &change);
    assert_eq!(try_with(ALADDIN, "POST", CTC).status, 403);
    assert_eq!(server.open_ids(), [""; 0]);
    let send_key = server.add_key("Aladdin", &["send"]);
    server.admin("PATCH", "/callslip/1/admin/accounts/Aladdin", &json!({"disabled": false}));
    let sender = format!("Authorization: App {send_key}\r\n");
    assert_eq!(try_with(&sender, "POST", CTC).status, 200);
    assert_eq!(server.connect().request("GET", "/tts/3/logs", &sender, b"").status, 403);
    assert_eq!(server.open_ids(), ["m"]);
}

#[test]
fn a_bare_message_has_the_defaults_of_the_documentation() {
    let server = TestServer::start();
    let mut message = click("m");
    message["unheardOf"] = json!({"x": [1]});
    server.post(CTC, &json!({"messages": [message]}));
    let call = server.open_calls().remove(0);
    assert_eq!(call.message.ring_timeout, std::time::Duration::from_secs(45));
    assert_eq!(call.message.destination_b.unwrap().shown, "41793026727");
    assert_eq!(call.due, call.submitted_at);
}
