//! Bad submits get a clear error and keep nothing: every documented field wrong in every way,
//! bodies too long and too many, and documents that mean more than they show. Never a 5xx.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use crate::calling::{ADVANCED, CTC, JSON, XML, click, clicks, xml_of};
use crate::server::{ALADDIN, Connection, Plan, Reply, TestServer};

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../../api/tests/golden/submit/", $name))
    };
}

/// The documented requests, with every field that there is.
const EXAMPLES: [(&str, &str); 4] = [
    (CTC, golden!("ctc.json")),
    ("/tts/3/single", golden!("single.json")),
    ("/tts/3/multi", golden!("multi.json")),
    (ADVANCED, golden!("advanced.json")),
];

/// What no field, or hardly any, can be.
fn wrong_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(7.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("wrong"),
        json!("+"),
        json!("a\u{0}b"),
        json!("x".repeat(10_000)),
        json!([]),
        json!([null]),
        json!([[{}]]),
        json!({}),
        json!({"wrong": {"wrong": []}}),
    ]
}

/// The place of every value in the document, the outermost left out.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, v)| (name.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inner {
        let at = format!("{at}/{name}");
        places.push(at.clone());
        self::places(value, &at, places);
    }
}

fn with_ids(request: &mut Value, number: usize) {
    let own = |id: &Value, name: &str| id.is_string().then(|| json!(format!("{name}-{number}")));
    if let Some(id) = own(&request["bulkId"], "bulk") {
        request["bulkId"] = id;
    }
    for at in ["/messages/0/messageId", "/messages/0/destinations/0/messageId"] {
        if let Some(id) = request.pointer_mut(at) {
            *id = json!(format!("message-{number}"));
        }
    }
}

/// What must have been kept so far, by what was answered.
#[derive(Default)]
struct Kept {
    by_bulk: HashMap<String, BTreeSet<String>>,
    ids: HashSet<String>,
}

impl Kept {
    /// Notes what the answer says is kept, and checks that exactly that is.
    #[track_caller]
    fn judge(&mut self, connection: &mut Connection, reply: &Reply, bulk: &str, shown: &str) {
        let answer = reply.json();
        let bulk = match reply.status {
            200 => answer["bulkId"].as_str().unwrap(),
            400 => bulk,
            other => panic!("{shown}: {other} {answer}"),
        };
        let kept = self.by_bulk.entry(bulk.to_owned()).or_default();
        if reply.status == 400 {
            assert_eq!(reply.error_id(), "BAD_REQUEST", "{shown}");
        }
        for message in answer["messages"].as_array().into_iter().flatten() {
            let id = message["messageId"].as_str().unwrap();
            match message["status"]["groupName"].as_str().unwrap() {
                // Accepted again, it is where it was.
                "PENDING" if self.ids.insert(id.to_owned()) => drop(kept.insert(id.to_owned())),
                "PENDING" | "REJECTED" => {}
                other => panic!("{shown}: {other}"),
            }
        }
        let bulk: String = bulk.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/tts/3/logs?limit=1000&bulkId={bulk}");
        let logs: BTreeSet<String> =
            connection.request("GET", &path, ALADDIN, b"").ids().into_iter().collect();
        assert_eq!(logs, *kept, "{shown}: {answer}");
        let status = if kept.is_empty() { 404 } else { 200 };
        let path = format!("/tts/3/bulks?bulkId={bulk}");
        assert_eq!(connection.request("GET", &path, ALADDIN, b"").status, status, "{shown}");
    }
}

#[test]
fn every_field_wrong_in_every_way_is_refused_or_harmless() {
    let settings = api::Settings {
        logs_per_minute: 1_000_000,
        submits_per_second: 1_000_000,
        ..api::Settings::default()
    };
    let server = TestServer::with(Plan { settings, ..Plan::default() });
    let mut connection = server.connect();
    let mut kept = Kept::default();
    let (mut number, mut refused) = (0, 0);
    for (path, example) in EXAMPLES {
        let example: Value = serde_json::from_str(example).unwrap();
        let mut all = Vec::new();
        places(&example, "", &mut all);
        let cases = all.iter().flat_map(|at| wrong_values().into_iter().map(move |w| (at, w)));
        for ((at, wrong), content_type) in
            cases.flat_map(|case| [(case.clone(), JSON), (case, XML)])
        {
            number += 1;
            let mut request = example.clone();
            with_ids(&mut request, number);
            let bulk = request["bulkId"].as_str().unwrap_or("none").to_owned();
            *request.pointer_mut(at).unwrap() = wrong.clone();
            let body = if content_type == XML { xml_of(&request) } else { request.to_string() };
            let headers = format!("{ALADDIN}Content-Type: {content_type}\r\n");
            let path = format!("{path}.json");
            let reply = connection.request("POST", &path, &headers, body.as_bytes());
            let told: String = wrong.to_string().chars().take(40).collect();
            let shown = format!("{content_type} {path} {at} = {told}");
            kept.judge(&mut connection, &reply, &bulk, &shown);
            refused += usize::from(reply.status == 400);
        }
    }
    assert_eq!(server.open_calls().len(), kept.ids.len(), "nothing is kept but what was answered");
    assert!(number > 2_000 && refused > number / 3, "{refused} of {number} refused");
}

