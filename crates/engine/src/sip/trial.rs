//! A trial of a trunk, for the person who runs the server: what it says to OPTIONS, or to a short
//! call, told message by message. It goes the way that pings and calls go, and what it finds out of
//! the trunk's health is believed.

use std::future::poll_fn;
use std::time::Duration;

use model::cdr::Release;
use model::ladder::Ladder;
use model::{Number, Timestamp};
use tokio::task::JoinSet;

use super::carrier::SipCarrier;
use super::line::SipLine;
use super::trunks::{Entry, NoWay};
use super::{Hop, Ping, Recorder, Refused, Stack};
use crate::carrier::{Leg, Line, Order, Progress, Signal};
use crate::time::Time;

/// How long a call of a trial may take to ring.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take after that to be over.
const FAREWELL: Duration = Duration::from_secs(8);

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whom it went to: a destination, `sip:host:port`, or a number.
    pub to: String,
    /// A destination lives; a telephone rang, or was answered.
    pub worked: bool,
    /// What came of it, for people.
    pub said: String,
    /// How long it took to know.
    pub took: Duration,
    /// What was said on the wire, as a leg A's.
    pub ladder: Ladder,
}

impl SipCarrier {
    /// Asks every destination of the trunk whether it lives; none if there is no such trunk.
    pub async fn try_options(&self, trunk: &str) -> Option<Vec<Trial>> {
        let shared = &self.0;
        let entry = shared.trunks.entry(trunk)?;
        let mut asked = JoinSet::new();
        for (at, there) in entry.trunk.destinations.iter().enumerate() {
            let ask = ask(
                shared.stack.clone(),
                entry.clone(),
                there.hop.clone(),
                shared.domain.clone(),
                shared.time.clone(),
            );
            asked.spawn(async move { (at, ask.await) });
        }
        let mut trials = asked.join_all().await;
        trials.sort_by_key(|(at, _)| *at);
        Some(trials.into_iter().map(|(_, trial)| trial).collect())
    }

    /// Calls the number through the trunk, whatever that serves, and ends the call as soon as it
    /// rings or is answered; none if there is no such trunk.
    ///
    /// # Errors
    /// The trunk takes no call now.
    pub async fn try_call(
        &self,
        trunk: &str,
        number: &Number,
        shown: &str,
    ) -> Option<Result<Trial, NoWay>> {
        let shared = &self.0;
        shared.trunks.entry(trunk)?;
        let time = &shared.time;
        let begun = time.now();
        let seed = begun.as_millis().unsigned_abs();
        let mut chance = fastrand::Rng::with_seed(seed);
        if let Err(none) = shared.trunks.route_through(trunk, begun, &mut chance) {
            return Some(Err(none));
        }
        let mut line = SipLine::through(shared.clone(), trunk, seed);
        let (from, to) = (shown.to_owned(), number.clone());
        line.order(Order::Dial { leg: Leg::A, from, to }, begun);
        let mut call = ShortCall::begun(begun);
        call.follow(&mut line, time).await;
        let remains = poll_fn(|cx| line.poll_remains(cx)).await;
        Some(Ok(Trial {
            to: number.to_string(),
            worked: call.worked,
            said: call.said,
            took: call.known.since(begun),
            ladder: remains.ladder,
        }))
    }
}

async fn ask(stack: Stack, entry: Entry, hop: Hop, domain: String, time: Time) -> Trial {
    let (trunk, recorder, begun) = (&entry.trunk, Recorder::default(), time.now());
    let ping = Ping {
        from: trunk.ourselves(&hop, &domain),
        to: hop.to_string(),
        credentials: trunk.credentials.clone(),
        hop: hop.clone(),
    };
    let options = stack.options_noted(ping, recorder.clone());
    let (code, said) = match tokio::time::timeout(trunk.no_reply, options).await {
        Ok(Ok((pong, phrase))) => (Some(pong.code), format!("{} {phrase}", pong.code)),
        Ok(Err(Refused { unreachable: true, text, .. })) => {
            (None, format!("nothing could be sent: {text}"))
        }
        Ok(Err(Refused { text, .. })) => (None, text),
        Err(_) => (None, format!("nothing came back in {} ms", trunk.no_reply.as_millis())),
    };
    let now = time.now();
    entry.note(&hop, |health| health.pinged(code, now));
    Trial {
        to: hop.to_string(),
        // As of a ping: whatever it answers says that it lives, but for a 503.
        worked: code.is_some_and(|code| code != 503),
        said,
        took: now.since(begun),
        ladder: recorder.ladder(),
    }
}

/// A call that is ended as soon as it works.
struct ShortCall {
    worked: bool,
    said: String,
    /// When that was known.
    known: Timestamp,
    /// When it is given up.
    ends: Timestamp,
    is_ending: bool,
}

impl ShortCall {
    fn begun(at: Timestamp) -> Self {
        let said = String::new();
        Self { worked: false, said, known: at, ends: at.plus(PATIENCE), is_ending: false }
    }

    async fn follow(&mut self, line: &mut SipLine, time: &Time) {
        loop {
            let until = line.deadline().into_iter().chain([self.ends]).min();
            let signal = tokio::select! {
                biased;
                signal = poll_fn(|cx| line.poll(time.now(), cx)) => Some(signal),
                () = time.until_any(until) => None,
            };
            let now = time.now();
            match signal {
                Some(Signal::Leg(_, Progress::Ringing { .. })) if !self.is_ending => {
                    self.know(true, "rang, and was cancelled".to_owned(), now);
                    line.order(Order::Cancel(Leg::A), now);
                }
                Some(Signal::Leg(_, Progress::Answered)) => {
                    self.know(true, "was answered, and hung up".to_owned(), now);
                    line.order(Order::HangUp(Leg::A), now);
                }
                Some(Signal::Leg(_, Progress::Failed(release))) => {
                    if !self.is_ending {
                        self.know(false, told(release), now);
                    }
                    return;
                }
                Some(Signal::Leg(_, Progress::Ended(_))) => return,
                None if now >= self.ends && self.is_ending => return,
                None if now >= self.ends => {
                    self.know(false, "neither rang nor was answered".to_owned(), now);
                    line.order(Order::Cancel(Leg::A), now);
                }
                Some(_) | None => {}
            }
        }
    }

    fn know(&mut self, worked: bool, said: String, now: Timestamp) {
        (self.worked, self.said, self.known) = (worked, said, now);
        (self.is_ending, self.ends) = (true, now.plus(FAREWELL));
    }
}

/// What a call came to that did not ring.
fn told(release: Release) -> String {
    let cause = release.cause.map_or(String::new(), |cause| format!(", Q.850 {cause}"));
    match release.code {
        Some(code) => format!("was not answered: {code}{cause}"),
        None => format!("nothing came back{cause}"),
    }
}
