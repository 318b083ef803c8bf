//! A side of a line: one of its two legs, on its way through the trunks.

use model::cdr::{self, Release};
use model::{Number, Outcome, Timestamp};
use voip::g711::Codec;
use voip::sdp::{self, Agreed, Local};

use super::carrier::{Shared, write_note};
use super::standing::Place;
use super::{Failure, Hunt, Leg, LegEvent, Reason, Recorder, Reply, Unreached, Verdict};
use crate::carrier::{Progress, Signal};
use crate::media::{CallMedia, LegSettings, Peer};

/// Q.850: no answer from the user; no circuit available; bearer capability not implemented.
const NO_ANSWER: u8 = 19;
const NO_CIRCUIT: u8 = 34;
const NO_BEARER: u8 = 65;

/// One leg of a line.
pub(super) struct Side {
    which: cdr::Leg,
    to: Number,
    shown: String,
    /// The codec that the other side speaks; offered first.
    preferred: Option<Codec>,
    hunt: Hunt,
    dialled: Option<Dialled>,
    rang: bool,
    is_cancelled: bool,
    pub(super) is_up: bool,
    /// What it takes to hang it up without us.
    pub(super) note: Option<Vec<u8>>,
    /// The codec that it speaks, once that is agreed.
    pub(super) codec: Option<Codec>,
}

/// What was dialled through the way that is tried.
struct Dialled {
    leg: Leg,
    local: Local,
    offered: Vec<Codec>,
    /// When it must have come further.
    patience: Option<Patience>,
    /// Given back when the leg is over.
    _place: Place,
}

/// How long a way may take, and what it is then.
#[derive(Clone, Copy)]
enum Patience {
    /// Nothing has come back.
    Reply(Timestamp),
    /// It rings, or nothing has been heard of that yet.
    Ring(Timestamp),
}

/// What a side is dialled with.
pub(super) struct Dial {
    pub(super) which: cdr::Leg,
    pub(super) to: Number,
    pub(super) shown: String,
    pub(super) preferred: Option<Codec>,
    /// The only trunk that it may go through; none: any that serves the number.
    pub(super) through: Option<String>,
}

/// What the sides of a line work with.
pub(super) struct World<'a> {
    pub(super) shared: &'a Shared,
    pub(super) media: &'a mut CallMedia,
    pub(super) recorder: &'a Recorder,
    pub(super) now: Timestamp,
}

impl Side {
    /// Dials through the first way that can be tried, or says why there is none.
    pub(super) fn dial(
        dial: Dial,
        chance: &mut fastrand::Rng,
        world: &mut World<'_>,
    ) -> Result<Self, Release> {
        let Dial { which, to, shown, preferred, through } = dial;
        let ways = match through {
            Some(name) => world.shared.trunks.route_through(&name, world.now, chance),
            None => world.shared.trunks.route(&to, world.now, chance),
        };
        let no_circuit = Release { code: None, cause: Some(NO_CIRCUIT) };
        let hunt = Hunt::new(ways.map_err(super::NoWay::release)?).ok_or(no_circuit)?;
        let mut side = Self {
            which,
            to,
            shown,
            preferred,
            hunt,
            dialled: None,
            rang: false,
            is_cancelled: false,
            is_up: false,
            note: None,
            codec: None,
        };
        side.try_ways(false, world)?;
        Ok(side)
    }

    /// The trunk that it goes, or went, through.
    pub(super) fn trunk(&self) -> &super::Trunk {
        self.hunt.way().trunk()
    }

