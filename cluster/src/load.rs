//! The load: feeders, takers and callers, at whichever node answers.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::http::{self, Reply};
use crate::tally::{Life, Tally};

/// Reports in one feed.
const FEED: usize = 20;
/// Between two requests of one client: load, and not a benchmark.
const PAUSE: Duration = Duration::from_millis(40);
/// Between two submissions of one caller.
const CALL_PAUSE: Duration = Duration::from_millis(800);
/// How the numbers that are called end, and the error that tells of it: a person answers, after a
/// second or after twenty; busy; no such number.
pub(crate) const ENDS: [(&str, u64); 4] =
    [("001", 5000), ("298", 5000), ("486", 5002), ("404", 5404)];

/// What the clients share.
pub(crate) struct Load {
    pub(crate) tally: Tally,
    key: String,
    doors: Vec<RwLock<(String, Life)>>,
    /// Feeders and callers end.
    fed_up: AtomicBool,
    /// Takers end as soon as nothing is left.
    taken_up: AtomicBool,
}

impl Load {
    /// With a key to do everything, and the nodes that answer.
    pub(crate) fn new(key: String, urls: &[String]) -> Arc<Self> {
        let door =
            |(node, url): (usize, &String)| RwLock::new((url.clone(), Life { node, number: 0 }));
        Arc::new(Self {
            tally: Tally::default(),
            key,
            doors: urls.iter().enumerate().map(door).collect(),
            fed_up: AtomicBool::new(false),
            taken_up: AtomicBool::new(false),
        })
    }

    /// A node has died, and is back there.
    pub(crate) fn risen(&self, node: usize, url: String) {
        let mut door = self.doors[node].write().unwrap_or_else(PoisonError::into_inner);
        door.0 = url;
        door.1.number += 1;
    }

