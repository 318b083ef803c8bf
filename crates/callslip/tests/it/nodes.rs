//! Several nodes on one PostgreSQL, through their doors: what one does holds on the others, and what
//! one had that died goes on elsewhere.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use callslip::clock::SystemClock;
use model::Clock as _;
use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
use serde_json::{Value, json};

use crate::cluster::{Cluster, check_dialled_once};
use crate::ledger::{LEASE_S, SILENCE};
use crate::phones::click;
use crate::server::{ALADDIN, Connection, report, wait_for};

/// How soon a node has heard of what another one did.
const SOON: Duration = Duration::from_secs(2);
/// How much later than it should a machine may be that is busy with other tests.
const BUSY: Duration = Duration::from_secs(10);
/// A person answers.
const A: &str = "38598100001";

/// The settings of nodes in whose calls people talk for so long.
fn talking(seconds: u64) -> String {
    let sandbox = "[calls]\ncarrier = \"sandbox\"\nlease_s = ";
    format!("{sandbox}{LEASE_S}\nsandbox_talk_s = {seconds}\n")
}

fn call(cluster: &Cluster, node: usize, message_id: &str) {
    let body = json!({"messages": [click(message_id, A)]});
    let reply = cluster.post(node, "/voice/ctc/1/send", &body);
    assert_eq!(reply.json()["messages"][0]["status"]["name"], "PENDING_ACCEPTED");
}

