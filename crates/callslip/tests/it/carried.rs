//! Calls through HTTP, against a real server whose telephones are simulated: what happens to them
//! between a submit and a report, also when the server stops or dies meanwhile.

use std::collections::BTreeMap;
use std::process::Command;

use callslip::clock::SystemClock;
use model::Clock as _;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::binary::Ran;
use crate::ledger::{Kind, LEASE_S, on_both_engines};
use crate::phones::{PERSON, Phones, click};
use crate::server::{Connection, wait_for};

const SANDBOX: &str = "[calls]\ncarrier = \"sandbox\"\n";

#[track_caller]
fn error_of(report: &Value) -> u64 {
    report["error"]["id"].as_u64().unwrap()
}

fn attempts(detail: &Value) -> Vec<Value> {
    detail["attempts"].as_array().cloned().unwrap_or_default()
}

/// Milliseconds since the epoch, of a date of these months.
fn millis(date: &Value) -> i64 {
    api::wire::date::parse(date.as_str().unwrap()).unwrap().as_millis()
}

#[test]
fn a_busy_number_is_tried_again_up_the_ladder() {
    let phones = Phones::at_speed(120);
    let mut message = click("busy", "38598100486");
    message["retry"] = json!({"minPeriod": 1, "maxPeriod": 2, "maxCount": 3});
    phones.call(&[message]);
    let report = &phones.take(1)["busy"];
    assert_eq!(error_of(report), 5002);
    let attempts = attempts(&phones.detail("busy"));
    assert_eq!(attempts.len(), 4);
    let dialled: Vec<i64> = attempts.iter().map(|a| millis(&a["legA"]["dialledAt"])).collect();
    let ended: Vec<i64> = attempts.iter().map(|a| millis(&a["legA"]["endedAt"])).collect();
    for (rung, minutes) in [1, 2, 2].into_iter().enumerate() {
        let pause = dialled[rung + 1] - ended[rung];
        // The clock is two minutes further each second; a busy machine is a second late.
        let late = pause - minutes * 60_000;
        assert!((0..120_000).contains(&late), "attempt {}: {pause} ms", rung + 2);
    }
    assert_eq!(millis(&report["sentAt"]), dialled[3], "of the last attempt");
}

#[test]
fn a_scheduled_call_is_cancelled_and_never_placed() {
    let phones = Phones::serving(SANDBOX);
    let scheduled = json!({
        "from": "38515507799",
        "text": "Your table is ready",
        "destinations": [{"to": "38598100001", "messageId": "later"}],
        "sendAt": "2099-01-01T00:00:00.000+0000",
    });
    phones.submit("/tts/3/advanced", &[scheduled]);
    assert_eq!(phones.detail("later")["state"], "waiting");
    let cancel = || phones.ask("DELETE", "/callslip/1/calls/later", "", "");
    assert_eq!(cancel().json()["was"], "waiting");
    let report = &phones.take(1)["later"];
    assert_eq!(report["status"]["name"], "CANCELLED");
    assert_eq!(attempts(&phones.detail("later")), [] as [Value; 0]);
    assert_eq!(cancel().json()["was"], "finished");
    assert_eq!(phones.ask("DELETE", "/callslip/1/calls/never", "", "").status, 404);
    assert_eq!(phones.get("/callslip/1/calls/never").status, 404);
}

