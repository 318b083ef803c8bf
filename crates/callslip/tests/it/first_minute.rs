//! The sandbox and the README: what they print does what they say.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::binary::{Home, Ran, Running};

const README: &str = include_str!("../../../../README.md");

/// A sandbox that has printed its lines, and the commands among them.
fn start(home: &Home, more: &[&str]) -> (Running, Vec<String>) {
    let args = [&["sandbox", "--listen", "127.0.0.1:0"], more].concat();
    let sandbox = Running::start(&mut home.command(&args));
    let lines = sandbox.wait_for("Ctrl-C");
    let commands: Vec<String> =
        lines.iter().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect();
    assert_eq!(commands.len(), 3, "{lines:#?}");
    assert!(commands.iter().all(|command| command.starts_with("curl ")), "{commands:#?}");
    (sandbox, commands)
}

fn paste(command: &str) -> String {
    let ran = Ran::of(Command::new("sh").args(["-c", command]));
    assert_eq!(ran.code, Some(0), "{command}: {}", ran.err);
    ran.out
}

fn parse(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Pastes the line until there are three reports, and gives them by their destination.
fn take_three(take: &str) -> BTreeMap<String, Value> {
    let mut reports = BTreeMap::new();
    while reports.len() < 3 {
        let answer = parse(&paste(take));
        let results = answer["results"].as_array().unwrap();
        assert!(!results.is_empty(), "twenty seconds brought nothing beyond {reports:#?}");
        for report in results {
            let before = reports.insert(report["to"].as_str().unwrap().to_owned(), report.clone());
            assert_eq!(before, None, "returned twice");
        }
    }
    reports
}

/// What is the same in every run: all but ids and times.
fn constant(report: &Value) -> Value {
    let mut report = report.clone();
    let members = report.as_object_mut().unwrap();
    for member in ["bulkId", "messageId", "sentAt", "doneAt"] {
        assert!(members.remove(member).unwrap().as_str().is_some_and(|text| !text.is_empty()));
    }
    report
}

/// The report of one of the three calls, by the tables.
fn expected(to: &str, duration: u32, keys: &str, status: Value, error: Value) -> Value {
    json!({
        "to": to,
        "duration": duration,
        "mccMnc": "21901",
        "dtmfCodes": keys,
        "price": {"pricePerSecond": 0.01, "currency": "EUR"},
        "status": status,
        "error": error,
    })
}

#[track_caller]
fn check_three(reports: &BTreeMap<String, Value>) {
    let delivered = json!({"groupId": 3, "groupName": "DELIVERED", "id": 5,
        "name": "DELIVERED_TO_HANDSET", "description": "Message delivered to handset"});
    let answered = json!({"groupId": 0, "groupName": "OK", "id": 5000, "name": "VOICE_ANSWERED",
        "description": "Call answered by human", "permanent": true});
    let expired = json!({"groupId": 4, "groupName": "EXPIRED", "id": 15,
        "name": "EXPIRED_EXPIRED", "description": "Message expired"});
    let busy = json!({"groupId": 2, "groupName": "USER_ERRORS", "id": 5002,
        "name": "EC_VOICE_USER_BUSY", "description": "User was busy during call attempt",
        "permanent": true});
    // A waits 1.3 seconds for B, give or take a tenth, and they talk for two.
    for expected in [
        expected("38598100001", 3, "", delivered.clone(), answered.clone()),
        expected("38598100213", 3, "3", delivered, answered),
        expected("38598100486", 0, "", expired, busy),
    ] {
        let report = &reports[expected["to"].as_str().unwrap()];
        assert_eq!(constant(report), expected);
    }
}

#[test]
fn the_printed_lines_place_three_calls_and_return_their_reports_once() {
    let home = Home::new();
    let (mut sandbox, commands) = start(&home, &[]);
    let [submit, take, logs] = commands.as_slice() else { unreachable!() };

    let submitted = parse(&paste(submit));
    let messages = submitted["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    for message in messages {
        assert_eq!(message["status"]["name"], "PENDING_ACCEPTED");
    }
    let reports = take_three(take);
    check_three(&reports);
    for message in messages {
        let report = &reports[message["to"].as_str().unwrap()];
        assert_eq!(report["messageId"], message["messageId"]);
        assert_eq!(report["bulkId"], submitted["bulkId"]);
    }
    assert_eq!(paste(&take.replace("wait=20", "wait=0")), r#"{"results":[]}"#);
    for _ in 0..2 {
        let logs = paste(logs);
        assert_eq!(logs.matches("<messageId>").count(), 3, "{logs}");
    }
    // The same line calls again: its calls have names of their own.
    let again = parse(&paste(submit));
    assert_ne!(again["messages"][0]["messageId"], messages[0]["messageId"]);
    check_three(&take_three(take));
    assert_eq!(sandbox.stop(), Some(0));
}

#[test]
fn the_readmes_first_minute_goes_as_it_is_told() {
    let home = Home::new();
    let (mut sandbox, commands) = start(&home, &[]);
    let (_, minute) = README.split_once("## First minute").unwrap();
    let (minute, _) = minute.split_once("\n## ").unwrap();
    let blocks: Vec<(&str, &str)> =
        minute.split("```").skip(1).step_by(2).map(|b| b.split_once('\n').unwrap()).collect();
    let shells: Vec<&str> = blocks.iter().filter(|(k, _)| *k == "sh").map(|(_, b)| *b).collect();
    let [run, submit, take] = shells.as_slice() else { panic!("{shells:#?}") };
    assert_eq!(run.trim(), "make run");
    let (_, url) = commands[1].split_once("http://").unwrap();
    let (address, _) = url.split_once('/').unwrap();
    let here = |command: &str| command.replace("127.0.0.1:8080", address);
    parse(&paste(&here(submit)));
    let reports = take_three(&here(take));
    check_three(&reports);
    let shown: Vec<&str> = blocks.iter().filter(|(k, _)| *k == "json").map(|(_, b)| *b).collect();
    let [answer] = shown.as_slice() else { panic!("{shown:#?}") };
    for shown in parse(answer)["results"].as_array().unwrap() {
        let report = &reports[shown["to"].as_str().unwrap()];
        assert_eq!(constant(report), constant(shown));
    }
    sandbox.stop();
}

#[test]
fn a_sandbox_leaves_nothing_behind() {
    let home = Home::new();
    let temp = home.path("temp");
    std::fs::create_dir(&temp).unwrap();
    let mut command = home.command(&["sandbox", "--listen", "127.0.0.1:0"]);
    let mut sandbox = Running::start(command.env("TMPDIR", &temp));
    sandbox.wait_for("Ctrl-C");
    assert_eq!(temp.read_dir().unwrap().count(), 1);
    assert_eq!(sandbox.stop(), Some(0));
    assert_eq!(temp.read_dir().unwrap().count(), 0);
}

#[test]
fn a_sandbox_with_a_directory_goes_on_where_it_was() {
    let home = Home::new();
    let data = ["--data", "ledger"];
    let (mut sandbox, commands) = start(&home, &data);
    paste(&commands[0]);
    assert_eq!(sandbox.stop(), Some(0));

    // What was under way when it stopped has its report, what waited is placed now.
    let (mut sandbox, commands) = start(&home, &data);
    assert_eq!(take_three(&commands[1]).len(), 3);
    sandbox.stop();
}

#[test]
fn a_sandbox_runs_as_fast_and_its_people_talk_as_long_as_they_are_told() {
    let home = Home::new();
    let (mut sandbox, commands) = start(&home, &["--speed", "100", "--talk", "600"]);
    paste(&commands[0]);
    let reports = take_three(&commands[1]);
    let duration = reports["38598100001"]["duration"].as_u64().unwrap();
    assert!((600..660).contains(&duration), "{duration}");
    sandbox.stop();
    for (flag, value) in [("--speed", "0"), ("--speed", "1001"), ("--talk", "3601")] {
        home.run(&["sandbox", flag, value]).expect(2, "is not in");
    }
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = Home::new().run(&["sandbox", "--listen", &address]);
    ran.expect(69, &format!("{address} is not free; choose another"));
}
