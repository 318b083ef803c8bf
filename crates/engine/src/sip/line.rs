//! A line of SIP: the two legs of a call, and the media between them, as a call orders it and is
//! told of it. It has no task of its own: whoever polls it moves it on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use model::Timestamp;
use model::cdr::Leg;

use super::carrier::{Recording, Shared};
use super::side::{Dial, Side, World};
use super::trunk::KeysBy;
use super::{LegEvent, Reason, Recorder};
use crate::carrier::{LegRemains, Line, Order, Progress, Remains, Signal};
use crate::media::{CallMedia, Event};

/// Q.850: normal clearing.
const NORMAL_CLEARING: u8 = 16;

/// One attempt at a message.
pub(super) struct SipLine {
    shared: Arc<Shared>,
    media: CallMedia,
    recorder: Recorder,
    chance: fastrand::Rng,
    /// The only trunk that it goes through; none: the route decides.
    through: Option<String>,
    a: Option<Side>,
    b: Option<Side>,
    told: VecDeque<Signal>,
    is_bridged: bool,
    /// Neither side has sent media for long.
    is_silent: bool,
    recorded: Vec<u8>,
}

impl SipLine {
    pub(super) fn new(shared: Arc<Shared>, seed: u64) -> Self {
        let media = shared.plane.call();
        Self {
            shared,
            media,
            recorder: Recorder::default(),
            chance: fastrand::Rng::with_seed(seed),
            through: None,
            a: None,
            b: None,
            told: VecDeque::new(),
            is_bridged: false,
            is_silent: false,
            recorded: Vec::new(),
        }
    }

    /// A line through the trunk of that name alone.
    pub(super) fn through(shared: Arc<Shared>, trunk: &str, seed: u64) -> Self {
        Self { through: Some(trunk.to_owned()), ..Self::new(shared, seed) }
    }

    /// Lets a side do something in its world.
    fn with<T>(
        &mut self,
        leg: Leg,
        now: Timestamp,
        act: impl FnOnce(&mut Side, &mut World<'_>) -> T,
    ) -> Option<T> {
        let Self { shared, media, recorder, a, b, .. } = self;
        let side = match leg {
            Leg::A => a.as_mut(),
            Leg::B => b.as_mut(),
        }?;
        Some(act(side, &mut World { shared, media, recorder, now }))
    }

    fn side(&mut self, leg: Leg) -> &mut Option<Side> {
        match leg {
            Leg::A => &mut self.a,
            Leg::B => &mut self.b,
        }
    }

    fn dial(&mut self, dial: Dial, now: Timestamp) {
        let which = dial.which;
        let Self { shared, media, recorder, chance, .. } = self;
        let mut world = World { shared, media, recorder, now };
        match Side::dial(dial, chance, &mut world) {
            Ok(side) => *self.side(which) = Some(side),
            Err(release) => self.told.push_back(Signal::Leg(which, Progress::Failed(release))),
        }
    }

    /// Takes in what the far ends have done. True if that may have been all.
    fn hear_legs(&mut self, now: Timestamp, cx: &mut Context<'_>) -> bool {
        let mut is_quiet = true;
        for leg in [Leg::A, Leg::B] {
            let Some(sip) = self.side(leg).as_mut().and_then(Side::leg) else { continue };
            let Poll::Ready(event) = sip.poll_next(cx) else { continue };
            is_quiet = false;
            let signal = match event {
                Some(LegEvent::Key(key)) => {
                    self.pressed(leg, key);
                    None
                }
                Some(event) => self.with(leg, now, |side, world| side.hear(event, world)).flatten(),
                None => self.with(leg, now, Side::lost),
            };
            self.told.extend(signal);
        }
        is_quiet
    }

    /// Takes in what has happened in the media. True if that may have been all. Media that has ended
    /// by itself is broken, and nobody will hear anything more.
    fn hear_media(&mut self, cx: &mut Context<'_>) -> bool {
        let event = match self.media.poll(cx) {
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) if !self.is_silent => Event::Silence,
            Poll::Ready(None) | Poll::Pending => return true,
        };
        match event {
            Event::Key(leg, key) => self.heard_key(leg, key),
            Event::PromptFinished => self.told.push_back(Signal::PromptFinished),
            Event::Detected(detection) => self.told.push_back(Signal::Detected(detection)),
            Event::Silence => {
                self.is_silent = true;
                self.told.push_back(Signal::Silence);
            }
            Event::Recorded(samples) => {
                self.recorded.extend(samples);
                self.told.push_back(Signal::Recorded);
            }
        }
        false
    }