#[test]
fn a_fault_is_named_by_its_path() {
    let server = TestServer::start();
    let mut request = clicks("b", &["1", "2"]);
    request["messages"][1]["maxDuration"] = json!("long");
    request["messages"][1]["from"] = json!(null);
    let json = server.post(CTC, &request);
    assert_eq!(json.status, 400);
    let errors = &json.json()["requestError"]["serviceException"]["validationErrors"];
    let expect =
        json!({"messages[1].from": ["is missing"], "messages[1].maxDuration": ["is not a number"]});
    assert_eq!(errors, &expect);
    let xml = server.send("POST", CTC, XML, &xml_of(&request)).text();
    let told = "<validationError><path>messages[1].from</path><message>is missing</message>";
    assert!(
        xml.starts_with("<?xml") && xml.contains("<ApiException>") && xml.contains(told),
        "{xml}"
    );
    assert_eq!(server.open_ids(), [""; 0], "nor is the good one kept");
}

fn no_submits() -> Vec<(&'static str, &'static str, String)> {
    let good = clicks("b", &["m"]).to_string();
    let good_xml = xml_of(&clicks("b", &["m"]));
    let entity = good_xml.replace("41793026727", "&a;");
    let outside = "<!DOCTYPE request [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
    let laughs = "<!DOCTYPE request [<!ENTITY b \"111\"><!ENTITY a \"&b;&b;&b;\">]>";
    vec![
        ("nothing", JSON, String::new()),
        ("truncated", JSON, good[..good.len() / 2].to_owned()),
        ("trailing", JSON, format!("{good} x")),
        ("an array", JSON, format!("[{good}]")),
        ("a bare message", JSON, click("m").to_string()),
        ("a name twice", JSON, good.replacen("{", r#"{"bulkId":"a","#, 1)),
        ("deep", JSON, format!(r#"{{"messages":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000))),
        ("XML as JSON", JSON, good_xml.clone()),
        ("JSON as XML", XML, good),
        ("nothing", XML, String::new()),
        ("another root", XML, good_xml.replace("request>", "requests>")),
        ("truncated", XML, good_xml[..good_xml.len() / 2].to_owned()),
        ("deep", XML, "<request>".repeat(50_000)),
        ("an unknown entity", XML, entity.clone()),
        ("an entity from outside", XML, format!("{outside}{entity}")),
        ("entities of entities", XML, format!("{laughs}{entity}")),
        ("a document type", XML, format!("<!DOCTYPE request>{good_xml}")),
        ("a forbidden reference", XML, good_xml.replace("41793026727", "&#0;")),
    ]
}

#[test]
fn what_is_no_submit_is_refused_whole() {
    let server = TestServer::start();
    for (name, content_type, body) in no_submits() {
        let reply = server.send("POST", CTC, content_type, &body);
        assert_eq!(reply.status, 400, "{name}: {}", reply.text());
        assert_eq!(reply.error_id(), "BAD_REQUEST", "{name}");
        assert_eq!(reply.header("content-type"), Some(content_type), "{name}");
        assert_eq!(server.open_ids(), [""; 0], "{name}");
    }
    let headers = format!("{ALADDIN}Content-Type: {JSON}\r\n");
    let latin = server.connect().request("POST", CTC, &headers, b"{\"bulkId\":\"\xe9\"}");
    assert_eq!((latin.status, latin.error_id().as_str()), (400, "BAD_REQUEST"));
}

#[test]
fn twenty_thousand_destinations_are_taken_and_one_more_refuses_all() {
    let server = TestServer::start();
    let request = |bulk: &str, count: usize| {
        let to = |n: usize| json!({"to": "41793026727", "messageId": format!("{bulk}-{n}")});
        let destinations: Vec<Value> = (0..count).map(to).collect();
        json!({"bulkId": bulk, "messages": [{"from": "41793026700", "text": "Hello",
            "destinations": destinations}]})
    };
    let many = request("many", 20_001);
    for (content_type, body) in [(JSON, many.to_string()), (XML, xml_of(&many))] {
        let reply = server.send("POST", ADVANCED, content_type, &body);
        assert_eq!((reply.status, reply.error_id().as_str()), (400, "BAD_REQUEST"));
        assert!(reply.text().contains("more than 20000 destinations"), "{}", reply.text());
    }
    assert_eq!(server.get("/tts/3/bulks?bulkId=many").status, 404);
    assert_eq!(server.open_ids(), [""; 0]);
    let reply = server.post(ADVANCED, &request("most", 20_000));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["messages"].as_array().unwrap().len(), 20_000);
    assert_eq!(server.open_ids().len(), 20_000);
}

#[test]
fn a_hundred_megabytes_are_not_read() {
    let server = TestServer::start();
    let mut huge = clicks("b", &["m"]).to_string();
    huge.push_str(&" ".repeat(100 << 20));
    for content_type in [JSON, XML] {
        let reply = server.send("POST", CTC, content_type, &huge);
        assert_eq!((reply.status, reply.error_id().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    }
    assert_eq!(server.open_ids(), [""; 0]);
    assert_eq!(server.post(CTC, &clicks("b", &["m"])).status, 200, "it is well");
}
