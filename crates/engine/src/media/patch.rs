//! A call's two legs on a media thread, and what each of them hears.

use std::sync::{Arc, Mutex, PoisonError};

use model::cdr::Leg as Which;
use tokio::sync::mpsc;
use voip::g711::Codec;
use voip::tone::Tone;
use voip::{FRAME, amd};

use super::MediaSettings;
use super::call::{Event, LegSettings, Order, Qualities};
use super::clock::{self, Samples};
use super::leg::{Leg, Turn};
use super::ports::Sockets;
use super::recorder::Recorder;
use super::voice::{Frame, Hears};

/// Events that keys leave free for everything else.
const RESERVED: usize = 16;
/// Frames that are made up for by listening on at the end: what an ear holds while a call goes well.
const HELD_MAX: usize = 2;

/// The way out to the line.
#[derive(Debug)]
pub(super) struct Outlet {
    events: mpsc::Sender<Event>,
    quality: Arc<Mutex<Qualities>>,
}

impl Outlet {
    pub(super) fn new(events: mpsc::Sender<Event>, quality: Arc<Mutex<Qualities>>) -> Self {
        Self { events, quality }
    }

    /// A thread does not wait for a line. Only keys come as fast as a stranger likes; of the rest
    /// there is one for each order, or one in many seconds.
    fn tell(&self, event: Event, turn: &mut Turn<'_>) {
        let crowded = matches!(event, Event::Key(..)) && self.events.capacity() <= RESERVED;
        if (crowded || self.events.try_send(event).is_err()) && !self.events.is_closed() {
            turn.counts.unheard += 1;
        }
    }
}

/// The media of a call.
#[derive(Debug)]
pub(super) struct Patch {
    legs: [Option<Leg>; 2],
    hears: [Hears; 2],
    outlet: Outlet,
    /// Our name in RTCP: chance, as long as the call (RFC 7022).
    cname: String,
    detector: Option<amd::Detector>,
    recorder: Option<Recorder>,
    silence_told: Samples,
}

impl Patch {
    pub(super) fn new(outlet: Outlet) -> Self {
        Self {
            legs: [None, None],
            hears: [Hears::Silence, Hears::Silence],
            outlet,
            cname: format!("{:016x}", fastrand::u64(..)),
            detector: None,
            recorder: None,
            silence_told: 0,
        }
    }

    /// The sockets are watched already.
    pub(super) fn open(
        &mut self,
        which: Which,
        sockets: Sockets,
        settings: LegSettings,
        turn: &mut Turn<'_>,
    ) {
        self.close_leg(which, turn);
        self.legs[which as usize] = Some(Leg::open(sockets, settings));
        self.attend();
    }

    /// Does what the line asks.
    pub(super) fn order(&mut self, order: Order, settings: &MediaSettings, turn: &mut Turn<'_>) {
        let [hears_a, hears_b] = &mut self.hears;
        match order {
            Order::Connect(which, peer) => {
                self.leg(which).into_iter().for_each(|leg| leg.connect(peer, turn.now));
            }
            Order::Play(audio) => *hears_a = Hears::Prompt(audio, 0),
            Order::StopPlaying => {
                if let Hears::Prompt(..) = hears_a {
                    *hears_a = Hears::Silence;
                }
            }
            Order::Ringback => *hears_a = Hears::Ringback(Tone::ringback(settings.tones)),
            Order::EarlyMedia => (*hears_a, *hears_b) = (Hears::Other, Hears::Silence),
            Order::Bridge => (*hears_a, *hears_b) = (Hears::Other, Hears::Other),
            Order::Beep => self.legs.iter_mut().flatten().for_each(Leg::beep),
            Order::Detect => {
                self.detector = Some(amd::Detector::new(settings.detection));
                self.attend();
            }
            Order::Record => {
                self.recorder.get_or_insert_default();
                self.attend();
            }
            Order::SendKey(which, key) => {
                self.leg(which).into_iter().for_each(|leg| leg.press(key));
            }
            Order::CloseLeg(which) => self.close_leg(which, turn),
            // Those are the thread's.
            Order::Begin(_) | Order::Open(..) | Order::Close => {}
        }
    }

    /// A datagram has come to a leg's port of RTP.
    pub(super) fn receive(&mut self, which: Which, room: &mut [u8], turn: &mut Turn<'_>) {
        let (from, to, hears) = match (&mut self.legs, &self.hears) {
            ([a, b], [_, hears_b]) if which == Which::A => (a, b, hears_b),
            ([a, b], [hears_a, _]) => (b, a, hears_a),
        };
        let Some(said) = from.as_mut().and_then(|leg| leg.receive(room, turn)) else { return };
        if let Some(to) = to.as_mut().filter(|_| hears.is_other()) {
            to.relay(&said, turn);
        }
        if let Some(key) = said.key {
            self.outlet.tell(Event::Key(which, key), turn);
        }
    }

