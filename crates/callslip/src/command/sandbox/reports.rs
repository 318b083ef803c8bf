//! The sandbox's reports: one of each way in which a call may end.

use std::time::Duration;

use model::{Clock, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::SystemClock;

/// The API description's own first example.
const EXAMPLE: &str = r#"{
    "bulkId": "8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb",
    "messageId": "ff4804ef-6ab6-4abd-984d-ab3b1387e852",
    "to": "385981178",
    "sentAt": "2015-02-12T09:58:20.323+0100",
    "doneAt": "2015-02-12T09:58:20.337+0100",
    "duration": 10,
    "mccMnc": "21901",
    "dtmfCodes": "1",
    "price": {"pricePerSecond": 0.01, "currency": "EUR"},
    "status": {"groupId": 3, "groupName": "DELIVERED", "id": 5, "name": "DELIVERED_TO_HANDSET",
               "description": "Message delivered to handset"},
    "error": {"groupId": 0, "groupName": "OK", "id": 5000, "name": "VOICE_ANSWERED",
              "description": "Call answered by human", "permanent": true}
}"#;

/// How a call ended.
#[derive(Clone, Copy)]
enum Ending {
    Human { seconds: u32, keys: &'static str },
    Machine { seconds: u32 },
    Busy,
    NoAnswer,
    Declined,
}

/// The calls after the example: whom, and how it ended. Numbers are of a range kept for fiction.
const CALLS: [(&str, Ending); 5] = [
    ("447700900101", Ending::Human { seconds: 42, keys: "1,4" }),
    ("447700900102", Ending::Machine { seconds: 7 }),
    ("447700900103", Ending::Busy),
    ("447700900104", Ending::NoAnswer),
    ("447700900105", Ending::Declined),
];

/// The reports of a new sandbox; the first is the API description's.
pub(super) fn first() -> Vec<Value> {
    let mut reports = fresh();
    if let Ok(example) = serde_json::from_str(EXAMPLE) {
        reports[0] = example;
    }
    reports
}

/// The same calls under ids never used before, ended within the last minutes.
pub(super) fn fresh() -> Vec<Value> {
    let now = SystemClock.now();
    let bulk_id = Uuid::new_v4().to_string();
    let first = ("385981178", Ending::Human { seconds: 10, keys: "1" });
    let calls = [first].into_iter().chain(CALLS);
    let minutes_ago = (1..=6).rev();
    calls
        .zip(minutes_ago)
        .map(|((to, ending), minutes)| {
            let sent_at = now.minus(Duration::from_secs(60 * minutes));
            report(&bulk_id, &Uuid::new_v4().to_string(), to, sent_at, ending)
        })
        .collect()
}

/// One more call, in the order in which people read a report.
const ONE_MORE: &str = "{\"results\":[{\"bulkId\":\"sandbox\",\
    \"messageId\":\"sandbox-'$(date +%s)'\",\"to\":\"447700900106\",\
    \"sentAt\":\"SENT\",\"doneAt\":\"DONE\",\"duration\":5,\"dtmfCodes\":\"\",\
    \"price\":{\"pricePerSecond\":0.01,\"currency\":\"EUR\"},\
    \"status\":{\"groupId\":3,\"groupName\":\"DELIVERED\",\"id\":5,\
    \"name\":\"DELIVERED_TO_HANDSET\",\"description\":\"Message delivered to handset\"},\
    \"error\":{\"groupId\":0,\"groupName\":\"OK\",\"id\":5000,\"name\":\"VOICE_ANSWERED\",\
    \"description\":\"Call answered by human\",\"permanent\":true}}]}";

/// The body of a feed for a shell to send: each time a new `messageId`, made of the time.
pub(super) fn to_paste() -> String {
    let sent_at = SystemClock.now();
    let done_at = sent_at.plus(Duration::from_secs(9));
    ONE_MORE.replace("SENT", &shown(sent_at)).replace("DONE", &shown(done_at))
}

fn report(bulk_id: &str, message_id: &str, to: &str, sent_at: Timestamp, ending: Ending) -> Value {
    let (duration, keys) = match ending {
        Ending::Human { seconds, keys } => (seconds, keys),
        Ending::Machine { seconds } => (seconds, ""),
        Ending::Busy | Ending::NoAnswer | Ending::Declined => (0, ""),
    };
    let rang = Duration::from_secs(4);
    let done_at = sent_at.plus(rang + Duration::from_secs(u64::from(duration)));
    json!({
        "bulkId": bulk_id,
        "messageId": message_id,
        "to": to,
        "sentAt": shown(sent_at),
        "doneAt": shown(done_at),
        "duration": duration,
        "dtmfCodes": keys,
        "price": { "pricePerSecond": 0.01, "currency": "EUR" },
        "status": status(ending),
        "error": error(ending),
    })
}

fn status(ending: Ending) -> Value {
    let (group_id, group_name, id, name, description) = match ending {
        Ending::Human { .. } | Ending::Machine { .. } => {
            (3, "DELIVERED", 5, "DELIVERED_TO_HANDSET", "Message delivered to handset")
        }
        Ending::Busy | Ending::NoAnswer | Ending::Declined => {
            (4, "EXPIRED", 15, "EXPIRED_EXPIRED", "Message expired")
        }
    };
    json!({ "groupId": group_id, "groupName": group_name, "id": id, "name": name,
            "description": description })
}

fn error(ending: Ending) -> Value {
    let (group_id, group_name, id, name, description) = match ending {
        Ending::Human { .. } => (0, "OK", 5000, "VOICE_ANSWERED", "Call answered by human"),
        Ending::Machine { .. } => {
            (0, "OK", 5001, "VOICE_ANSWERED_MACHINE", "Call answered by machine")
        }
        Ending::Busy => {
            let description = "User was busy during call attempt";
            (2, "USER_ERRORS", 5002, "EC_VOICE_USER_BUSY", description)
        }
        Ending::NoAnswer => {
            let description = "User was notified, but did not answer call";
            (2, "USER_ERRORS", 5003, "EC_VOICE_NO_ANSWER", description)
        }
        Ending::Declined => (3, "OPERATOR_ERRORS", 5603, "EC_DECLINE", "Decline."),
    };
    let permanent = !matches!(ending, Ending::Declined);
    json!({ "groupId": group_id, "groupName": group_name, "id": id, "name": name,
            "description": description, "permanent": permanent })
}

fn shown(at: Timestamp) -> String {
    api::wire::date::text(at, &model::Zone::utc())
}
