//! What a customer sends: submits, again when the answer was lost; cancellations and pauses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use model::Timestamp;
use serde_json::{Value, json};

use crate::customer::{Customer, Reply};
use crate::front::Front;
use crate::request::{Asked, Outgoing};
use crate::witness::Witness;

/// Group ids of the status table.
const PENDING: u64 = 1;
const REJECTED: u64 = 5;

/// The sending side of a customer. What it knows outlives the server.
pub(crate) struct Sender {
    pub(crate) customer: Customer,
    /// Every message that was accepted.
    pub(crate) accepted: BTreeMap<String, Accepted>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    rng: Rng,
    requests: u64,
    quota: u64,
    asked_for: u64,
    /// Sent, and not known to be answered.
    outbox: Option<Outgoing>,
    /// The bulks that are paused, and since when.
    paused: BTreeMap<String, Timestamp>,
    bulks: Vec<String>,
}

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) asked: Asked,
    /// When its answer came.
    pub(crate) at: Timestamp,
    /// It may have been cancelled.
    pub(crate) is_cancelled: bool,
    /// It was cancelled while it waited, and the answer came then.
    pub(crate) called_off_at: Option<Timestamp>,
}

impl Sender {
    pub(crate) fn new(customer: Customer, quota: u64, rng: Rng) -> Self {
        Self {
            customer,
            accepted: BTreeMap::new(),
            faults: Vec::new(),
            rng,
            requests: 0,
            quota,
            asked_for: 0,
            outbox: None,
            paused: BTreeMap::new(),
            bulks: Vec::new(),
        }
    }

