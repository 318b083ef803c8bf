//! The documentation's own sample code works, as it is printed there.
//!
//! Each sample runs in a namespace where `api.infobip.com` is this machine, against a server of
//! its own on port 80, and prints the documentation's own example.

use std::process::Command;

use serde_json::{Value, json};
use testkit::clients;

use crate::binary::{Home, Ran};

const LANGUAGES: [&str; 8] = [
    "curl",
    "php",
    "ruby",
    "python",
    "java-unirest",
    "csharp-restsharp",
    "javascript-node",
    "javascript-chromium",
];

const NO_PARAMETERS: &str = include_str!("../../../api/tests/golden/no_parameters.json");
const LIMIT_2: &str = include_str!("../../../api/tests/golden/limit_2.json");

#[test]
fn the_samples_without_parameters_print_the_example() {
    check("", NO_PARAMETERS, &[]);
}

#[test]
fn the_samples_with_a_limit_of_two_print_the_two_initial_reports() {
    check("_limit2", LIMIT_2, &["one too many"]);
}

/// Feeds the example and then reports of these ids; every sample must print the example and take
/// no more than it.
fn check(variant: &str, example: &str, more: &[&str]) {
    clients::compile().unwrap();
    let home = Home::new();
    let ledger = format!("ledger{variant}");
    furnish(&home, &ledger, example, more);
    run_all(&home, variant);
    let example = in_one_line(example);
    for language in LANGUAGES {
        let read = |ending: &str| home.read(&format!("{language}{variant}.{ending}"));
        let (out, complaints) = (read("out"), read("err") + &read("log"));
        assert_eq!(out.trim_end(), example, "{language}{variant}: {complaints}");
        assert_eq!(ids(&read("next")), more, "{language}{variant}: what the next request got");
        for id in ids(&example) {
            taken_once(&home, &format!("{language}{variant}.ledger"), &id);
        }
    }
}

fn furnish(home: &Home, ledger: &str, example: &str, more: &[&str]) {
    home.file("config.toml", "http.cors_origins = [\"http://localhost:8080\"]\n");
    home.file("password", "open sesame\n");
    home.file("example.json", example);
    let example: Value = serde_json::from_str(example).unwrap();
    let more = more.iter().map(|id| {
        let mut report = example["results"][0].clone();
        report["messageId"] = json!(id);
        report
    });
    home.file("more.json", &json!({"results": more.collect::<Vec<_>>()}).to_string());
    let done = |args: &[&str]| {
        home.run(&[args, &["--data", ledger]].concat()).expect(0, "");
    };
    let zone = ["--time-zone", "Europe/Zagreb"];
    done(&[&["account", "add", "Aladdin", "--password-file", "password"], &zone[..]].concat());
    done(&["reports", "import", "--account", "Aladdin", "example.json", "more.json"]);
}

/// Runs every sample, one after the other, in a namespace of their own.
fn run_all(home: &Home, variant: &str) {
    let is_root = rustix::process::geteuid().is_root();
    let script = clients::directory().join("seed/in_namespace");
    let ran = Ran::of(
        Command::new("unshare")
            .arg(if is_root { "-mn" } else { "-Urmn" })
            .arg(script)
            .arg(env!("CARGO_BIN_EXE_callslip"))
            .arg(home.path(""))
            .arg(variant)
            .args(LANGUAGES),
    );
    ran.expect(0, "");
}

#[track_caller]
fn taken_once(home: &Home, ledger: &str, id: &str) {
    let ran = home.run(&["audit", "--json", id, "--data", ledger]);
    let audit: Value = serde_json::from_str(&ran.out).unwrap();
    let audit = &audit["audits"][0];
    let takes = audit["takes"].as_array().unwrap();
    assert_eq!((&audit["state"], takes.len()), (&json!("settled"), 1), "{ledger}: {audit:#}");
}

fn ids(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let reports = answer["results"].as_array().unwrap().iter();
    reports.map(|report| report["messageId"].as_str().unwrap().to_owned()).collect()
}

/// The example without its line ends and its stray spaces, and with the members of a status in
/// the order of its other examples: it is the only one that begins with the id.
fn in_one_line(example: &str) -> String {
    let line = example.replace('\n', "").replace("\": ", "\":");
    let status = r#""groupId":3,"groupName":"DELIVERED","id":5,"#;
    line.replace(r#""id":5,"groupId":3,"groupName":"DELIVERED","#, status)
}
