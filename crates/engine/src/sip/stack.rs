//! The stack: one endpoint on the network, the legs on it, and what trunks are asked.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::Clock;
use tokio::task::JoinSet;

use super::asking::ask;
use super::calling::Calling;
use super::core::{Core, SUPPORTED};
use super::dialog::Dialog;
use super::ladder::{Recorder, Records};
use super::leg::Leg;
use super::message::{Message, parameter};
use super::peers::Peers;
use super::reason::Reason;
use super::settings::{Credentials, Hop, Invite, Network, Party, StackSettings};
use super::wire::{Wire, random};

/// The endpoint. Clones share it.
#[derive(Clone)]
pub struct Stack {
    core: Arc<Core>,
    peers: Arc<Peers>,
    /// What serves the sockets.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

/// How much is going on; all zero once everything has drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Legs that are not over, also those whose [`Leg`] was dropped.
    pub legs: usize,
    /// Those of them that are up.
    pub dialogs: usize,
    /// Transactions that run, or remember what they said for a while yet.
    pub transactions: usize,
}

/// Why a trunk did not do what it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// What it said; none if nothing came back.
    pub code: Option<u16>,
    /// Its reason phrase.
    pub text: String,
    /// When to come again.
    pub retry_after: Option<Duration>,
    /// Nothing could be sent: no such name, no connection.
    pub unreachable: bool,
}

/// An OPTIONS to be.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Where it goes.
    pub hop: Hop,
    /// Who we are there.
    pub from: Party,
    /// Request-URI and To.
    pub to: String,
    /// For 401 and 407.
    pub credentials: Option<Credentials>,
}

/// An answer to OPTIONS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    /// The code; any says that the trunk lives.
    pub code: u16,
    /// How long it took.
    pub took: Duration,
}

/// What became of a leg that a former process had left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftBehind {
    /// Released now.
    Released,
    /// The far end no longer knew it (481).
    Gone,
}

/// How to register with a trunk.
#[derive(Clone, Debug)]
pub struct Register {
    /// Where the registrar is.
    pub hop: Hop,
    /// Its domain, as the Request-URI: `sip:example.org`.
    pub registrar: String,
    /// Who we are there.
    pub party: Party,
    /// For 401 and 407.
    pub credentials: Option<Credentials>,
}

/// A registration, refreshed by whoever holds it.
pub struct Binding {
    core: Arc<Core>,
    register: Register,
    call_id: String,
    tag: String,
    sequence: u32,
}

/// So far ahead of a dialog's last known request that no later one can have come between.
const AHEAD: u32 = 1000;

impl Stack {
    /// Opens the sockets, and listens.
    pub async fn start(settings: StackSettings, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let peers = Arc::new(Peers::new(settings.sources.clone()));
        let records = Arc::new(Records::new(clock));
        let mut tasks = JoinSet::new();
        let started = Wire::start(&settings, peers.clone(), records.clone(), &mut tasks).await?;
        let (wire, arrivals) = started;
        let names = (settings.domain, settings.user_agent);
        let core = Arc::new(Core::new(wire, records, names, settings.t1));
        tasks.spawn(core.clone().dispatch(arrivals));
        Ok(Self { core, peers, tasks: Arc::new(Mutex::new(tasks)) })
    }

    /// Where it listens for datagrams.
    pub fn local_addr(&self) -> SocketAddr {
        self.core.wire.local
    }

    /// From now on, listens to those networks, and to whom it has called itself.
    pub fn set_sources(&self, sources: Vec<Network>) {
        self.peers.set(sources);
    }

    /// Calls someone. Starts at once; what comes of it is told by the leg.
    pub fn invite(&self, invite: Invite) -> Leg {
        let call_id = self.core.call_id();
        let (leg, orders) = Leg::channel(call_id.clone());
        let place = self.core.seat(&call_id, (invite.recorder.clone(), invite.leg));
        let calling = Calling::new(self.core.clone(), call_id, invite, orders, place);
        // If far too many run already, the leg ends without a word, as after a stop.
        self.core.spawn(calling.run());
        leg
    }

    /// Releases a leg of a former process, from what `LegEvent::Answered` had said. Takes no longer
    /// than a connection and a transaction may (64·T1).
    pub async fn hang_up_left_behind(
        &self,
        dialog: &[u8],
        reason: Reason,
        credentials: Option<Credentials>,
    ) -> Result<LeftBehind, Refused> {
        let unreadable = || Refused { text: "not a dialog".to_owned(), ..Refused::default() };
        let mut dialog = Dialog::from_bytes(dialog).ok_or_else(unreadable)?;
        let before = dialog.request("BYE").sequence().unwrap_or(0);
        dialog.advance(before + AHEAD);
        let route = self.core.wire.route(&dialog.next_hop()).await;
        let route =
            route.map_err(|unsent| Refused::from(super::asking::NoResponse::from(unsent)))?;
        let response = self.core.release(dialog, route, reason, credentials).await?;
        match response.code() {
            Some(200..300) => Ok(LeftBehind::Released),
            Some(481) => Ok(LeftBehind::Gone),
            _ => Err(Refused::of(&response)),
        }
    }

