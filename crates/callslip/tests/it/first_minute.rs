//! The sandbox: what it prints does what it says.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::binary::{Home, Ran, Running};

/// A sandbox that has printed its lines, and the commands among them.
fn start(home: &Home, more: &[&str]) -> (Running, Vec<String>) {
    let args = [&["sandbox", "--listen", "127.0.0.1:0"], more].concat();
    let sandbox = Running::start(&mut home.command(&args));
    let lines = sandbox.wait_for("Ctrl-C");
    let commands: Vec<String> =
        lines.iter().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect();
    assert_eq!(commands.len(), 4, "{lines:#?}");
    assert!(commands.iter().all(|command| command.starts_with("curl ")), "{commands:#?}");
    (sandbox, commands)
}

fn paste(command: &str) -> String {
    let ran = Ran::of(Command::new("sh").args(["-c", command]));
    assert_eq!(ran.code, Some(0), "{command}: {}", ran.err);
    ran.out
}

fn ids(json: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(json).unwrap();
    let reports = answer["results"].as_array().unwrap();
    reports.iter().map(|report| report["messageId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_printed_lines_return_each_report_once() {
    let home = Home::new();
    let (mut sandbox, commands) = start(&home, &[]);
    let [take, take_xml, logs, feed] = commands.as_slice() else { unreachable!() };

    let first = ids(&paste(take));
    assert_eq!(first.len(), 2);
    assert_eq!(first[0], "ff4804ef-6ab6-4abd-984d-ab3b1387e852");
    let xml = paste(take_xml);
    assert_eq!(xml.matches("<result>").count(), 4, "{xml}");
    for error in ["5001", "5002", "5003", "5603"] {
        assert_eq!(xml.matches(&format!("<id>{error}</id>")).count(), 1, "{error}: {xml}");
    }
    assert!(!first.iter().any(|id| xml.contains(id)), "{xml}");
    assert!(!paste(take_xml).contains("<result>"));
    assert_eq!(ids(&paste(logs)).len(), 6);
    assert_eq!(ids(&paste(logs)).len(), 6);

    assert_eq!(paste(feed), r#"{"accepted":1,"duplicates":0,"refused":[]}"#);
    assert_eq!(ids(&paste(take)).len(), 1);
    assert_eq!(ids(&paste(take)).len(), 0);
    assert_eq!(sandbox.stop(), Some(0));
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
fn a_sandbox_with_a_directory_is_fed_again_when_it_is_empty() {
    let home = Home::new();
    let data = ["--data", "ledger"];
    let (mut sandbox, commands) = start(&home, &data);
    let first = ids(&paste(&commands[0]));
    sandbox.stop();

    let (mut sandbox, commands) = start(&home, &data);
    assert_eq!(ids(&paste(&commands[2])).len(), 6, "fed although four were waiting");
    paste(&commands[1]);
    sandbox.stop();

    let (mut sandbox, commands) = start(&home, &data);
    let again = ids(&paste(&commands[0]));
    assert_eq!(again.len(), 2);
    assert!(!again.iter().any(|id| first.contains(id)), "{first:?} {again:?}");
    assert_eq!(paste(&commands[3]), r#"{"accepted":1,"duplicates":0,"refused":[]}"#);
    sandbox.stop();
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = Home::new().run(&["sandbox", "--listen", &address]);
    ran.expect(69, &format!("{address} is not free; choose another"));
}
