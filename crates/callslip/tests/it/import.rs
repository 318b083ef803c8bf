//! `reports import`: what is in the files is in the queue, once, whatever stops the import.

use serde_json::{Value, json};

use crate::binary::{Home, Running};
use crate::server::{report, wait_for};

const IMPORT: [&str; 5] = ["reports", "import", "f", "--account", "acme"];

fn imported(file: &str) -> [&str; 5] {
    let mut args = IMPORT;
    args[2] = file;
    args
}

fn lines(ids: impl Iterator<Item = String>) -> String {
    ids.map(|id| format!("{}\n", report(&id))).collect()
}

fn xml(ids: &[&str]) -> String {
    let report = |id: &str| {
        format!(
            "<result><bulkId>b</bulkId><messageId>{id}</messageId><to>385981178</to>
<sentAt>2015-02-12T09:58:20.323+0100</sentAt><doneAt>2015-02-12T09:58:20.337+0100</doneAt>
<duration>10</duration><mccMnc>21901</mccMnc><dtmfCodes>1</dtmfCodes>
<price><pricePerMessage>0.01</pricePerMessage><currency>EUR</currency></price>
<status><id>5</id><groupId>3</groupId><groupName>DELIVERED</groupName>
<name>DELIVERED_TO_HANDSET</name><description>Message delivered to handset</description></status>
<error><groupId>0</groupId><groupName>OK</groupName><id>5000</id><name>VOICE_ANSWERED</name>
<description>Call answered by human</description><permanent>true</permanent></error></result>"
        )
    };
    let reports: String = ids.iter().map(|id| report(id)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<reportResponse>\n<results>{reports}\
         </results>\n</reportResponse>\n"
    )
}

#[test]
fn each_form_of_file_is_imported_into_an_idle_directory_and_a_running_server() {
    let home = Home::new();
    home.with_account("acme");
    let check = |suffix: &str| {
        let id = |name: &str| format!("{name}-{suffix}");
        home.file(
            "a.json",
            &json!({ "results": [report(&id("a1")), report(&id("a2"))] }).to_string(),
        );
        home.file("b", &lines([id("b1"), id("b2"), id("b3")].into_iter()));
        home.file("c.xml", &xml(&[&id("c1"), &id("c2")]));
        let args = ["reports", "import", "a.json", "b", "c.xml", "--account", "acme"];
        let out = home.done(&args);
        let expect = "a.json: 2 accepted, 0 duplicates, 0 refused\n\
                      b: 3 accepted, 0 duplicates, 0 refused\n\
                      c.xml: 2 accepted, 0 duplicates, 0 refused\n";
        assert_eq!(out, expect);
        assert!(home.done(&args).contains("c.xml: 0 accepted, 2 duplicates, 0 refused"));
    };
    check("idle");
    assert_eq!(home.pending("acme"), 7);
    let serving = home.serve();
    check("running");
    assert_eq!(home.pending("acme"), 14);
    let take = ["take", "--url", serving.url(), "--key-file", "read.key", "--out", "out"];
    home.run(&take).expect(0, "Reports taken: 14.");
    let out = home.read("out");
    let ids: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["messageId"].clone())
        .collect();
    assert_eq!(
        ids[..7],
        ["a1-idle", "a2-idle", "b1-idle", "b2-idle", "b3-idle", "c1-idle", "c2-idle"]
    );
}

#[test]
fn refused_reports_are_listed_with_file_place_and_reason() {
    let home = Home::new();
    home.with_account("acme");
    let mut wrong = report("w-2");
    wrong["duration"] = json!(-1);
    let mut other = report("w-1");
    other["duration"] = json!(77);
    let text = format!("{}\n{wrong}\n\nnot json\n{other}\n{}\n", report("w-1"), report("w-3"));
    home.file("f.jsonl", &text);
    let ran = home.run(&[&imported("f.jsonl")[..], &["--data", "ledger"]].concat());
    ran.expect(1, "f.jsonl: 2 accepted, 0 duplicates, 3 refused");
    ran.expect(1, "f.jsonl: report 2: duration");
    ran.expect(1, "f.jsonl: report 3: is not a JSON object");
    ran.expect(1, "f.jsonl: report 4 (w-1): ");
    assert_eq!(home.pending("acme"), 2);
}

#[test]
fn a_file_that_makes_no_sense_is_an_error() {
    let home = Home::new();
    home.with_account("acme");
    let check = |name: &str, content: &str, expect: &str| {
        home.file(name, content);
        let ran = home.run(&[&imported(name)[..], &["--data", "ledger"]].concat());
        ran.expect(1, expect);
        ran.expect(1, name);
    };
    check("a.json", "{\"results\": [", "EOF");
    check("b.json", "{\n\"reports\": []}", "results");
    check("c.xml", "<reportResponse><results><result>", "is not XML");
    check("d.xml", "<!DOCTYPE x [<!ENTITY e 'e'>]><reportResponse/>", "document type");
    let ran = home.run(&[&imported("none")[..], &["--data", "ledger"]].concat());
    ran.expect(1, "cannot read none");
    let ran = home.run(&["reports", "import", "c.xml", "--account", "x", "--data", "ledger"]);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was() {
    const REPORTS: u64 = 6_000;
    let home = Home::new();
    home.with_account("acme");
    let _serving = home.serve();
    home.file("f.jsonl", &lines((0..REPORTS).map(|n| format!("m-{n}"))));
    let args = [&imported("f.jsonl")[..], &["--data", "ledger"]].concat();
    let mut import = Running::start(&mut home.command(&args));
    let bookmark = home.path("f.jsonl.callslip-import");
    wait_for("the first batch is noted", || bookmark.exists());
    import.kill();
    let place: Value = serde_json::from_str(&home.read("f.jsonl.callslip-import")).unwrap();
    let before = place["items"].as_u64().unwrap();
    assert!(before < REPORTS, "killed too late to tell");

    let ran = home.run(&args);
    ran.expect(0, &format!("going on after {before} reports"));
    let numbers: Vec<u64> = ran.out.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers.iter().sum::<u64>(), REPORTS, "{}", ran.out);
    assert!(numbers[1] <= 500, "more than one batch was fed twice: {}", ran.out);
    assert_eq!(home.pending("acme"), REPORTS);
    assert!(!bookmark.exists());
}

#[test]
fn a_bookmark_of_another_file_or_account_is_not_followed() {
    let home = Home::new();
    home.with_account("acme");
    home.done(&["account", "add", "other"]);
    let first = lines(["a-1".to_owned()].into_iter());
    let text = format!("{first}{}", lines(["a-2".to_owned()].into_iter()));
    home.file("f.jsonl", &text);
    let bookmark = |account: &str, last: &str| {
        let tally = json!({ "accepted": 1, "duplicates": 0, "refused": 0 });
        let place = json!({ "account": account, "offset": first.len(), "items": 1, "last": last,
                            "tally": tally });
        home.file("f.jsonl.callslip-import", &place.to_string());
    };
    bookmark("other", &first);
    assert!(home.done(&imported("f.jsonl")).contains("2 accepted, 0 dup"));
    bookmark("acme", &first.replace("a-1", "b-1"));
    assert!(home.done(&imported("f.jsonl")).contains("0 accepted, 2 dup"));
    bookmark("acme", &first);
    assert!(home.done(&imported("f.jsonl")).contains("1 accepted, 1 dup"));
}