#[test]
fn a_paused_bulk_waits_and_goes_on_at_another_time() {
    let phones = Phones::serving(SANDBOX);
    let message = json!({
        "from": "38515507799",
        "text": "Your table is ready",
        "destinations": [{"to": "38598100001", "messageId": "m"}],
        "sendAt": "2099-01-01T00:00:00.000+0000",
    });
    let json = "Content-Type: application/json\r\n";
    let body = json!({"bulkId": "b", "messages": [message]}).to_string();
    assert_eq!(phones.ask("POST", "/tts/3/advanced", json, &body).status, 200);
    let put = |path: &str, body: Value| {
        let reply = phones.ask("PUT", &format!("{path}?bulkId=b"), json, &body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    };
    let status = |name: &str| put("/tts/3/bulks/status", json!({"status": name}))["status"].clone();
    assert_eq!(status("PAUSED"), "PAUSED");
    put("/tts/3/bulks", json!({"sendAt": "2020-01-01T00:00:00.000+0000"}));
    // Due by now, and paused all the same: what comes after it is placed first.
    phones.call(&[click("after", "38598100486")]);
    assert!(phones.take(1).contains_key("after"));
    assert_eq!(phones.detail("m")["state"], "waiting");
    status("PROCESSING");
    assert_eq!(error_of(&phones.take(1)["m"]), 5000);
}

#[test]
fn a_text_is_spoken_and_its_keys_are_collected() {
    let phones = Phones::serving(SANDBOX);
    let message = json!({
        "from": "38515507799",
        "text": "Press three to hear this again, or any other key.",
        "language": "en",
        "destinations": [{"to": "38598100213", "messageId": "asked"}],
        "maxDtmf": 1,
    });
    phones.submit("/tts/3/advanced", &[message]);
    let report = &phones.take(1)["asked"];
    assert_eq!((&report["dtmfCodes"], error_of(report)), (&json!("3"), 5000));
    let attempt = &attempts(&phones.detail("asked"))[0];
    let seconds = attempt["promptSeconds"].as_f64().unwrap();
    assert!((1.0..15.0).contains(&seconds), "{attempt}");

    let unspoken = json!({"from": "1234", "to": "38598100001", "text": "x", "language": "tlh"});
    let json = "Content-Type: application/json\r\n";
    let reply = phones.ask("POST", "/tts/3/single", json, &unspoken.to_string()).json();
    assert_eq!(reply["messages"][0]["status"]["name"], "REJECTED_UNSUPPORTED_LANGUAGE");
}

#[test]
fn both_legs_are_folded_into_one_price_and_told_apart_in_the_archive() {
    let phones = Phones::serving(SANDBOX);
    let mut message = click("both", "447700900001");
    message["destinationB"] = "442079460002".into();
    phones.call(&[message]);
    let report = &phones.take(1)["both"];
    assert_eq!(report["price"], json!({"pricePerSecond": 0.0028, "currency": "EUR"}));
    let detail = phones.detail("both");
    let charged = &detail["charged"];
    let connected = |leg: &Value| {
        i64::from(u32::try_from(millis(&leg["endedAt"]) - millis(&leg["answeredAt"])).unwrap())
            / 1000
    };
    let attempt = &attempts(&detail)[0];
    let (a, b) = (connected(&attempt["legA"]), connected(&attempt["legB"]));
    assert_eq!(report["duration"], a);
    assert_eq!(charged["billedSeconds"], a + b, "{detail:#}");
    // Hand-made: 0.0023 a second for A, 0.0005 for B, in ten-thousandths.
    let expected = format!("0.{:04}", 23 * a + 5 * b);
    let total = charged["total"].to_string();
    assert_eq!(total.trim_end_matches('0'), expected.trim_end_matches('0'), "{charged}");
    let line = |leg: &str| charged[leg]["text"].as_str().unwrap().to_owned();
    assert!(line("lineA").contains("447 United Kingdom mobile,"), "{charged}");
    assert!(line("lineB").contains("44 United Kingdom,"), "{charged}");
}

#[test]
fn numbers_without_a_line_are_refused_or_cost_nothing() {
    let phones = Phones::serving(SANDBOX);
    let status = |id: &str| {
        let answers = phones.submit("/voice/ctc/1/send", &[click(id, "59899123001")]);
        answers[0]["status"]["name"].clone()
    };
    assert_eq!(status("refused"), "REJECTED_PREFIX_MISSING");
    phones.set(&["--unlisted", "unrated"]);
    wait_for("the setting to hold", || status("free") == "PENDING_ACCEPTED");
    phones.set(&["--deck", "none", "--unlisted", "refuse"]);
    wait_for("the setting to hold", || status("without") == "PENDING_ACCEPTED");
    for report in phones.take(2).values() {
        assert_eq!(report["price"], json!({"pricePerSecond": 0, "currency": "UNKNOWN"}));
    }
}

#[test]
fn without_a_carrier_messages_are_refused_and_nothing_waits() {
    let phones = Phones::serving("");
    let answers = phones.submit("/voice/ctc/1/send", &[click("a", "38598100001")]);
    assert_eq!(answers[0]["status"]["name"], "REJECTED_ROUTE_NOT_AVAILABLE");
    assert_eq!(answers[0]["status"]["id"], 19);
    assert_eq!(phones.get("/callslip/1/calls/a").status, 404);
}

#[test]
fn what_waits_goes_on_waiting_while_there_is_no_carrier() {
    let mut phones = Phones::serving(SANDBOX);
    phones.set(&["--concurrent-calls", "1"]);
    phones.call(&[click("first", "38598100001"), click("second", "38598100001")]);
    phones.wait_until_under_way("first");
    phones.process.kill();
    phones.home.file("c.toml", "");
    phones.start_again();
    assert_eq!(error_of(&phones.take(1)["first"]), 5500);
    assert_eq!(phones.detail("second")["state"], "waiting");
    phones.process.stop();
    phones.home.file("c.toml", SANDBOX);
    phones.start_again();
    assert_eq!(error_of(&phones.take(1)["second"]), 5000);
}

/// Submits so many calls to persons and to busy numbers.
fn submit_many(phones: &Phones, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|n| format!("m-{n:03}")).collect();
    let tail = |n: usize| if n % 4 == 3 { 486 } else { 1 };
    let messages: Vec<Value> =
        (0..count).map(|n| click(&ids[n], &format!("3859810{n:03}{:03}", tail(n)))).collect();
    phones.call(&messages);
    ids
}

