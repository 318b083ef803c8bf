//! Several nodes on one database, each a process of its own, and what their sandbox tells.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::Value;

use crate::binary::{Home, Serving};
use crate::ledger::Database;
use crate::phones::furnish;
use crate::server::{ALADDIN, Connection, Reply, wait_for};

/// Says where a node listens, and each phone that its sandbox calls.
const LOG: &str =
    "[log]\nlevel = \"warn,callslip=info,engine::sandbox=debug\"\nformat = \"json\"\n";

/// A phone that was called: `messageId`, attempt, leg.
pub(crate) type Dial = (String, u64, String);

/// Nodes on one database, where Aladdin may call.
pub(crate) struct Cluster {
    pub(crate) home: Home,
    nodes: Vec<Node>,
}

struct Node {
    role: &'static str,
    serving: Serving,
    /// What it said in this life and in those before.
    said: Vec<String>,
}

impl Cluster {
    /// Nodes of those roles on a database of their own, all with those settings.
    pub(crate) fn start(roles: &[&'static str], settings: &str) -> Self {
        Self::at(Database::new(), roles, settings)
    }

    pub(crate) fn at(database: Database, roles: &[&'static str], settings: &str) -> Self {
        let home = Home::at(database);
        furnish(&home);
        home.file("c.toml", &format!("{LOG}{settings}"));
        let mut this = Self { home, nodes: Vec::new() };
        roles.iter().for_each(|role| _ = this.add(role));
        this
    }

    /// One more node; which one it is.
    pub(crate) fn add(&mut self, role: &'static str) -> usize {
        let (serving, said) = self.serve(self.nodes.len(), role);
        self.nodes.push(Node { role, serving, said });
        self.nodes.len() - 1
    }

    pub(crate) fn kill(&mut self, node: usize) {
        let Node { serving, said, .. } = &mut self.nodes[node];
        serving.process.kill();
        said.extend(serving.process.rest());
    }

    pub(crate) fn signal(&self, node: usize, signal: Signal) {
        self.nodes[node].serving.process.signal(signal);
    }

    /// Waits until the node has said that.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, node: usize, text: &str) {
        let Node { serving, said, .. } = &mut self.nodes[node];
        said.extend(serving.process.wait_for(text));
    }

    pub(crate) fn start_again(&mut self, node: usize) {
        let (serving, said) = self.serve(node, self.nodes[node].role);
        self.nodes[node].serving = serving;
        self.nodes[node].said.extend(said);
    }

    fn serve(&self, node: usize, role: &str) -> (Serving, Vec<String>) {
        let flags = ["--config", "c.toml", "--listen", "127.0.0.1:0", "--role", role];
        self.home.serve_in(&format!("node-{node}"), &flags)
    }

    /// The nodes that answer, and where.
    pub(crate) fn doors(&self) -> Vec<(usize, SocketAddr)> {
        let answering = (0..self.nodes.len()).filter(|node| self.nodes[*node].role != "engine");
        answering.map(|node| (node, self.address(node))).collect()
    }

    /// The header of a key of Aladdin's to do everything with. It holds at every node: one adds it,
    /// and the others hear of it.
    pub(crate) fn key(&self) -> String {
        let roles = ["--role", "read", "--role", "feed", "--role", "send"];
        let key = self.home.done(&[&["key", "add", "Aladdin"], &roles[..]].concat());
        let authorization = format!("Authorization: App {}\r\n", key.trim());
        for (_, address) in self.doors() {
            wait_for("the key to hold", || {
                let path = "/tts/3/reports?messageId=none";
                let mut connection = Connection::to(address);
                connection.request("GET", path, &authorization, b"").status == 200
            });
        }
        authorization
    }

    /// Where its public API is. An engine has none.
    pub(crate) fn address(&self, node: usize) -> SocketAddr {
        self.nodes[node].serving.address().parse().unwrap()
    }

    /// A request to a node as Aladdin.
    pub(crate) fn ask(&self, node: usize, method: &str, path: &str, more: &str) -> Reply {
        let headers = format!("{ALADDIN}{more}");
        Connection::to(self.address(node)).request(method, path, &headers, b"")
    }

    /// The same with a body in JSON.
    pub(crate) fn post(&self, node: usize, path: &str, body: &Value) -> Reply {
        let headers = format!("{ALADDIN}Content-Type: application/json\r\n");
        let body = body.to_string();
        Connection::to(self.address(node)).request("POST", path, &headers, body.as_bytes())
    }

    /// A request to the admin API of a node.
    pub(crate) fn admin(&self, node: usize, method: &str, path: &str, body: &Value) -> Reply {
        let doors = &self.nodes[node].serving.doors;
        let address = doors["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let token = doors["token"].as_str().unwrap();
        let headers = format!("Authorization: App {token}\r\nContent-Type: application/json\r\n");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut connection = Connection::to(address.parse().unwrap());
        connection.request(method, path, &headers, body.as_bytes())
    }

    /// Stops every node in order, and gives how often each phone was called, by all of them and in
    /// all of their lives.
    pub(crate) fn stop(mut self) -> BTreeMap<Dial, usize> {
        let mut dials = BTreeMap::new();
        for Node { serving, said, .. } in &mut self.nodes {
            assert_eq!(serving.process.stop(), Some(0), "a node stops in order");
            said.extend(serving.process.rest());
            for dial in said.iter().filter_map(|line| dial(line)) {
                *dials.entry(dial).or_default() += 1;
            }
        }
        dials
    }
}

/// What a line of the log says of a phone that was called.
fn dial(line: &str) -> Option<Dial> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "The sandbox calls a phone." {
        return None;
    }
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    Some((text("message_id")?, line["attempt"].as_u64()?, text("leg")?))
}

/// Panics if some phone was called twice in one attempt.
#[track_caller]
pub(crate) fn check_dialled_once(dials: &BTreeMap<Dial, usize>) {
    let twice: Vec<_> = dials.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "these phones rang twice: {twice:?}");
}
