//! `take`: no report lost and none twice in the file, whoever is killed.

use std::process::Stdio;

use serde_json::{Value, json};
use testkit::wire::{Fault, Middle, Plan, Wire};
use tokio::runtime::Runtime;

use crate::binary::{Home, Running, Serving};
use crate::server::{report, wait_for};

/// A server with that many reports, `m-0` first.
fn serve_reports(home: &Home, count: usize) -> Serving {
    home.with_account("acme");
    let serving = home.serve();
    feed(home, 0..count);
    serving
}

fn feed(home: &Home, numbers: std::ops::Range<usize>) {
    let reports: Vec<Value> = numbers.map(|n| report(&format!("m-{n}"))).collect();
    home.file("feed.json", &json!({ "results": reports }).to_string());
    home.done(&["reports", "import", "feed.json", "--account", "acme"]);
}

fn take<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let first = ["take", "--url", url, "--key-file", "read.key", "--out", "out.jsonl"];
    [&first, more].concat()
}

fn lines(home: &Home) -> usize {
    std::fs::read(home.path("out.jsonl"))
        .map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}

#[track_caller]
fn check_whole(home: &Home, count: usize) {
    let text = home.read("out.jsonl");
    let got: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["messageId"].to_string())
        .collect();
    let expect: Vec<String> = (0..count).map(|n| format!("\"m-{n}\"")).collect();
    assert_eq!(got, expect);
}

#[test]
fn everything_is_taken_in_order_and_the_key_file_goes() {
    let home = Home::new();
    let serving = serve_reports(&home, 25);
    home.run(&take(serving.url(), &["--limit", "10"])).expect(0, "Reports taken: 25.");
    check_whole(&home, 25);
    assert!(!home.path("out.jsonl.key").exists());
    feed(&home, 25..26);
    home.run(&take(serving.url(), &[])).expect(0, "Reports taken: 1.");
    check_whole(&home, 26);
}

#[test]
fn without_a_file_the_reports_go_to_standard_output() {
    let home = Home::new();
    let serving = serve_reports(&home, 3);
    let args = ["take", "--url", serving.url(), "--key-file", "read.key", "--message-id", "m-1"];
    let ran = home.run(&args);
    ran.expect(0, "Reports taken: 1.");
    let line: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(line, report("m-1"));
    let args = ["take", "--url", serving.url(), "--key-file", "read.key", "--bulk-id", "none"];
    home.run(&args).expect(0, "Reports taken: 0.");
    assert_eq!(home.pending("acme"), 2);
}

#[test]
fn a_taker_killed_at_any_time_loses_nothing_and_writes_nothing_twice() {
    const REPORTS: usize = 400;
    let home = Home::new();
    let serving = serve_reports(&home, REPORTS);
    let args = take(serving.url(), &["--limit", "4"]);
    for kill_at in [1, 40, 41, 90, 160, 250, 330] {
        let mut taker = Running::start(&mut home.command(&args));
        wait_for("enough is taken", || lines(&home) >= kill_at);
        taker.kill();
    }
    assert!(lines(&home) < REPORTS, "killed too late to tell");
    home.run(&args).expect(0, "Reports taken: ");
    check_whole(&home, REPORTS);
    assert_eq!(home.pending("acme"), 0);
}

#[test]
fn a_server_killed_under_a_following_taker_loses_nothing_and_gives_nothing_twice() {
    const REPORTS: usize = 300;
    let home = Home::new();
    let mut serving = serve_reports(&home, REPORTS);
    let (url, address) = (serving.url().to_owned(), serving.address().to_owned());
    let args = take(&url, &["--limit", "3", "--follow"]);
    let mut taker = Running::start(&mut home.command(&args));
    for kill_at in [20, 120, 220] {
        wait_for("some are taken", || lines(&home) >= kill_at);
        serving.process.kill();
        taker.wait_for("trying again in");
        serving = home.serve_with(&["--listen", &address]);
    }
    wait_for("all are taken", || lines(&home) >= REPORTS);
    feed(&home, REPORTS..REPORTS + 1);
    wait_for("the late one is taken", || lines(&home) > REPORTS);
    taker.kill();
    check_whole(&home, REPORTS + 1);
    assert_eq!(home.pending("acme"), 0);
}

#[test]
fn a_reader_that_has_gone_is_no_success() {
    let home = Home::new();
    let serving = serve_reports(&home, 1);
    let args = ["take", "--url", serving.url(), "--key-file", "read.key"];
    let mut command = home.command(&args);
    let mut taker = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(taker.stdout.take());
    let output = taker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("GET /tts/3/logs still lists it"), "{text}");
}

/// A wire to the server that does that to the first answers; a proxy has read them whole by then,
/// so to the server they have arrived.
fn wire_to(serving: &Serving, runtime: &Runtime, faults: &[Fault]) -> Wire {
    let plan = Plan::new(Middle::Proxy, faults.iter().copied());
    runtime.block_on(Wire::between(serving.address().parse().unwrap(), plan)).unwrap()
}

#[test]
fn answers_that_are_lost_on_the_way_are_asked_for_again() {
    let home = Home::new();
    let serving = serve_reports(&home, 20);
    let runtime = Runtime::new().unwrap();
    let faults =
        [Fault::Close, Fault::Reset, Fault::CutShort { bytes: 1 }, Fault::CutAfter { bytes: 1 }];
    let wire = wire_to(&serving, &runtime, &faults);
    home.run(&take(&wire.base_url(), &["--limit", "5"])).expect(0, "Reports taken: 20.");
    assert_eq!(wire.faults(), 4);
    check_whole(&home, 20);
}

#[test]
fn a_taker_killed_with_the_answer_on_its_way_asks_for_it_again() {
    let home = Home::new();
    let serving = serve_reports(&home, 20);
    let runtime = Runtime::new().unwrap();
    for _ in 0..2 {
        let wire = wire_to(&serving, &runtime, &[Fault::Stall]);
        let args = ["--limit", "5"];
        let mut taker = Running::start(&mut home.command(&take(&wire.base_url(), &args)));
        wait_for("the answer is on its way", || wire.faults() == 1);
        taker.kill();
        assert_eq!(lines(&home), 0);
    }
    home.run(&take(serving.url(), &["--limit", "7"])).expect(0, "Reports taken: 20.");
    check_whole(&home, 20);
}

#[test]
fn what_cannot_be_cured_by_waiting_ends_the_command() {
    let home = Home::new();
    let serving = serve_reports(&home, 1);
    home.run(&["take", "--url", serving.url()]).expect(1, "CALLSLIP_KEY");
    home.file("wrong.key", "cs_none_such\n");
    let args = ["take", "--url", serving.url(), "--key-file", "wrong.key"];
    home.run(&args).expect(1, "UNAUTHORIZED");
    let args = ["take", "--url", serving.admin_url(), "--key-file", "read.key"];
    home.run(&args).expect(1, "NOT_FOUND");
    assert_eq!(home.pending("acme"), 1);
}
