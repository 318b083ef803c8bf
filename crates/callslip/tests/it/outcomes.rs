//! Every way in which a call may end, through HTTP, in both formats and both generations of codes.
//! What is expected stands in the tables of the documents, and is read from there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use callslip::clock::SystemClock;
use model::Clock as _;
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
        phones.set(&["--generation", name]);
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
        phones.set(&["--generation", name]);
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

/// Ends a call in each of the ways of the second table, in its order, and gives its name.
const OTHER_WAYS: [fn(&mut Phones) -> &'static str; 7] = [
    |phones| {
        phones.call(&[click("cancelled", "38598100298")]);
        phones.wait_until_under_way("cancelled");
        let cancelled = phones.ask("DELETE", "/callslip/1/calls/cancelled", "", "").json();
        assert_eq!(cancelled, json!({"messageId": "cancelled", "was": "underWay"}));
        "cancelled"
    },
    |phones| {
        let mut message = voice("expired");
        message["validityPeriod"] = 60.into();
        message["deliveryTimeWindow"] = json!({"days": [day_after_tomorrow()]});
        phones.submit("/tts/3/advanced", &[message]);
        "expired"
    },
    |phones| {
        let nobody_listens = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut message = click("not-fetched", "38598100001");
        message["audioFileUrl"] = format!("http://{nobody_listens}/hello.wav").into();
        phones.call(&[message]);
        "not-fetched"
    },
    |phones| {
        let files = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut message = click("not-played", "38598100001");
        message["audioFileUrl"] =
            format!("http://{}/hello.wav", files.local_addr().unwrap()).into();
        phones.call(&[message]);
        let (mut connection, _) = files.accept().unwrap();
        let mut request = BufReader::new(connection.try_clone().unwrap()).lines();
        request.by_ref().take_while(|line| line.as_ref().is_ok_and(|l| !l.is_empty())).count();
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno sound.").unwrap();
        "not-played"
    },
    |phones| {
        phones.set(&["--concurrent-calls", "1"]);
        phones.call(&[click("spends", "38598100001"), click("unpaid", "38598100001")]);
        phones.wait_until_under_way("spends");
        phones.set(&["--daily-spend", "0.01"]);
        "unpaid"
    },
    |phones| {
        phones.set(&["--daily-spend", "none"]);
        phones.call(&[click("has-line", "38598100001"), click("lost-line", "44770090000")]);
        phones.wait_until_under_way("has-line");
        phones.home.file("less.csv", "prefix,rate,currency\n385,0.1,EUR\n");
        phones.home.done(&["rates", "import", "less.csv", "--deck", "demo"]);
        "lost-line"
    },
    |phones| {
        phones.call(&[click("left-behind", "38598100298")]);
        phones.wait_until_under_way("left-behind");
        phones.process.kill();
        phones.start_again();
        "left-behind"
    },
];

/// A message that is played to one person.
fn voice(message_id: &str) -> Value {
    json!({
        "from": "38515507799",
        "destinations": [{"to": "38598100001", "messageId": message_id}],
        "audioFileUrl": "http://files.example/hello.wav",
    })
}

fn day_after_tomorrow() -> &'static str {
    // 1970-01-01 was a Thursday.
    const DAYS: [&str; 7] =
        ["THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY"];
    let days = SystemClock.now().as_millis() / 86_400_000;
    DAYS[usize::try_from((days + 2) % 7).unwrap()]
}

#[track_caller]
fn end_in_other_ways(generation: usize) {
    let settings =
        "[calls]\ncarrier = \"sandbox\"\n[prompts]\nprivate_networks = [\"127.0.0.1\"]\n";
    let mut phones = Phones::serving(settings);
    phones.set(&["--generation", GENERATIONS[generation]]);
    let rows = table("calls.md", "## Outcomes");
    assert_eq!(rows.len(), OTHER_WAYS.len());
    for (row, end) in rows.iter().zip(OTHER_WAYS) {
        let id = end(&mut phones);
        let json = phones.take_one(id);
        check(&json, &row.expected[generation]);
        let xml = phones.ask("GET", "/tts/3/logs.xml", "", "").text();
        let (_, rest) = xml.split_once(&format!("<messageId>{id}</messageId>")).unwrap();
        let (_, error) = rest.split_once("<error>").unwrap();
        let (expected, _) = row.expected[generation][1].split_once(' ').unwrap();
        assert_eq!(error.split_once("<id>").unwrap().1.split_once('<').unwrap().0, expected);
        assert_eq!((&json["duration"], &json["dtmfCodes"]), (&json!(0), &json!("")), "{row:?}");
    }
}

#[test]
fn what_no_number_makes_ends_as_the_table_says() {
    end_in_other_ways(0);
}

#[test]
fn what_no_number_makes_ends_as_the_table_says_in_newer_codes() {
    end_in_other_ways(1);
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
