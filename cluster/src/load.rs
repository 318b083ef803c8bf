//! Feeders and takers, and what they know of each report.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

/// Reports in one feed.
const FEED: u64 = 20;
/// Between two requests of one client: load, and not a benchmark.
const PAUSE: Duration = Duration::from_millis(40);

/// What the clients know.
#[derive(Default)]
pub(crate) struct Tally {
    known: Mutex<Known>,
    /// The feeders end.
    pub(crate) fed_up: AtomicBool,
    /// The takers end as soon as nothing is left.
    pub(crate) taken_up: AtomicBool,
    pub(crate) refused: AtomicU64,
    pub(crate) in_doubt: AtomicU64,
}

#[derive(Default)]
struct Known {
    /// How often each report was taken; by names of those whose feed was acknowledged.
    acknowledged: BTreeMap<String, u64>,
    /// Taken before its feed was known to be acknowledged.
    early: BTreeMap<String, u64>,
    /// When the first feed was acknowledged that was sent after that instant.
    recovered: Option<(Instant, Option<Instant>)>,
    wrong: Vec<String>,
}

impl Tally {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acknowledge(&self, names: &[String], sent: Instant) {
        let mut known = self.known();
        for name in names {
            let early = known.early.remove(name).unwrap_or(0);
            known.acknowledged.insert(name.clone(), early);
        }
        if let Some((since, at)) = &mut known.recovered
            && sent > *since
        {
            at.get_or_insert_with(Instant::now);
        }
    }

    fn take(&self, body: &str) -> usize {
        let parsed: Result<Value, _> = serde_json::from_str(body);
        let Some(results) = parsed.as_ref().ok().and_then(|body| body["results"].as_array()) else {
            self.wrong(format!("an answer is no list of reports: {body}"));
            return 0;
        };
        let mut known = self.known();
        for report in results {
            let name = report["messageId"].as_str().unwrap_or_default().to_owned();
            match known.acknowledged.get_mut(&name) {
                Some(taken) => *taken += 1,
                None => *known.early.entry(name).or_default() += 1,
            }
        }
        results.len()
    }

    fn wrong(&self, what: String) {
        self.known().wrong.push(what);
    }

    /// From now on the first acknowledged feed is looked for.
    pub(crate) fn mark(&self) -> Instant {
        let now = Instant::now();
        self.known().recovered = Some((now, None));
        now
    }

    /// When the first feed sent after the mark was acknowledged.
    pub(crate) fn recovered(&self) -> Option<Instant> {
        self.known().recovered.and_then(|(_, at)| at)
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.known().acknowledged.len()
    }

    /// Acknowledged reports that nobody has taken yet.
    pub(crate) fn missing(&self) -> usize {
        self.known().acknowledged.values().filter(|taken| **taken == 0).count()
    }

    /// Everything that is not as it should be.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        let known = self.known();
        let mut wrongs = known.wrong.clone();
        for (name, taken) in &known.acknowledged {
            match taken {
                0 => wrongs.push(format!("{name} was acknowledged and is lost")),
                1 => {}
                _ => wrongs.push(format!("{name} was returned {taken} times")),
            }
        }
        wrongs
            .extend(known.early.keys().map(|name| format!("{name} was taken, and fed by nobody")));
        wrongs
    }
}

/// A feeder, which sends each feed until it is acknowledged.
pub(crate) fn feeder(
    tally: &Arc<Tally>,
    number: usize,
    urls: Vec<String>,
    key: String,
) -> JoinHandle<()> {
    let tally = Arc::clone(tally);
    std::thread::spawn(move || {
        for feed in 0.. {
            if tally.fed_up.load(Ordering::SeqCst) {
                break;
            }
            let names: Vec<String> =
                (0..FEED).map(|report| format!("{number}-{feed}-{report}")).collect();
            let reports: Vec<Value> = names.iter().map(|name| report(name)).collect();
            let body = json!({ "results": reports }).to_string();
            for url in urls.iter().cycle().skip(feed) {
                let sent = Instant::now();
                match http::post(&format!("{url}/callslip/1/reports"), &key, &body) {
                    Ok(reply) if reply.code == 200 => {
                        tally.acknowledge(&names, sent);
                        break;
                    }
                    Ok(reply) if reply.code == 503 && reply.retry_after => {
                        tally.refused.fetch_add(1, Ordering::SeqCst);
                    }
                    Ok(reply) => {
                        tally.wrong(format!("a feed gave {}: {}", reply.code, reply.body));
                    }
                    Err(_) => _ = tally.in_doubt.fetch_add(1, Ordering::SeqCst),
                }
                std::thread::sleep(PAUSE);
            }
            std::thread::sleep(PAUSE);
        }
    })
}

/// A taker. One with keys asks again with the same key until it has its answer.
pub(crate) fn taker(
    tally: &Arc<Tally>,
    urls: Vec<String>,
    key: String,
    keys: Option<usize>,
) -> JoinHandle<()> {
    let tally = Arc::clone(tally);
    std::thread::spawn(move || {
        let mut turn = 0_u64;
        for url in urls.iter().cycle() {
            let url = format!("{url}/tts/3/reports?limit=30");
            let idempotency = keys.map(|taker| format!("taker {taker} turn {turn}"));
            match http::get_as(&url, &key, idempotency.as_deref()) {
                Ok(reply) if reply.code == 200 => {
                    let taken = tally.take(&reply.body);
                    turn += 1;
                    if taken == 0 && tally.taken_up.load(Ordering::SeqCst) {
                        break;
                    }
                }
                Ok(reply) if reply.code == 503 && reply.retry_after => {
                    tally.refused.fetch_add(1, Ordering::SeqCst);
                }
                Ok(reply) => tally.wrong(format!("a take gave {}: {}", reply.code, reply.body)),
                Err(_) => _ = tally.in_doubt.fetch_add(1, Ordering::SeqCst),
            }
            std::thread::sleep(PAUSE);
        }
    })
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
