//! Promise P4: nothing is consumed by a request that fails.

use std::time::Duration;

use api::Settings;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::server::{ALADDIN, Plan, TestServer, wait_for};

/// One request that must not consume: its name, method, path, headers, body and expected status.
type Row = (&'static str, &'static str, String, String, Vec<u8>, u16);

fn row(name: &'static str, method: &'static str, path: &str, headers: &str, status: u16) -> Row {
    (name, method, path.to_owned(), headers.to_owned(), Vec::new(), status)
}

fn rows(server: &TestServer) -> Vec<Row> {
    let path = "/tts/3/reports";
    let plus = |more: &str| format!("{ALADDIN}{more}\r\n");
    let feed_only = format!("Authorization: App {}\r\n", server.feed_key);
    let long_id = format!("{path}?messageId={}", "x".repeat(10_000));
    let mut rows = vec![
        row("limit zero", "GET", "/tts/3/reports?limit=0", ALADDIN, 400),
        row("limit negative", "GET", "/tts/3/reports?limit=-1", ALADDIN, 400),
        row("limit no number", "GET", "/tts/3/reports?limit=abc", ALADDIN, 400),
        row("limit with a fraction", "GET", "/tts/3/reports?limit=5.0", ALADDIN, 400),
        row("limit with a sign", "GET", "/tts/3/reports?limit=%2B5", ALADDIN, 400),
        row("limit twice", "GET", "/tts/3/reports?limit=1&limit=2", ALADDIN, 400),
        row("bulkId twice", "GET", "/tts/3/reports?bulkId=a&bulkId=a", ALADDIN, 400),
        row("bad percent encoding", "GET", "/tts/3/reports?messageId=%zz", ALADDIN, 400),
        row("not UTF-8", "GET", "/tts/3/reports?messageId=%ff", ALADDIN, 400),
        row("ten kilobytes of id", "GET", &long_id, ALADDIN, 400),
        row("empty key", "GET", path, &plus("Idempotency-Key: "), 400),
        row("two keys", "GET", path, &plus("Idempotency-Key: a\r\nIdempotency-Key: b"), 400),
        row("long key", "GET", path, &plus(&format!("Idempotency-Key: {}", "k".repeat(201))), 400),
        row("no credentials", "GET", path, "", 401),
        row("wrong password", "GET", path, "Authorization: Basic QWxhZGRpbjp4\r\n", 401),
        row("not base64", "GET", path, "Authorization: Basic ???\r\n", 401),
        row("unknown scheme", "GET", path, "Authorization: Digest x\r\n", 401),
        row("wrong key", "GET", path, "Authorization: App cs_00_00\r\n", 401),
        row("role missing", "GET", path, &feed_only, 403),
        row("prefetch", "GET", path, &plus("Sec-Purpose: prefetch"), 403),
        row("prerender", "GET", path, &plus("Sec-Purpose: prefetch;prerender"), 403),
        row("old prefetch", "GET", path, &plus("Purpose: prefetch"), 403),
        row("preview", "GET", path, &plus("X-Purpose: preview"), 403),
        row("unknown path", "GET", "/tts/3/report", ALADDIN, 404),
        row("trailing slash", "GET", "/tts/3/reports/", ALADDIN, 404),
        row("POST", "POST", path, ALADDIN, 405),
        row("PUT", "PUT", path, ALADDIN, 405),
        row("DELETE", "DELETE", path, ALADDIN, 405),
        row("invented method", "TAKE", path, ALADDIN, 405),
        row("neither format", "GET", path, &plus("Accept: text/html"), 406),
        row("JSON refused", "GET", path, &plus("Accept: application/json;q=0"), 406),
        row("HEAD", "HEAD", path, ALADDIN, 200),
        row("HEAD without credentials", "HEAD", path, "", 401),
        row("OPTIONS", "OPTIONS", path, ALADDIN, 204),
    ];
    let long_body = vec![b' '; 70_000];
    rows.push(("body too long", "GET", path.to_owned(), ALADDIN.to_owned(), long_body, 413));
    rows
}

