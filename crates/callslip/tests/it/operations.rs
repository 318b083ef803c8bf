//! What an operator sees: health, metrics, limits, an orderly stop, a full disk, TLS.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use api::{Settings, Tls};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::binary::{Home, Running};
use crate::ledger::{Kind, on_both_engines};
use crate::server::{ALADDIN, Connection, Plan, TestDir, TestServer, report, wait_for};

fn admin_get(server: &TestServer, path: &str) -> crate::server::Reply {
    Connection::to(server.admin).request("GET", path, "", b"")
}

#[test]
fn health_tells_live_and_ready() {
    let server = TestServer::start();
    assert_eq!(admin_get(&server, "/healthz/live").json()["status"], "live");
    let ready = admin_get(&server, "/healthz/ready");
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("ready")));
    assert_eq!(server.get("/healthz/ready").status, 404, "not on the public listener");
    assert_eq!(server.get("/metrics").status, 404);
}

#[test]
fn the_metrics_page_counts_what_happened_and_is_well_formed() {
    let server = TestServer::start();
    server.feed_ids(&["a", "b", "c"]);
    assert_eq!(server.get("/tts/3/reports?limit=2").ids().len(), 2);
    assert_eq!(server.get("/tts/3/reports?limit=0").status, 400);
    assert_eq!(server.connect().request("GET", "/tts/3/reports", "", b"").status, 401);
    server.wait_until_resolved();
    let page = admin_get(&server, "/metrics").text();
    for line in [
        r#"callslip_http_requests_total{route="/tts/3/reports",method="GET",code="200"} 1"#,
        r#"callslip_http_requests_total{route="/tts/3/reports",method="GET",code="400"} 1"#,
        r#"callslip_auth_failures_total{reason="missing"} 1"#,
        r#"callslip_reports_fed_total{result="accepted"} 3"#,
        "callslip_reports_taken_total 2",
        "callslip_takes_settled_total 1",
        "callslip_takes_in_flight 0",
        r#"callslip_reports_waiting{account="Aladdin"} 1"#,
        "callslip_ledger_writable 1",
        r#"callslip_build_info{version="0.1.0"} 1"#,
    ] {
        assert!(page.lines().any(|l| l == line), "`{line}` is not in:\n{page}");
    }
    let families = metric_families(&page);
    assert!(families > 15, "{families} families");
}

