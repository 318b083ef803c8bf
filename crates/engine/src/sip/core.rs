//! What all legs of a stack share: the wire, who of them is meant by a request, and what they say
//! of us.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::asking::ask;
use super::dialog::Dialog;
use super::ladder::{Recorder, Records};
use super::message::Message;
use super::reason::Reason;
use super::settings::{Credentials, Transport};
use super::wire::{Arrival, Incoming, Route, Unsent, Wire};

/// What all legs share.
pub(super) struct Core {
    pub(super) wire: Arc<Wire>,
    pub(super) t1: Duration,
    domain: String,
    user_agent: String,
    records: Arc<Records>,
    inboxes: Mutex<HashMap<String, mpsc::Sender<Box<Incoming>>>>,
    /// Answers nobody waited for that are released already, and until when they may come again.
    released: Mutex<HashMap<(String, String), Instant>>,
    tasks: Mutex<JoinSet<()>>,
    legs: AtomicUsize,
    dialogs: AtomicUsize,
}

/// What comes for a leg while it does something else.
const INBOX: usize = 32;
/// Courtesies and releases under way at a time; the others come again.
const TASKS_MAX: usize = 1 << 18;
/// What we do when asked.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS";
/// What we know beyond RFC 3261.
pub(super) const SUPPORTED: &str = "timer, 100rel";

impl Core {
    pub(super) fn new(
        wire: Arc<Wire>,
        records: Arc<Records>,
        (domain, user_agent): (String, String),
        t1: Duration,
    ) -> Self {
        Self {
            wire,
            t1,
            domain,
            user_agent,
            records,
            inboxes: Mutex::default(),
            released: Mutex::default(),
            tasks: Mutex::default(),
            legs: AtomicUsize::new(0),
            dialogs: AtomicUsize::new(0),
        }
    }

    /// A Call-ID that nobody guesses.
    pub(super) fn call_id(&self) -> String {
        format!("{}@{}", super::wire::random(24), self.domain)
    }

    /// Says who we are.
    pub(super) fn sign(&self, message: &mut Message) {
        message.set("User-Agent", &self.user_agent);
    }

    /// A response of ours.
    pub(super) fn response(&self, request: &Message, code: u16) -> Message {
        let mut response = Message::response_to(request, code);
        self.sign(&mut response);
        response
    }

    /// What OPTIONS is answered with (RFC 3261 §11.2).
    pub(super) fn abilities(&self, request: &Message) -> Message {
        self.response(request, 200)
            .with("Allow", ALLOW)
            .with("Accept", "application/sdp")
            .with("Supported", SUPPORTED)
    }

    /// How a request within a dialog goes: by the connection of the INVITE while it stands; and
    /// as the INVITE did, if where the dialog leads cannot be found out.
    pub(super) async fn route_in(&self, dialog: &Dialog, first: &Route) -> Result<Route, Unsent> {
        match first.transport {
            Transport::Tcp | Transport::Tls if self.wire.stands(first) => Ok(first.clone()),
            Transport::Udp | Transport::Tcp | Transport::Tls => {
                let route = self.wire.route(&dialog.next_hop()).await;
                route.or_else(|unsent| match self.wire.stands(first) {
                    true => Ok(first.clone()),
                    false => Err(unsent),
                })
            }
        }
    }