on_both_engines!(a_kill_in_the_middle_leaves_one_truthful_report_for_each_call);

/// On a shared ledger what starts again is another node, and waits for the leases of the first.
fn a_kill_in_the_middle_leaves_one_truthful_report_for_each_call(kind: Kind) {
    let mut phones = Phones::serving_on(kind, &format!("{SANDBOX}lease_s = {LEASE_S}\n"));
    phones.set(&["--calls-per-second", "60", "--concurrent-calls", "100"]);
    let ids = submit_many(&phones, 200);
    // By the 120th some are over, some are under way, and some wait.
    phones.wait_until_under_way(&ids[120]);
    let under_way: Vec<&String> =
        ids.iter().filter(|id| !phones.detail(id)["started"].is_null()).collect();
    phones.process.kill();
    let killed = SystemClock.now().as_millis();
    assert!(under_way.len() > 20, "{} were under way", under_way.len());

    phones.start_again();
    let reports = phones.take(200);
    let mut left_behind = 0;
    for id in &ids {
        let (report, detail) = (&reports[id], phones.detail(id));
        let attempts = attempts(&detail);
        let error = error_of(report);
        assert_eq!(detail["report"]["error"]["id"], error, "{detail:#}");
        match error {
            5500 => {
                left_behind += 1;
                assert_eq!(attempts.len(), 1, "dialled again: {detail:#}");
                assert_eq!(attempts[0]["ending"], "leftBehind", "{detail:#}");
                assert_eq!(report["duration"], 0);
            }
            5000 | 5002 => assert_eq!(attempts.len(), 1, "{detail:#}"),
            other => panic!("{other}: {report:#}"),
        }
        let is_busy = report["to"].as_str().unwrap().ends_with("486");
        assert!(error == 5500 || is_busy == (error == 5002), "{report:#}");
    }
    assert!(left_behind > 0, "nothing was under way at the kill");
    for id in under_way {
        let is_known = error_of(&reports[id]) == 5500 || millis(&reports[id]["doneAt"]) <= killed;
        assert!(is_known, "{:#}", reports[id]);
        let dialled = attempts(&phones.detail(id));
        let after = dialled.iter().filter(|a| millis(&a["legA"]["dialledAt"]) > killed).count();
        assert_eq!(after, 0, "{id} was dialled again");
    }
}

