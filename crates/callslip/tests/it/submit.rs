//! `POST /voice/ctc/1/send` and the voice messages: what is answered, in which format, and to whom.

use serde_json::{Value, json};

use crate::calling::{ADVANCED, CTC, JSON, XML, click, clicks, xml_of};
use crate::seed::{compact_json, compact_xml};
use crate::server::{ALADDIN, Plan, Reply, TestServer};

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

#[test]
fn the_example_of_our_own_documentation_holds() {
    let document = include_str!("../../../../docs/http-api.md");
    let section = document.split_once("## `POST /voice/ctc/1/send`").unwrap().1;
    let mut examples = section.split("```json\n").skip(1);
    let mut example = || examples.next().unwrap().split_once("\n```").unwrap().0;
    let (sent, answered) = (example(), example());
    let server = TestServer::start();
    assert_eq!(server.send("POST", CTC, JSON, sent).text(), answered);
    assert_eq!(
        server.send("POST", CTC, XML, &xml_of(&serde_json::from_str(sent).unwrap())).status,
        200
    );
    assert_eq!(server.open_ids(), ["click-1"]);
}

#[test]
fn the_metrics_page_counts_messages_and_names_the_paths() {
    let server = TestServer::start();
    let mut request = clicks("b", &["1", "2", "3"]);
    request["messages"][2]["destinationA"] = json!("nobody");
    for _ in 0..2 {
        assert_eq!(server.post_keyed(CTC, "k", &request).status, 200);
    }
    server.start_next();
    assert_eq!(server.get("/tts/3/bulks/status?bulkId=b").status, 200);
    assert_eq!(server.get("/tts/3/bulks.xml?bulkId=c").status, 404);
    assert_eq!(server.get("/callslip/1/calls/1").status, 200);
    server.admin("GET", "/callslip/1/admin/decks", &Value::Null);
    let page =
        crate::server::Connection::to(server.admin).request("GET", "/metrics", "", b"").text();
    for line in [
        r#"callslip_http_requests_total{route="/voice/ctc/1/send",method="POST",code="200"} 2"#,
        r#"callslip_http_requests_total{route="/tts/3/bulks/status",method="GET",code="200"} 1"#,
        r#"callslip_http_requests_total{route="/tts/3/bulks",method="GET",code="404"} 1"#,
        r#"callslip_http_requests_total{route="/callslip/1/calls",method="GET",code="200"} 1"#,
        r#"callslip_http_requests_total{route="/callslip/1/admin/decks",method="GET",code="200"} 1"#,
        r#"callslip_messages_submitted_total{result="accepted"} 2"#,
        r#"callslip_messages_submitted_total{result="refused"} 1"#,
        "callslip_submits_replayed_total 1",
        r#"callslip_calls_due{account="Aladdin"} 1"#,
        r#"callslip_calls_under_way{account="Aladdin"} 1"#,
    ] {
        assert!(page.lines().any(|l| l == line), "`{line}` is not in:\n{page}");
    }
}

#[test]
fn a_page_of_a_listed_origin_may_submit_change_and_cancel() {
    let cors_origins = vec!["https://crm.example".to_owned()];
    let settings = api::Settings { cors_origins, ..api::Settings::default() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    for (path, method) in
        [(CTC, "POST"), ("/tts/3/bulks", "PUT"), ("/callslip/1/calls/m", "DELETE")]
    {
        let headers = format!(
            "Origin: https://crm.example\r\nAccess-Control-Request-Method: {method}\r\n\
             Access-Control-Request-Headers: authorization,idempotency-key\r\n"
        );
        let reply = server.connect().request("OPTIONS", path, &headers, b"");
        let allowed = reply.header("access-control-allow-methods").unwrap_or_default();
        assert!(allowed.contains(method), "{path}: {:?}", reply.headers);
        let origin = reply.header("access-control-allow-origin");
        assert_eq!(origin, Some("https://crm.example"), "{path}");
    }
}
