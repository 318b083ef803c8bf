//! A leg that is up: what the far end asks within the dialog, what we do, and its end.

use std::sync::Arc;
use std::time::Duration;

use model::cdr::Release;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::asking::{ATTEMPTS_MAX, NoResponse, ask, cause_of, text_of};
use super::calling::at;
use super::core::{ALLOW, Core, SUPPORTED};
use super::dialog::Dialog;
use super::keys;
use super::leg::{EndedBy, LegEvent, Orders, Reply, to_be_released};
use super::message::Message;
use super::reason::Reason;
use super::session::{Due, Session};
use super::settings::{Credentials, SessionTimer};
use super::wire::{Incoming, Route, Unsent};

/// A leg that is up.
pub(super) struct Talking {
    core: Arc<Core>,
    dialog: Dialog,
    up: Up,
    orders: Orders,
    inbox: mpsc::Receiver<Box<Incoming>>,
    /// The offer that waits for the line.
    offered: Option<Offered>,
    /// What is to be done about the session timer, and when.
    due: Option<(Instant, Due)>,
    expires: Instant,
    /// A request of ours is under way; there is one at a time, so that none overtakes another.
    is_asking: bool,
    chores: JoinSet<Done>,
}

/// What a leg came up with.
pub(super) struct Up {
    pub(super) route: Route,
    pub(super) session: Option<Session>,
    pub(super) least: Option<Duration>,
    pub(super) may_update: bool,
    pub(super) local_sdp: Vec<u8>,
    pub(super) remote_sdp: Vec<u8>,
    pub(super) credentials: Option<Credentials>,
    /// What came for it before it was seen to be up.
    pub(super) held: Vec<Incoming>,
}

/// An offer of the far end.
struct Offered {
    incoming: Incoming,
    reply: oneshot::Receiver<Vec<u8>>,
    until: Instant,
}

/// What has come of something that ran beside.
enum Done {
    /// How the far end is reached is known.
    Routed(Result<Route, Unsent>),
    /// A key was sent, or not.
    Key,
    /// Our refresh was answered.
    Refreshed { by_update: bool, result: Result<Message, NoResponse> },
    /// Our answer to an offer, or our refusal, was acknowledged or not.
    Acknowledged { agreed: bool, asked_for_offer: bool, ack: Option<Message> },
}

/// The end of a leg.
struct End {
    by: EndedBy,
    release: Release,
    text: String,
}

/// How long a line may think about an offer. The far end's user waits.
const THINK: Duration = Duration::from_secs(2);

/// The longest that both sides wait when their offers meet (RFC 3261 §14.1: we own the Call-ID).
const GLARE: std::ops::Range<u64> = 2100..4000;

/// The next request: of those that were held, then of those that come. Cancel-safe.
async fn next(
    held: &mut Vec<Incoming>,
    inbox: &mut mpsc::Receiver<Box<Incoming>>,
) -> Option<Incoming> {
    if held.is_empty() {
        inbox.recv().await.map(|incoming| *incoming)
    } else {
        Some(held.remove(0))
    }
}

impl Talking {
    pub(super) fn new(
        core: Arc<Core>,
        dialog: Dialog,
        up: Up,
        orders: Orders,
        inbox: mpsc::Receiver<Box<Incoming>>,
    ) -> Self {
        let mut talking = Self {
            core,
            dialog,
            up,
            orders,
            inbox,
            offered: None,
            due: None,
            expires: Instant::now(),
            is_asking: false,
            chores: JoinSet::new(),
        };
        talking.refreshed();
        talking
    }