#[test]
fn a_stop_lets_calls_end_and_leaves_the_rest_for_later() {
    let mut phones = Phones::serving(SANDBOX);
    phones.set(&["--concurrent-calls", "10"]);
    let ids: Vec<String> = (0..20).map(|n| format!("m-{n:02}")).collect();
    let messages: Vec<Value> = ids.iter().map(|id| click(id, "38598100001")).collect();
    phones.call(&messages);
    ids[..10].iter().for_each(|id| phones.wait_until_under_way(id));
    assert_eq!(phones.process.stop(), Some(0));

    phones.start_again();
    let states: BTreeMap<&String, Value> =
        ids.iter().map(|id| (id, phones.detail(id)["state"].clone())).collect();
    assert!(ids[..10].iter().all(|id| states[id] == "finished"), "{states:?}");
    assert!(ids[10..].iter().all(|id| states[id] != "finished"), "{states:?}");
    for (id, report) in phones.take(20) {
        assert_eq!(error_of(&report), 5000);
        assert_eq!(attempts(&phones.detail(&id)).len(), 1);
    }
}

#[test]
fn a_stop_that_cannot_wait_hangs_up_and_says_so() {
    let mut phones = Phones::serving(&format!("{SANDBOX}drain_s = 0\nsandbox_talk_s = 600\n"));
    let mut clock = click("clock", "38598100001");
    clock["destinationB"] = "38591100299".into();
    phones.call(&[click("talks", "38598100001"), click("rings", "38598100298"), clock]);
    // Its second leg has answered by then, and so has the first of the one that talks.
    phones.take_one("clock");
    phones.process.signal(Signal::TERM);
    assert_eq!(phones.process.child.wait().unwrap().code(), Some(0));
    phones.start_again();
    let reports = phones.take(2);
    let talks = &reports["talks"];
    assert_eq!(error_of(talks), 5000);
    assert!((1..60).contains(&talks["duration"].as_u64().unwrap()), "{talks:#}");
    assert_eq!(attempts(&phones.detail("talks"))[0]["ending"], "drained");
    assert_eq!(error_of(&reports["rings"]), 5500);
}

#[test]
fn a_second_signal_does_not_wait_for_calls() {
    let mut phones = Phones::serving(&format!("{SANDBOX}drain_s = 600\nsandbox_talk_s = 600\n"));
    phones.call(&[click("talks", "38598100001")]);
    phones.wait_until_under_way("talks");
    phones.process.signal(Signal::TERM);
    phones.process.wait_for("finishing what was begun");
    phones.process.signal(Signal::TERM);
    assert_eq!(phones.process.child.wait().unwrap().code(), Some(0));
    phones.start_again();
    assert_eq!(error_of(&phones.take_one("talks")), 5500);
}

fn metrics(phones: &Phones) -> String {
    let doors: Value = serde_json::from_str(&phones.home.read("ledger/admin.json")).unwrap();
    format!("{}/metrics", doors["url"].as_str().unwrap())
}

#[test]
fn metrics_and_health_tell_of_calls_and_of_a_voice_that_is_missing() {
    let mut phones = Phones::serving(SANDBOX);
    phones.call(&[click("a", "38598100486"), click("b", "38598100404")]);
    phones.take(2);
    let page = |phones: &Phones, path: &str| {
        let url = metrics(phones).replace("/metrics", path);
        Ran::of(Command::new("curl").args(["-s", &url])).out
    };
    let told = page(&phones, "/metrics");
    for line in [
        "callslip_calls_started_total 2",
        "callslip_calls_retried_total 0",
        r#"callslip_calls_finished_total{outcome="busy"} 1"#,
        r#"callslip_calls_finished_total{outcome="noSuchNumber"} 1"#,
        r#"callslip_messages_submitted_total{result="accepted"} 2"#,
    ] {
        assert!(told.lines().any(|said| said == line), "{line}\nis not in\n{told}");
    }
    let health = |phones: &Phones| -> Value {
        serde_json::from_str(&page(phones, "/healthz/ready")).unwrap()
    };
    assert_eq!(health(&phones)["speech"]["status"], "ready");

    phones.process.stop();
    phones.home.file("c.toml", &format!("{SANDBOX}[prompts]\nspeech_program = \"./none\"\n"));
    phones.start_again();
    let told = health(&phones);
    assert_eq!((&told["status"], &told["speech"]["status"]), (&json!("ready"), &json!("no voice")));
    let mut spoken = click("spoken", "38598100001");
    spoken["text"] = "Hello".into();
    let answers = phones.submit("/voice/ctc/1/send", &[spoken, click("silent", "38598100486")]);
    assert_eq!(answers[0]["status"]["name"], "REJECTED_UNSUPPORTED_LANGUAGE");
    assert_eq!(error_of(&phones.take(1)["silent"]), 5002);
}

