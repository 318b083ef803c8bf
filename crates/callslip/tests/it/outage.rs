//! The database goes away, or connections to it are lost at the worst moment, under nodes at work:
//! requests are refused meanwhile and nobody is told anything wrong; afterwards everything goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::postgres::PostgresServer;

use crate::binary::{Home, Ran};
use crate::cluster::{Cluster, check_dialled_once};
use crate::ledger::Database;
use crate::phones::click;
use crate::server::{Reply, wait_for};

/// Requests wait for a second; calls are leased for longer than the database is away.
const SETTINGS: &str = "[data]\npatience_s = 1\n[calls]\ncarrier = \"sandbox\"\nlease_s = 60\n";

#[track_caller]
fn check_refused(reply: &Reply) {
    assert_eq!(reply.status, 503, "{}", reply.text());
    let seconds = reply.header("retry-after").and_then(|value| value.parse::<u64>().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{:?}", reply.headers);
}

fn ready(cluster: &Cluster, node: usize) -> Reply {
    cluster.admin(node, "GET", "/healthz/ready", &Value::Null)
}

fn state(cluster: &Cluster, node: usize, message_id: &str) -> Value {
    let path = format!("/callslip/1/calls/{message_id}");
    cluster.ask(node, "GET", &path, "").json()["state"].clone()
}

#[test]
fn while_the_database_is_away_requests_are_refused_and_calls_go_on() {
    let server = Arc::new(PostgresServer::start());
    let cluster = Cluster::at(Database::on(Arc::clone(&server)), &["all", "all"], SETTINGS);
    let ids = ["1", "2", "3", "4"];
    let messages: Vec<Value> = ids.iter().map(|id| click(id, "38598100001")).collect();
    let body = json!({ "messages": messages });
    assert_eq!(cluster.post(0, "/voice/ctc/1/send", &body).status, 200);
    for id in ids {
        wait_for("the call to start", || state(&cluster, 1, id) == "underWay");
    }
    server.stop("immediate");
    check_refused(&cluster.ask(0, "GET", "/tts/3/reports", ""));
    let late = json!({"messages": [click("late", "38598100486")]});
    check_refused(&cluster.post(1, "/voice/ctc/1/send", &late));
    check_refused(&cluster.ask(1, "GET", "/callslip/1/calls/1", ""));
    for node in [0, 1] {
        let told = ready(&cluster, node);
        assert_eq!(told.status, 503, "{}", told.text());
        let ledger = &told.json()["ledger"];
        assert_eq!(ledger["status"], "unreachable", "{ledger}");
        assert!(ledger["reason"].as_str().unwrap().contains("refused"), "{ledger}");
    }
    // They end meanwhile, two seconds after they were joined.
    std::thread::sleep(Duration::from_secs(3));
    server.start_again();
    wait_for("the nodes to be ready", || (0..2).all(|node| ready(&cluster, node).status == 200));
    wait_for("what was refused to be accepted", || {
        cluster.post(1, "/voice/ctc/1/send", &late).status == 200
    });
    let mut reports = BTreeMap::new();
    while reports.len() < 5 {
        let reply = cluster.ask(0, "GET", "/tts/3/reports", "Prefer: wait=20\r\n");
        for report in reply.json()["results"].as_array().unwrap() {
            let error = report["error"]["id"].as_u64().unwrap();
            let before = reports.insert(report["messageId"].as_str().unwrap().to_owned(), error);
            assert_eq!(before, None, "returned twice");
        }
    }
    assert!(ids.iter().all(|id| reports[*id] == 5000), "all of them were answered: {reports:?}");
    assert_eq!(reports["late"], 5002);
    let dials = cluster.stop();
    check_dialled_once(&dials);
    assert_eq!(dials.len(), 9, "two legs of each, and one busy: {dials:?}");
}

/// A server that starts while the database is away says so, and is not there.
#[test]
fn a_node_does_not_start_without_its_database() {
    let server = Arc::new(PostgresServer::start());
    let home = Home::at(Database::on(Arc::clone(&server)));
    server.stop("immediate");
    let serve = ["serve", "--data", "ledger", "--listen", "127.0.0.1:0"];
    let mut command = home.command(&serve);
    command.env("CALLSLIP_DATA__PATIENCE_S", "1");
    let ran = Ran::of(&mut command);
    ran.expect(69, "cannot open the ledger at postgres://");
    ran.expect(69, "refused");
}
