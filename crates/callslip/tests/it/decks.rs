//! How an account may call, and the decks that price it, over the admin API.

use serde_json::{Value, json};

use crate::server::{Connection, Reply, TestServer};

const DECKS: &str = "/callslip/1/admin/decks";

fn put(server: &TestServer, path: &str, csv: &str) -> Reply {
    let headers =
        format!("Authorization: App {}\r\nContent-Type: text/csv\r\n", server.admin_token);
    Connection::to(server.admin).request("PUT", path, &headers, csv.as_bytes())
}

fn list(server: &TestServer) -> Value {
    server.admin("GET", DECKS, &Value::Null).json()["decks"].clone()
}

#[test]
fn a_deck_is_brought_in_listed_shown_and_replaced() {
    let server = TestServer::start();
    assert_eq!(list(&server), json!([]));
    let csv = "prefix,per_minute\n41,0.6\n";
    let first = put(&server, &format!("{DECKS}/retail%202"), csv);
    assert_eq!(first.status, 201, "{}", first.text());
    let told = json!({"name": "retail 2", "importedAt": "2023-11-14T22:13:20.000+0000",
        "increments": "1/1", "chargeB": false, "decimals": 4, "lines": 2});
    assert_eq!((first.json(), list(&server)), (told.clone(), json!([told])));
    let terms = "currency=EUR&increments=60%2F60&chargeB=true&decimals=2";
    let again = put(&server, &format!("{DECKS}/retail%202?{terms}"), "prefix,per_minute\n");
    assert_eq!(again.status, 200, "{}", again.text());
    let told = json!({"name": "retail 2", "importedAt": "2023-11-14T22:13:20.000+0000",
        "currency": "EUR", "increments": "60/60", "chargeB": true, "decimals": 2, "lines": 1});
    assert_eq!(list(&server), json!([told]));
    let shown = server.admin("GET", &format!("{DECKS}/retail%202"), &Value::Null);
    assert_eq!(shown.text(), "prefix,per_minute\n");
    assert_eq!(shown.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(server.admin("GET", &format!("{DECKS}/other"), &Value::Null).status, 404);
}

#[test]
fn what_is_no_deck_is_refused_with_every_fault_and_changes_nothing() {
    let server = TestServer::start();
    let refused = put(&server, &format!("{DECKS}/x"), "41,0.6\n");
    assert_eq!((refused.status, refused.error_id().as_str()), (400, "BAD_REQUEST"));
    let faults = &refused.json()["requestError"]["serviceException"]["validationErrors"]["deck"];
    assert_eq!(faults, &json!(["line 1: there is no column `prefix`", "line 2: `x` is odd"]));
    for query in ["decimals=x", "chargeB=yes", "decimals=1&decimals=2"] {
        let refused = put(&server, &format!("{DECKS}/x?{query}"), "prefix,per_minute\n");
        assert_eq!(refused.status, 400, "{query}");
    }
    let long = format!("{DECKS}/{}", "x".repeat(101));
    assert_eq!(put(&server, &long, "prefix,\n").status, 400);
    assert_eq!(put(&server, &format!("{DECKS}/a%2Fb"), "prefix,\n").status, 400);
    assert_eq!(list(&server), json!([]));
    let read = format!("Authorization: App {}\r\n", server.read_key);
    let refused =
        Connection::to(server.admin).request("PUT", &format!("{DECKS}/x"), &read, b"prefix,");
    assert_eq!(refused.status, 403);
}

const ALADDIN: &str = "/callslip/1/admin/accounts/Aladdin";

fn calling(server: &TestServer) -> Value {
    let accounts = server.admin("GET", "/callslip/1/admin/accounts", &Value::Null).json();
    accounts["accounts"][0]["calling"].clone()
}

#[test]
fn how_an_account_may_call_is_set_shown_and_left_to_the_server_again() {
    let server = TestServer::start();
    let ordinary = json!({"generation": "classic", "unlisted": "refuse"});
    assert_eq!(calling(&server), ordinary);
    put(&server, &format!("{DECKS}/retail"), "prefix,\n");
    let all = json!({"generation": "newer", "deck": "retail", "unlisted": "unrated",
        "callsPerSecond": 5, "concurrentCalls": 20, "waitingCalls": 1000, "dailySpend": "100.50",
        "destinations": ["41", "4420"]});
    server.set_calling(&all);
    assert_eq!(calling(&server), all);
    server.set_calling(&json!({"dailySpend": 0.10, "callsPerSecond": null}));
    let mut some = all.clone();
    some["dailySpend"] = json!("0.1");
    some.as_object_mut().unwrap().remove("callsPerSecond");
    assert_eq!(calling(&server), some, "what is absent stays");
    server.admin("PATCH", ALADDIN, &json!({"disabled": false}));
    assert_eq!(calling(&server), some);
    let nothing: Value =
        all.as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect();
    server.set_calling(&nothing);
    assert_eq!(calling(&server), ordinary);
}

#[test]
fn what_no_account_can_have_is_refused_and_changes_nothing() {
    let server = TestServer::start();
    for (wrong, path) in [
        (json!({"deck": "none such"}), "calling.deck"),
        (json!({"generation": "older"}), "calling.generation"),
        (json!({"unlisted": "free"}), "calling.unlisted"),
        (json!({"callsPerSecond": 0}), "calling.callsPerSecond"),
        (json!({"concurrentCalls": 0}), "calling.concurrentCalls"),
        (json!({"waitingCalls": 10_000_001}), "calling.waitingCalls"),
        (json!({"dailySpend": "-1"}), "calling.dailySpend"),
        (json!({"dailySpend": "much"}), "calling.dailySpend"),
        (json!({"destinations": ["+41"]}), "calling.destinations"),
        (json!({"destinations": [""]}), "calling.destinations"),
        (json!({"destinations": vec!["41"; 1_001]}), "calling.destinations"),
    ] {
        for (method, to, mut body) in [
            ("PATCH", ALADDIN, json!({"disabled": true})),
            ("POST", "/callslip/1/admin/accounts", json!({"name": "other"})),
        ] {
            body["calling"] = wrong.clone();
            let refused = server.admin(method, to, &body);
            assert_eq!(
                (refused.status, refused.error_id().as_str()),
                (400, "BAD_REQUEST"),
                "{wrong}"
            );
            let errors = &refused.json()["requestError"]["serviceException"]["validationErrors"];
            assert!(errors[path].is_array(), "{wrong}: {errors}");
        }
    }
    for wrong in [json!({"deck": 7}), json!({"colour": "blue"}), json!({"callsPerSecond": -1})] {
        assert_eq!(
            server.admin("PATCH", ALADDIN, &json!({"calling": wrong})).status,
            400,
            "{wrong}"
        );
    }
    let accounts = server.admin("GET", "/callslip/1/admin/accounts", &Value::Null).json();
    assert_eq!(accounts["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["accounts"][0]["disabled"], false);
    assert_eq!(calling(&server), json!({"generation": "classic", "unlisted": "refuse"}));
}

#[test]
fn a_new_account_may_read_and_send() {
    let server = TestServer::start();
    let added = server.admin("POST", "/callslip/1/admin/accounts", &json!({"name": "new"}));
    assert_eq!(added.json()["roles"], json!(["read", "send"]));
    let added = server.admin(
        "POST",
        "/callslip/1/admin/accounts",
        &json!({"name": "newer", "roles": ["feed"], "calling": {"waitingCalls": 7}}),
    );
    assert_eq!(added.json()["roles"], json!(["feed"]));
    assert_eq!(added.json()["calling"]["waitingCalls"], 7);
}
