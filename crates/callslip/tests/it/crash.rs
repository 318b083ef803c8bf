//! Kill -9 at random moments under mixed load, and a checker that remembers what everybody had.
//!
//! `CALLSLIP_CRASHES` says how often (20 by default, 200 in the long form), `CALLSLIP_SEED` repeats
//! a run's random choices.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{Home, Serving};
use crate::server::{Connection, Reply, report};

/// What a client received whole.
struct Received {
    taker: String,
    key: Option<String>,
    ids: Vec<String>,
    body: Vec<u8>,
    round: usize,
    at: Instant,
}

/// What the checker remembers, and what the clients share.
struct World {
    auth: String,
    addr: RwLock<SocketAddr>,
    round: RwLock<usize>,
    over: AtomicBool,
    acknowledged: Mutex<HashSet<String>>,
    received: Mutex<Vec<Received>>,
    lists: Mutex<u64>,
}

/// A small seeded generator: xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

impl World {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Leaves the machine to the server while it starts again.
    fn connect(&self) -> io::Result<Connection> {
        let addr = *self.addr.read().unwrap();
        Connection::try_to(addr).inspect_err(|_| std::thread::sleep(Duration::from_millis(2)))
    }

    fn ask(&self, connection: &mut Connection, path: &str, more: &str) -> io::Result<Reply> {
        connection.ask("GET", path, &format!("{}{more}", self.auth), b"");
        let reply = connection.try_reply(false)?;
        assert!(reply.status < 500 || reply.status == 503, "{}: {}", reply.status, reply.text());
        if reply.status == 200 { Ok(reply) } else { Err(io::ErrorKind::Other.into()) }
    }

    fn receive(&self, taker: &str, key: Option<&str>, reply: &Reply) {
        let ids = reply.ids();
        if ids.is_empty() {
            return;
        }
        let (taker, key) = (taker.to_owned(), key.map(str::to_owned));
        let (round, at) = (*self.round.read().unwrap(), Instant::now());
        let body = reply.body.clone();
        self.received.lock().unwrap().push(Received { taker, key, ids, body, round, at });
    }

    /// Feeds batch after batch; a batch whose answer was lost is fed again.
    fn feeder(&self, name: usize, mut dice: Dice) {
        let mut next = 0;
        while !self.is_over() {
            let ids: Vec<String> =
                (0..=dice.below(20)).map(|n| format!("f{name}-{:07}", next + n)).collect();
            let results: Vec<Value> = ids.iter().map(|id| report(id)).collect();
            let body = json!({"results": results}).to_string();
            let headers = format!("{}Content-Type: application/json\r\n", self.auth);
            let feed = || -> io::Result<Reply> {
                let mut connection = self.connect()?;
                connection.ask("POST", "/callslip/1/reports", &headers, body.as_bytes());
                connection.try_reply(false)
            };
            // Not given up: what an acknowledgement was lost for must not end in doubt.
            while !feed().is_ok_and(|reply| reply.status == 200) {
                std::thread::yield_now();
            }
            next += ids.len() as u64;
            self.acknowledged.lock().unwrap().extend(ids);
        }
    }

    /// Takes without a key; now and then hangs up without reading.
    fn taker(&self, name: &str, mut dice: Dice) {
        while !self.is_over() {
            let Ok(mut connection) = self.connect() else { continue };
            for _ in 0..=dice.below(6) {
                let path = format!("/tts/3/reports?limit={}", 1 + dice.below(60));
                if dice.below(20) == 0 {
                    connection.ask("GET", &path, &self.auth, b"");
                    break;
                }
                match self.ask(&mut connection, &path, "") {
                    Ok(reply) => self.receive(name, None, &reply),
                    Err(_) => break,
                }
            }
        }
    }

