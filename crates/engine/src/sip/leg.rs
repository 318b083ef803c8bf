//! A leg as its line sees it: what comes of it, and what is wished for.

use std::task::{Context, Poll};
use std::time::Duration;

use model::cdr::Release;
use tokio::sync::{mpsc, oneshot, watch};

use super::reason::Reason;

/// One INVITE and the dialog that comes of it.
///
/// Dropping it gives it up: what is not answered is cancelled, what is answered is released, and
/// an answer that crosses that too; in the background, within the protocol's own times.
#[derive(Debug)]
pub struct Leg {
    call_id: String,
    events: mpsc::Receiver<LegEvent>,
    wish: watch::Sender<Wish>,
    keys: mpsc::Sender<char>,
}

/// What is to become of a leg. Only ever moves down.
#[derive(Clone, Debug, Default)]
pub(super) enum Wish {
    /// It goes on.
    #[default]
    Go,
    /// It is no longer wanted.
    Cancel,
    /// It is to be released if it is up, else cancelled.
    HangUp(Reason),
}

/// The other side of a [`Leg`].
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) events: mpsc::Sender<LegEvent>,
    pub(super) wish: watch::Receiver<Wish>,
    pub(super) keys: mpsc::Receiver<char>,
}

impl Orders {
    /// Waits until the leg is no longer wanted.
    pub(super) async fn unwanted(&mut self) {
        // An error is a leg that was dropped.
        let _ = self.wish.wait_for(|wish| !matches!(wish, Wish::Go)).await;
    }

    /// Tells what happened. Waits while the line does not listen; nothing if it is gone.
    pub(super) async fn tell(&self, event: LegEvent) {
        let _ = self.events.send(event).await;
    }

    /// Tells what the far end may say as often as it likes. False if nobody listens.
    pub(super) fn mention(&self, event: LegEvent) -> bool {
        self.events.try_send(event).is_ok()
    }
}

/// Waits until a leg is to be released, and why.
pub(super) async fn to_be_released(wish: &mut watch::Receiver<Wish>) -> Reason {
    match wish.wait_for(|wish| matches!(wish, Wish::HangUp(_))).await.as_deref() {
        Ok(Wish::HangUp(reason)) => reason.clone(),
        Ok(Wish::Go | Wish::Cancel) | Err(_) => Reason::q850(NORMAL_CLEARING),
    }
}

/// Q.850: nothing is wrong.
const NORMAL_CLEARING: u8 = 16;

/// What a far end does.
#[derive(Debug)]
pub enum LegEvent {
    /// It works on it: 100.
    Trying,
    /// It has come further: 18x. With SDP, early media follows.
    Ringing {
        /// 180 to 199.
        code: u16,
        /// Its SDP, if there was any.
        sdp: Option<Vec<u8>>,
    },
    /// It has answered: 200, which is acknowledged. Also when that crosses our cancel; whoever
    /// still holds the leg then hangs up.
    Answered {
        /// Its SDP; empty if it sent none.
        sdp: Vec<u8>,
        /// What another process needs to release it: see `Stack::hang_up_left_behind`.
        dialog: Vec<u8>,
    },
    /// It has not answered, finally. Nothing follows.
    Failed(Failure),
    /// It wants the media changed: re-INVITE, or UPDATE. Refused with 500 if nobody answers
    /// within two seconds.
    Reoffered {
        /// Its offer; none asks for ours, and its answer comes as `Reanswered`.
        sdp: Option<Vec<u8>>,
        /// To be answered.
        reply: Reply,
    },
    /// Its answer to an offer that it had asked for.
    Reanswered {
        /// Its SDP.
        sdp: Vec<u8>,
    },
    /// A key, by SIP INFO: 0-9, `*`, `#`, A-D.
    Key(char),
    /// Released after the answer. Nothing follows.
    Ended {
        /// Why, as far as the far end said.
        release: Release,
        /// Who did it.
        by: EndedBy,
        /// The text of its Reason header.
        text: String,
    },
}

/// Why a leg was not answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The code of the far end, or none if nothing came from there; and its cause.
    pub release: Release,
    /// The reason phrase, and the text of the Reason header.
    pub text: String,
    /// When to come again.
    pub retry_after: Option<Duration>,
    /// Nothing final came in time.
    pub local_timeout: bool,
    /// Nothing could be sent: no such name, no connection.
    pub unreachable: bool,
}

/// Who released a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its BYE.
    FarEnd,
    /// Our BYE, which is confirmed now or will never be.
    Us,
    /// The session timer: nobody had said for too long that it is still up (RFC 4028 §10).
    SessionTimer,
    /// The far end no longer knows it (481), or never acknowledged.
    Lost,
}

/// What answers a [`LegEvent::Reoffered`]. Dropping it refuses with 488.
#[derive(Debug)]
pub struct Reply(oneshot::Sender<Vec<u8>>);

impl Reply {
    pub(super) fn channel() -> (Self, oneshot::Receiver<Vec<u8>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Agrees, with our SDP.
    pub fn accept(self, sdp: Vec<u8>) {
        // Too late is refused already.
        let _ = self.0.send(sdp);
    }

    /// Refuses: 488.
    pub fn refuse(self) {}
}

/// How many events wait for a line that does not listen; more than any call has without a flood.
const EVENTS: usize = 64;
/// How many keys wait to be sent.
const KEYS: usize = 32;

impl Leg {
    pub(super) fn channel(call_id: String) -> (Self, Orders) {
        let (events_in, events) = mpsc::channel(EVENTS);
        let (wish, wish_out) = watch::channel(Wish::Go);
        let (keys, keys_out) = mpsc::channel(KEYS);
        let orders = Orders { events: events_in, wish: wish_out, keys: keys_out };
        (Self { call_id, events, wish, keys }, orders)
    }

    /// Its Call-ID, by which its ladder is taken.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// What has happened next; none after `Failed` or `Ended`.
    pub async fn next(&mut self) -> Option<LegEvent> {
        self.events.recv().await
    }

    /// What has happened next, for whoever polls.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<LegEvent>> {
        self.events.poll_recv(cx)
    }

    /// Stops calling. Comes to `Failed` within ten round trips (5 s in a real network), or to
    /// `Answered` if the far end was quicker.
    pub fn cancel(&self) {
        self.wish.send_if_modified(|wish| match wish {
            Wish::Go => {
                *wish = Wish::Cancel;
                true
            }
            Wish::Cancel | Wish::HangUp(_) => false,
        });
    }

    /// Releases it, saying why. Comes to `Ended`, or, if it was not up yet, is a cancel that
    /// releases what is answered all the same.
    pub fn hang_up(&self, reason: Reason) {
        self.wish.send_if_modified(|wish| match wish {
            Wish::Go | Wish::Cancel => {
                *wish = Wish::HangUp(reason);
                true
            }
            Wish::HangUp(_) => false,
        });
    }

    /// Sends a key by INFO. False if too many wait already, or it is not up any more.
    pub fn send_info_key(&self, key: char) -> bool {
        self.keys.try_send(key).is_ok()
    }
}
