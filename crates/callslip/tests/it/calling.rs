//! What tests of calls have in common: requests in both formats, and a hand that does what an
//! engine would.

use std::fmt::Write as _;
use std::time::Duration;

use model::cdr::{Cdr, Charged, Ending, LegRecord, RateLine, Release};
use model::{Clock as _, Outcome, Price, Report, Zone};
use serde_json::{Value, json};
use store::{Finished, LeaseAsk, Leased, Share, Started};

use crate::server::{ALADDIN, Reply, TestServer};

pub(crate) const JSON: &str = "application/json";
pub(crate) const XML: &str = "application/xml";
pub(crate) const CTC: &str = "/voice/ctc/1/send";
pub(crate) const ADVANCED: &str = "/tts/3/advanced";

/// A click-to-call in its bare form.
pub(crate) fn click(message_id: &str) -> Value {
    json!({"from": "41793026700", "destinationA": "41793026727", "destinationB": "41793026731",
        "messageId": message_id})
}

/// Click-to-calls of one bulk.
pub(crate) fn clicks(bulk_id: &str, message_ids: &[&str]) -> Value {
    let messages: Vec<Value> = message_ids.iter().map(|id| click(id)).collect();
    json!({"bulkId": bulk_id, "messages": messages})
}

/// A voice message for one destination, with everything else at its default.
pub(crate) fn voice(message_id: &str) -> Value {
    json!({"messages": [{"from": "41793026700", "text": "Your table is ready",
        "destinations": [{"to": "41793026727", "messageId": message_id}]}]})
}

/// A request as an XML document: items of a list are named as the list is.
pub(crate) fn xml_of(request: &Value) -> String {
    let mut xml = String::new();
    put_xml(&mut xml, "request", request);
    xml
}

fn put_xml(xml: &mut String, name: &str, value: &Value) {
    write!(xml, "<{name}>").unwrap();
    match value {
        Value::Null => {}
        Value::String(text) => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            xml.push_str(&text);
        }
        Value::Bool(_) | Value::Number(_) => write!(xml, "{value}").unwrap(),
        Value::Array(items) => items.iter().for_each(|item| put_xml(xml, name, item)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| put_xml(xml, name, value))
        }
    }
    write!(xml, "</{name}>").unwrap();
}

impl TestServer {
    /// A request of Aladdin's with a body, on a connection of its own.
    pub(crate) fn send(&self, method: &str, path: &str, content_type: &str, body: &str) -> Reply {
        self.send_with(method, path, &format!("Content-Type: {content_type}\r\n"), body)
    }

    pub(crate) fn send_with(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let headers = format!("{ALADDIN}{headers}");
        self.connect().request(method, path, &headers, body.as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, JSON, &body.to_string())
    }

    pub(crate) fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Reply {
        let headers = format!("Content-Type: {JSON}\r\nIdempotency-Key: {key}\r\n");
        self.send_with("POST", path, &headers, &body.to_string())
    }

    /// Sets how Aladdin may call.
    pub(crate) fn set_calling(&self, calling: &Value) {
        let change = json!({"calling": calling});
        let reply = self.admin("PATCH", "/callslip/1/admin/accounts/Aladdin", &change);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Calls of Aladdin that have no report yet.
    pub(crate) fn open_calls(&self) -> Vec<store::OpenCall> {
        let query = store::ArchiveQuery { limit: 100_000, ..store::ArchiveQuery::default() };
        self.block_on(self.ledger.open_calls(self.aladdin(), query)).unwrap()
    }

    pub(crate) fn open_ids(&self) -> Vec<String> {
        let calls = self.open_calls().into_iter().rev();
        calls.map(|call| call.message.message_id).collect()
    }

    /// Leases the next call that is due and starts it.
    pub(crate) fn start_next(&self) -> Leased {
        let now = self.clock.now();
        let share = Share { account: self.aladdin(), most: 1, under_way_max: 1_000 };
        let until = now.plus(Duration::from_secs(60));
        let ask = LeaseAsk { shares: vec![share], closing_max: 0, until };
        let leased = self.block_on(self.ledger.lease(ask)).unwrap().due.remove(0);
        let started = Started { attempt: 1, at: now };
        self.block_on(self.ledger.start(leased.lease, started)).unwrap();
        leased
    }

    /// Ends a call that A did not answer for being busy; it costs that much all the same.
    pub(crate) fn finish(&self, leased: &Leased, total: &str) {
        let now = self.clock.now();
        let release = Release { code: Some(486), cause: Some(17) };
        let leg_a = LegRecord {
            ended: Some(now),
            release,
            outcome: Outcome::Busy,
            ..LegRecord::dialled(now)
        };
        let cdr = Cdr {
            attempt: 1,
            outcome: Outcome::Busy,
            ending: Ending::NotReached,
            leg_a,
            leg_b: None,
            keys: Vec::new(),
            detection: None,
            prompt: None,
            ladder: Default::default(),
        };
        let charged = Charged {
            deck: Some("demo".into()),
            total: total.parse().unwrap(),
            billed_seconds: 60,
            line_a: Some(RateLine { line: 2, text: "41, 5 EUR a minute".into() }),
            line_b: None,
        };
        let day = Zone::named("Europe/Zagreb").unwrap().day(now);
        let report = report_of(leased, now);
        let finished = Finished { report, cdr: Some(cdr), charged, day };
        self.block_on(self.ledger.finish(leased.lease, finished)).unwrap();
    }
}

fn report_of(leased: &Leased, now: model::Timestamp) -> Report {
    let message = &leased.call.message;
    let (status, error) = Outcome::Busy.rows(model::Generation::Classic);
    Report {
        bulk_id: message.bulk_id.clone(),
        message_id: message.message_id.clone(),
        to: message.destination_a.to_string(),
        from: Some(message.from.clone()),
        text: None,
        callback_data: None,
        sent_at: now,
        done_at: now,
        start_time: None,
        answer_time: None,
        end_time: None,
        duration_seconds: 0,
        file_duration: None,
        mcc_mnc: None,
        dtmf_codes: String::new(),
        recorded: false,
        price: Price { per_second: "0.1".parse().unwrap(), currency: "EUR".into() },
        status: status.into(),
        error: error.into(),
    }
}