    /// Talks to the end.
    pub(super) async fn run(mut self) {
        // So that the far end is listened to where it is now, before we ask it anything.
        let (core, dialog, route) = (self.core.clone(), self.dialog.clone(), self.up.route.clone());
        self.chores.spawn(async move { Done::Routed(core.route_in(&dialog, &route).await) });
        let end = loop {
            let (due, think) = (
                self.due.filter(|_| !self.is_asking).map(|(at, _)| at),
                self.offered.as_ref().map(|offered| offered.until),
            );
            let end = tokio::select! {
                reason = to_be_released(&mut self.orders.wish) => break self.hang_up(reason).await,
                Some(incoming) = next(&mut self.up.held, &mut self.inbox) => {
                    self.request(incoming).await
                }
                Some(done) = self.chores.join_next() => match done {
                    Ok(done) => self.done(done).await,
                    Err(_) => None,
                },
                Some(key) = self.orders.keys.recv(), if !self.is_asking => self.send_key(key),
                answer = answer(&mut self.offered) => self.reply(answer, 488).await,
                () = at(think) => self.reply(None, 500).await,
                () = at(due) => self.session_due().await,
            };
            if let Some(end) = end {
                break end;
            }
        };
        if let Some(mut offered) = self.offered.take() {
            // RFC 3261 §15.1.2.
            offered.incoming.answer(487).await;
        }
        let End { by, release, text } = end;
        self.orders.tell(LegEvent::Ended { release, by, text }).await;
    }

    async fn request(&mut self, mut incoming: Incoming) -> Option<End> {
        let request = &incoming.request;
        let method = request.method().to_owned();
        let is_ours = request.tag("From") == Some(self.dialog.remote_tag());
        let response = if !is_ours {
            self.core.response(request, 481)
        } else if !self.dialog.follows(request) {
            self.core.response(request, 500)
        } else {
            match method.as_str() {
                "BYE" => {
                    let release = Release { code: None, cause: cause_of(request) };
                    let text = text_of(request);
                    let response = self.core.response(request, 200);
                    incoming.respond(response).await;
                    return Some(End { by: EndedBy::FarEnd, release, text });
                }
                "INVITE" | "UPDATE" => return self.offer(incoming).await,
                "INFO" => self.info(request),
                "OPTIONS" => self.core.abilities(request),
                // We transfer nobody.
                "REFER" => self.core.response(request, 603),
                // We have subscribed to nothing, and sent nothing reliable.
                "NOTIFY" | "PRACK" => self.core.response(request, 481),
                _ => self.core.response(request, 405).with("Allow", ALLOW),
            }
        };
        incoming.respond(response).await;
        if method == "INVITE" {
            self.await_ack(incoming, false, false);
        }
        None
    }

    fn info(&self, request: &Message) -> Message {
        match keys::read(request) {
            keys::Info::Key(key) if self.orders.mention(LegEvent::Key(key)) => {
                self.core.response(request, 200)
            }
            keys::Info::Key(_) => self.core.response(request, 503),
            keys::Info::Nothing => self.core.response(request, 200),
            keys::Info::Foreign => self.core.response(request, 415).with("Accept", keys::ACCEPT),
        }
    }

    /// A re-INVITE or an UPDATE.
    async fn offer(&mut self, mut incoming: Incoming) -> Option<End> {
        let request = &incoming.request;
        let is_invite = request.method() == "INVITE";
        if let Some(refusal) = self.refusal(request) {
            incoming.respond(refusal).await;
            if is_invite {
                self.await_ack(incoming, false, false);
            }
            return None;
        }
        self.dialog.retarget(request);
        let sdp = request.sdp().map(<[u8]>::to_vec);
        if sdp.is_none() && !is_invite {
            // No more than a sign of life.
            let response = self.agreement(&incoming.request);
            incoming.respond(response).await;
            return None;
        }
        if is_invite {
            incoming.answer(100).await;
        }
        let (reply, receiver) = Reply::channel();
        let until = Instant::now() + THINK;
        if let Some(sdp) = &sdp {
            self.up.remote_sdp.clone_from(sdp);
        }
        self.offered = Some(Offered { incoming, reply: receiver, until });
        if self.orders.mention(LegEvent::Reoffered { sdp, reply }) {
            return None;
        }
        self.reply(None, 500).await
    }

    /// Why an offer cannot be taken now, if so.
    fn refusal(&self, request: &Message) -> Option<Message> {
        if self.offered.is_some() {
            // RFC 3261 §14.2: one after the other.
            return Some(self.core.response(request, 500).with("Retry-After", "1"));
        }
        if self.is_asking {
            return Some(self.core.response(request, 491));
        }
        let (wished, least) = (Session::wished(request)?, self.up.least?);
        let is_short = wished.expires() < least && request.lists("Supported", "timer");
        let least = least.as_secs().to_string();
        is_short.then(|| self.core.response(request, 422).with("Min-SE", &least))
    }

