//! How much an account may submit, as the settings say: a refusal names its reason, says when to come
//! again, and keeps nothing.

use serde_json::{Value, json};

use crate::phones::Phones;
use crate::server::Reply;

const JSON: &str = "Content-Type: application/json\r\n";

/// So many calls for much later.
fn scheduled(phones: &Phones, ids: &[&str]) -> Reply {
    let destination = |id: &&str| json!({"to": "38598100001", "messageId": id});
    let message = json!({
        "from": "38515507799",
        "text": "Your table is ready",
        "destinations": ids.iter().map(destination).collect::<Vec<Value>>(),
        "sendAt": "2099-01-01T00:00:00.000+0000",
    });
    phones.ask("POST", "/tts/3/advanced", JSON, &json!({"messages": [message]}).to_string())
}

#[test]
fn no_more_calls_wait_than_may() {
    let phones = Phones::serving("[calls]\ncarrier = \"sandbox\"\naccount_waiting_calls = 2\n");
    assert_eq!(scheduled(&phones, &["a", "b"]).status, 200);
    let full = scheduled(&phones, &["c"]);
    assert_eq!((full.status, full.error_id().as_str()), (429, "TOO_MANY_REQUESTS"));
    assert!(full.text().contains("3 would wait, of at most 2"), "{}", full.text());
    assert!(full.header("retry-after").is_some());
    assert_eq!(phones.get("/callslip/1/calls/c").status, 404, "nothing is kept");
    let again = scheduled(&phones, &["a", "b"]);
    assert_eq!(again.status, 200, "what waits already needs no room: {}", again.text());
    let never = scheduled(&phones, &["d", "e", "f"]).json();
    for answer in never["messages"].as_array().unwrap() {
        assert_eq!(answer["status"]["name"], "REJECTED_FLOODING_FILTER", "{answer}");
    }
}

#[test]
fn no_more_requests_come_in_a_second_than_may() {
    let settings = "[calls]\ncarrier = \"sandbox\"\naccount_submits_per_second = 1\n";
    let phones = Phones::serving(settings);
    let replies: Vec<Reply> = (0..20).map(|_| scheduled(&phones, &["a"])).collect();
    assert_eq!(replies[0].status, 200);
    let refused = replies.iter().find(|reply| reply.status == 429).expect("one comes too soon");
    assert_eq!(refused.error_id(), "TOO_MANY_REQUESTS");
    assert_eq!(refused.header("retry-after"), Some("1"));
}