fn detail(cluster: &Cluster, node: usize, message_id: &str) -> Value {
    let reply = cluster.ask(node, "GET", &format!("/callslip/1/calls/{message_id}"), "");
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn wait_until_under_way(cluster: &Cluster, node: usize, message_id: &str) {
    wait_for("the call to start", || !detail(cluster, node, message_id)["started"].is_null());
}

/// The next reports of a node, which it may wait for.
fn take(cluster: &Cluster, node: usize) -> Vec<Value> {
    take_at(cluster.address(node))
}

fn take_at(address: SocketAddr) -> Vec<Value> {
    let headers = format!("{ALADDIN}Prefer: wait=30\r\n");
    let mut connection = Connection::to(address);
    let reply = connection.request("GET", "/tts/3/reports?limit=1000", &headers, b"");
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["results"].as_array().unwrap().clone()
}

fn names(reports: &[Value]) -> Vec<&str> {
    reports.iter().map(|report| report["messageId"].as_str().unwrap()).collect()
}

#[test]
fn who_waits_at_one_node_is_woken_by_a_call_that_ends_at_another() {
    let cluster = Cluster::start(&["api", "engine"], &talking(1));
    let address = cluster.address(0);
    let waiter = std::thread::spawn(move || (take_at(address), SystemClock.now()));
    call(&cluster, 0, "m");
    let (reports, ended) = waiter.join().unwrap();
    assert_eq!(names(&reports), ["m"]);
    let done = api::wire::date::parse(reports[0]["doneAt"].as_str().unwrap()).unwrap();
    assert!(ended.since(done) < SOON, "it was told {:?} later", ended.since(done));
    assert_eq!(cluster.stop().len(), 2, "one attempt, two legs");
}

#[test]
fn what_an_administrator_changes_at_one_node_holds_at_the_other() {
    let cluster = Cluster::start(&["all", "all"], "");
    let status = |authorization: &str| {
        let headers = format!("Authorization: {authorization}\r\n");
        let path = "/tts/3/reports?messageId=none";
        Connection::to(cluster.address(1)).request("GET", path, &headers, b"").status
    };
    let soon = |what: &str, happened: &dyn Fn() -> bool| {
        let began = Instant::now();
        wait_for(what, happened);
        assert!(began.elapsed() < SOON, "{what}: {:?}", began.elapsed());
    };
    let account = json!({"name": "Ali", "password": "sesame, open", "timeZone": "Europe/Zagreb"});
    let added = cluster.admin(0, "POST", "/callslip/1/admin/accounts", &account);
    assert_eq!(added.status, 201, "{}", added.text());
    soon("an account was added", &|| status("Basic QWxpOnNlc2FtZSwgb3Blbg==") == 200);
    let key = json!({"account": "Ali", "roles": ["read"]});
    let key = cluster.admin(0, "POST", "/callslip/1/admin/keys", &key).json();
    let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let authorization = format!("App {key}");
    soon("a key was added", &|| status(&authorization) == 200);
    let revoked = cluster.admin(0, "DELETE", &format!("/callslip/1/admin/keys/{id}"), &Value::Null);
    assert!(revoked.status < 300, "{}", revoked.text());
    soon("a key was revoked", &|| status(&authorization) == 401);
}

#[test]
fn a_cancellation_at_one_node_ends_a_call_at_another() {
    let cluster = Cluster::start(&["api", "engine"], &talking(600));
    call(&cluster, 0, "m");
    wait_until_under_way(&cluster, 0, "m");
    let cancelled = cluster.ask(0, "DELETE", "/callslip/1/calls/m", "").json();
    assert_eq!(cancelled, json!({"messageId": "m", "was": "underWay"}));
    let began = Instant::now();
    assert_eq!(names(&take(&cluster, 0)), ["m"]);
    assert!(began.elapsed() < BUSY, "it took {:?}", began.elapsed());
    let detail = detail(&cluster, 0, "m");
    assert_eq!(detail["attempts"].as_array().unwrap().len(), 1, "{detail:#}");
    assert_eq!(detail["attempts"][0]["ending"], "cancelled", "{detail:#}");
}

#[test]
fn a_call_of_a_node_that_died_is_closed_by_another() {
    let mut cluster = Cluster::start(&["all"], &talking(600));
    call(&cluster, 0, "talks");
    wait_until_under_way(&cluster, 0, "talks");
    let other = cluster.add("all");
    cluster.kill(0);
    let began = Instant::now();
    let reports = take(&cluster, other);
    assert_eq!(names(&reports), ["talks"]);
    assert_eq!(reports[0]["error"]["id"], 5500, "{:#}", reports[0]);
    assert_eq!(reports[0]["duration"], 0);
    let lease = Duration::from_secs(LEASE_S);
    assert!(began.elapsed() < lease + BUSY, "it took {:?}", began.elapsed());
    let attempts = &detail(&cluster, other, "talks")["attempts"];
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts:#}");
    assert_eq!(attempts[0]["ending"], "leftBehind", "{attempts:#}");
    cluster.start_again(0);
    let dials = cluster.stop();
    assert!(!dials.is_empty(), "the sandbox tells");
    check_dialled_once(&dials);
}

/// A connection whose receiver takes in as little as a kernel can be told to.
fn narrow(cluster: &Cluster, node: usize) -> TcpStream {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_recv_buffer_size(&socket, 1).unwrap();
    connect(&socket, &cluster.address(node)).unwrap();
    TcpStream::from(socket)
}

#[test]
fn what_a_node_that_died_had_in_flight_is_given_by_another_after_its_silence() {
    const REPORTS: usize = 60;
    let mut cluster = Cluster::start(&["all", "all"], "");
    let authorization = cluster.key();
    let ids: Vec<String> = (0..REPORTS).map(|number| format!("m-{number:02}")).collect();
    let long = |id: &String| {
        let mut report = report(id);
        report["dtmfCodes"] = "1".repeat(6_000).into();
        report
    };
    let body = json!({"results": ids.iter().map(long).collect::<Vec<_>>()}).to_string();
    let headers = format!("{authorization}Content-Type: application/json\r\n");
    let mut feeder = Connection::to(cluster.address(0));
    let fed = feeder.request("POST", "/callslip/1/reports", &headers, body.as_bytes());
    assert_eq!(fed.status, 200, "{}", fed.text());
    let mut taker = narrow(&cluster, 0);
    let request = format!(
        "GET /tts/3/reports?limit={} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n",
        REPORTS - 1
    );
    taker.write_all(request.as_bytes()).unwrap();
    taker.read_exact(&mut [0; 16]).unwrap();
    cluster.kill(0);
    let died = Instant::now();
    assert_eq!(names(&take(&cluster, 1)), &ids[REPORTS - 1..], "the others are in flight");
    let again = take(&cluster, 1);
    assert_eq!(names(&again), &ids[..REPORTS - 1], "in their old order");
    let after = died.elapsed();
    assert!(after > SILENCE - SOON && after < SILENCE + BUSY, "it took {after:?}");
}