    /// A 200 to a re-INVITE or UPDATE; it counts as a refresh.
    fn agreement(&mut self, request: &Message) -> Message {
        let mut response = self
            .core
            .response(request, 200)
            .with("Contact", &self.up.route.contact())
            .with("Allow", ALLOW)
            .with("Supported", SUPPORTED);
        if let Some(session) = Session::wished(request) {
            self.up.session = Some(session);
            session.agree(&mut response);
        }
        self.refreshed();
        response
    }

    /// The line has answered an offer, or not.
    async fn reply(&mut self, answer: Option<Vec<u8>>, otherwise: u16) -> Option<End> {
        let Offered { mut incoming, .. } = self.offered.take()?;
        let is_invite = incoming.request.method() == "INVITE";
        let asked_for_offer = incoming.request.sdp().is_none();
        let agreed = answer.is_some();
        let response = match answer {
            Some(sdp) => {
                self.up.local_sdp.clone_from(&sdp);
                self.agreement(&incoming.request).with_body("application/sdp", sdp)
            }
            None => self.core.response(&incoming.request, otherwise),
        };
        incoming.respond(response).await;
        if is_invite {
            self.await_ack(incoming, agreed, asked_for_offer);
        }
        None
    }

    fn await_ack(&mut self, incoming: Incoming, agreed: bool, asked_for_offer: bool) {
        self.chores.spawn(async move {
            let ack = incoming.acknowledged().await;
            Done::Acknowledged { agreed, asked_for_offer, ack }
        });
    }

    async fn done(&mut self, done: Done) -> Option<End> {
        match done {
            Done::Routed(Ok(route)) => self.up.route = route,
            Done::Routed(Err(_)) => {}
            Done::Key => self.is_asking = false,
            Done::Refreshed { by_update, result } => {
                self.is_asking = false;
                return self.refresh_answered(by_update, result).await;
            }
            // RFC 3261 §13.3.1.4: an answer that is never acknowledged ends the dialog.
            Done::Acknowledged { agreed: true, ack: None, .. } => {
                let reason = Reason::sip(408, "no ACK");
                let end = self.hang_up(reason).await;
                return Some(End { by: EndedBy::Lost, text: "no ACK".to_owned(), ..end });
            }
            Done::Acknowledged { asked_for_offer: true, ack: Some(ack), .. } => {
                if let Some(sdp) = ack.sdp() {
                    self.up.remote_sdp = sdp.to_vec();
                    self.orders.mention(LegEvent::Reanswered { sdp: sdp.to_vec() });
                }
            }
            Done::Acknowledged { .. } => {}
        }
        None
    }

    /// The next request of ours, and room for what it may become.
    fn next_request(&mut self, method: &str) -> Message {
        let mut request = self.dialog.request(method);
        self.dialog.advance(request.sequence().unwrap_or(0) + ATTEMPTS_MAX);
        self.core.sign(&mut request);
        request
    }

    fn send_key(&mut self, key: char) -> Option<End> {
        let info = keys::write(key, self.next_request("INFO"));
        self.ask(info, |_| Done::Key);
        None
    }

    fn ask(
        &mut self,
        request: Message,
        done: impl FnOnce(Result<Message, NoResponse>) -> Done + Send + 'static,
    ) {
        self.is_asking = true;
        let (core, dialog, route) = (self.core.clone(), self.dialog.clone(), self.up.route.clone());
        let credentials = self.up.credentials.clone();
        self.chores.spawn(async move {
            let result = match core.route_in(&dialog, &route).await {
                Ok(route) => ask(&core.wire, &route, request, credentials).await,
                Err(error) => Err(error.into()),
            };
            done(result)
        });
    }

    /// The session begins anew.
    fn refreshed(&mut self) {
        let now = Instant::now();
        self.due = self.up.session.map(|session| {
            let (after, due) = session.next();
            (now + after, due)
        });
        self.expires = now + self.up.session.map_or(Duration::ZERO, Session::expires);
    }