    /// Asks a trunk whether it lives.
    pub async fn options(&self, hop: Hop, from: Party, to: String) -> Result<Pong, Refused> {
        let request = self.options_request(&from, &to, &self.core.call_id());
        let asked = Instant::now();
        let response = send(&self.core, &hop, request, None).await?;
        Ok(Pong { code: response.code().unwrap_or(0), took: asked.elapsed() })
    }

    /// The same, proving who we are if the trunk asks for that, and with what is said noted as a
    /// leg A's. Gives the phrase of the answer too.
    pub async fn options_noted(
        &self,
        ping: Ping,
        recorder: Recorder,
    ) -> Result<(Pong, String), Refused> {
        let Ping { hop, from, to, credentials } = ping;
        let call_id = self.core.call_id();
        let _noting = self.core.note(&call_id, recorder);
        let request = self.options_request(&from, &to, &call_id);
        let asked = Instant::now();
        let response = send(&self.core, &hop, request, credentials).await?;
        let pong = Pong { code: response.code().unwrap_or(0), took: asked.elapsed() };
        Ok((pong, response.phrase().to_owned()))
    }

    fn options_request(&self, from: &Party, to: &str, call_id: &str) -> Message {
        out_of_dialog("OPTIONS", to, call_id, 1)
            .with("From", &format!("<{}>;tag={}", from.uri, random(12)))
            .with("To", &format!("<{to}>"))
            .with("Accept", "application/sdp")
    }

    /// Begins a registration; nothing is sent yet.
    pub fn binding(&self, register: Register) -> Binding {
        let (core, call_id) = (self.core.clone(), self.core.call_id());
        Binding { core, register, call_id, tag: random(12), sequence: 0 }
    }

    /// How much is going on.
    pub fn counts(&self) -> Counts {
        let (legs, dialogs) = self.core.counts();
        Counts { legs, dialogs, transactions: self.core.wire.transactions() }
    }

    /// Stops, once and for all, and waits until nothing of it runs any more. Legs that are up are
    /// not released: that is for whoever holds them, before.
    pub async fn stop(&self) {
        self.core.take_tasks().shutdown().await;
        self.core.wire.stop();
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        tasks.shutdown().await;
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, counts) = (self.local_addr(), self.counts());
        f.debug_struct("Stack").field("local", &local).field("counts", &counts).finish()
    }
}

impl Binding {
    /// Registers, or refreshes; how long it holds.
    pub async fn refresh(&mut self, expires: Duration) -> Result<Duration, Refused> {
        let response = self.ask(expires).await?;
        let response = match (response.code(), seconds(response.value("Min-Expires"))) {
            // RFC 3261 §10.2.8: the registrar wants to be asked less often.
            (Some(423), Some(least)) if least > expires => self.ask(least).await?,
            _ => response,
        };
        if !matches!(response.code(), Some(200..300)) {
            return Err(Refused::of(&response));
        }
        // Ours is the longest that is as long as we asked for; some registrars list others too.
        let bindings = response.list("Contact").filter_map(|contact| parameter(contact, "expires"));
        let granted = bindings.filter_map(|value| seconds(Some(value))).max();
        let granted = granted.or_else(|| seconds(response.value("Expires")));
        Ok(granted.unwrap_or(expires))
    }

    /// Takes the registration back.
    pub async fn remove(&mut self) -> Result<(), Refused> {
        let response = self.ask(Duration::ZERO).await?;
        match response.code() {
            Some(200..300) => Ok(()),
            _ => Err(Refused::of(&response)),
        }
    }

    async fn ask(&mut self, expires: Duration) -> Result<Message, Refused> {
        let (party, uri) = (&self.register.party.uri, &self.register.registrar);
        let request = out_of_dialog("REGISTER", uri, &self.call_id, self.sequence + 1)
            .with("From", &format!("<{party}>;tag={}", self.tag))
            .with("To", &format!("<{party}>"))
            .with("Supported", SUPPORTED)
            .with("Expires", &expires.as_secs().to_string());
        self.sequence += super::asking::ATTEMPTS_MAX;
        send(&self.core, &self.register.hop, request, self.register.credentials.clone()).await
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").field("register", &self.register).finish_non_exhaustive()
    }
}

fn out_of_dialog(method: &str, uri: &str, call_id: &str, sequence: u32) -> Message {
    Message::request(method, uri)
        .with("Max-Forwards", "70")
        .with("Call-ID", call_id)
        .with("CSeq", &format!("{sequence} {method}"))
}

async fn send(
    core: &Core,
    hop: &Hop,
    mut request: Message,
    credentials: Option<Credentials>,
) -> Result<Message, Refused> {
    let route = core.wire.route(hop).await;
    let route = route.map_err(|unsent| Refused::from(super::asking::NoResponse::from(unsent)))?;
    request.push("Contact", &route.contact());
    core.sign(&mut request);
    Ok(ask(&core.wire, &route, request, credentials).await?)
}

fn seconds(value: Option<&str>) -> Option<Duration> {
    Some(Duration::from_secs(u64::from(value?.trim().parse::<u32>().ok()?)))
}