    /// The life that a node is in.
    pub(crate) fn life(&self, node: usize) -> Life {
        self.doors[node].read().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Starts everybody.
    pub(crate) fn start(self: &Arc<Self>, seed: u64) -> (Vec<JoinHandle<()>>, Vec<JoinHandle<()>>) {
        let client = |salt: usize, work: fn(&Self, usize, Dice)| {
            let load = Arc::clone(self);
            std::thread::spawn(move || work(&load, salt, Dice::of(seed, salt as u64)))
        };
        let feeders = (0..4).map(|number| client(number, Self::feeder));
        let callers = (4..6).map(|number| client(number, Self::caller));
        let takers = (6..9).map(|number| client(number, Self::taker));
        let keyed = (9..10).map(|number| client(number, Self::keyed_taker));
        (feeders.chain(callers).collect(), takers.chain(keyed).collect())
    }

    /// Has the feeders and callers end.
    pub(crate) fn feed_up(&self) {
        self.fed_up.store(true, Ordering::SeqCst);
    }

    /// Has the takers end.
    pub(crate) fn take_up(&self) {
        self.taken_up.store(true, Ordering::SeqCst);
    }

    fn door(&self, dice: &mut Dice) -> (String, Life) {
        let door = &self.doors[dice.below(self.doors.len())];
        door.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The reply, if it is a success. Anything else has to be a refusal that says when to come again,
    /// or no whole answer.
    fn answered(&self, what: &str, reply: Result<Reply, ureq::Error>) -> Option<Reply> {
        match reply {
            Ok(reply) if reply.code == 200 => return Some(reply),
            Ok(reply) if reply.code == 503 && reply.retry_after => {
                self.tally.refused.fetch_add(1, Ordering::SeqCst);
            }
            Ok(reply) => self.tally.wrong(format!("{what} gave {}: {}", reply.code, reply.body)),
            // A node that is dead was asked nothing.
            Err(ureq::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(_) => _ = self.tally.in_doubt.fetch_add(1, Ordering::SeqCst),
        }
        std::thread::sleep(PAUSE);
        None
    }

    /// Posts until it is acknowledged. Gives when what was acknowledged had been sent.
    fn insist(&self, dice: &mut Dice, path: &str, body: &Value) -> (Reply, Instant) {
        let body = body.to_string();
        loop {
            let (url, _) = self.door(dice);
            let sent = Instant::now();
            let reply = http::post(&format!("{url}{path}"), &self.key, &body);
            if let Some(reply) = self.answered(path, reply) {
                return (reply, sent);
            }
        }
    }

    /// Sends each feed until it is acknowledged.
    fn feeder(&self, number: usize, mut dice: Dice) {
        for feed in 0.. {
            if self.fed_up.load(Ordering::SeqCst) {
                break;
            }
            let names: Vec<String> =
                (0..FEED).map(|report| format!("f{number}-{feed}-{report}")).collect();
            let reports: Vec<Value> = names.iter().map(|name| report(name)).collect();
            let body = json!({ "results": reports });
            let (_, sent) = self.insist(&mut dice, "/callslip/1/reports", &body);
            self.tally.acknowledge(names, sent);
            std::thread::sleep(PAUSE);
        }
    }

    /// Submits calls, a few at a time, each with a name by which it is known again.
    fn caller(&self, number: usize, mut dice: Dice) {
        for turn in 0.. {
            if self.fed_up.load(Ordering::SeqCst) {
                break;
            }
            let ends: Vec<&str> = (0..4).map(|_| ENDS[dice.below(ENDS.len())].0).collect();
            let calls = ends.iter().enumerate();
            let names: Vec<String> =
                calls.map(|(call, end)| format!("c{number}-{turn}-{call}-{end}")).collect();
            let click = |(name, end): (&String, &&str)| {
                json!({"messageId": name, "from": "38515507799",
                    "destinationA": format!("38598100{end}"), "destinationB": "38591100002"})
            };
            let messages: Vec<Value> = names.iter().zip(&ends).map(click).collect();
            let body = json!({ "messages": messages });
            let (reply, _) = self.insist(&mut dice, "/voice/ctc/1/send", &body);
            let accepted = reply.body.matches("PENDING_ACCEPTED").count();
            if accepted < names.len() {
                self.tally.wrong(format!("calls were refused: {}", reply.body));
            }
            self.tally.accept(names);
            std::thread::sleep(CALL_PAUSE);
        }
    }

    fn take(
        &self,
        dice: &mut Dice,
        taker: usize,
        limit: usize,
        key: Option<&str>,
    ) -> Option<usize> {
        let (url, from) = self.door(dice);
        let reply = http::get_as(&format!("{url}/tts/3/reports?limit={limit}"), &self.key, key);
        let reply = self.answered("a take", reply)?;
        Some(self.tally.receive(taker, key, from, &reply.body))
    }

    fn is_over(&self, taken: usize) -> bool {
        taken == 0 && self.taken_up.load(Ordering::SeqCst)
    }

    fn taker(&self, number: usize, mut dice: Dice) {
        loop {
            let limit = 1 + dice.below(60);
            if let Some(taken) = self.take(&mut dice, number, limit, None)
                && self.is_over(taken)
            {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Asks with a key until it has the answer, and then once more, to compare.
    fn keyed_taker(&self, number: usize, mut dice: Dice) {
        for turn in 0.. {
            let (key, limit) = (format!("taker {number} turn {turn}"), 1 + dice.below(60));
            let mut answers = 0;
            while answers < 2 {
                match self.take(&mut dice, number, limit, Some(&key)) {
                    Some(0) if self.is_over(0) => return,
                    // Nothing there: that is not remembered under the key.
                    Some(0) => answers = 2,
                    Some(_) => answers += 1,
                    None => {}
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn report(name: &str) -> Value {
    json!({
        "bulkId": "cluster", "messageId": name, "to": "385981178",
        "sentAt": "2026-02-12T09:58:20.323+0100", "doneAt": "2026-02-12T09:58:20.337+0100",
        "duration": 10, "mccMnc": "21901", "dtmfCodes": "1",
        "price": {"pricePerSecond": 0.01, "currency": "EUR"},
        "status": {"groupId": 3, "groupName": "DELIVERED", "id": 5,
            "name": "DELIVERED_TO_HANDSET", "description": "Message delivered to handset"},
        "error": {"groupId": 0, "groupName": "OK", "id": 5000, "name": "VOICE_ANSWERED",
            "description": "Call answered by human", "permanent": true},
    })
}
