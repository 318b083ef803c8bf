//! What a customer takes: slowly, with answers lost in every way, sometimes by key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::in_process::Answer;
use bytes::Bytes;
use fastrand::Rng;
use serde_json::Value;
use tokio::time::Instant;

use crate::customer::Customer;
use crate::front::Front;

/// The taking side of a customer. What it has outlives the server.
pub(crate) struct Taker {
    customer: Customer,
    rng: Rng,
    takes: u64,
    /// How often each report was received.
    pub(crate) received: BTreeMap<String, u32>,
    /// Received, and the server may have died before it noted that.
    pub(crate) in_doubt: BTreeSet<String>,
    /// Received, and the server is still to be told.
    arriving: Vec<String>,
    /// Received in one instant: if the server died in it, it may have been dead when it was told.
    latest: (Instant, Vec<String>),
    /// A take by key that is not known to have been received.
    keyed: Option<Keyed>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
}

#[derive(Clone)]
struct Keyed {
    key: String,
    path: String,
    seen: Option<Bytes>,
}

impl Taker {
    pub(crate) fn new(customer: Customer, rng: Rng) -> Self {
        Self {
            customer,
            rng,
            takes: 0,
            received: BTreeMap::new(),
            in_doubt: BTreeSet::new(),
            arriving: Vec::new(),
            latest: (Instant::now(), Vec::new()),
            keyed: None,
            faults: Vec::new(),
        }
    }

    /// The server has died.
    pub(crate) fn server_died(&mut self) {
        self.in_doubt.extend(self.arriving.drain(..));
        if self.latest.0 == Instant::now() {
            self.in_doubt.extend(self.latest.1.drain(..));
        }
    }

    /// Takes for ever. May be dropped at any time, if the server dies.
    pub(crate) async fn live(&mut self, front: &Front) {
        loop {
            // Who was given nothing has less reason to ask soon.
            let pauses: &[u64] = match self.take_once(front).await {
                true => &[10, 1_000, 20_000, 120_000],
                false => &[1_000, 120_000, 600_000],
            };
            let millis = *self.rng.choice(pauses).expect("a pause");
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    /// Takes in order until there is nothing more. How many came.
    pub(crate) async fn take_rest(&mut self, front: &Front) -> usize {
        let mut all = 0;
        if let Some(keyed) = self.keyed.clone() {
            all += self.finish_keyed(front, keyed).await;
        }
        loop {
            let answer = self.get(front, "/tts/3/reports?limit=1000", None).await;
            let came = self.receive(answer).await;
            all += came;
            if came == 0 {
                return all;
            }
        }
    }

    /// Takes once; whether something came, or may have.
    async fn take_once(&mut self, front: &Front) -> bool {
        if let Some(keyed) = self.keyed.clone() {
            return self.finish_keyed(front, keyed).await > 0;
        }
        let path = format!("/tts/3/reports?limit={}", self.rng.u32(1..60));
        match self.rng.u8(0..8) {
            0 => {
                self.takes += 1;
                let key = format!("take-{}", self.takes);
                self.keyed = Some(Keyed { key: key.clone(), path: path.clone(), seen: None });
                let answer = self.get(front, &path, Some(&key)).await;
                self.lose(answer).await;
                true
            }
            1 | 2 => {
                let answer = self.get(front, &path, None).await;
                self.lose(answer).await;
                true
            }
            3 => {
                let mut answer = self.get(front, &path, None).await;
                let ids = self.read(&mut answer).await;
                self.arriving.clone_from(&ids);
                answer.stay().await;
                self.have(&ids);
                !ids.is_empty()
            }
            _ => {
                let answer = self.get(front, &path, None).await;
                self.receive(answer).await > 0
            }
        }
    }

    /// The same take again, by its key: the same reports.
    async fn finish_keyed(&mut self, front: &Front, keyed: Keyed) -> usize {
        let mut answer = self.get(front, &keyed.path, Some(&keyed.key)).await;
        let body = answer.receive().await.expect("the body is whole");
        let ids = ids_of(&body);
        if keyed.seen.as_ref().is_some_and(|seen| ids_of(seen) != ids && !ids_of(seen).is_empty()) {
            self.faults.push(format!("{:?} by key, and then {body:?}", keyed.seen));
        }
        self.arriving.clone_from(&ids);
        answer.close().await;
        self.have(&ids);
        self.keyed = None;
        ids.len()
    }

    /// Loses an answer: it is not looked at, or its connection is reset.
    async fn lose(&mut self, mut answer: Answer) {
        if self.rng.bool() {
            return drop(answer);
        }
        let body = answer.receive().await.expect("the body is whole");
        if let Some(keyed) = &mut self.keyed {
            keyed.seen = Some(body);
        }
        answer.reset().await;
    }

    async fn receive(&mut self, mut answer: Answer) -> usize {
        if self.rng.u8(0..4) == 0 {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let ids = self.read(&mut answer).await;
        self.arriving.clone_from(&ids);
        answer.close().await;
        self.have(&ids);
        ids.len()
    }

    async fn read(&mut self, answer: &mut Answer) -> Vec<String> {
        let body = answer.receive().await.expect("the body is whole");
        if answer.status != 200 {
            self.faults.push(format!("{} {body:?} to a take", answer.status));
        }
        ids_of(&body)
    }

    fn have(&mut self, ids: &[String]) {
        self.arriving.clear();
        if self.latest.0 != Instant::now() {
            self.latest = (Instant::now(), Vec::new());
        }
        self.latest.1.extend_from_slice(ids);
        for id in ids {
            *self.received.entry(id.clone()).or_default() += 1;
        }
    }

    async fn get(&self, front: &Front, path: &str, key: Option<&str>) -> Answer {
        let request = self.customer.request(("GET", path), Bytes::new(), key);
        front.request(request).await.expect("a socket")
    }
}

fn ids_of(body: &Bytes) -> Vec<String> {
    let reports: Value = serde_json::from_slice(body).expect("JSON");
    let reports = reports["results"].as_array().cloned().unwrap_or_default();
    reports.iter().filter_map(|one| one["messageId"].as_str().map(str::to_owned)).collect()
}
