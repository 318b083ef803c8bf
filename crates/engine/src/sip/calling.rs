//! A leg until it is answered or not: INVITE, challenges, provisional responses, CANCEL.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::asking::{ATTEMPTS_MAX, ask};
use super::core::{ALLOW, Core, SUPPORTED, Seat};
use super::dialog::Dialog;
use super::digest::Digest;
use super::leg::{Failure, LegEvent, Orders};
use super::message::Message;
use super::reason::Reason;
use super::settings::{Invite, SessionTimer};
use super::talking::{Talking, Up};
use super::wire::{Asked, Incoming, Route, random};

/// A leg that is not answered yet.
pub(super) struct Calling {
    core: Arc<Core>,
    seat: Seat,
    orders: Orders,
    inbox: mpsc::Receiver<Box<Incoming>>,
    call_id: String,
    from: String,
    invite: Invite,
    digest: Digest,
    session: Option<SessionTimer>,
    has_given_in: bool,
    sequence: u32,
    trying_told: bool,
    /// SDP of provisional responses, by tag: it counts if the answer has none.
    early: Vec<(String, Vec<u8>)>,
    /// The last reliable provisional response of each fork (RFC 3262 §4).
    reliable: Vec<(String, u32)>,
    cancelling: Option<Cancelling>,
    /// Requests that belong to the answer, which we have not seen yet.
    held: Vec<Incoming>,
    /// PRACKs under way.
    chores: JoinSet<()>,
}

/// It is no longer wanted.
struct Cancelling {
    /// Until when its end is waited for before it is told as one.
    tell: Instant,
    is_told: bool,
    /// Until when an answer may still come (RFC 3261 §9.1).
    forget: Instant,
    /// The CANCEL, once it was sent.
    cancel: Option<Asked>,
}

/// What ended the wait for a final response.
enum Final {
    Response(Box<Message>),
    /// Nothing will come any more.
    Nothing,
}

/// What is to be done with a final response.
enum Verdict {
    Again,
    Failed(Failure),
    /// A 2xx that is no answer: it is released.
    Released(Failure),
    Answered,
}

/// Requests that wait for an answer at most.
const HELD_MAX: usize = 4;

/// Forks that are told apart; further ones are treated as the last.
const FORKS_MAX: usize = 8;

impl Calling {
    pub(super) fn new(
        core: Arc<Core>,
        call_id: String,
        invite: Invite,
        orders: Orders,
        (seat, inbox): (Seat, mpsc::Receiver<Box<Incoming>>),
    ) -> Self {
        let display = invite.from.display.as_deref().map(display_name).unwrap_or_default();
        let from = format!("{display}<{}>;tag={}", invite.from.uri, random(12));
        Self {
            core,
            seat,
            orders,
            inbox,
            call_id,
            from,
            digest: Digest::new(invite.credentials.clone()),
            session: invite.session,
            invite,
            has_given_in: false,
            sequence: 0,
            trying_told: false,
            early: Vec::new(),
            reliable: Vec::new(),
            cancelling: None,
            held: Vec::new(),
            chores: JoinSet::new(),
        }
    }

    /// Calls, and talks if it is answered, to the end.
    pub(super) async fn run(mut self) {
        let route = tokio::select! {
            route = self.core.wire.route(&self.invite.hop) => route,
            () = self.orders.unwanted() => {
                let failure = Failure { text: "never sent".to_owned(), ..Failure::default() };
                return self.orders.tell(LegEvent::Failed(failure)).await;
            }
        };
        match route {
            Ok(route) => self.call(route).await,
            Err(error) => self.fail(Failure::unsent(&error.0)).await,
        }
    }

    async fn call(mut self, route: Route) {
        loop {
            self.sequence += 1;
            let mut asked = match self.core.wire.ask(&route, self.request(&route)) {
                Ok(asked) => asked,
                Err(error) => return self.fail(Failure::unsent(&error.0)).await,
            };
            let Final::Response(response) = self.final_response(&mut asked, &route).await else {
                return self.fail(Failure::late()).await;
            };
            match self.judge(&response) {
                Verdict::Again => {}
                Verdict::Failed(failure) => return self.fail(failure).await,
                Verdict::Released(failure) => {
                    return self.release(&route, &response, Some(failure)).await;
                }
                Verdict::Answered => {
                    drop(asked);
                    return self.answered(route, &response).await;
                }
            }
        }
    }

    fn request(&self, route: &Route) -> Message {
        let mut request = Message::request("INVITE", &self.invite.to)
            .with("Max-Forwards", "70")
            .with("From", &self.from)
            .with("To", &format!("<{}>", self.invite.to))
            .with("Call-ID", &self.call_id)
            .with("CSeq", &format!("{} INVITE", self.sequence))
            .with("Contact", &route.contact())
            .with("Allow", ALLOW)
            .with("Supported", SUPPORTED);
        if let Some(session) = self.session {
            session.ask(&mut request);
        }
        for (name, value) in &self.invite.headers {
            request.push(name, value);
        }
        self.core.sign(&mut request);
        self.digest.sign(&mut request);
        request.with_body("application/sdp", self.invite.offer.clone())
    }