#[test]
fn a_request_that_fails_consumes_nothing() {
    let settings = Settings { body_bytes_max: 65_536, ..Settings::default() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    server.feed_ids(&["a", "b", "c"]);
    for (name, method, path, headers, body, status) in rows(&server) {
        let before = server.waiting();
        let reply = server.connect().request(method, &path, &headers, &body);
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        assert_eq!(server.waiting(), before, "{name}");
        assert_eq!((before.pending, before.in_flight), (3, 0), "{name}");
        if status >= 400 && method != "HEAD" {
            assert!(!reply.error_id().is_empty(), "{name}");
        }
        assert!(reply.header("x-request-id").is_some(), "{name}");
        if status == 405 {
            assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"), "{name}");
        }
    }
    assert_eq!(server.take_all(), ["a", "b", "c"]);
}

#[test]
fn too_many_failed_logins_are_429_and_consume_nothing() {
    let settings = Settings { auth_failures_per_minute: 3, ..Settings::default() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    server.feed_ids(&["a"]);
    let wrong = |password: &str| {
        let pair = format!("Aladdin:{password}");
        let headers = format!("Authorization: Basic {}\r\n", base64(pair.as_bytes()));
        server.connect().request("GET", "/tts/3/reports", &headers, b"")
    };
    for n in 0..3 {
        assert_eq!(wrong(&n.to_string()).status, 401);
    }
    let refused = wrong("open sesame");
    assert_eq!((refused.status, refused.error_id().as_str()), (429, "TOO_MANY_REQUESTS"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.pending(), 1);
    server.clock.advance(Duration::from_secs(20));
    assert_eq!(wrong("open sesame").ids(), ["a"], "the right password, once there is a turn");
}

#[test]
fn a_disabled_account_is_refused_and_its_reports_wait() {
    let server = TestServer::start();
    server.feed_ids(&["a"]);
    assert!(server.get("/tts/3/reports?messageId=none").ids().is_empty());
    let set = |disabled: bool| {
        let change = json!({"disabled": disabled});
        server.admin("PATCH", "/callslip/1/admin/accounts/Aladdin", &change).status
    };
    assert_eq!(set(true), 200);
    let refused = server.get("/tts/3/reports");
    assert_eq!((refused.status, refused.error_id().as_str()), (403, "FORBIDDEN"));
    assert_eq!(server.pending(), 1);
    assert_eq!(set(false), 200);
    assert_eq!(server.get("/tts/3/reports").ids(), ["a"]);
}

#[test]
fn an_http2_stream_that_is_reset_consumes_nothing() {
    let server = TestServer::start();
    let reports: Vec<Value> = (0..50)
        .map(|n| {
            let mut report = crate::server::report(&format!("m-{n}"));
            report["dtmfCodes"] = "1".repeat(5_000).into();
            report
        })
        .collect();
    server.feed(&json!({"results": reports}));
    server.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.public).await.unwrap();
        // A window of 64 kB: most of the answer stays in the server until it is widened.
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let driver = tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let (response, mut stream) = client.send_request(get(), true).unwrap();
        let mut body = response.await.unwrap().into_body();
        assert!(!body.data().await.unwrap().unwrap().is_empty());
        stream.send_reset(h2::Reason::CANCEL);
        drop(body);
        drop((stream, client));
        driver.abort();
    });
    server.wait_until_resolved();
    let audit = server.admin("GET", "/callslip/1/admin/audit/m-1", &Value::Null);
    assert_eq!(server.pending(), 50, "{}", audit.text());
}

#[test]
fn an_http2_client_that_reads_all_has_all() {
    let server = TestServer::start();
    server.feed_ids(&["a", "b"]);
    let taken: Value = server.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.public).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let driver = tokio::spawn(connection);
        let (response, _) = client.ready().await.unwrap().send_request(get(), true).unwrap();
        let response = response.await.unwrap();
        let length: HeaderMap = response.headers().clone();
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk.unwrap();
            body.flow_control().release_capacity(chunk.len()).unwrap();
            bytes.extend_from_slice(&chunk);
        }
        assert_eq!(length["content-length"], bytes.len().to_string());
        driver.abort();
        serde_json::from_slice(&bytes).unwrap()
    });
    assert_eq!(taken["results"].as_array().unwrap().len(), 2);
    server.wait_until_resolved();
    assert_eq!(server.pending(), 0);
}

#[test]
fn a_client_gone_before_the_commit_consumes_nothing() {
    let server = TestServer::start();
    server.feed_ids(&["a"]);
    let mut connection = server.connect();
    // The request is complete only after the client has ended its stream.
    connection.ask("GET", "/tts/3/reports", ALADDIN, b"");
    rustix::net::shutdown(connection.stream.get_ref(), rustix::net::Shutdown::Write).unwrap();
    drop(connection);
    wait_for("the report to be pending", || {
        let waiting = server.waiting();
        waiting.in_flight == 0 && waiting.pending == 1
    });
}

fn get() -> Request<()> {
    let request = Request::get("http://localhost/tts/3/reports");
    request.header("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").body(()).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
