//! A way: one destination of one trunk, as a leg goes through it.

use std::sync::Arc;

use model::{Number, Timestamp, cdr};

use super::super::health::{Change, Health};
use super::super::leg::Failure;
use super::super::load::Full;
use super::super::standing::Place;
use super::super::trunk::{Destination, Trunk};
use super::super::{Invite, Recorder};
use super::Entry;

/// One destination of one trunk.
#[derive(Clone, Debug)]
pub struct Way {
    entry: Entry,
    destination: usize,
}

impl Way {
    pub(super) fn new(entry: Entry, destination: usize) -> Self {
        Self { entry, destination }
    }

    /// The trunk.
    pub fn trunk(&self) -> &Arc<Trunk> {
        &self.entry.trunk
    }

    /// The destination.
    pub fn destination(&self) -> &Destination {
        &self.entry.trunk.destinations[self.destination]
    }

    /// Takes a place on the trunk for a leg that is dialled now. It is kept until the leg is over.
    ///
    /// # Errors
    /// The trunk has become full.
    pub fn take(&self, now: Timestamp) -> Result<Place, Full> {
        self.entry.standing.take(now)
    }

    /// The INVITE of a leg to that number that shows the other one, as the trunk wants it. `host` is
    /// the right side of our own URIs. Offer, recorder and leg are for the caller to fill in.
    pub fn invite(&self, called: &Number, shown: &str, host: &str) -> Invite {
        let (trunk, hop) = (self.trunk(), &self.destination().hop);
        let caller = trunk.caller.tell(shown, trunk.known_at(hop, host));
        Invite {
            to: trunk.called.uri(called.digits(), &hop.authority()),
            from: caller.from,
            headers: caller.headers,
            hop: hop.clone(),
            credentials: trunk.credentials.clone(),
            offer: Vec::new(),
            session: trunk.session,
            recorder: Recorder::default(),
            leg: cdr::Leg::A,
        }
    }

    /// Something came from it: 1xx or 200.
    pub fn heard(&self) {
        self.note(Health::heard);
    }

    /// A leg was answered.
    pub fn answered(&self) {
        self.heard();
        self.entry.standing.known().answered += 1;
    }

    /// A leg came to nothing. Not for one that somebody ordered to end.
    pub fn failed(&self, failure: &Failure, now: Timestamp) {
        let code = failure.release.code;
        self.entry.standing.known().failures.count(code);
        match code {
            Some(_) => self.note(Health::heard),
            None => self.note(|health| health.missed(now)),
        }
        if let (Some(503), Some(span)) = (code, failure.retry_after) {
            let hop = &self.destination().hop;
            tracing::info!(
                trunk = self.trunk().name, %hop, seconds = span.as_secs(),
                "A trunk wants to be left alone for a while.",
            );
            self.entry.standing.change(hop, |health| {
                health.rest(span, now);
                None
            });
        }
    }

    fn note(&self, change: impl FnOnce(&mut Health) -> Option<Change>) {
        self.entry.note(&self.destination().hop, change);
    }
}