    async fn final_response(&mut self, asked: &mut Asked, route: &Route) -> Final {
        let mut is_heard = false;
        loop {
            let (tell, forget) = match &self.cancelling {
                Some(cancelling) => {
                    (Some(cancelling.tell).filter(|_| !cancelling.is_told), Some(cancelling.forget))
                }
                None => (None, None),
            };
            tokio::select! {
                response = asked.next() => match response {
                    Some(response) if response.code() < Some(200) => {
                        is_heard = true;
                        self.provisional(&response, route);
                        self.send_cancel(asked, route);
                    }
                    Some(response) => return Final::Response(Box::new(response)),
                    None => return Final::Nothing,
                },
                () = self.orders.unwanted(), if self.cancelling.is_none() => {
                    let now = Instant::now();
                    let (tell, forget) = (now + self.core.t1 * 10, now + self.core.t1 * 64);
                    self.cancelling = Some(Cancelling { tell, is_told: false, forget, cancel: None });
                    if is_heard {
                        self.send_cancel(asked, route);
                    } else {
                        // RFC 3261 §9.1: not before a provisional response. It need not be asked
                        // for again, though.
                        asked.hush();
                    }
                }
                () = at(tell) => {
                    // By now it cannot overtake the INVITE any more, if that has arrived at all.
                    self.send_cancel(asked, route);
                    if let Some(cancelling) = &mut self.cancelling {
                        cancelling.is_told = true;
                    }
                    self.orders.tell(LegEvent::Failed(Failure::late())).await;
                }
                () = at(forget) => return Final::Nothing,
                Some(incoming) = self.inbox.recv() => self.requested(incoming).await,
                Some(_) = self.chores.join_next() => {}
            }
        }
    }

    fn provisional(&mut self, response: &Message, route: &Route) {
        let tag = response.tag("To").unwrap_or_default().to_owned();
        let sdp = response.sdp().map(<[u8]>::to_vec);
        match response.code() {
            Some(100) if !self.trying_told => {
                self.trying_told = true;
                self.orders.mention(LegEvent::Trying);
            }
            Some(code @ 180..190) => {
                if let Some(sdp) = &sdp {
                    self.early.retain(|(other, _)| *other != tag);
                    self.early.truncate(FORKS_MAX - 1);
                    self.early.push((tag.clone(), sdp.clone()));
                }
                // Who repeats himself while nobody listens is not heard.
                self.orders.mention(LegEvent::Ringing { code, sdp });
            }
            _ => {}
        }
        if response.lists("Require", "100rel") {
            self.acknowledge_reliably(response, tag, route);
        }
    }

    /// PRACK (RFC 3262).
    fn acknowledge_reliably(&mut self, response: &Message, tag: String, route: &Route) {
        let number = response.value("RSeq").and_then(|value| value.parse::<u32>().ok());
        let (Some(number), Some(mut dialog)) = (number, self.dialog(response)) else { return };
        let known = self.reliable.iter().find(|(other, _)| *other == tag);
        let is_known = known.is_some_and(|(_, last)| number <= *last);
        if is_known || self.reliable.len() == FORKS_MAX {
            return;
        }
        self.reliable.retain(|(other, _)| *other != tag);
        self.reliable.push((tag, number));
        let invite = self.sequence;
        let mut prack = dialog.request("PRACK").with("RAck", &format!("{number} {invite} INVITE"));
        self.core.sign(&mut prack);
        self.sequence = invite + ATTEMPTS_MAX;
        let (core, route) = (self.core.clone(), route.clone());
        let credentials = self.invite.credentials.clone();
        self.chores.spawn(async move {
            if let Ok(route) = core.route_in(&dialog, &route).await {
                // Unacknowledged, the far end gives up by itself.
                let _ = ask(&core.wire, &route, prack, credentials).await;
            }
        });
    }

    fn dialog(&self, response: &Message) -> Option<Dialog> {
        let mut dialog = Dialog::of(&self.invite.to, response, &self.invite.hop)?;
        dialog.advance(self.sequence);
        Some(dialog)
    }

    fn send_cancel(&mut self, asked: &Asked, route: &Route) {
        let Some(cancelling) = &mut self.cancelling else { return };
        if cancelling.cancel.is_some() {
            return;
        }
        let invite = &asked.request;
        let mut cancel = Message::request("CANCEL", invite.uri());
        for name in ["Via", "Route", "Max-Forwards", "From", "To", "Call-ID"] {
            for value in invite.values(name) {
                cancel.push(name, value);
            }
        }
        cancel.push("CSeq", &format!("{} CANCEL", invite.sequence().unwrap_or(0)));
        self.core.sign(&mut cancel);
        // If it cannot be sent, nobody waits for an answer any longer than without it.
        cancelling.cancel = self.core.wire.ask(route, cancel).ok();
    }