    /// When it is to be told the time.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.dialled.as_ref()?.patience? {
            Patience::Reply(until) | Patience::Ring(until) => Some(until),
        }
    }

    pub(super) fn leg(&mut self) -> Option<&mut Leg> {
        self.dialled.as_mut().map(|dialled| &mut dialled.leg)
    }

    pub(super) fn cancel(&mut self) {
        self.is_cancelled = true;
        if let Some(dialled) = &mut self.dialled {
            dialled.patience = None;
            dialled.leg.cancel();
        }
    }

    pub(super) fn hang_up(&mut self, reason: Reason) {
        if let Some(dialled) = &mut self.dialled {
            dialled.leg.hang_up(reason);
        }
    }

    /// Takes in that time has passed.
    pub(super) fn tick(&mut self, world: &mut World<'_>) -> Option<Signal> {
        let dialled = self.dialled.as_mut()?;
        match dialled.patience? {
            Patience::Reply(until) if until <= world.now => {
                let failure = Failure { local_timeout: true, ..Failure::default() };
                // Dropping the leg gives it up, and releases what is answered all the same.
                self.failed(&failure, Some(Outcome::NetworkError), world)
            }
            Patience::Ring(until) if until <= world.now => {
                let release = Release { code: Some(480), cause: Some(NO_ANSWER) };
                Some(self.over(Progress::Failed(release), world))
            }
            Patience::Reply(_) | Patience::Ring(_) => None,
        }
    }

    /// Takes in what the far end did.
    pub(super) fn hear(&mut self, event: LegEvent, world: &mut World<'_>) -> Option<Signal> {
        match event {
            LegEvent::Trying => self.heard(Progress::Trying, world),
            LegEvent::Ringing { sdp, .. } => {
                self.rang = true;
                let early_media = sdp.is_some_and(|sdp| self.connect(&sdp, world).is_ok());
                self.heard(Progress::Ringing { early_media }, world)
            }
            LegEvent::Answered { sdp, dialog } => self.answered(&sdp, &dialog, world),
            LegEvent::Failed(failure) if self.is_cancelled => {
                Some(self.over(Progress::Failed(failure.release), world))
            }
            LegEvent::Failed(failure) => self.failed(&failure, None, world),
            LegEvent::Reoffered { sdp, reply } => {
                self.reoffered(sdp.as_deref(), reply, world);
                None
            }
            LegEvent::Reanswered { sdp } => {
                // What it does not understand of its own, it does not get; media stays as it is.
                let _ = self.connect(&sdp, world);
                None
            }
            LegEvent::Key(key) => Some(Signal::Key(key)),
            LegEvent::Ended { release, .. } => Some(self.over(Progress::Ended(release), world)),
        }
    }

    /// The stack has given it up without a word, as it does when it stops.
    pub(super) fn lost(&mut self, world: &mut World<'_>) -> Signal {
        let release = Release::default();
        let progress =
            if self.is_up { Progress::Ended(release) } else { Progress::Failed(release) };
        self.over(progress, world)
    }

    fn heard(&mut self, progress: Progress, world: &World<'_>) -> Option<Signal> {
        let way = self.hunt.way();
        way.heard();
        let ring = world.now.plus(way.trunk().ring);
        if let Some(patience) = self.dialled.as_mut().map(|dialled| &mut dialled.patience) {
            match *patience {
                Some(Patience::Reply(_)) => *patience = Some(Patience::Ring(ring)),
                Some(Patience::Ring(_)) | None => {}
            }
        }
        Some(Signal::Leg(self.which, progress))
    }

    fn answered(&mut self, sdp: &[u8], dialog: &[u8], world: &mut World<'_>) -> Option<Signal> {
        if let Some(dialled) = &mut self.dialled {
            dialled.patience = None;
        }
        self.hunt.way().answered();
        // An answer without a description repeats that of the early media.
        let is_described = match sdp {
            [] => self.codec.is_some(),
            sdp => self.connect(sdp, world).is_ok(),
        };
        if !is_described && !self.is_cancelled {
            self.hang_up(Reason::q850(NO_BEARER));
            let release = Release { code: Some(488), cause: Some(NO_BEARER) };
            return Some(self.over(Progress::Failed(release), world));
        }
        self.is_up = true;
        self.note = Some(write_note(&self.hunt.way().trunk().name, dialog));
        Some(Signal::Leg(self.which, Progress::Answered))
    }

    /// The way came to nothing; tries the next one, if another may do better.
    fn failed(
        &mut self,
        failure: &Failure,
        cancelled_as: Option<Outcome>,
        world: &mut World<'_>,
    ) -> Option<Signal> {
        self.hunt.way().failed(failure, world.now);
        let verdict = self.hunt.failed(&Unreached { failure, rang: self.rang, cancelled_as });
        let tried = match verdict {
            Verdict::Next => self.try_ways(false, world),
            Verdict::OtherCodec => self.try_ways(true, world),
            Verdict::Final => Err(failure.release),
        };
        Some(match tried {
            Ok(()) => Signal::Leg(self.which, Progress::Redialled),
            Err(release) => self.over(Progress::Failed(release), world),
        })
    }

    /// Tries the way of the hunt, or the next one that has room.
    fn try_ways(&mut self, other_codec: bool, world: &mut World<'_>) -> Result<(), Release> {
        self.dialled = None;
        (self.rang, self.codec) = (false, None);
        let no_circuit = Release { code: None, cause: Some(NO_CIRCUIT) };
        loop {
            match self.hunt.way().take(world.now) {
                Ok(place) => {
                    return self.try_way(place, other_codec, world).map_err(|error| {
                        tracing::error!(%error, "A leg gets no ports for its media.");
                        no_circuit
                    });
                }
                Err(_) if self.hunt.skip() == Verdict::Final => return Err(no_circuit),
                Err(_) => {}
            }
        }
    }

    fn try_way(
        &mut self,
        place: Place,
        other_codec: bool,
        world: &mut World<'_>,
    ) -> std::io::Result<()> {
        let way = self.hunt.way();
        let trunk = way.trunk();
        let settings = LegSettings { latching: world.shared.latching, in_band: trunk.keys.in_band };
        let address = world.media.open(self.which, settings)?;
        let local = Local { address, session: world.now.as_millis().unsigned_abs(), version: 1 };
        let offered = codecs(&trunk.codecs, self.preferred, other_codec);
        let mut invite = way.invite(&self.to, &self.shown, &world.shared.domain);
        invite.offer = local.offer(&offered).into_bytes();
        invite.recorder = world.recorder.clone();
        invite.leg = self.which;
        let patience = Some(Patience::Reply(world.now.plus(trunk.no_reply)));
        let leg = world.shared.stack.invite(invite);
        self.dialled = Some(Dialled { leg, local, offered, patience, _place: place });
        Ok(())
    }

    /// Sends media where the description says.
    fn connect(&mut self, sdp: &[u8], world: &mut World<'_>) -> Result<(), ()> {
        let Some(dialled) = &self.dialled else { return Err(()) };
        let remote = sdp::read(sdp).map_err(|_| ())?;
        let agreed = sdp::agree(&dialled.offered, &remote).map_err(|_| ())?;
        self.settle(&remote, agreed, world);
        Ok(())
    }

    fn settle(&mut self, remote: &sdp::Remote, agreed: Agreed, world: &mut World<'_>) {
        self.codec = Some(agreed.codec);
        let peer = Peer { rtp: remote.address, rtcp: remote.rtcp, agreed };
        world.media.connect(self.which, peer);
    }

    /// The far end wants media changed: held, resumed, moved.
    fn reoffered(&mut self, sdp: Option<&[u8]>, reply: Reply, world: &mut World<'_>) {
        let Some(dialled) = &mut self.dialled else { return reply.refuse() };
        dialled.local = dialled.local.revised();
        let Some(offer) = sdp else {
            return reply.accept(dialled.local.offer(&dialled.offered).into_bytes());
        };
        let Ok(remote) = sdp::read(offer) else { return reply.refuse() };
        let Ok((answer, agreed)) = dialled.local.answer(&remote, &dialled.offered) else {
            return reply.refuse();
        };
        reply.accept(answer.into_bytes());
        self.settle(&remote, agreed, world);
    }

    /// It is over; dropping its leg gives up whatever may be left of it.
    fn over(&mut self, progress: Progress, world: &mut World<'_>) -> Signal {
        self.dialled = None;
        self.is_up = false;
        world.media.close_leg(self.which);
        Signal::Leg(self.which, progress)
    }
}

/// What is offered: what the other side speaks first, so that nothing has to be converted; or only
/// what was not taken before.
fn codecs(wanted: &[Codec], preferred: Option<Codec>, other_codec: bool) -> Vec<Codec> {
    if other_codec {
        return wanted.get(1..).unwrap_or_default().to_vec();
    }
    let mut codecs = wanted.to_vec();
    codecs.sort_by_key(|codec| Some(*codec) != preferred);
    codecs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codec_of_the_other_side_is_offered_first() {
        use Codec::{Pcma, Pcmu};
        assert_eq!(codecs(&[Pcma, Pcmu], None, false), [Pcma, Pcmu]);
        assert_eq!(codecs(&[Pcma, Pcmu], Some(Pcmu), false), [Pcmu, Pcma]);
        assert_eq!(codecs(&[Pcma], Some(Pcmu), false), [Pcma]);
        assert_eq!(codecs(&[Pcma, Pcmu], Some(Pcmu), true), [Pcmu]);
    }
}
