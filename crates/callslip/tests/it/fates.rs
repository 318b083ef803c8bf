//! "Returned once, and still not lost": what becomes of an answer, seen from the socket.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use api::{ResetMeans, Settings};
use serde_json::Value;
use store::Keeping;

use crate::server::{ALADDIN, Plan, TestServer, report, wait_for};

const GET: &str = "GET /tts/3/reports HTTP/1.1\r\nHost: x\r\n\
    Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";

#[test]
fn an_answer_that_was_read_is_settled_by_the_next_request() {
    let server = patient_server();
    server.feed_ids(&["a"]);
    let mut connection = server.connect();
    assert_eq!(connection.request("GET", "/tts/3/reports", ALADDIN, b"").ids(), ["a"]);
    assert!(connection.request("GET", "/tts/3/reports", ALADDIN, b"").ids().is_empty());
    server.wait_until_resolved();
    connection.reset();
    assert!(server.take_all().is_empty());
}

#[test]
fn an_answer_that_was_read_is_settled_by_an_orderly_end() {
    let server = patient_server();
    server.feed_ids(&["a"]);
    assert_eq!(server.get("/tts/3/reports").ids(), ["a"]);
    server.wait_until_resolved();
    assert!(server.take_all().is_empty());
}

#[test]
fn an_answer_that_was_read_is_settled_by_a_quiet_while() {
    let server = TestServer::start();
    server.feed_ids(&["a"]);
    let mut connection = server.connect();
    assert_eq!(connection.request("GET", "/tts/3/reports", ALADDIN, b"").ids(), ["a"]);
    server.wait_until_resolved();
    connection.reset();
    assert_eq!(server.pending(), 0);
}

#[test]
fn an_answer_to_a_client_that_asks_to_close_is_watched_to_its_end() {
    let server = patient_server();
    server.feed_ids(&["a", "b"]);
    let close = format!("{ALADDIN}Connection: close\r\n");
    let mut reader = server.connect();
    assert_eq!(reader.request("GET", "/tts/3/reports?limit=1", &close, b"").ids(), ["a"]);
    drop(reader);
    server.wait_until_resolved();
    assert_eq!(server.pending(), 1, "what was read is settled");

    let mut deaf = server.connect();
    deaf.ask("GET", "/tts/3/reports", &close, b"");
    wait_for("the answer to be taken", || server.waiting().in_flight == 1);
    wait_for("the answer to arrive", || {
        let mut byte = [0];
        deaf.stream.get_ref().peek(&mut byte).is_ok()
    });
    drop(deaf); // Closing with unread bytes sends a reset.
    server.wait_until_resolved();
    assert_eq!(server.pending(), 1, "what was never read is pending again");
}

#[test]
fn a_client_that_closes_without_reading_gets_them_with_its_next_request() {
    let server = patient_server();
    server.feed_ids(&["a", "b", "c"]);
    let mut deaf = server.connect();
    deaf.ask("GET", "/tts/3/reports?limit=2", ALADDIN, b"");
    wait_for("the answer to arrive", || deaf.stream.get_ref().peek(&mut [0]).is_ok());
    drop(deaf);
    server.wait_until_resolved();
    assert_eq!(server.get("/tts/3/reports").ids(), ["a", "b", "c"], "in their old place");
}

#[test]
fn a_reset_after_reading_returns_them_unless_it_is_said_to_mean_read() {
    for (reset_means, expect) in [(ResetMeans::Unread, 1), (ResetMeans::Read, 0)] {
        let settings = Settings { reset_means, ..patient() };
        let server = TestServer::with(Plan { settings, ..Plan::default() });
        server.feed_ids(&["a"]);
        let mut connection = server.connect();
        assert_eq!(connection.request("GET", "/tts/3/reports", ALADDIN, b"").ids(), ["a"]);
        wait_for("the acknowledgement to be noted", || acknowledged(&server, "a"));
        connection.reset();
        server.wait_until_resolved();
        assert_eq!(server.pending(), expect, "{reset_means:?}");
    }
}

#[test]
fn a_deaf_reader_is_cut_off_after_the_ack_timeout() {
    let settings = Settings { ack_timeout: Duration::from_millis(400), ..patient() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    // More than the two socket buffers hold, so that bytes stay unacknowledged.
    let text = "x".repeat(7_000);
    let reports: Vec<Value> = (0..1000)
        .map(|n| {
            let mut report = report(&format!("m-{n}"));
            report["text"] = text.clone().into();
            report["callbackData"] = text.clone().into();
            report
        })
        .collect();
    for chunk in reports.chunks(500) {
        server.feed(&serde_json::json!({"results": chunk}));
    }
    let deaf = small_window(&server);
    (&deaf).write_all(newer_get().as_bytes()).unwrap();
    wait_for("the answer to be taken", || server.waiting().in_flight == 1000);
    server.wait_until_resolved();
    assert_eq!(server.pending(), 1000);
    let mut read = Vec::new();
    let _ = (&deaf).read_to_end(&mut read);
    assert!(read.len() < 14_000_000, "the connection was cut");
}

fn newer_get() -> String {
    GET.replace("/tts/3/reports", "/voice/1/reports?limit=1000")
}

fn small_window(server: &TestServer) -> std::net::TcpStream {
    let stream = std::net::TcpStream::connect(server.public).unwrap();
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4096).unwrap();
    stream
}