    /// Runs something to its end, or to that of the stack. False if too much runs already.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        let has_room = tasks.len() < TASKS_MAX;
        if has_room {
            tasks.spawn(task);
        }
        has_room
    }

    /// Takes what runs, to end it.
    pub(super) fn take_tasks(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Legs, and how many of them are up.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.legs.load(Ordering::Relaxed), self.dialogs.load(Ordering::Relaxed))
    }

    /// Makes room for a leg: what comes for it, until the seat is given up.
    pub(super) fn seat(
        self: &Arc<Self>,
        call_id: &str,
        (recorder, leg): (Recorder, model::cdr::Leg),
    ) -> (Seat, mpsc::Receiver<Box<Incoming>>) {
        let (sender, inbox) = mpsc::channel(INBOX);
        self.records.begin(call_id, recorder, leg);
        self.inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(call_id.to_owned(), sender);
        self.legs.fetch_add(1, Ordering::Relaxed);
        (Seat { core: self.clone(), call_id: call_id.to_owned(), is_up: false }, inbox)
    }

    /// Notes what is said under that Call-ID, which is no leg's, until the result is dropped.
    pub(super) fn note(&self, call_id: &str, recorder: Recorder) -> Noting {
        self.records.begin(call_id, recorder, model::cdr::Leg::A);
        Noting { records: self.records.clone(), call_id: call_id.to_owned() }
    }

    /// Hands on what comes, until the wire is closed.
    pub(super) async fn dispatch(self: Arc<Self>, mut arrivals: mpsc::Receiver<Arrival>) {
        while let Some(arrival) = arrivals.recv().await {
            match arrival {
                Arrival::Request(incoming) => self.hand_on(incoming),
                Arrival::Stray(stray) => {
                    let (response, route) = *stray;
                    let core = self.clone();
                    self.spawn(async move { core.release_stray(response, route).await });
                }
            }
        }
    }

    fn hand_on(self: &Arc<Self>, incoming: Box<Incoming>) {
        let call_id = incoming.request.value("Call-ID").unwrap_or_default();
        let inbox = {
            let inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
            inboxes.get(call_id).cloned()
        };
        match inbox {
            // A leg with a full inbox is being flooded; what it does not take comes again.
            Some(inbox) => drop(inbox.try_send(incoming)),
            None => {
                let core = self.clone();
                self.spawn(async move { core.answer_stranger(*incoming).await });
            }
        }
    }

    /// A request that belongs to no leg.
    async fn answer_stranger(&self, mut incoming: Incoming) {
        let request = &incoming.request;
        let is_in_dialog = request.tag("To").is_some();
        let response = match request.method() {
            "OPTIONS" if !is_in_dialog => self.abilities(request),
            // We call; nobody calls us.
            "INVITE" if !is_in_dialog => self.response(request, 404),
            "BYE" | "INFO" | "UPDATE" | "PRACK" | "NOTIFY" => self.response(request, 481),
            _ if is_in_dialog => self.response(request, 481),
            _ => self.response(request, 405).with("Allow", ALLOW),
        };
        let is_invite = request.method() == "INVITE";
        incoming.respond(response).await;
        if is_invite {
            incoming.acknowledged().await;
        }
    }

    /// Acknowledges and releases an answer that nobody waits for (RFC 3261 §13.2.2.4).
    async fn release_stray(self: Arc<Self>, response: Message, came_by: Route) {
        let ours = response.value("Call-ID").is_some_and(|id| id.ends_with(&self.domain));
        let invited = response.value("To").and_then(super::message::uri_in).unwrap_or_default();
        let hop = came_by.hop();
        let dialog = Dialog::of(invited, &response, &hop).filter(|_| ours);
        if let Some(dialog) = dialog {
            self.acknowledge(&dialog, &response, &came_by).await;
            if self.is_first_release(&dialog) {
                // Whatever comes of it: there is nothing more to be done.
                let _ = self.release(dialog, came_by, Reason::q850(16), None).await;
            }
        }
    }

    /// Acknowledges a 2xx ourselves.
    pub(super) async fn acknowledge(&self, dialog: &Dialog, response: &Message, route: &Route) {
        let mut ack = dialog.acknowledgement(response.sequence().unwrap_or(0));
        self.sign(&mut ack);
        if let Ok(route) = self.route_in(dialog, route).await {
            // If it does not arrive, the answer comes again.
            let _ = self.wire.send_once(&route, ack).await;
        }
    }

    /// Whether that answer has not been released yet; from now on it has.
    pub(super) fn is_first_release(&self, dialog: &Dialog) -> bool {
        let now = Instant::now();
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.retain(|_, until| *until > now);
        let key = (dialog.call_id.clone(), dialog.remote_tag().to_owned());
        released.insert(key, now + self.t1 * 64).is_none()
    }

    /// Sends a BYE, and waits for what comes of it.
    pub(super) async fn release(
        &self,
        mut dialog: Dialog,
        first: Route,
        reason: Reason,
        credentials: Option<Credentials>,
    ) -> Result<Message, super::asking::NoResponse> {
        let route = self.route_in(&dialog, &first).await?;
        let mut bye = dialog.request("BYE").with("Reason", &reason.to_string());
        self.sign(&mut bye);
        ask(&self.wire, &route, bye, credentials).await
    }
}

/// What is said under a Call-ID is noted until this is dropped.
pub(super) struct Noting {
    records: Arc<Records>,
    call_id: String,
}

impl Drop for Noting {
    fn drop(&mut self) {
        self.records.end(&self.call_id);
    }
}

/// A leg's place among the others, until it is dropped.
pub(super) struct Seat {
    core: Arc<Core>,
    call_id: String,
    is_up: bool,
}

impl Seat {
    /// The leg is up.
    pub(super) fn up(&mut self) {
        if !std::mem::replace(&mut self.is_up, true) {
            self.core.dialogs.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let core = &self.core;
        core.inboxes.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.call_id);
        core.records.end(&self.call_id);
        core.legs.fetch_sub(1, Ordering::Relaxed);
        if self.is_up {
            core.dialogs.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
