//! Every way in which a call may end, through HTTP, in both formats and both generations of codes.
//! What is expected stands in the tables of the documents, and is read from there.

use std::path::Path;

use serde_json::{Value, json};

use crate::phones::{PERSON, Phones, click};

/// A row of a table of the documents.
#[derive(Debug)]
struct Row {
    /// Its first cell.
    case: String,
    /// Status and error, as `15 EXPIRED_EXPIRED`; classic, then newer.
    expected: [[String; 2]; 2],
}

/// The rows of the first table below that heading.
fn table(document: &str, heading: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let text = std::fs::read_to_string(path).unwrap();
    let (_, below) = text.split_once(heading).unwrap();
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows: Vec<Row> = lines.take_while(|line| line.starts_with('|')).skip(2).map(row).collect();
    assert!(rows.len() > 5, "{rows:#?}");
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<String> =
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    let [status, error, newer_status, newer_error] = &cells[cells.len() - 4..] else {
        panic!("{line}")
    };
    let classic = [status.clone(), error.clone()];
    let newer = [newer_status.clone(), newer_error.clone()];
    Row { case: cells[0].clone(), expected: [classic, newer] }
}

/// The numbers that a row of the sandbox's table is about.
fn numbers(row: &Row) -> Vec<String> {
    let mobile = |digits: &str| format!("38598100{digits}");
    match row.case.as_str() {
        "any other" => vec![mobile("001"), mobile("999")],
        "211 … 219" => (211..=219).map(|digits| mobile(&digits.to_string())).collect(),
        digits => vec![mobile(digits)],
    }
}

fn shown(part: &Value) -> String {
    format!("{} {}", part["id"], part["name"].as_str().unwrap())
}

#[track_caller]
fn check(report: &Value, expected: &[String; 2]) {
    let got = [shown(&report["status"]), shown(&report["error"])];
    assert_eq!(&got, expected, "{report:#}");
}

const GENERATIONS: [&str; 2] = ["classic", "newer"];

#[test]
fn every_number_of_the_sandbox_ends_as_its_table_says() {
    let phones = Phones::at_speed(60);
    let rows = table("sandbox.md", "## What numbers do");
    for (generation, name) in GENERATIONS.iter().enumerate() {
        phones.home.done(&["account", "set", "Aladdin", "--generation", name]);
        let called = rows.iter().flat_map(|row| numbers(row).into_iter().map(move |n| (n, row)));
        let called: Vec<(String, &Row)> = called.collect();
        let messages: Vec<Value> = called
            .iter()
            .map(|(number, _)| {
                let mut message = click(&format!("{name}-{number}"), number);
                message["machineDetection"] = "hangup".into();
                message
            })
            .collect();
        phones.call(&messages);
        let reports = phones.take(messages.len());
        for (number, row) in &called {
            let report = &reports[&format!("{name}-{number}")];
            check(report, &row.expected[generation]);
            let tail = &number[number.len() - 3..];
            let key = if ("211"..="219").contains(&tail) { &tail[2..] } else { "" };
            assert_eq!(report["dtmfCodes"], key, "{report:#}");
            assert_eq!(report["to"].as_str(), Some(number.as_str()));
            assert_eq!(report["price"], json!({"pricePerSecond": 0.01, "currency": "EUR"}));
            assert_eq!(report["mccMnc"], "21901");
            let answered = row.expected[0][0].starts_with("5 ");
            assert!(answered || report["duration"] == 0, "{report:#}");
        }
    }
}

#[test]
fn in_xml_every_number_ends_as_its_table_says() {
    let phones = Phones::at_speed(60);
    let rows = table("sandbox.md", "## What numbers do");
    for (generation, name) in GENERATIONS.iter().enumerate() {
        phones.home.done(&["account", "set", "Aladdin", "--generation", name]);
        for row in &rows {
            let number = &numbers(row)[0];
            let id = format!("{name}-{number}");
            let body = format!(
                "<request><messages><messages><from>38515507799</from>\
                 <destinationA>{number}</destinationA><destinationB>{PERSON}</destinationB>\
                 <messageId>{id}</messageId><machineDetection>hangup</machineDetection>\
                 </messages></messages></request>"
            );
            let types = "Content-Type: application/xml\r\nAccept: application/xml\r\n";
            let reply = phones.ask("POST", "/voice/ctc/1/send", types, &body);
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert!(reply.text().contains("<name>PENDING_ACCEPTED</name>"), "{}", reply.text());
            let path = format!("/tts/3/reports.xml?messageId={id}");
            let report = phones.ask("GET", &path, "Prefer: wait=30\r\n", "").text();
            let [status, error] = &row.expected[generation];
            for (element, expected) in [("status", status), ("error", error)] {
                let (_, part) = report.split_once(&format!("<{element}>")).unwrap();
                let (part, _) = part.split_once(&format!("</{element}>")).unwrap();
                let (id, name) = expected.split_once(' ').unwrap();
                assert!(part.contains(&format!("<id>{id}</id>")), "{row:?}: {report}");
                assert!(part.contains(&format!("<name>{name}</name>")), "{row:?}: {report}");
            }
        }
    }
}

#[test]
fn whatever_b_does_a_has_answered() {
    let phones = Phones::at_speed(60);
    let rows = table("sandbox.md", "## What numbers do");
    let mut messages = Vec::new();
    for number in rows.iter().flat_map(numbers) {
        let mut message = click(&format!("b-{number}"), "38598100001");
        message["destinationB"] = number.into();
        messages.push(message);
    }
    phones.call(&messages);
    for report in phones.take(messages.len()).values() {
        check(report, &["5 DELIVERED_TO_HANDSET".into(), "5000 VOICE_ANSWERED".into()]);
        assert_eq!(report["dtmfCodes"], "", "only keys of A are told: {report:#}");
    }
}