    /// A BYE or an INVITE before the answer is one that has overtaken it on its way to us: the
    /// library acknowledges an answer before it tells us of it, and a far end may hang up at once
    /// (RFC 3261 §15 lets the one called do so only then). It waits for the answer.
    async fn requested(&mut self, incoming: Box<Incoming>) {
        let is_of_answer = matches!(incoming.request.method(), "BYE" | "INVITE");
        match is_of_answer && self.held.len() < HELD_MAX {
            true => self.held.push(*incoming),
            false => self.early_request(*incoming).await,
        }
    }

    async fn early_request(&self, mut incoming: Incoming) {
        let request = &incoming.request;
        let response = match request.method() {
            "OPTIONS" => self.core.abilities(request),
            // RFC 3311 §5.2: our own offer is not answered yet.
            "UPDATE" if request.sdp().is_some() => self.core.response(request, 491),
            "UPDATE" | "INFO" => self.core.response(request, 200),
            "REFER" => self.core.response(request, 603),
            _ => self.core.response(request, 481),
        };
        let is_invite = request.method() == "INVITE";
        incoming.respond(response).await;
        if is_invite {
            self.core.spawn(async move { drop(incoming.acknowledged().await) });
        }
    }

    fn judge(&mut self, response: &Message) -> Verdict {
        match response.code() {
            Some(401 | 407) if self.cancelling.is_none() && self.digest.takes(response) => {
                Verdict::Again
            }
            // RFC 4028 §6: the far end wants a longer session; once.
            Some(422) if self.cancelling.is_none() && !self.has_given_in => {
                self.has_given_in = true;
                match self.session.and_then(|session| session.giving_in_to(response)) {
                    Some(longer) => {
                        self.session = Some(longer);
                        Verdict::Again
                    }
                    None => Verdict::Failed(Failure::of(response)),
                }
            }
            Some(200) if response.tag("To").is_some() && response.value("Contact").is_some() => {
                Verdict::Answered
            }
            Some(200..300) => Verdict::Released(Failure {
                text: "an answer that is none".to_owned(),
                ..Failure::of(response)
            }),
            _ => Verdict::Failed(Failure::of(response)),
        }
    }

    fn is_told(&self) -> bool {
        self.cancelling.as_ref().is_some_and(|cancelling| cancelling.is_told)
    }

    /// There is no answer that they belong to.
    async fn refuse_held(&mut self) {
        for incoming in std::mem::take(&mut self.held) {
            self.early_request(incoming).await;
        }
    }

    async fn fail(&mut self, failure: Failure) {
        self.refuse_held().await;
        if !self.is_told() {
            self.orders.tell(LegEvent::Failed(failure)).await;
        }
    }

    /// Releases what was answered although it is no answer, or comes too late.
    async fn release(&mut self, route: &Route, response: &Message, failure: Option<Failure>) {
        self.refuse_held().await;
        if let Some(failure) = failure {
            self.fail(failure).await;
        }
        let Some(dialog) = self.dialog(response) else { return };
        self.core.is_first_release(&dialog);
        if response.value("Contact").is_none() {
            // The library acknowledges only what says where to.
            self.core.acknowledge(&dialog, response, route).await;
        }
        let credentials = self.invite.credentials.clone();
        let released = self.core.release(dialog, route.clone(), Reason::q850(16), credentials);
        // Whatever comes of it: there is nothing more to be done.
        let _ = released.await;
    }

    async fn answered(mut self, route: Route, response: &Message) {
        let Some(dialog) = self.dialog(response) else { return };
        if self.is_told() {
            return self.release(&route, response, None).await;
        }
        self.seat.up();
        let tag = dialog.remote_tag();
        let early = self.early.iter().find(|(other, _)| other == tag).map(|(_, sdp)| sdp.clone());
        let sdp = response.sdp().map(<[u8]>::to_vec).or(early).unwrap_or_default();
        let snapshot = dialog.to_bytes();
        let up = Up {
            route,
            session: super::session::Session::agreed(response),
            least: self.session.map(|session| session.least),
            may_update: response.lists("Allow", "UPDATE"),
            local_sdp: self.invite.offer,
            remote_sdp: sdp.clone(),
            credentials: self.invite.credentials,
            held: self.held,
        };
        self.orders.tell(LegEvent::Answered { sdp, dialog: snapshot }).await;
        let (orders, inbox) = (self.orders, self.inbox);
        Talking::new(self.core, dialog, up, orders, inbox).run().await;
        drop(self.seat);
    }
}

/// Waits until then; for ever, if never.
pub(super) async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// A display name as a header writes it.
fn display_name(name: &str) -> String {
    format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\""))
}
