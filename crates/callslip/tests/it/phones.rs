//! A server whose telephones are simulated, as a process of its own, and what a customer does with
//! it: submits calls and takes their reports.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{Home, Running};
use crate::server::{ALADDIN, Connection, Reply};

/// Long enough for every call of a test to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// B, who answers.
pub(crate) const PERSON: &str = "38591100002";

/// `callslip sandbox` at work on the ledger of its home.
pub(crate) struct Phones {
    pub(crate) home: Home,
    pub(crate) process: Running,
    pub(crate) address: SocketAddr,
}

impl Phones {
    /// A new one, so many times faster than life.
    pub(crate) fn at_speed(speed: u32) -> Self {
        Self::with(&["--speed", &speed.to_string()])
    }

    pub(crate) fn with(flags: &[&str]) -> Self {
        Self::over(Home::new(), flags)
    }

    /// One over what another left behind.
    pub(crate) fn over(home: Home, flags: &[&str]) -> Self {
        let args = [&["sandbox", "--data", "ledger", "--listen", "127.0.0.1:0"], flags].concat();
        let process = Running::start(&mut home.command(&args));
        process.wait_for("Ctrl-C");
        let doors: Value = serde_json::from_str(&home.read("ledger/admin.json")).unwrap();
        let url = doors["public_url"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        Self { home, process, address }
    }

    /// A request as Aladdin.
    pub(crate) fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Reply {
        let headers = format!("{ALADDIN}{more}");
        Connection::to(self.address).request(method, path, &headers, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", "")
    }

    /// Submits messages as JSON, and gives the answer's.
    #[track_caller]
    pub(crate) fn submit(&self, path: &str, messages: &[Value]) -> Vec<Value> {
        let body = json!({ "messages": messages }).to_string();
        let reply = self.ask("POST", path, "Content-Type: application/json\r\n", &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["messages"].as_array().unwrap().clone()
    }

    /// Submits click-to-calls, all of which must be accepted.
    #[track_caller]
    pub(crate) fn call(&self, messages: &[Value]) {
        for answer in self.submit("/voice/ctc/1/send", messages) {
            assert_eq!(answer["status"]["name"], "PENDING_ACCEPTED", "{answer}");
        }
    }

    /// Takes until there are so many reports, and gives them by their `messageId`.
    #[track_caller]
    pub(crate) fn take(&self, count: usize) -> BTreeMap<String, Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut reports = BTreeMap::new();
        while reports.len() < count {
            assert!(Instant::now() < deadline, "{} of {count}: {reports:#?}", reports.len());
            let reply = self.ask("GET", "/tts/3/reports?limit=1000", "Prefer: wait=2\r\n", "");
            assert_eq!(reply.status, 200, "{}", reply.text());
            for report in reply.json()["results"].as_array().unwrap() {
                let id = report["messageId"].as_str().unwrap().to_owned();
                let before = reports.insert(id, report.clone());
                assert_eq!(before, None, "returned twice");
            }
        }
        assert_eq!(reports.len(), count);
        reports
    }

    /// Everything known of a call.
    #[track_caller]
    pub(crate) fn detail(&self, message_id: &str) -> Value {
        let reply = self.get(&format!("/callslip/1/calls/{message_id}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

/// A click-to-call of A to a person who answers.
pub(crate) fn click(message_id: &str, a: &str) -> Value {
    json!({
        "messageId": message_id,
        "from": "38515507799",
        "destinationA": a,
        "destinationB": PERSON,
    })
}