#[test]
fn a_client_that_has_gone_before_the_commit_consumes_nothing() {
    let server = patient_server();
    server.feed_ids(&["a"]);
    for _ in 0..20 {
        let mut connection = server.connect();
        connection.send(GET.as_bytes());
        drop(connection);
    }
    server.wait_until_resolved();
    wait_for("the report to be pending", || server.pending() == 1);
}

#[test]
fn prefer_wait_holds_an_empty_answer_open_until_a_report_arrives() {
    let server = TestServer::start();
    let mut waiting = server.connect();
    let headers = format!("{ALADDIN}Prefer: wait=20\r\n");
    let began = Instant::now();
    waiting.ask("GET", "/tts/3/reports", &headers, b"");
    std::thread::scope(|scope| {
        scope.spawn(|| server.feed_ids(&["late"]));
        assert_eq!(waiting.reply(false).ids(), ["late"]);
    });
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let headers = format!("{ALADDIN}Prefer: wait=1\r\n");
    assert!(waiting.request("GET", "/tts/3/reports", &headers, b"").ids().is_empty());
}

#[test]
fn a_client_that_leaves_while_it_waits_consumes_nothing() {
    let server = TestServer::start();
    let mut waiting = server.connect();
    waiting.ask("GET", "/tts/3/reports", &format!("{ALADDIN}Prefer: wait=20\r\n"), b"");
    drop(waiting);
    server.feed_ids(&["a"]);
    server.wait_until_resolved();
    wait_for("the report to be pending", || server.pending() == 1);
}

#[test]
fn the_same_key_gives_the_same_bytes_and_other_parameters_are_refused() {
    let server = TestServer::start();
    server.feed_ids(&["a", "b", "c"]);
    let keyed = format!("{ALADDIN}Idempotency-Key: k-1\r\n");
    let ask = |path: &str| server.connect().request("GET", path, &keyed, b"");
    let first = ask("/tts/3/reports?limit=2");
    assert_eq!(first.ids(), ["a", "b"]);
    let again = ask("/tts/3/reports?limit=2");
    assert_eq!(first.body, again.body);
    let other = ask("/tts/3/reports?limit=1");
    assert_eq!((other.status, other.error_id().as_str()), (422, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(server.get("/tts/3/reports").ids(), ["c"]);
}

#[test]
fn after_the_window_a_keyed_take_is_settled_or_returns() {
    let window = Duration::from_secs(60);
    let keeping = Keeping { replay_window: window, ..Keeping::default() };
    let server = TestServer::with(Plan { keeping, settings: patient(), ..Plan::default() });
    server.feed_ids(&["read", "lost"]);
    let keyed = |key: &str| format!("{ALADDIN}Idempotency-Key: {key}\r\n");
    let path = "/tts/3/reports?limit=1";
    assert_eq!(server.connect().request("GET", path, &keyed("1"), b"").ids(), ["read"]);
    let mut deaf = server.connect();
    deaf.ask("GET", path, &keyed("2"), b"");
    wait_for("the answer to arrive", || deaf.stream.get_ref().peek(&mut [0]).is_ok());
    deaf.reset();
    assert!(server.get("/tts/3/reports").ids().is_empty(), "both are reserved for their keys");
    server.clock.advance(window);
    wait_for("the lost one to be pending", || {
        server.block_on(server.ledger.upkeep()).unwrap();
        server.pending() == 1
    });
    assert_eq!(server.get("/tts/3/reports").ids(), ["lost"]);
}

#[test]
fn the_audit_tells_who_had_a_report_and_what_became_of_it() {
    let server = patient_server();
    server.feed_ids(&["a"]);
    let mut deaf = server.connect();
    deaf.ask("GET", "/tts/3/reports", ALADDIN, b"");
    wait_for("the answer to arrive", || deaf.stream.get_ref().peek(&mut [0]).is_ok());
    deaf.reset();
    server.wait_until_resolved();
    let taken = server.get("/tts/3/reports");
    server.wait_until_resolved();
    let audit = server.admin("GET", "/callslip/1/admin/audit/a", &Value::Null).json();
    let audit = &audit["audits"][0];
    assert_eq!(
        (audit["account"].as_str(), audit["state"].as_str()),
        (Some("Aladdin"), Some("settled"))
    );
    let takes = audit["takes"].as_array().unwrap();
    assert_eq!(takes.len(), 2, "{audit}");
    assert_eq!(
        (takes[0]["state"].as_str(), takes[1]["state"].as_str()),
        (Some("returned"), Some("settled"))
    );
    assert_eq!(takes[0]["reason"], "the connection was reset");
    assert_eq!(takes[1]["requestId"], taken.header("x-request-id").unwrap());
    assert_eq!(takes[1]["credential"], "password");
    assert!(takes[1]["bytesAcknowledged"].as_u64().unwrap() > taken.body.len() as u64);
}

fn acknowledged(server: &TestServer, message_id: &str) -> bool {
    let audits = server.block_on(server.ledger.audit(message_id)).unwrap();
    audits[0].takes[0].bytes_acknowledged > 0
}

/// A quiet while that never comes within a test: only what the test does decides.
fn patient() -> Settings {
    Settings { settle_after: Duration::from_secs(600), ..Settings::default() }
}

fn patient_server() -> TestServer {
    TestServer::with(Plan { settings: patient(), ..Plan::default() })
}
