//! Whose a call under way is when the database or its node is away: a node that lives reports its
//! calls truly, however long the database was gone; one that is dead, or hung, loses them after its
//! silence, and somebody else reports them, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::postgres::PostgresServer;

use crate::cluster::{Cluster, check_dialled_once};
use crate::ledger::{Database, LEASE_S, SILENCE};
use crate::phones::click;
use crate::server::{ALADDIN, Connection, wait_for};
use crate::trunks::board::trunk_to;
use crate::trunks::far_end::FarEnd;
use crate::trunks::script::Script;

/// A person answers.
const A: &str = "38598100001";
/// Longer than a lease, and than a node may be silent.
const AWAY: Duration = Duration::from_secs(8);
/// How much later than it should a machine may be that is busy with other tests.
const BUSY: Duration = Duration::from_secs(10);

/// The settings of nodes in whose calls people talk for so long.
fn talking(seconds: u64) -> String {
    format!(
        "[data]\npatience_s = 1\n[calls]\ncarrier = \"sandbox\"\nlease_s = {LEASE_S}\n\
         sandbox_talk_s = {seconds}\n"
    )
}

fn call(cluster: &Cluster, message_id: &str) {
    let body = json!({"messages": [click(message_id, A)]});
    let reply = cluster.post(0, "/voice/ctc/1/send", &body);
    assert_eq!(reply.json()["messages"][0]["status"]["name"], "PENDING_ACCEPTED");
    wait_for("the call to start", || !detail(cluster, 0, message_id)["started"].is_null());
}

fn detail(cluster: &Cluster, node: usize, message_id: &str) -> Value {
    cluster.ask(node, "GET", &format!("/callslip/1/calls/{message_id}"), "").json()
}

/// Takes until there are so many reports, each of which comes once.
fn take(cluster: &Cluster, node: usize, count: usize) -> BTreeMap<String, Value> {
    let mut reports = BTreeMap::new();
    while reports.len() < count {
        let headers = format!("{ALADDIN}Prefer: wait=30\r\n");
        let mut connection = Connection::to(cluster.address(node));
        let reply = connection.request("GET", "/tts/3/reports", &headers, b"");
        if reply.status == 503 {
            continue;
        }
        let results = reply.json()["results"].as_array().unwrap().clone();
        assert!(!results.is_empty(), "there are only {reports:#?}");
        for report in results {
            let message_id = report["messageId"].as_str().unwrap().to_owned();
            assert_eq!(reports.insert(message_id, report), None, "it came twice");
        }
    }
    reports
}

fn check_that_nothing_more_comes(cluster: &Cluster, node: usize) {
    let reply = cluster.ask(node, "GET", "/tts/3/reports", "Prefer: wait=2\r\n");
    assert_eq!(reply.json()["results"], json!([]), "each report comes once");
}

#[test]
fn a_call_outlives_an_outage_that_is_longer_than_its_lease() {
    const TALK: u64 = 9;
    let server = Arc::new(PostgresServer::start());
    let cluster = Cluster::at(Database::on(Arc::clone(&server)), &["all", "all"], &talking(TALK));
    // One of them ends while the database is away, and one soon afterwards.
    call(&cluster, "during");
    std::thread::sleep(Duration::from_secs(3));
    call(&cluster, "after");
    server.stop("immediate");
    std::thread::sleep(AWAY);
    server.start_again();
    let reports = take(&cluster, 0, 2);
    for (message_id, report) in &reports {
        assert_eq!(report["error"]["name"], "VOICE_ANSWERED", "{report:#}");
        assert_eq!(report["status"]["name"], "DELIVERED_TO_HANDSET", "{report:#}");
        let duration = report["duration"].as_u64().unwrap();
        assert!(duration.abs_diff(TALK) <= 1, "{message_id}: {report:#}");
        assert_eq!(report["price"], json!({"pricePerSecond": 0.01, "currency": "EUR"}));
        let attempts = &detail(&cluster, 1, message_id)["attempts"];
        assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts:#}");
    }
    check_that_nothing_more_comes(&cluster, 1);
    let dials = cluster.stop();
    check_dialled_once(&dials);
    assert_eq!(dials.len(), 4, "two legs of each: {dials:?}");
}

