//! `GET /tts/3/reports`: the contract, row by row.

use serde_json::json;

use crate::server::{ALADDIN, TestServer, report};

#[test]
fn a_report_is_returned_once() {
    let server = TestServer::start();
    server.feed_ids(&["m-1", "m-2"]);
    let first = server.get("/tts/3/reports");
    assert_eq!(first.ids(), ["m-1", "m-2"]);
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert!(first.header("vary").unwrap().to_lowercase().contains("accept"));
    assert_eq!(server.get("/tts/3/reports").text(), r#"{"results":[]}"#);
    server.wait_until_resolved();
    assert_eq!(server.get("/tts/3/reports").text(), r#"{"results":[]}"#);
}

#[test]
fn the_seeds_first_example_comes_out_as_it_went_in() {
    let server = TestServer::start();
    let fed = report("ff4804ef-6ab6-4abd-984d-ab3b1387e852");
    server.feed(&json!({"results": [fed]}));
    let taken = server.get("/tts/3/reports");
    assert_eq!(taken.json(), json!({"results": [fed]}));
    let text = taken.text();
    assert!(text.contains(r#""sentAt":"2015-02-12T09:58:20.323+0100""#), "{text}");
    assert!(text.contains(r#""price":{"pricePerSecond":0.01,"currency":"EUR"}"#), "{text}");
}

#[test]
fn the_oldest_come_first_and_limit_takes_the_two_initial_ones() {
    let server = TestServer::start();
    server.feed_ids(&["a", "b", "c"]);
    assert_eq!(server.get("/tts/3/reports?limit=2").ids(), ["a", "b"]);
    assert_eq!(server.get("/tts/3/reports?limit=2").ids(), ["c"]);
}

#[test]
fn the_filters_are_combined_and_null_and_empty_count_as_absent() {
    let server = TestServer::start();
    let of_bulk = |bulk: &str, id: &str| {
        let mut report = report(id);
        report["bulkId"] = json!(bulk);
        report
    };
    let reports = json!({"results": [of_bulk("x", "1"), of_bulk("y", "2"), of_bulk("x", "3"), of_bulk("z", "4")]});
    server.feed(&reports);
    assert!(server.get("/tts/3/reports?bulkId=x&messageId=2").ids().is_empty());
    assert_eq!(server.get("/tts/3/reports?bulkId=null&messageId=2").ids(), ["2"]);
    assert_eq!(server.get("/tts/3/reports?bulkId=x&cacheBuster=17").ids(), ["1", "3"]);
    assert_eq!(server.get("/tts/3/reports?bulkId=&messageId=&limit=").ids(), ["4"]);
}

#[test]
fn a_limit_above_the_maximum_is_clamped() {
    let server = TestServer::start();
    let ids: Vec<String> = (0..1200).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    server.feed_ids(&ids);
    assert_eq!(server.get("/tts/3/reports").ids().len(), 50);
    assert_eq!(server.get("/tts/3/reports?limit=99999999999999999999999").ids().len(), 1000);
    assert_eq!(server.get("/tts/3/reports?limit=1000").ids().len(), 150);
}

#[test]
fn the_format_follows_accept_and_the_paths_ending_wins() {
    let server = TestServer::start();
    let format = |path: &str, accept: &str| {
        let headers = format!("{ALADDIN}Accept: {accept}\r\n");
        let reply = server.connect().request("GET", path, &headers, b"");
        (reply.header("content-type").unwrap().to_owned(), reply.text())
    };
    let json = ("application/json".to_owned(), r#"{"results":[]}"#.to_owned());
    let xml = "<reportResponse><results/></reportResponse>".to_owned();
    let xml = ("application/xml".to_owned(), xml);
    assert_eq!(format("/tts/3/reports", "application/json"), json);
    assert_eq!(format("/tts/3/reports", "application/xml"), xml);
    assert_eq!(format("/tts/3/reports.xml", "application/json"), xml);
    assert_eq!(format("/tts/3/reports.json", "text/xml"), json);
    let restsharp =
        "application/json, application/xml, text/json, text/x-json, text/javascript, text/xml";
    assert_eq!(format("/tts/3/reports", restsharp), json);
}

#[test]
fn without_credentials_it_is_401_in_the_negotiated_format() {
    let server = TestServer::start();
    let json = server.connect().request("GET", "/tts/3/reports", "", b"");
    assert_eq!(json.status, 401);
    assert!(json.header("www-authenticate").unwrap().starts_with("Basic"));
    let expect = r#"{"requestError":{"serviceException":{"messageId":"UNAUTHORIZED","text":"Invalid login details"}}}"#;
    assert_eq!(json.text(), expect);
    let xml = server.connect().request("GET", "/tts/3/reports", "Accept: text/xml\r\n", b"");
    assert_eq!((xml.status, xml.error_id().as_str()), (401, "UNAUTHORIZED"));
    assert_eq!(xml.header("content-type"), Some("application/xml"));
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let server = TestServer::start();
    let try_as = |pair: &str| {
        let headers = format!("Authorization: Basic {pair}\r\n");
        let reply = server.connect().request("GET", "/tts/3/reports", &headers, b"");
        let mut names: Vec<String> = reply.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        (reply.status, reply.text(), names)
    };
    // Aladdin:open barley and Nobody:open sesame
    assert_eq!(try_as("QWxhZGRpbjpvcGVuIGJhcmxleQ=="), try_as("Tm9ib2R5Om9wZW4gc2VzYW1l"));
    assert_eq!(try_as("QWxhZGRpbjpvcGVuIGJhcmxleQ==").0, 401);
}

#[test]
fn an_account_sees_its_own_reports_alone() {
    let server = TestServer::start();
    server.feed_ids(&["m-1"]);
    let other = json!({"name": "Ali Baba", "password": "forty"});
    assert_eq!(server.admin("POST", "/callslip/1/admin/accounts", &other).status, 201);
    let key = server.add_key("Ali Baba", &["read"]);
    let headers = format!("Authorization: App {key}\r\n");
    let mut ali_baba = server.connect();
    assert!(ali_baba.request("GET", "/tts/3/reports", &headers, b"").ids().is_empty());
    assert!(
        ali_baba.request("GET", "/tts/3/reports?messageId=m-1", &headers, b"").ids().is_empty()
    );
    assert!(ali_baba.request("GET", "/tts/3/logs", &headers, b"").ids().is_empty());
    assert_eq!(server.get("/tts/3/reports").ids(), ["m-1"]);
}

#[test]
fn every_scheme_opens_with_a_key_and_a_revoked_key_opens_nothing() {
    let server = TestServer::start();
    let with = |scheme: &str| {
        let headers = format!("Authorization: {scheme} {}\r\n", server.read_key);
        server.connect().request("GET", "/tts/3/reports", &headers, b"").status
    };
    for scheme in ["App", "app", "IBSSO", "Bearer", "BEARER"] {
        assert_eq!(with(scheme), 200, "{scheme}");
    }
    let id = server.read_key.split('_').nth(1).unwrap();
    let path = format!("/callslip/1/admin/keys/{id}");
    assert_eq!(server.admin("DELETE", &path, &serde_json::Value::Null).status, 200);
    assert_eq!(with("App"), 401);
}

#[test]
fn the_newer_path_takes_from_the_same_queue() {
    let server = TestServer::start();
    server.feed_ids(&["m-1", "m-2"]);
    let newer = server.get("/voice/1/reports?limit=1").json();
    assert_eq!(newer["results"][0]["messageId"], "m-1");
    assert_eq!(newer["results"][0]["voiceCall"]["duration"], 10);
    assert_eq!(server.get("/tts/3/reports").ids(), ["m-2"]);
}

#[test]
fn the_logs_show_and_do_not_consume() {
    let server = TestServer::start();
    server.feed_ids(&["m-1", "m-2"]);
    assert_eq!(server.get("/tts/3/logs").ids(), ["m-2", "m-1"]);
    assert_eq!(server.get("/tts/3/logs?messageId=m-1&messageId=m-9").ids(), ["m-1"]);
    assert_eq!(server.get("/tts/3/reports").ids(), ["m-1", "m-2"]);
    assert_eq!(server.get("/tts/3/logs?generalStatus=DELIVERED&limit=1").ids(), ["m-2"]);
    let since = "2015-02-12T09%3A58%3A20.324000%2B0100";
    assert!(server.get(&format!("/tts/3/logs?sentSince={since}")).ids().is_empty());
    server.clock.advance(std::time::Duration::from_secs(49 * 3600));
    assert!(server.get("/tts/3/logs").ids().is_empty(), "the logs reach back 48 hours");
}

#[test]
fn the_logs_are_limited_to_120_requests_a_minute() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let mut logs = || connection.request("GET", "/tts/3/logs", ALADDIN, b"");
    for _ in 0..120 {
        assert_eq!(logs().status, 200);
    }
    let refused = logs();
    assert_eq!((refused.status, refused.error_id().as_str()), (429, "TOO_MANY_REQUESTS"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    server.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(logs().status, 200);
}

#[test]
fn keep_alive_and_pipelined_requests_are_answered_in_order() {
    let server = TestServer::start();
    server.feed_ids(&["a", "b", "c"]);
    let mut connection = server.connect();
    let one = format!("GET /tts/3/reports?limit=1 HTTP/1.1\r\nHost: x\r\n{ALADDIN}\r\n");
    connection.send(one.repeat(4).as_bytes());
    let ids: Vec<_> = (0..4).map(|_| connection.reply(false).ids()).collect();
    assert_eq!(ids, [vec!["a"], vec!["b"], vec!["c"], vec![]]);
}

#[test]
fn a_long_answer_is_compressed_for_those_who_ask() {
    let server = TestServer::start();
    server.feed_ids(&["a", "b", "c", "d"]);
    let headers = format!("{ALADDIN}Accept-Encoding: gzip\r\n");
    let reply = server.connect().request("GET", "/tts/3/reports", &headers, b"");
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.len() < 1000, "four reports in {} bytes", reply.body.len());
    server.wait_until_resolved();
    assert_eq!(server.pending(), 0);
    let empty = server.connect().request("GET", "/tts/3/reports", &headers, b"");
    assert_eq!(empty.header("content-encoding"), None, "a short one is not");
}

#[test]
fn a_listed_origin_may_call_with_credentials() {
    let settings = api::Settings {
        cors_origins: vec!["http://page.example".to_owned()],
        ..api::Settings::default()
    };
    let server = TestServer::with(crate::server::Plan { settings, ..Default::default() });
    let preflight = |origin: &str| {
        let headers = format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: authorization,content-type\r\n"
        );
        server.connect().request("OPTIONS", "/tts/3/reports", &headers, b"")
    };
    let reply = preflight("http://page.example");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("http://page.example"));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(preflight("http://evil.example").header("access-control-allow-origin"), None);
}

#[test]
fn a_decent_request_id_is_kept_and_another_is_replaced() {
    let server = TestServer::start();
    let with = |id: &str| {
        let headers = format!("{ALADDIN}X-Request-Id: {id}\r\n");
        let reply = server.connect().request("GET", "/tts/3/reports", &headers, b"");
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(with("abc-123"), "abc-123");
    assert_ne!(with("with space"), "with space");
    assert_ne!(with(&"x".repeat(200)), "x".repeat(200));
    assert_ne!(server.get("/x").header("x-request-id"), server.get("/x").header("x-request-id"));
}