#[test]
fn one_click_never_rings_a_phone_twice() {
    let phones = Phones::serving(SANDBOX);
    let body = json!({"messages": [{"from": "1234", "destinationA": "38598100001",
        "destinationB": PERSON}]});
    let headers = "Content-Type: application/json\r\nIdempotency-Key: click-1\r\n";
    let send = || phones.ask("POST", "/voice/ctc/1/send", headers, &body.to_string()).text();
    let first = send();
    assert_eq!(send(), first);
    phones.call(&[click("named", "38598100001")]);
    phones.call(&[click("named", "38598100001")]);
    assert_eq!(phones.take(2).len(), 2);
    let page = Ran::of(Command::new("curl").args(["-s", &metrics(&phones)])).out;
    assert!(page.contains("callslip_calls_started_total 2\n"), "{page}");
}

#[test]
fn a_key_that_only_reads_submits_nothing() {
    let phones = Phones::serving(SANDBOX);
    let body = json!({"messages": [click("a", "38598100001")]}).to_string();
    let send_as = |role: &str| {
        let key = phones.home.done(&["key", "add", "Aladdin", "--role", role]);
        let headers =
            format!("Authorization: App {}\r\nContent-Type: application/json\r\n", key.trim());
        let mut connection = Connection::to(phones.address);
        connection.request("POST", "/voice/ctc/1/send", &headers, body.as_bytes())
    };
    let refused = send_as("read");
    assert_eq!((refused.status, refused.error_id().as_str()), (403, "FORBIDDEN"));
    assert_eq!(phones.get("/callslip/1/calls/a").status, 404);
    assert_eq!(send_as("send").status, 200);
}

#[test]
fn an_operator_is_told_everything_of_a_call() {
    let phones = Phones::serving(SANDBOX);
    let mut busy = click("busy", "38598100486");
    busy["retry"] = json!({"minPeriod": 1, "maxPeriod": 1, "maxCount": 1});
    phones.call(&[click("joined", "38598100213"), busy]);
    phones.take_one("joined");
    let told = phones.home.done(&["call", "joined"]);
    for text in [
        "Call joined of account Aladdin, bulk ",
        "submitted: call +385 98 100 213 (HR), then +385 91 100 002 (HR)",
        "attempt 1, A dialled",
        "attempt 1, A answers",
        "A pressed 3",
        "attempt 1, B rings",
        "attempt 1, A ends: answered, SIP 200, Q.850 16",
        "attempt 1 is over: answered, ended byA",
        "reported: 3 s, 5 DELIVERED_TO_HANDSET, 5000 VOICE_ANSWERED",
        "charged 0.03 EUR for 3 billed seconds by deck demo",
        "leg A, line 17: 38598 Croatia mobile HT, 0.01 EUR a second, 1/1, always",
    ] {
        assert!(told.contains(text), "`{text}` is not in\n{told}");
    }
    let told = phones.home.done(&["call", "busy"]);
    assert!(told.contains("attempt 1, A ends: busy, SIP 486, Q.850 17"), "{told}");
    assert!(told.lines().last().unwrap().ends_with("  due"), "{told}");
    let json: Value = serde_json::from_str(&phones.home.done(&["call", "busy", "--json"])).unwrap();
    assert_eq!(json["calls"][0]["account"], "Aladdin");
    assert_eq!(json["calls"][0]["call"]["state"], "waiting");
    phones.home.run(&["call", "none", "--data", "ledger"]).expect(1, "no call of a message none");
}
