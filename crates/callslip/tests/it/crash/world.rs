//! The load: feeders, takers, callers and a lister at every node, and what they remember.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::phones::click;
use crate::server::{Connection, Reply, report};

/// What a client received whole.
pub(super) struct Received {
    pub(super) taker: String,
    pub(super) key: Option<String>,
    /// Each report's `messageId` and error.
    pub(super) reports: Vec<(String, u64)>,
    pub(super) body: Vec<u8>,
    pub(super) from: Life,
    pub(super) at: Instant,
}

/// A node, between two of its deaths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) node: usize,
    pub(super) number: usize,
}

/// What the checker remembers, and what the clients share.
pub(super) struct World {
    auth: String,
    /// Where each node that answers is, and which life of it that is.
    doors: Vec<RwLock<(SocketAddr, Life)>>,
    over: AtomicBool,
    pub(super) acknowledged: Mutex<HashSet<String>>,
    pub(super) received: Mutex<Vec<Received>>,
    pub(super) lists: Mutex<u64>,
    /// Requests that were refused because the ledger could not be reached.
    pub(super) refused: Mutex<u64>,
}

/// A small seeded generator: xorshift64*.
pub(super) struct Dice(u64);

impl Dice {
    /// One of many of a seed.
    pub(super) fn of(seed: u64, salt: u64) -> Self {
        Self(seed ^ (salt + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

/// An open connection, and to whom.
struct Line {
    connection: Connection,
    to: Life,
}

impl World {
    /// With the header of a key, and the nodes that answer, by their numbers.
    pub(super) fn new(auth: String, doors: &[(usize, SocketAddr)]) -> Self {
        let door = |(node, address): &(usize, SocketAddr)| {
            RwLock::new((*address, Life { node: *node, number: 0 }))
        };
        Self {
            auth,
            doors: doors.iter().map(door).collect(),
            over: AtomicBool::new(false),
            acknowledged: Mutex::default(),
            received: Mutex::default(),
            lists: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// A node has died, and is back there. One that answers nobody is nobody's concern.
    pub(super) fn risen(&self, node: usize, address: impl FnOnce() -> SocketAddr) {
        let is_it = |door: &&RwLock<(SocketAddr, Life)>| door.read().unwrap().1.node == node;
        if let Some(door) = self.doors.iter().find(is_it) {
            let mut door = door.write().unwrap();
            door.0 = address();
            door.1.number += 1;
        }
    }

    /// To any of the nodes. Leaves the machine to the server while it starts again.
    fn connect(&self, dice: &mut Dice) -> io::Result<Line> {
        let door = &self.doors[dice.below(self.doors.len() as u64) as usize];
        let (address, to) = *door.read().unwrap();
        let connection = Connection::try_to(address)
            .inspect_err(|_| std::thread::sleep(Duration::from_millis(2)))?;
        Ok(Line { connection, to })
    }

    fn ask(&self, line: &mut Line, path: &str, more: &str) -> io::Result<Reply> {
        line.connection.ask("GET", path, &format!("{}{more}", self.auth), b"");
        self.answered(line.connection.try_reply(false)?)
    }

    /// The answer, if it is a success. Anything else is a refusal that says when to come again.
    fn answered(&self, reply: Reply) -> io::Result<Reply> {
        if reply.status == 200 {
            return Ok(reply);
        }
        let text = reply.text();
        assert!(matches!(reply.status, 429 | 503), "{}: {text}", reply.status);
        assert!(reply.header("retry-after").is_some(), "{:?}: {text}", reply.headers);
        *self.refused.lock().unwrap() += 1;
        std::thread::sleep(Duration::from_millis(20));
        Err(io::ErrorKind::Other.into())
    }

    fn receive(&self, taker: &str, key: Option<&str>, from: Life, reply: &Reply) -> usize {
        let json = reply.json();
        let report = |report: &Value| {
            let error = report["error"]["id"].as_u64().unwrap();
            (report["messageId"].as_str().unwrap().to_owned(), error)
        };
        let reports: Vec<_> = json["results"].as_array().unwrap().iter().map(report).collect();
        let count = reports.len();
        if count > 0 {
            let (taker, key) = (taker.to_owned(), key.map(str::to_owned));
            let (at, body) = (Instant::now(), reply.body.clone());
            self.received.lock().unwrap().push(Received { taker, key, reports, body, from, at });
        }
        count
    }

    /// Posts until it is acknowledged: what an acknowledgement was lost for must not end in doubt.
    fn insist(&self, dice: &mut Dice, path: &str, body: &Value) -> Reply {
        let headers = format!("{}Content-Type: application/json\r\n", self.auth);
        let body = body.to_string();
        loop {
            let posted = self.connect(dice).and_then(|Line { mut connection, .. }| {
                connection.ask("POST", path, &headers, body.as_bytes());
                self.answered(connection.try_reply(false)?)
            });
            if let Ok(reply) = posted {
                return reply;
            }
            std::thread::yield_now();
        }
    }

    /// Feeds batch after batch; a batch whose answer was lost is fed again.
    pub(super) fn feeder(&self, name: usize, mut dice: Dice) {
        let mut next = 0;
        while !self.is_over() {
            let ids: Vec<String> =
                (0..=dice.below(20)).map(|n| format!("f{name}-{:07}", next + n)).collect();
            let results: Vec<Value> = ids.iter().map(|id| report(id)).collect();
            self.insist(&mut dice, "/callslip/1/reports", &json!({"results": results}));
            next += ids.len() as u64;
            self.acknowledged.lock().unwrap().extend(ids);
        }
    }

    /// Submits click-to-calls, a few at a time; those whose answer was lost are submitted again.
    pub(super) fn caller(&self, name: usize, mut dice: Dice) {
        const ENDS: [&str; 5] = ["001", "001", "486", "404", "213"];
        let mut next = 0;
        while !self.is_over() {
            let ids: Vec<String> =
                (0..=dice.below(4)).map(|n| format!("c{name}-{:07}", next + n)).collect();
            let end = |dice: &mut Dice| ENDS[dice.below(ENDS.len() as u64) as usize];
            let messages: Vec<Value> =
                ids.iter().map(|id| click(id, &format!("38598100{}", end(&mut dice)))).collect();
            let reply =
                self.insist(&mut dice, "/voice/ctc/1/send", &json!({ "messages": messages }));
            for answer in reply.json()["messages"].as_array().unwrap() {
                assert_eq!(answer["status"]["name"], "PENDING_ACCEPTED", "{answer}");
            }
            next += ids.len() as u64;
            self.acknowledged.lock().unwrap().extend(ids);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Takes without a key; now and then hangs up without reading.
    pub(super) fn taker(&self, name: &str, mut dice: Dice) {
        while !self.is_over() {
            let Ok(mut line) = self.connect(&mut dice) else { continue };
            for _ in 0..=dice.below(6) {
                let path = format!("/tts/3/reports?limit={}", 1 + dice.below(60));
                if dice.below(20) == 0 {
                    line.connection.ask("GET", &path, &self.auth, b"");
                    break;
                }
                match self.ask(&mut line, &path, "") {
                    Ok(reply) => _ = self.receive(name, None, line.to, &reply),
                    Err(_) => break,
                }
            }
        }
    }

    /// Takes with a key and repeats it until it has the answer whole; then once more, to compare.
    pub(super) fn keyed_taker(&self, name: &str, mut dice: Dice) {
        for batch in 0.. {
            let (key, limit) = (format!("{name}-{batch}"), 1 + dice.below(60));
            let path = format!("/tts/3/reports?limit={limit}");
            let header = format!("Idempotency-Key: {key}\r\n");
            let mut answers = 0;
            while answers < 2 {
                let asked = self.connect(&mut dice).and_then(|mut line| {
                    let reply = self.ask(&mut line, &path, &header)?;
                    Ok((line.to, reply))
                });
                let Ok((from, reply)) = asked else { continue };
                // Nothing there: that is not remembered under the key.
                answers += match self.receive(name, Some(&key), from, &reply) {
                    0 => 2,
                    _ => 1,
                };
            }
            if self.is_over() {
                return;
            }
        }
    }

    pub(super) fn lister(&self, mut dice: Dice) {
        while !self.is_over() {
            let mut list = || self.ask(&mut self.connect(&mut dice)?, "/tts/3/logs", "");
            if list().is_ok() {
                *self.lists.lock().unwrap() += 1;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What one orderly client is given next, at any node.
    pub(super) fn drain_once(&self, dice: &mut Dice) -> Vec<String> {
        let mut line = self.connect(dice).unwrap();
        let reply = self.ask(&mut line, "/tts/3/reports?limit=1000", "").unwrap();
        self.receive("drain", None, line.to, &reply);
        reply.ids()
    }

    /// Whether everything that was acknowledged has been received.
    pub(super) fn has_everything(&self) -> bool {
        let received = self.received.lock().unwrap();
        let had: HashSet<&String> =
            received.iter().flat_map(|received| &received.reports).map(|(id, _)| id).collect();
        self.acknowledged.lock().unwrap().iter().all(|id| had.contains(id))
    }
}