    /// Takes with a key and repeats it until it has the answer whole; then once more, to compare.
    fn keyed_taker(&self, name: &str, mut dice: Dice) {
        for batch in 0.. {
            let (key, limit) = (format!("{name}-{batch}"), 1 + dice.below(60));
            let path = format!("/tts/3/reports?limit={limit}");
            let header = format!("Idempotency-Key: {key}\r\n");
            let mut answers = 0;
            while answers < 2 {
                let reply = self.connect().and_then(|mut c| self.ask(&mut c, &path, &header));
                let Ok(reply) = reply else { continue };
                self.receive(name, Some(&key), &reply);
                // Nothing there: that is not remembered under the key.
                answers += if reply.ids().is_empty() { 2 } else { 1 };
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn lister(&self) {
        while !self.is_over() {
            let listed = self.connect().and_then(|mut c| self.ask(&mut c, "/tts/3/logs", ""));
            if listed.is_ok() {
                *self.lists.lock().unwrap() += 1;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_through_kill_9() {
    let rounds = number("CALLSLIP_CRASHES").unwrap_or(20);
    let seed = number("CALLSLIP_SEED").unwrap_or_else(|| u64::from(std::process::id()) | 1 << 40);
    eprintln!("CALLSLIP_SEED={seed} CALLSLIP_CRASHES={rounds}");
    let home = Home::new();
    home.done(&["account", "add", "Aladdin"]);
    let key = home.done(&["key", "add", "Aladdin", "--role", "read", "--role", "feed"]);
    let first = home.serve();
    let world = World {
        auth: format!("Authorization: App {}\r\n", key.trim()),
        addr: RwLock::new(address(&first)),
        round: RwLock::new(0),
        over: AtomicBool::new(false),
        acknowledged: Mutex::default(),
        received: Mutex::default(),
        lists: Mutex::default(),
    };
    let (mut kills, mut last) = (Vec::new(), None);
    std::thread::scope(|scope| {
        let dice = |salt: u64| Dice(seed ^ (salt + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let world = &world;
        for n in 0..2 {
            scope.spawn(move || world.feeder(n, dice(n as u64)));
            scope.spawn(move || world.taker(&format!("t{n}"), dice(10 + n as u64)));
            scope.spawn(move || world.keyed_taker(&format!("k{n}"), dice(20 + n as u64)));
        }
        scope.spawn(move || world.lister());
        let mut dice = dice(99);
        let mut server = first;
        for round in 1..=usize::try_from(rounds).unwrap() {
            std::thread::sleep(Duration::from_millis(30 + dice.below(300)));
            kills.push(Instant::now());
            server.process.kill();
            server = home.serve();
            *world.round.write().unwrap() = round;
            *world.addr.write().unwrap() = address(&server);
            if round % 20 == 0 {
                eprintln!("{round} crashes, {} fed", world.acknowledged.lock().unwrap().len());
            }
        }
        world.over.store(true, Ordering::SeqCst);
        last = Some(server);
    });
    let mut last = last.unwrap();
    let drained = drain(&world);
    assert_eq!(last.process.stop(), Some(0));
    check(&world, &drained, &kills);
}

/// What is left, taken by one orderly client.
fn drain(world: &World) -> Vec<String> {
    let mut connection = world.connect().unwrap();
    let mut all = Vec::new();
    loop {
        let reply = world.ask(&mut connection, "/tts/3/reports?limit=1000", "").unwrap();
        world.receive("drain", None, &reply);
        let ids = reply.ids();
        if ids.is_empty() {
            return all;
        }
        all.extend(ids);
    }
}

fn check(world: &World, drained: &[String], kills: &[Instant]) {
    let received = world.received.lock().unwrap();
    let acknowledged = world.acknowledged.lock().unwrap();
    let had: HashSet<&String> = received.iter().flat_map(|r| &r.ids).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !had.contains(id)).collect();
    assert!(lost.is_empty(), "{} acknowledged reports never arrived: {lost:?}", lost.len());
    let invented = had.iter().filter(|id| !acknowledged.contains(**id)).count();
    assert_eq!(invented, 0, "reports arrived that nobody fed");
    for answer in received.iter() {
        assert!(in_order(&answer.ids), "{} got {:?}", answer.taker, answer.ids);
    }
    assert!(in_order(drained), "what was left came out of order");
    check_keys(&received);
    let (twice, longest) = count_twice(&received, kills);
    eprintln!(
        "{} reports, {} answers, {} lists, {} crashes; nothing lost, {twice} came twice, \
         the first time at most {} ms before a crash",
        acknowledged.len(),
        received.len(),
        world.lists.lock().unwrap(),
        kills.len(),
        longest.as_millis(),
    );
    assert!(acknowledged.len() > kills.len(), "the load was no load");
}

/// Each feeder's reports in the order in which it fed them.
fn in_order(ids: &[String]) -> bool {
    let mut latest: HashMap<&str, &str> = HashMap::new();
    ids.iter().all(|id| {
        let (feeder, number) = id.split_once('-').unwrap();
        latest.insert(feeder, number).is_none_or(|before| before < number)
    })
}

/// The same key gave the same bytes.
fn check_keys(received: &[Received]) {
    let mut bodies: HashMap<&String, &Vec<u8>> = HashMap::new();
    for answer in received {
        if let Some(key) = &answer.key {
            let first = bodies.entry(key).or_insert(&answer.body);
            assert_eq!(*first, &answer.body, "the key {key} gave two answers");
        }
    }
}

/// How many reports a client that had them whole got again, under no key or another one; and how
/// long before a crash the first one had come. The window is the time from the acknowledgement to
/// its note, milliseconds; the bound leaves room for a busy machine.
fn count_twice(received: &[Received], kills: &[Instant]) -> (usize, Duration) {
    let mut first: HashMap<&String, &Received> = HashMap::new();
    let (mut twice, mut longest) = (0, Duration::ZERO);
    for answer in received {
        for id in &answer.ids {
            let Some(before) = first.insert(id, answer) else { continue };
            if before.key.is_some() && before.key == answer.key {
                continue;
            }
            twice += 1;
            let seen = format!("{id} came to {} and to {}", before.taker, answer.taker);
            assert!(before.round < answer.round, "{seen} without a crash between");
            let crash = kills[before.round];
            let window = crash.saturating_duration_since(before.at);
            longest = longest.max(window);
            assert!(window < Duration::from_millis(500), "{seen}, {window:?} before the crash");
            assert!(before.key.is_none(), "{seen}, the first time under a key");
        }
    }
    (twice, longest)
}

fn address(server: &Serving) -> SocketAddr {
    server.address().parse().unwrap()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}
