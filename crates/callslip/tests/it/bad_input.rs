//! Bad input gets a clear error and loses nothing. Never a 5xx, never a panic.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::server::{ALADDIN, TestServer, report};

fn one(report: &Value) -> String {
    json!({"results": [report]}).to_string()
}

/// Bodies that are no feed at all: nothing of them may be kept.
fn no_feeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let good = one(&report("bad-1"));
    let json = "application/json";
    let xml = "application/xml";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_xml = "<a>".repeat(100_000);
    let twice = good.replacen("\"to\":", "\"to\":\"1\",\"to\":", 1);
    let doctype = "<!DOCTYPE r [<!ENTITY e \"x\">]><reportResponse><results><result>\
        <to>&e;</to></result></results></reportResponse>";
    let laughs = "<!DOCTYPE l [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("empty", json, Vec::new()),
        ("truncated", json, good[..good.len() / 2].into()),
        ("trailing", json, format!("{good} x").into()),
        ("an array", json, b"[]".to_vec()),
        ("no results", json, b"{}".to_vec()),
        ("results no array", json, br#"{"results":{}}"#.to_vec()),
        ("deep", json, deep.into()),
        ("duplicate results", json, br#"{"results":[],"results":[]}"#.to_vec()),
        ("duplicate key", json, twice.into()),
        ("UTF-16", json, utf16),
        ("not UTF-8", json, b"{\"results\":[{\"to\":\"\xff\"}]}".to_vec()),
        ("raw NUL", json, good.replace("EUR", "E\0R").into()),
        ("raw control", json, good.replace("EUR", "E\x01R").into()),
        ("XML as JSON", json, b"<reportResponse/>".to_vec()),
        ("JSON as XML", xml, good.into()),
        ("truncated XML", xml, b"<reportResponse><results><result><to>1".to_vec()),
        ("wrong root", xml, b"<reports/>".to_vec()),
        ("deep XML", xml, deep_xml.into()),
        ("doctype", xml, doctype.into()),
        ("laughs", xml, laughs.into()),
        ("unknown entity", xml, b"<reportResponse>&x;</reportResponse>".to_vec()),
        (
            "forbidden reference",
            xml,
            b"<reportResponse><results><result><to>&#0;</to></result></results></reportResponse>"
                .to_vec(),
        ),
        ("XML with NUL", xml, b"<reportResponse>\0</reportResponse>".to_vec()),
        ("mismatched tags", xml, b"<reportResponse><results></reportResponse></results>".to_vec()),
    ]
}

#[test]
fn what_is_no_feed_is_refused_whole() {
    let server = TestServer::start();
    for (name, content_type, body) in no_feeds() {
        let reply = server.try_feed(content_type, &body);
        assert_eq!(reply.status, 400, "{name}: {}", reply.text());
        assert_eq!(reply.error_id(), "BAD_REQUEST", "{name}");
        assert_eq!(server.pending(), 0, "{name}");
    }
    assert_eq!(server.try_feed("text/plain", b"x").status, 415);
    assert_eq!(server.try_feed("application/json; charset=utf-16", b"x").status, 415);
    let huge = vec![b' '; (16 << 20) + 1];
    assert_eq!(server.try_feed("application/json", &huge).status, 413);
    assert_eq!(server.pending(), 0);
}

/// One bad field in an otherwise good report: where, and its bad value.
fn bad_fields() -> Vec<(&'static str, Value)> {
    let big = json!(99_999_999_999_u64);
    vec![
        ("/messageId", json!("")),
        ("/messageId", json!(7)),
        ("/messageId", json!(null)),
        ("/messageId", json!("x".repeat(10_000))),
        ("/messageId", json!("a\u{0}b")),
        ("/bulkId", json!("")),
        ("/to", json!("")),
        ("/sentAt", json!("2015-02-30T09:58:20.323+0100")),
        ("/sentAt", json!("2015-02-12T24:58:20.323+0100")),
        ("/sentAt", json!("2015-02-12T09:58:20.323+9900")),
        ("/sentAt", json!("2015-02-12T09:58:20.323")),
        ("/sentAt", json!("yesterday")),
        ("/doneAt", json!(1_423_731_500)),
        ("/duration", json!(-1)),
        ("/duration", json!("10")),
        ("/duration", json!(1.5)),
        ("/duration", big.clone()),
        ("/mccMnc", json!(21901)),
        ("/mccMnc", json!("21x01")),
        ("/dtmfCodes", json!(1)),
        ("/price", json!(0.01)),
        ("/price/pricePerSecond", json!("0.01")),
        ("/price/pricePerSecond", json!(-0.01)),
        ("/price/pricePerSecond", json!(null)),
        ("/price/currency", json!("")),
        ("/status", json!(null)),
        ("/status/id", json!("5")),
        ("/status/groupId", json!(-3)),
        ("/status/groupId", big),
        ("/error/permanent", json!("true")),
        ("/error/permanent", json!(1)),
    ]
}

