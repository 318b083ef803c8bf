//! What an operator sees of SIP: how trunks fare, what they say when they are tried, and what was
//! said for a call; against a real server and a far end on the network.

use std::process::Command;

use serde_json::{Value, json};

use crate::binary::{Home, Ran};
use crate::far_end::FarEnd;
use crate::operations::metric_families;
use crate::phones::Phones;
use crate::server::{Connection, wait_for};

const A: &str = "38598100001";
/// Hangs up.
const B: &str = "38591100002";

/// A command on the ledger of a running server, in a terminal that shows UTF-8.
fn run(phones: &Phones, args: &[&str]) -> Ran {
    let args = [args, &["--data", "ledger"]].concat();
    Ran::of(phones.home.command(&args).env("LC_ALL", "C.UTF-8"))
}

/// A page of the admin listener.
fn page(phones: &Phones, path: &str) -> String {
    let doors: Value = serde_json::from_str(&phones.home.read("ledger/admin.json")).unwrap();
    let address = doors["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    Connection::to(address.parse().unwrap()).request("GET", path, "", b"").text()
}

/// Lines that follow one another, if each has a line of its own in that order.
#[track_caller]
fn expect_in_order(text: &str, lines: &[&str]) {
    let mut rest = text.lines();
    for line in lines {
        assert!(rest.any(|drawn| drawn.contains(line)), "`{line}` is not in its place in\n{text}");
    }
}

/// Calls A, joins B, and waits for the report.
fn place(phones: &Phones, message_id: &str, b: &str) {
    phones.call(&[json!({"messageId": message_id, "from": "38515507799",
        "destinationA": A, "destinationB": b})]);
    phones.take_one(message_id);
}

#[test]
fn a_trunk_is_listed_and_tried_with_its_password() {
    let far_end = FarEnd::start();
    far_end.ask_for_a_password();
    let settings = far_end.settings("user = \"100\"\npassword_file = \"password\"");
    let phones = Phones::serving(&settings);
    let tried = run(&phones, &["trunk", "test", "north"]);
    tried.expect(0, &format!("sip:127.0.0.1:{}: 200 OK, after ", far_end.port()));
    expect_in_order(
        &tried.out,
        &[
            "Trunk",
            "←",
            &format!("UDP 127.0.0.1:{}", far_end.port()),
            "401 Unauthorized (1 OPTIONS)",
            "─ OPTIONS (2) ─",
            "200 OK (2 OPTIONS) ─",
        ],
    );
    let whole = run(&phones, &["trunk", "test", "north", "--full", "--ascii"]);
    whole.expect(0, "response=[hidden]");
    whole.expect(0, "Digest username=\"100\"");
    assert!(!whole.out.contains("sesame") && whole.out.is_ascii(), "{}", whole.out);

    let listed = run(&phones, &["trunk", "list"]);
    let row: Vec<&str> = listed.out.lines().nth(1).unwrap().split_whitespace().collect();
    let there = format!("sip:127.0.0.1:{}", far_end.port());
    assert_eq!(row, ["north", "up", "-", "0/100", "0/10", "0", "0", &there, "up"]);
    let json: Value =
        serde_json::from_str(&run(&phones, &["trunk", "list", "--json"]).out).unwrap();
    assert_eq!(json["trunks"][0]["failed"]["5xx"], 0);
    assert_eq!(json["trunks"][0]["destinations"][0]["state"], "up");

    run(&phones, &["trunk", "test", "south"]).expect(1, "There is no such trunk (NOT_FOUND");
    run(&phones, &["trunk", "test", "north", A]).expect(2, "--yes");
    let odd = ["trunk", "test", "north", "12x", "--yes"];
    run(&phones, &odd).expect(1, "number has a character");
}

#[test]
fn a_trial_call_ends_as_soon_as_it_works() {
    let far_end = FarEnd::start();
    let phones = Phones::serving(&far_end.settings("serves = [\"1\"]"));
    let call = |number: &str| {
        run(&phones, &["trunk", "test", "north", number, "--yes", "--from", "+38515507799"])
    };
    // The far end answers in one breath; whether the cancel or the answer is first is chance.
    let answered = call(A);
    answered.expect(0, &format!("{A}: "));
    expect_in_order(
        &answered.out,
        &["INVITE (1)", "PCMA, PCMU at 127.0.0.1:", "180 Ringing", "200 OK (1 INVITE)", "BYE"],
    );
    let ringing = call("38598100180");
    ringing.expect(0, "rang, and was cancelled");
    expect_in_order(
        &ringing.out,
        &["180 Ringing", "CANCEL (1)", "487 Request Terminated", "ACK (1)"],
    );
    let busy = call("38598100486");
    busy.expect(1, "was not answered: 486, Q.850 17");
    busy.expect(1, "trunk north did not pass");
    expect_in_order(&busy.out, &["486 Busy Here (1 INVITE)", "Q.850;cause=17", "ACK (1)"]);
    wait_for("the trunk to be empty", || {
        page(&phones, "/metrics").contains("callslip_trunk_legs{trunk=\"north\"} 0\n")
    });
    let metrics = page(&phones, "/metrics");
    for line in [
        "callslip_trunk_failures_total{trunk=\"north\",class=\"4xx\"} 1\n",
        "callslip_trunk_up{trunk=\"north\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[test]
fn a_silent_trunk_fails_its_trial_and_goes_down_and_the_server_stays_ready() {
    let far_end = FarEnd::start();
    let phones = Phones::serving(&far_end.settings("no_reply_ms = 200\nping_s = 0"));
    assert!(page(&phones, "/healthz/ready").contains("\"trunks\":{\"status\":\"ready\"}"));
    far_end.be_silent();
    for _ in 0..3 {
        let tried = run(&phones, &["trunk", "test", "north"]);
        tried.expect(1, "nothing came back in 200 ms");
        tried.expect(1, "OPTIONS (1) again");
    }
    let row = run(&phones, &["trunk", "list"]).out;
    assert!(row.lines().nth(1).unwrap().starts_with("north  down "), "{row}");
    let ready: Value = serde_json::from_str(&page(&phones, "/healthz/ready")).unwrap();
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["trunks"], json!({"status": "all down", "down": ["north"]}));
    assert!(page(&phones, "/metrics").contains("callslip_trunk_up{trunk=\"north\"} 0\n"));
}

#[test]
fn a_call_is_traced_and_written_to_a_capture_file() {
    let far_end = FarEnd::start();
    let phones = Phones::serving(&far_end.settings(""));
    place(&phones, "click", B);
    let trace = run(&phones, &["trace", "click"]);
    trace.expect(0, "Call click of account Aladdin");
    expect_in_order(
        &trace.out,
        &[
            "Attempt 1, 20",
            "A far end",
            "    0.000  │←─",
            "PCMA, PCMU at 127.0.0.1:",
            "180 Ringing (1 INVITE)",
            "200 OK (1 INVITE) ",
            "PCMA at 127.0.0.1:",
            "INVITE (1) ───",
            "BYE (1)",
            "Q.850;cause=16",
            "200 OK (1 BYE)",
        ],
    );
    let heading = trace.out.lines().find(|line| line.contains("A far end")).unwrap();
    assert!(heading.contains("Callslip") && heading.contains("B far end"), "{heading}");
    let plain =
        Ran::of(phones.home.command(&["trace", "click", "--data", "ledger"]).env("LC_ALL", "C"));
    assert!(plain.code == Some(0) && plain.out.is_ascii(), "{}", plain.out);
    run(&phones, &["trace", "click", "--full"]).expect(0, "\n    P-Asserted-Identity: <sip:+");

    run(&phones, &["trace", "click", "--attempt", "2"])
        .expect(1, "no SIP message of click is kept");
    run(&phones, &["trace", "other"]).expect(1, "no call of a message other is known");
    let json: Value =
        serde_json::from_str(&run(&phones, &["trace", "click", "--json"]).out).unwrap();
    let messages = json["calls"][0]["ladders"][0]["messages"].as_array().unwrap();
    let written = run(&phones, &["trace", "click", "--pcap", "click.pcap"]);
    written.expect(0, &format!("{} messages were written to click.pcap.", messages.len()));
    let capture = phones.home.path("click.pcap");
    let tcpdump = Command::new("tcpdump").args(["-nn", "-vv", "-A", "-r"]).arg(&capture).output();
    let read = String::from_utf8_lossy(&tcpdump.unwrap().stdout).into_owned();
    assert_eq!(read.matches("[udp sum ok]").count(), messages.len(), "{read}");
    assert!(read.contains(&format!("> 127.0.0.1.{}: ", far_end.port())), "{read}");
    assert!(read.contains("INVITE sip:+38598100001@127.0.0.1"), "{read}");
    run(&phones, &["trace", "click", "--pcap", "none/x"]).expect(1, "cannot write none/x");

    let metrics = page(&phones, "/metrics");
    for start in [
        "callslip_trunk_answered_total{trunk=\"north\"} 2\n",
        "callslip_sip_legs 0\n",
        "callslip_sip_dialogs 0\n",
        "callslip_sip_transactions ",
        "callslip_media_ports 0\n",
        "callslip_media_packets_total{way=\"out\"} ",
        "callslip_media_packets_total{way=\"in\"} 0\n",
        "callslip_media_packets_foreign_total 0\n",
        "callslip_media_late_ticks_total ",
    ] {
        assert!(metrics.contains(start), "{start} is not in {metrics}");
    }
    assert!(metric_families(&metrics) > 30);
}

#[test]
fn a_trace_is_there_without_its_server_and_trunks_are_not() {
    let far_end = FarEnd::start();
    let mut phones = Phones::serving(&far_end.settings(""));
    place(&phones, "busy", "38591100486");
    assert_eq!(phones.process.stop(), Some(0));
    let trace = run(&phones, &["trace", "busy"]);
    trace.expect(0, "486 Busy Here (1 INVITE)");
    run(&phones, &["trunk", "list"]).expect(69, "no server runs on ledger");
    run(&phones, &["trunk", "test", "north"]).expect(69, "no server runs on ledger");
}

#[test]
fn where_calls_do_not_go_through_trunks_it_is_said() {
    let home = Home::new();
    let _serving = home.serve();
    let text = "Calls do not go through trunks here: carrier in [calls] is not sip";
    assert!(home.done(&["trunk", "list"]).contains(text));
    home.run(&["trunk", "test", "north", "--data", "ledger"]).expect(1, text);
}