#[test]
fn a_call_of_a_node_that_dies_during_an_outage_is_closed_by_another_after_its_silence() {
    let server = Arc::new(PostgresServer::start());
    let mut cluster = Cluster::at(Database::on(Arc::clone(&server)), &["all"], &talking(600));
    call(&cluster, "m");
    let other = cluster.add("all");
    server.stop("immediate");
    cluster.kill(0);
    std::thread::sleep(AWAY);
    server.start_again();
    let back = Instant::now();
    let reports = take(&cluster, other, 1);
    let after = back.elapsed();
    assert_eq!(reports["m"]["error"]["id"], 5500, "{reports:#?}");
    assert!(after > SILENCE - Duration::from_secs(1), "it might have been alive: {after:?}");
    assert!(after < SILENCE + BUSY, "it took {after:?}");
    check_that_nothing_more_comes(&cluster, other);
    cluster.start_again(0);
    let dials = cluster.stop();
    check_dialled_once(&dials);
    assert!(!dials.is_empty(), "the sandbox tells");
}

#[test]
fn a_node_that_hung_until_it_was_given_up_hangs_up_and_reports_nothing() {
    let far = FarEnd::new(&[("", Script::answers().released())]);
    let settings = format!(
        "[calls]\ncarrier = \"sip\"\nlease_s = {LEASE_S}\n[sip]\nudp = \"127.0.0.1:0\"\n\
         t1_ms = 100\n[media]\nbind = \"127.0.0.1\"\n{}",
        trunk_to(&far, "north", "")
    );
    let mut cluster = Cluster::start(&["all"], &settings);
    call(&cluster, "m");
    wait_for("both to be up", || far.count("UP") == 2);
    // What is up is noted a moment later than it is.
    std::thread::sleep(Duration::from_millis(500));
    let other = cluster.add("all");
    cluster.signal(0, Signal::STOP);
    let reports = take(&cluster, other, 1);
    assert_eq!(reports["m"]["error"]["id"], 5500, "{reports:#?}");
    wait_for("both telephones to be hung up", || far.count("BYE") == 2);
    cluster.signal(0, Signal::CONT);
    cluster.wait_for(0, "has lost its lease and is hung up");
    check_that_nothing_more_comes(&cluster, other);
    check_that_nothing_more_comes(&cluster, 0);
    assert_eq!(far.count("INVITE"), 2, "nobody was dialled again");
    let attempts = &detail(&cluster, 0, "m")["attempts"];
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts:#}");
    assert_eq!(attempts[0]["ending"], "leftBehind", "{attempts:#}");
    // It takes part as ever.
    call(&cluster, "next");
    wait_for("both to be up", || far.count("UP") == 4);
    cluster.ask(0, "DELETE", "/callslip/1/calls/next", "");
    assert_eq!(take(&cluster, 0, 1)["next"]["error"]["id"], 5000);
    cluster.stop();
}

/// It waits for the database for as long as its calls have time to end and to say so; then it says
/// what it leaves, and another node reports that.
#[test]
fn a_node_that_stops_while_the_database_is_away_stops_and_says_what_it_leaves() {
    let server = Arc::new(PostgresServer::start());
    let settings = format!("{}drain_s = 1\n", talking(600));
    let mut cluster = Cluster::at(Database::on(Arc::clone(&server)), &["all"], &settings);
    call(&cluster, "m");
    server.stop("immediate");
    cluster.signal(0, Signal::TERM);
    let asked = Instant::now();
    cluster.wait_for(0, "Calls are left behind");
    cluster.wait_for(0, "this node leaves as if it had died");
    cluster.kill(0);
    assert!(asked.elapsed() < Duration::from_secs(30) + BUSY, "it took {:?}", asked.elapsed());
    server.start_again();
    cluster.start_again(0);
    let reports = take(&cluster, 0, 1);
    assert_eq!(reports["m"]["error"]["id"], 5500, "{reports:#?}");
    check_dialled_once(&cluster.stop());
}