    /// Sends until its quota is reached and nothing of it is paused. May be dropped at any time, if
    /// the server dies, and is called again when there is another one.
    pub(crate) async fn live(&mut self, front: &Front, witness: &Witness) {
        while self.outbox.is_some() || self.asked_for < self.quota {
            self.deliver(front, witness).await;
            match self.rng.u8(0..12) {
                0 | 1 => self.cancel(front, witness).await,
                2 => self.pause(front, witness).await,
                3 => self.resume(front).await,
                _ => {}
            }
            let millis = *self.rng.choice(&[0, 50, 2_000, 30_000, 300_000]).expect("a pause");
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        while !self.paused.is_empty() {
            self.resume(front).await;
        }
    }

    async fn deliver(&mut self, front: &Front, witness: &Witness) {
        if self.outbox.is_none() {
            self.requests += 1;
            let now = witness.now();
            let drawn = Outgoing::draw(&self.customer, self.requests, now, &mut self.rng);
            self.asked_for += drawn.asked.len() as u64;
            self.outbox = Some(drawn);
        }
        let Some(outgoing) = self.outbox.clone() else { return };
        if self.rng.u8(0..10) == 0 {
            // The answer is lost on the way; the request is sent again below.
            let request = self.request_of(&outgoing);
            drop(front.request(request).await.expect("a socket"));
        }
        let reply = self.post(front, &outgoing).await;
        if reply.status == 429 {
            let wait = reply.retry_after().unwrap_or(1);
            return tokio::time::sleep(Duration::from_secs(wait)).await;
        }
        if reply.status != 200 {
            self.faults.push(format!("{} {:?} to {outgoing:?}", reply.status, reply.body));
        } else {
            self.note(&outgoing, &reply.json(), witness.now());
            self.repeat(front, &outgoing, &reply.body).await;
        }
        self.outbox = None;
    }

    /// Sends a request again that was answered: the answer must be the same. Without its key, the
    /// ids of its messages must do, which tell the same bulk only if something of it was accepted.
    async fn repeat(&mut self, front: &Front, outgoing: &Outgoing, answered: &Bytes) {
        if self.rng.u8(0..6) > 0 {
            return;
        }
        let is_named = outgoing.asked.iter().all(|asked| asked.message_id.is_some());
        let is_taken_on = outgoing.asked.iter().any(|asked| asked.refused_with.is_none());
        let mut again = outgoing.clone();
        if is_named && is_taken_on {
            again.key = None;
        } else if again.key.is_none() {
            return;
        }
        let reply = self.post(front, &again).await;
        if reply.status != 429 && reply.body != *answered {
            self.faults.push(format!("answered {answered:?}, and then {:?}", reply.body));
        }
    }

    fn note(&mut self, outgoing: &Outgoing, answer: &Value, now: Timestamp) {
        let bulk_id = answer["bulkId"].as_str().expect("a bulkId is always there").to_owned();
        let answers = answer["messages"].as_array().expect("messages").clone();
        if answers.len() != outgoing.asked.len() {
            self.faults.push(format!("{} answers to {outgoing:?}", answers.len()));
        }
        let mut is_scheduled = false;
        for (answer, asked) in answers.iter().zip(&outgoing.asked) {
            let id = answer["messageId"].as_str().expect("a messageId").to_owned();
            let (group, status) = (&answer["status"]["groupId"], &answer["status"]["id"]);
            let expected = asked.refused_with.map_or((PENDING, None), |id| (REJECTED, Some(id)));
            let is_expected = group.as_u64() == Some(expected.0)
                && expected.1.is_none_or(|id| status.as_u64() == Some(id))
                && asked.message_id.as_ref().is_none_or(|own| *own == id);
            if !is_expected {
                self.faults.push(format!("{asked:?} was answered {answer}"));
            }
            if group.as_u64() == Some(PENDING) {
                is_scheduled |= asked.send_at.is_some();
                let asked = asked.clone();
                let accepted =
                    Accepted { asked, at: now, is_cancelled: false, called_off_at: None };
                self.accepted.entry(id).or_insert(accepted);
            }
        }
        if is_scheduled {
            self.bulks.push(bulk_id);
        }
    }

    async fn cancel(&mut self, front: &Front, witness: &Witness) {
        let ids: Vec<&String> = self.accepted.keys().rev().take(20).collect();
        let Some(id) = self.rng.choice(&ids).map(|id| (*id).clone()) else { return };
        self.accepted.entry(id.clone()).and_modify(|one| one.is_cancelled = true);
        let path = format!("/callslip/1/calls/{id}");
        let reply = self.customer.ask(front, ("DELETE", &path)).await;
        if reply.status != 200 {
            self.faults.push(format!("{} {:?} to {path}", reply.status, reply.body));
        } else if reply.json()["was"] == "waiting" {
            let now = witness.now();
            self.accepted.entry(id).and_modify(|one| {
                one.called_off_at.get_or_insert(now);
            });
        }
    }

    async fn pause(&mut self, front: &Front, witness: &Witness) {
        let known: BTreeSet<&String> = self.paused.keys().collect();
        let bulks: Vec<&String> = self.bulks.iter().filter(|id| !known.contains(id)).collect();
        let Some(bulk) = self.rng.choice(&bulks).map(|id| (*id).clone()) else { return };
        // It may be paused from now on, whether the answer comes or not.
        self.paused.insert(bulk.clone(), witness.now());
        let reply = self.set_status(front, &bulk, "PAUSED").await;
        if reply.status != 200 {
            self.paused.remove(&bulk);
            if reply.status != 409 {
                self.faults.push(format!("{} {:?} to a pause", reply.status, reply.body));
            }
        }
    }

    async fn resume(&mut self, front: &Front) {
        let Some(bulk) = self.paused.keys().next().cloned() else { return };
        let reply = self.set_status(front, &bulk, "PENDING").await;
        if !matches!(reply.status.as_u16(), 200 | 409) {
            self.faults.push(format!("{} {:?} to a resume", reply.status, reply.body));
        }
        self.paused.remove(&bulk);
    }

    async fn set_status(&self, front: &Front, bulk: &str, status: &str) -> Reply {
        let path = format!("/tts/3/bulks/status?bulkId={bulk}");
        let body = json!({"status": status}).to_string().into();
        self.customer.send(front, ("PUT", &path), body, None).await
    }

    async fn post(&self, front: &Front, outgoing: &Outgoing) -> Reply {
        let Outgoing { path, body, key, .. } = outgoing;
        self.customer.send(front, ("POST", path), body.clone(), key.as_deref()).await
    }

    fn request_of(&self, outgoing: &Outgoing) -> http::Request<Bytes> {
        let Outgoing { path, body, key, .. } = outgoing;
        self.customer.request(("POST", path), body.clone(), key.as_deref())
    }
}