/// How many families of metrics a page has. The reference parser of the format refuses what a
/// lenient scraper would guess at.
#[track_caller]
pub(crate) fn metric_families(page: &str) -> usize {
    let parse = "import sys; from prometheus_client.openmetrics.parser import \
        text_string_to_metric_families as parse; print(len(list(parse(sys.stdin.read()))))";
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-deps/venv/bin/python");
    let mut parser = Command::new(python)
        .args(["-c", parse])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut parser.stdin.take().unwrap(), page.as_bytes()).unwrap();
    let parsed = parser.wait_with_output().unwrap();
    assert!(parsed.status.success());
    String::from_utf8(parsed.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn connections_over_the_limit_are_closed_and_others_served_on() {
    let settings = Settings { connections_max: 2, ..Settings::default() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    let mut first = server.connect();
    assert_eq!(first.request("GET", "/tts/3/reports", ALADDIN, b"").status, 200);
    let mut second = server.connect();
    assert_eq!(second.request("GET", "/tts/3/reports", ALADDIN, b"").status, 200);
    let mut third = server.connect();
    third.ask("GET", "/tts/3/reports", ALADDIN, b"");
    assert!(third.try_reply(false).is_err());
    assert_eq!(first.request("GET", "/tts/3/reports", ALADDIN, b"").status, 200);
}

#[test]
fn slow_headers_and_slow_bodies_are_not_waited_for() {
    let short = Duration::from_millis(200);
    let settings = Settings { header_timeout: short, body_timeout: short, ..Settings::default() };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    let mut slow_head = server.connect();
    slow_head.send(b"GET /tts/3/reports HTTP/1.1\r\nHost:");
    // The server may say 408 or nothing; it does not wait.
    assert!(slow_head.try_reply(false).map_or(true, |reply| reply.status == 408));
    let mut slow_body = server.connect();
    let key = &server.feed_key;
    let head = format!(
        "POST /callslip/1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: App {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    slow_body.send(head.as_bytes());
    let reply = slow_body.reply(false);
    assert_eq!((reply.status, reply.error_id().as_str()), (408, "REQUEST_TIMEOUT"));
}

#[test]
fn a_stop_finishes_what_was_taken_and_refuses_what_comes_after() {
    let home = Home::new();
    home.with_account("Aladdin");
    let mut server = home.serve();
    let key = home.read("read.key");
    let auth = format!("Authorization: App {}\r\n", key.trim());
    let address = server.address().parse().unwrap();
    let mut waiting = Connection::to(address);
    waiting.ask("GET", "/tts/3/reports", &format!("{auth}Prefer: wait=2\r\n"), b"");
    let mut idle = Connection::to(address);
    assert!(idle.request("GET", "/tts/3/reports", &auth, b"").ids().is_empty());
    server.process.signal(Signal::TERM);
    assert!(waiting.reply(false).ids().is_empty(), "what was begun is answered");
    wait_for("the listener to be closed", || Connection::try_to(address).is_err());
    assert_eq!(server.process.child.wait().unwrap().code(), Some(0));
    assert!(idle.try_reply(false).is_err());
}

#[test]
fn a_full_disk_stops_the_ledger_says_so_and_loses_nothing_acknowledged() {
    let home = Home::new();
    home.done(&["account", "add", "Aladdin"]);
    let key = home.done(&["key", "add", "Aladdin", "--role", "read", "--role", "feed"]);
    let auth = format!("Authorization: App {}\r\n", key.trim());
    // A file-size limit fails writes as a full disk does.
    let limited = "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_callslip"), "serve", "--data", "ledger"]);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut process = Running::start(command.current_dir(home.path("")).stdin(Stdio::null()));
    process.wait_for("listens on");
    let doors: Value = serde_json::from_str(&home.read("ledger/admin.json")).unwrap();
    let at = |name: &str| doors[name].as_str().unwrap()[7..].parse().unwrap();
    let mut acknowledged = Vec::new();
    let refused = loop {
        let n = acknowledged.len();
        let ids: Vec<String> = (n..n + 100).map(|n| format!("m-{n}")).collect();
        let results: Vec<Value> = ids.iter().map(|id| report(id)).collect();
        let body = json!({"results": results}).to_string();
        let headers = format!("{auth}Content-Type: application/json\r\n");
        let mut connection = Connection::to(at("public_url"));
        let reply = connection.request("POST", "/callslip/1/reports", &headers, body.as_bytes());
        if reply.status != 200 {
            break reply;
        }
        acknowledged.extend(ids);
        assert!(acknowledged.len() < 1_000_000, "the disk never filled");
    };
    assert_eq!((refused.status, refused.error_id().as_str()), (503, "SERVICE_UNAVAILABLE"));
    assert!(refused.header("retry-after").is_some());
    let health = Connection::to(at("url")).request("GET", "/healthz/ready", "", b"");
    assert_eq!(
        (health.status, health.json()["ledger"]["status"].as_str()),
        (503, Some("poisoned"))
    );
    process.kill();
    let server = home.serve();
    let mut taker = Connection::to(server.address().parse().unwrap());
    let mut taken = Vec::new();
    loop {
        let ids = taker.request("GET", "/tts/3/reports?limit=1000", &auth, b"").ids();
        if ids.is_empty() {
            break;
        }
        taken.extend(ids);
    }
    assert_eq!(taken[..acknowledged.len()], acknowledged);
}