    /// A key came by INFO: the media plane has not seen it.
    fn pressed(&mut self, leg: Leg, key: char) {
        if self.is_bridged && !self.passes_by_info(other(leg), key) {
            self.media.send_key(other(leg), key);
        }
        self.tell_key(leg, key);
    }

    /// A key came with the media, which has passed it on if the other side takes events.
    fn heard_key(&mut self, leg: Leg, key: char) {
        if self.is_bridged {
            self.passes_by_info(other(leg), key);
        }
        self.tell_key(leg, key);
    }

    /// Sends the key by INFO, if the trunk of that leg wants it so.
    fn passes_by_info(&mut self, to: Leg, key: char) -> bool {
        let Some(side) = self.side(to) else { return false };
        side.trunk().keys.by == KeysBy::Info && side.leg().is_some_and(|leg| leg.send_info_key(key))
    }

    fn tell_key(&mut self, leg: Leg, key: char) {
        if leg == Leg::A {
            self.told.push_back(Signal::Key(key));
        }
    }

    fn record(&mut self) {
        if self.shared.recording != Recording::None {
            self.media.record();
        }
    }
}

impl Line for SipLine {
    fn order(&mut self, order: Order, now: Timestamp) {
        match order {
            Order::Dial { leg, from, to } => {
                let preferred = self.a.as_ref().and_then(|a| a.codec);
                let through = self.through.clone();
                self.dial(Dial { which: leg, to, shown: from, preferred, through }, now);
            }
            Order::Cancel(leg) => {
                self.with(leg, now, |side, _| side.cancel());
            }
            Order::HangUp(leg) => {
                // RTP timeout, as others say it: there is no cause of the telephone network for it.
                let reason = match self.is_silent {
                    true => Reason::sip(804, "Media timeout"),
                    false => Reason::q850(NORMAL_CLEARING),
                };
                self.with(leg, now, |side, _| side.hang_up(reason));
            }
            Order::Detect => self.media.detect(),
            Order::Play(audio) => self.media.play(audio),
            Order::StopPlaying => self.media.stop_playing(),
            Order::Ringback => self.media.ringback(),
            Order::EarlyMedia => self.media.early_media(),
            Order::Bridge => {
                self.is_bridged = true;
                self.media.bridge();
                if self.shared.recording == Recording::All {
                    self.record();
                }
            }
            Order::Record if self.shared.recording == Recording::Asked => self.record(),
            Order::Record => {}
            Order::Beep => self.media.beep(),
        }
    }

    fn poll(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Signal> {
        loop {
            if let Some(signal) = self.told.pop_front() {
                return Poll::Ready(signal);
            }
            for leg in [Leg::A, Leg::B] {
                let signal = self.with(leg, now, Side::tick).flatten();
                self.told.extend(signal);
            }
            let is_quiet = self.hear_legs(now, cx) & self.hear_media(cx);
            if is_quiet && self.told.is_empty() {
                return Poll::Pending;
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let sides = [&self.a, &self.b].into_iter().flatten();
        sides.filter_map(Side::deadline).min()
    }

    fn dialog(&self, leg: Leg) -> Option<Vec<u8>> {
        let side = match leg {
            Leg::A => &self.a,
            Leg::B => &self.b,
        };
        side.as_ref()?.note.clone()
    }

    fn recorded(&mut self) -> Option<Vec<u8>> {
        let recorded = std::mem::take(&mut self.recorded);
        Some(recorded).filter(|recorded| !recorded.is_empty())
    }

    fn poll_remains(&mut self, cx: &mut Context<'_>) -> Poll<Remains> {
        self.media.close();
        loop {
            match self.media.poll(cx) {
                Poll::Ready(Some(Event::Recorded(samples))) => self.recorded.extend(samples),
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        let of = |side: &Option<Side>, leg| LegRemains {
            trunk: side.as_ref().map(|side| side.trunk().name.clone()),
            quality: self.media.quality(leg),
        };
        let (a, b) = (of(&self.a, Leg::A), of(&self.b, Leg::B));
        Poll::Ready(Remains { a, b, ladder: self.recorder.ladder() })
    }
}

fn other(leg: Leg) -> Leg {
    match leg {
        Leg::A => Leg::B,
        Leg::B => Leg::A,
    }
}