#[test]
fn a_bad_item_is_named_by_its_path_and_the_rest_is_kept() {
    let server = TestServer::start();
    for (n, (pointer, value)) in bad_fields().into_iter().enumerate() {
        let mut bad = report(&format!("bad-{n}"));
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        let good = report(&format!("good-{n}"));
        let reply = server
            .try_feed("application/json", json!({"results": [bad, good]}).to_string().as_bytes());
        assert_eq!(reply.status, 200, "{pointer} = {value}: {}", reply.text());
        let answer = reply.json();
        assert_eq!(answer["accepted"], 1, "{pointer} = {value}: {answer}");
        assert_eq!(answer["refused"][0]["index"], 0, "{pointer} = {value}: {answer}");
        let path = answer["refused"][0]["path"].as_str().unwrap();
        let expect = format!("results[0]{}", pointer.replace('/', "."));
        assert_eq!(path, expect, "{pointer} = {value}: {answer}");
        assert!(!answer["refused"][0]["reason"].as_str().unwrap().is_empty());
        assert_eq!(server.take_all(), [format!("good-{n}")]);
    }
}

#[test]
fn a_missing_or_unknown_field_is_named() {
    let server = TestServer::start();
    let mut missing = report("m-1");
    missing["status"].as_object_mut().unwrap().remove("groupId");
    let reply = server.try_feed("application/json", one(&missing).as_bytes());
    assert_eq!(reply.json()["refused"][0]["path"], "results[0].status.groupId");
    let mut unknown = report("m-2");
    unknown["colour"] = json!("blue");
    let reply = server.try_feed("application/json", one(&unknown).as_bytes());
    assert_eq!(reply.json()["refused"][0]["path"], "results[0].colour");
    assert_eq!(server.pending(), 0);
}

#[test]
fn the_same_message_twice_is_a_duplicate_and_another_of_its_name_is_refused() {
    let server = TestServer::start();
    let (a, mut other) = (report("a"), report("a"));
    other["duration"] = json!(11);
    let feed = |reports: Value| {
        server
            .try_feed("application/json", json!({"results": reports}).to_string().as_bytes())
            .json()
    };
    assert_eq!(feed(json!([a, a]))["duplicates"], 1);
    assert_eq!(feed(json!([a]))["duplicates"], 1);
    let answer = feed(json!([report("b"), other]));
    assert_eq!(answer["accepted"], 1);
    assert_eq!(answer["refused"][0]["index"], 1);
    assert_eq!(answer["refused"][0]["messageId"], "a");
    assert_eq!(server.take_all(), ["a", "b"]);
    assert_eq!(feed(json!([a]))["duplicates"], 1, "also after it was returned");
}

#[test]
fn amounts_keep_their_digits_from_feed_to_both_outputs() {
    let server = TestServer::start();
    let digits = ["0.010", "0", "1", "123456789012345.123456789", "0.0000000001", "3.0"];
    let mut body = String::from(r#"{"results":["#);
    for (n, digits) in digits.iter().enumerate() {
        let report = report(&n.to_string()).to_string().replace("0.01", digits);
        write!(body, "{}{report}", if n == 0 { "" } else { "," }).unwrap();
    }
    body.push_str("]}");
    assert_eq!(server.try_feed("application/json", body.as_bytes()).json()["accepted"], 6);
    let logs = server.connect().request("GET", "/tts/3/logs.xml", ALADDIN, b"").text();
    let json = server.get("/tts/3/reports?limit=3").text();
    let xml = server.get("/tts/3/reports.xml").text();
    for digits in &digits[..3] {
        assert!(json.contains(&format!("\"pricePerSecond\":{digits},")), "{digits}: {json}");
    }
    for digits in &digits[3..] {
        assert!(xml.contains(&format!("<pricePerMessage>{digits}</pricePerMessage>")), "{digits}");
    }
    for digits in digits {
        assert!(logs.contains(&format!("<pricePerSecond>{digits}</pricePerSecond>")), "{digits}");
    }
}

#[test]
fn what_xml_forbids_is_replaced_on_the_way_out() {
    let server = TestServer::start();
    let mut odd = report("odd");
    odd["dtmfCodes"] = json!("a\u{1}<&>\u{fffe}b");
    server.feed(&json!({"results": [odd]}));
    let xml = server.get("/tts/3/reports.xml").text();
    assert!(xml.contains("<dtmfCodes>a\u{fffd}&lt;&amp;&gt;\u{fffd}b</dtmfCodes>"), "{xml}");
}

#[test]
fn broken_requests_do_not_upset_the_server() {
    let server = TestServer::start();
    server.feed_ids(&["a"]);
    let long_line = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(20_000));
    let requests: [&[u8]; 8] = [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /tts/3/reports HTTP/9.9\r\n\r\n",
        b"GET /tts/3/reports HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /tts/3/reports HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /callslip/1/reports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        long_line.as_bytes(),
        many_headers.as_bytes(),
    ];
    for request in requests {
        let mut connection = server.connect();
        let _ = std::io::Write::write_all(connection.stream.get_mut(), request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let mut reply = Vec::new();
        let _ = rustix::net::shutdown(connection.stream.get_ref(), rustix::net::Shutdown::Write);
        let _ = std::io::Read::read_to_end(&mut connection.stream, &mut reply);
        let reply = String::from_utf8_lossy(&reply);
        assert!(!reply.starts_with("HTTP/1.1 5"), "{shown:?}: {reply}");
        assert!(!reply.starts_with("HTTP/1.1 200"), "{shown:?}: {reply}");
    }
    assert_eq!(server.take_all(), ["a"]);
}