    /// A datagram has come to a leg's port of RTCP.
    pub(super) fn receive_report(&mut self, which: Which, room: &mut [u8], turn: &mut Turn<'_>) {
        self.leg(which).into_iter().for_each(|leg| leg.receive_report(room, turn));
    }

    /// 20 ms are over, by the tick, of which we speak unless they are long over.
    pub(super) fn tick(&mut self, speaks: bool, settings: &MediaSettings, turn: &mut Turn<'_>) {
        if speaks {
            for (leg, hears) in self.legs.iter_mut().zip(&mut self.hears) {
                match leg {
                    Some(leg) => leg.tick(hears, turn),
                    None => drop(hears.next(Codec::Pcmu)),
                }
            }
            if self.hears[0].finishes() {
                self.outlet.tell(Event::PromptFinished, turn);
            }
        }
        self.listen(turn);
        self.miss(clock::samples(settings.silence), turn);
        self.report(turn.now);
    }

    /// Hands what both have said in the last 20 ms to whoever wants it.
    fn listen(&mut self, turn: &mut Turn<'_>) {
        let silence = [Codec::Pcmu.silence(); FRAME];
        let mut said: [Frame; 2] = [silence; 2];
        for (which, said) in [Which::A, Which::B].into_iter().zip(&mut said) {
            let Some(leg) = &mut self.legs[which as usize] else { continue };
            if !leg.is_attended() {
                continue;
            }
            if let Some(frame) = leg.frame() {
                *said = frame;
            }
            let mut linear = [0; FRAME];
            Codec::Pcmu.decode(said, &mut linear);
            if let Some(key) = leg.key_in(&linear) {
                self.outlet.tell(Event::Key(which, key), turn);
            }
            let detector = self.detector.as_mut().filter(|_| which == Which::A);
            if let Some(detection) = detector.and_then(|detector| detector.hear(&linear)) {
                self.detector = None;
                self.outlet.tell(Event::Detected(detection), turn);
                self.attend();
            }
        }
        let [a, b] = &said;
        if let Some(part) = self.recorder.as_mut().and_then(|recorder| recorder.add(a, b)) {
            self.outlet.tell(Event::Recorded(part), turn);
        }
    }

    /// Tells if nobody has been heard for so long, and again if that goes on.
    fn miss(&mut self, longest: Samples, turn: &mut Turn<'_>) {
        let heard = self.legs.iter().flatten().filter_map(|leg| leg.heard(turn.now)).max();
        let Some(since) = heard.map(|heard| heard.max(self.silence_told)) else { return };
        if turn.now.saturating_sub(since) >= longest {
            self.silence_told = turn.now;
            self.outlet.tell(Event::Silence, turn);
        }
    }

    fn report(&mut self, now: Samples) {
        let mut reported = false;
        for leg in self.legs.iter_mut().flatten().filter(|leg| leg.report_is_due(now)) {
            leg.report(&self.cname, false, now);
            reported = true;
        }
        if reported {
            self.publish();
        }
    }

    /// Ends everything. Nothing is told after that.
    pub(super) fn close(mut self, turn: &mut Turn<'_>) {
        if self.recorder.is_some() {
            self.legs.iter_mut().flatten().for_each(Leg::finish);
            (0..HELD_MAX).for_each(|_| self.listen(turn));
        }
        self.close_leg(Which::A, turn);
        self.close_leg(Which::B, turn);
        if let Some(rest) = self.recorder.take().and_then(Recorder::rest) {
            self.outlet.tell(Event::Recorded(rest), turn);
        }
    }

    fn close_leg(&mut self, which: Which, turn: &mut Turn<'_>) {
        let Some(mut leg) = self.legs[which as usize].take() else { return };
        leg.report(&self.cname, true, turn.now);
        let mut quality = self.outlet.quality.lock().unwrap_or_else(PoisonError::into_inner);
        quality[which as usize] = leg.quality();
    }

    fn publish(&self) {
        let mut quality = self.outlet.quality.lock().unwrap_or_else(PoisonError::into_inner);
        for (quality, leg) in quality.iter_mut().zip(&self.legs) {
            if let Some(leg) = leg {
                *quality = leg.quality();
            }
        }
    }

    /// Only what somebody listens to is laid on the grid.
    fn attend(&mut self) {
        let [a, b] = &mut self.legs;
        let recorded = self.recorder.is_some();
        a.iter_mut().for_each(|leg| leg.attend(recorded || self.detector.is_some()));
        b.iter_mut().for_each(|leg| leg.attend(recorded));
    }

    fn leg(&mut self, which: Which) -> Option<&mut Leg> {
        self.legs[which as usize].as_mut()
    }
}