#[test]
fn over_tls_a_report_is_returned_once_on_either_version_of_http() {
    let (dir, tls) = certificate();
    let chain = dir.path().join("cert.pem");
    let server = TestServer::with(Plan { tls: Some(tls), ..Plan::default() });
    for version in ["--http1.1", "--http2"] {
        feed_ledger(&server, version);
        let url = format!("https://localhost:{}/tts/3/reports", server.public.port());
        let resolve = format!("localhost:{}:127.0.0.1", server.public.port());
        let curl = || {
            let args = ["-s", version, "-u", "Aladdin:open sesame", "--resolve", &resolve];
            let cacert = ["--cacert", chain.to_str().unwrap(), "-w", "\n%{http_version}", &url];
            let ran = Command::new("curl").args(args).args(cacert).output().unwrap();
            String::from_utf8(ran.stdout).unwrap()
        };
        let taken = curl();
        let (body, spoken) = taken.rsplit_once('\n').unwrap();
        assert_eq!(spoken, if version == "--http2" { "2" } else { "1.1" });
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["results"][0]["messageId"], version);
        server.wait_until_resolved();
        assert_eq!(server.pending(), 0, "{version}");
        assert!(curl().starts_with(r#"{"results":[]}"#));
    }
}

#[test]
fn a_tls_client_that_closes_without_reading_loses_nothing() {
    let (dir, tls) = certificate();
    let server = TestServer::with(Plan { tls: Some(tls), ..Plan::default() });
    feed_ledger(&server, "m-1");
    // It asks, and ends when its input does, with the answer unread.
    let deaf = r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
tls = context.wrap_socket(raw, server_hostname="localhost")
tls.send(b"GET /tts/3/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
         b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")
sys.stdin.read()
"#;
    let mut deaf = Command::new("python3")
        .args(["-c", deaf, &server.public.port().to_string()])
        .arg(dir.path().join("cert.pem"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("the report to be taken", || server.waiting().in_flight == 1);
    wait_for("the answer to be acknowledged", || {
        server.block_on(server.ledger.audit("m-1")).unwrap()[0].takes[0].bytes_acknowledged > 0
    });
    drop(deaf.stdin.take());
    assert!(deaf.wait().unwrap().success());
    server.wait_until_resolved();
    assert_eq!(server.pending(), 1);
}

/// A certificate of its own for `localhost`, in `cert.pem` of the directory.
fn certificate() -> (TestDir, Arc<Tls>) {
    let dir = TestDir::new();
    let cert = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&chain, cert.cert.pem()).unwrap();
    std::fs::write(&key, cert.signing_key.serialize_pem()).unwrap();
    let tls = Arc::new(Tls::load(&chain, &key).unwrap());
    (dir, tls)
}

/// Straight into the ledger: the feeding client of the other tests speaks no TLS.
fn feed_ledger(server: &TestServer, message_id: &str) {
    let body = json!({"results": [report(message_id)]}).to_string();
    let feed = api::wire::feed::parse(api::negotiate::Format::Json, body.as_bytes()).unwrap();
    let reports = feed.items.into_iter().map(Result::unwrap).collect();
    server.block_on(server.ledger.feed(server.aladdin(), reports)).unwrap();
}

on_both_engines!(sixty_four_takers_and_sixteen_feeders_share_every_report_once);

fn sixty_four_takers_and_sixteen_feeders_share_every_report_once(kind: Kind) {
    let long = std::env::var_os("CALLSLIP_LONG").is_some();
    let per_feeder = match (long, kind) {
        (false, _) => 500,
        (true, Kind::Embedded) => 62_500,
        (true, Kind::Shared) => 6_250,
    };
    let server = TestServer::on(kind);
    let taken = std::sync::Mutex::new(Vec::new());
    let feeding = std::sync::atomic::AtomicUsize::new(16);
    std::thread::scope(|scope| {
        for feeder in 0..16 {
            let (server, feeding) = (&server, &feeding);
            scope.spawn(move || {
                let ids: Vec<String> = (0..per_feeder).map(|n| format!("{feeder}-{n}")).collect();
                for chunk in ids.chunks(50) {
                    server.feed_ids(&chunk.iter().map(String::as_str).collect::<Vec<_>>());
                }
                feeding.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
        for _ in 0..64 {
            scope.spawn(|| {
                let mut connection = server.connect();
                loop {
                    let over = feeding.load(std::sync::atomic::Ordering::SeqCst) == 0;
                    let take = connection.request("GET", "/tts/3/reports", ALADDIN, b"");
                    let ids = take.ids();
                    if over && ids.is_empty() {
                        return;
                    }
                    taken.lock().unwrap().extend(ids);
                }
            });
        }
    });
    let mut taken = taken.into_inner().unwrap();
    let count = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!((taken.len(), count), (16 * per_feeder, 16 * per_feeder));
}