    async fn session_due(&mut self) -> Option<End> {
        let (_, due) = self.due?;
        if due == Due::Expire || Instant::now() >= self.expires {
            return Some(self.expire().await);
        }
        // Meanwhile the far end has made an offer: its answer is a refresh, or we come again.
        if self.offered.is_some() {
            self.due = Some((Instant::now() + self.core.t1, due));
            return None;
        }
        self.refresh()
    }

    fn refresh(&mut self) -> Option<End> {
        let session = self.up.session?;
        let by_update = self.up.may_update;
        let mut request = self.next_request(if by_update { "UPDATE" } else { "INVITE" });
        request.push("Contact", &self.up.route.contact());
        request.push("Supported", SUPPORTED);
        session.ask(&mut request, self.up.least.unwrap_or(session.expires()));
        if !by_update {
            request.push("Allow", ALLOW);
            request = request.with_body("application/sdp", self.up.local_sdp.clone());
        }
        self.ask(request, move |result| Done::Refreshed { by_update, result });
        None
    }

    async fn refresh_answered(
        &mut self,
        by_update: bool,
        result: Result<Message, NoResponse>,
    ) -> Option<End> {
        let Ok(response) = result else { return Some(self.expire().await) };
        let session = self.up.session?;
        match response.code() {
            Some(200..300) => {
                self.dialog.retarget(&response);
                self.up.session = Session::agreed(&response);
                self.refreshed();
                if let Some(sdp) = response.sdp().filter(|sdp| *sdp != self.up.remote_sdp) {
                    self.up.remote_sdp = sdp.to_vec();
                    self.orders.mention(LegEvent::Reanswered { sdp: sdp.to_vec() });
                }
            }
            Some(408) => return Some(self.expire().await),
            Some(code @ 481) => {
                let release = Release { code: Some(code), cause: cause_of(&response) };
                return Some(End { by: EndedBy::Lost, release, text: text_of(&response) });
            }
            Some(405 | 501) if by_update => {
                self.up.may_update = false;
                return self.refresh();
            }
            Some(422) => {
                let timer = SessionTimer { expires: session.expires(), least: Duration::ZERO };
                match timer.giving_in_to(&response).filter(|longer| longer.expires > timer.expires)
                {
                    Some(longer) => {
                        self.up.session = Some(session.lasting(longer.expires));
                        return self.refresh();
                    }
                    None => self.come_again(session.expires() / 4),
                }
            }
            Some(491) => self.come_again(Duration::from_millis(fastrand::u64(GLARE))),
            _ => self.come_again(session.expires() / 4),
        }
        None
    }

    fn come_again(&mut self, after: Duration) {
        let at = (Instant::now() + after).min(self.expires);
        self.due = Some((at, Due::Refresh));
    }

    async fn expire(&mut self) -> End {
        let reason = Reason::sip(408, "session timer");
        let end = self.hang_up(reason).await;
        End { by: EndedBy::SessionTimer, text: "session timer".to_owned(), ..end }
    }

    /// Sends a BYE; meanwhile the far end may still ask things, or hang up too.
    async fn hang_up(&mut self, reason: Reason) -> End {
        self.chores.abort_all();
        let core = self.core.clone();
        let (dialog, route) = (self.dialog.clone(), self.up.route.clone());
        let credentials = self.up.credentials.clone();
        let bye = core.release(dialog, route, reason, credentials);
        tokio::pin!(bye);
        loop {
            tokio::select! {
                result = &mut bye => {
                    let text = result.as_ref().map(text_of).unwrap_or_default();
                    return End { by: EndedBy::Us, release: Release::default(), text };
                }
                Some(mut incoming) = self.inbox.recv() => {
                    let code = if incoming.request.method() == "BYE" { 200 } else { 481 };
                    let response = self.core.response(&incoming.request, code);
                    incoming.respond(response).await;
                }
            }
        }
    }
}

/// What the line answers to an offer; none if it refuses.
async fn answer(offered: &mut Option<Offered>) -> Option<Vec<u8>> {
    match offered {
        Some(offered) => (&mut offered.reply).await.ok(),
        None => std::future::pending().await,
    }
}
