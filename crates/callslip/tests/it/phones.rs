//! A server whose telephones are simulated, as a process of its own, and what a customer does with
//! it: submits calls and takes their reports.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{Home, Running, Serving};
use crate::ledger::Kind;
use crate::server::{ALADDIN, Connection, Reply, wait_for};

/// Long enough for every call of a test to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// The deck of `callslip sandbox`.
const DEMO: &str = include_str!("../../../engine/src/rating/demo.csv");
/// B, who answers.
pub(crate) const PERSON: &str = "38591100002";

/// A server with simulated telephones, at work on the ledger of its home. Its customer is Aladdin.
pub(crate) struct Phones {
    pub(crate) home: Home,
    pub(crate) process: Running,
    /// What it said until it listened.
    pub(crate) said: Vec<String>,
    pub(crate) address: SocketAddr,
}

impl Phones {
    /// `callslip sandbox`, so many times faster than life.
    pub(crate) fn at_speed(speed: u32) -> Self {
        let home = Home::new();
        let speed = speed.to_string();
        let flags = ["sandbox", "--data", "ledger", "--listen", "127.0.0.1:0", "--speed", &speed];
        let process = Running::start(&mut home.command(&flags));
        let said = process.wait_for("Ctrl-C");
        Self::of(home, process, said)
    }

    /// `callslip serve` with those settings, and with the demo deck.
    pub(crate) fn serving(settings: &str) -> Self {
        Self::serving_on(Kind::Embedded, settings)
    }

    /// The same with its ledger in that engine.
    pub(crate) fn serving_on(kind: Kind, settings: &str) -> Self {
        Self::serving_at(Home::on(kind), settings)
    }

    /// The same in a home that has files already.
    pub(crate) fn serving_at(home: Home, settings: &str) -> Self {
        home.file("c.toml", settings);
        furnish(&home);
        let Serving { process, said, .. } = serve(&home);
        Self::of(home, process, said)
    }

    /// Starts it again, after it was stopped or killed.
    pub(crate) fn start_again(&mut self) {
        Serving { process: self.process, said: self.said, .. } = serve(&self.home);
        self.address = address(&self.home);
    }

    fn of(home: Home, process: Running, said: Vec<String>) -> Self {
        let address = address(&home);
        Self { home, process, said, address }
    }

    /// Waits until it has said that, and gives the line.
    #[track_caller]
    pub(crate) fn says(&mut self, what: &str) -> String {
        if let Some(line) = self.said.iter().find(|line| line.contains(what)) {
            return line.clone();
        }
        self.said.extend(self.process.wait_for(what));
        self.said.last().unwrap().clone()
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

    /// Takes the report of that message, and leaves others.
    #[track_caller]
    pub(crate) fn take_one(&self, message_id: &str) -> Value {
        let path = format!("/tts/3/reports?messageId={message_id}");
        let reply = self.ask("GET", &path, "Prefer: wait=30\r\n", "");
        assert_eq!(reply.ids(), [message_id]);
        reply.json()["results"][0].clone()
    }

    /// Has Aladdin call in another way, as `account set` does it.
    pub(crate) fn set(&self, flags: &[&str]) {
        self.home.done(&[&["account", "set", "Aladdin"], flags].concat());
    }

    /// Waits until an attempt of the call has started.
    #[track_caller]
    pub(crate) fn wait_until_under_way(&self, message_id: &str) {
        wait_for("the call to start", || !self.detail(message_id)["started"].is_null());
    }

    /// Everything known of a call.
    #[track_caller]
    pub(crate) fn detail(&self, message_id: &str) -> Value {
        let reply = self.get(&format!("/callslip/1/calls/{message_id}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

/// The account Aladdin, who may call with the demo deck.
pub(crate) fn furnish(home: &Home) {
    home.file("password", "open sesame");
    home.file("demo.csv", DEMO);
    home.done(&["rates", "import", "demo.csv", "--deck", "demo"]);
    let add = ["account", "add", "Aladdin", "--password-file", "password", "--deck", "demo"];
    home.done(&add);
}

fn serve(home: &Home) -> Serving {
    home.serve_with(&["--config", "c.toml", "--listen", "127.0.0.1:0"])
}

/// Of the public API of the server that has the home's ledger.
fn address(home: &Home) -> SocketAddr {
    let doors: Value = serde_json::from_str(&home.read("ledger/admin.json")).unwrap();
    doors["public_url"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
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
