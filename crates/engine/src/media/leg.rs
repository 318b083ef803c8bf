//! One leg's media: its sockets, the stream that it is sent, and what comes of the one it sends.
//!
//! It trusts nothing that comes: whose it is, whether it is RTP, whether it was agreed, whether it
//! has been here before.

use std::net::SocketAddr;

use model::cdr::Quality;
use voip::event::Receiver;
use voip::g711::{Codec, convert};
use voip::inband;
use voip::rtp::{Arrival, HEADER, Header, Outgoing, Packet, Received};
use voip::sdp::{Agreed, Content, Direction};
use voip::tone::Tone;
use voip::{FRAME, rtcp};

use super::call::{LegSettings, Peer};
use super::clock::{self, Samples};
use super::counters::Counts;
use super::ear::Ear;
use super::keys::{KeyPacket, Keys};
use super::latch::Latch;
use super::ports::Sockets;
use super::reports::Reports;
use super::voice::{self, Frame, Hears};

/// Bytes of the largest packet that is passed on: 170 ms of speech in one.
pub(super) const PACKET_MAX: usize = 1_400;
/// Nothing relayed for that long: the other leg is silent, and a beep is sent alone.
const PAUSE: Samples = 3 * FRAME as Samples;
/// Frames that are taken for late rather than for silent.
const LATE_MAX: u8 = 10;

/// What a thread lends for a moment: the time, its counts, and room for a packet.
pub(super) struct Turn<'a> {
    pub(super) now: Samples,
    pub(super) counts: &'a mut Counts,
    pub(super) room: &'a mut [u8; HEADER + PACKET_MAX],
}

/// A leg from its ports to its last report.
#[derive(Debug)]
pub(super) struct Leg {
    sockets: Sockets,
    settings: LegSettings,
    wire: Option<Wire>,
    outgoing: Outgoing,
    received: Received,
    /// Up to when what we have sent lasts.
    sent_until: Samples,
    /// When the other leg was passed on last and under which source, if nothing else was sent since.
    relayed: Option<(Samples, u32)>,
    heard: Samples,
    events: Receiver,
    /// Listens for keys in the sound, until the far end proves that it sends events.
    in_band: Option<inband::Detector>,
    ear: Option<Ear>,
    /// Frames in a row that did not come in time.
    missing: u8,
    keys: Keys,
    beep: Option<Tone>,
}

/// What has been agreed with the far end, and where it is.
#[derive(Debug)]
struct Wire {
    agreed: Agreed,
    rtp: Latch,
    rtcp: Latch,
    reports: Reports,
}

/// Something good that a leg has sent.
pub(super) struct Said<'a> {
    pub(super) packet: Packet<'a>,
    pub(super) content: Content,
    /// A key that it tells.
    pub(super) key: Option<char>,
}

impl Leg {
    pub(super) fn open(sockets: Sockets, settings: LegSettings) -> Self {
        let (ssrc, sequence) = (fastrand::u32(..), fastrand::u16(..));
        Self {
            sockets,
            settings,
            wire: None,
            outgoing: Outgoing::new(ssrc, sequence, fastrand::u32(..)),
            received: Received::default(),
            sent_until: 0,
            relayed: None,
            heard: 0,
            events: Receiver::default(),
            in_band: settings.in_band.then(inband::Detector::default),
            ear: None,
            missing: 0,
            keys: Keys::default(),
            beep: None,
        }
    }

    pub(super) fn connect(&mut self, peer: Peer, now: Samples) {
        // Whoever was to be silent until now is not missed at once.
        self.heard = now;
        match &mut self.wire {
            Some(wire) => {
                wire.agreed = peer.agreed;
                wire.rtp.tell(peer.rtp);
                wire.rtcp.tell(peer.rtcp);
            }
            None => {
                self.sent_until = now;
                let policy = self.settings.latching;
                self.wire = Some(Wire {
                    agreed: peer.agreed,
                    rtp: Latch::new(policy, peer.rtp),
                    rtcp: Latch::new(policy, peer.rtcp),
                    reports: Reports::new(now),
                });
            }
        }
    }

    /// When it was heard last; none if it is not there. One that has been told to send nothing is
    /// never missed, nor is one that has put us on hold: it may play music (RFC 3264, 8.4), and many
    /// play none.
    pub(super) fn heard(&self, now: Samples) -> Option<Samples> {
        let wire = self.wire.as_ref()?;
        let talks = wire.agreed.direction == Direction::SendReceive;
        Some(if talks { self.heard } else { now })
    }

    /// Takes one datagram off the socket of RTP into that room.
    pub(super) fn receive<'a>(
        &mut self,
        room: &'a mut [u8],
        turn: &mut Turn<'_>,
    ) -> Option<Said<'a>> {
        let (bytes, from) = self.sockets.rtp.recv_from(room).ok()?;
        let Some(wire) = self.wire.as_mut().filter(|wire| wire.rtp.admits(from)) else {
            turn.counts.foreign += 1;
            return None;
        };
        // What fills the room has been cut off.
        let packet = if bytes < room.len() { Packet::parse(&room[..bytes]) } else { None };
        let fit = packet.filter(|packet| (1..=PACKET_MAX).contains(&packet.payload.len()));
        let known =
            fit.and_then(|packet| Some((packet, wire.agreed.content(packet.header.payload_type)?)));
        let Some((packet, content)) = known else {
            turn.counts.unfit += 1;
            return None;
        };
        let arrival = self.received.take(&packet.header, clock::stamp(turn.now));
        if let Arrival::Duplicate | Arrival::Stray = arrival {
            turn.counts.unfit += 1;
            return None;
        }
        turn.counts.received += 1;
        wire.rtp.lock(from);
        self.heard = turn.now;
        if !wire.agreed.direction.receives() {
            return None;
        }
        let key = self.listen(&packet, content, arrival);
        Some(Said { packet, content, key })
    }

    fn listen(&mut self, packet: &Packet<'_>, content: Content, arrival: Arrival) -> Option<char> {
        match content {
            Content::Event => {
                self.in_band = None;
                self.events.hear(&packet.header, packet.payload)
            }
            Content::Voice(codec) => {
                if let Some(ear) = self.ear.as_mut().filter(|_| arrival != Arrival::Late) {
                    ear.hear(packet.header.sequence, codec, packet.payload);
                }
                None
            }
        }
    }

    /// Takes one datagram off the socket of RTCP.
    pub(super) fn receive_report(&mut self, room: &mut [u8], turn: &mut Turn<'_>) {
        let Ok((bytes, from)) = self.sockets.rtcp.recv_from(room) else { return };
        let Some(wire) = self.wire.as_mut().filter(|wire| wire.rtcp.admits(from)) else {
            turn.counts.foreign += 1;
            return;
        };
        if wire.reports.hear(&room[..bytes], self.outgoing.ssrc(), turn.now) {
            wire.rtcp.lock(from);
            // One that speaks to nobody still tells that it is there.
            self.heard = turn.now;
        } else {
            turn.counts.unfit += 1;
        }
    }

    /// Passes on what the other leg has sent.
    pub(super) fn relay(&mut self, said: &Said<'_>, turn: &mut Turn<'_>) {
        let Some(agreed) = self.may_send() else { return };
        let (payload_type, samples) = match (said.content, agreed.event) {
            (Content::Voice(_), _) => (agreed.payload_type, said.packet.payload.len() as u32),
            (Content::Event, Some(payload_type)) => (payload_type, 0),
            (Content::Event, None) => return said.key.into_iter().for_each(|key| self.press(key)),
        };
        if self.keys.are_pressed() {
            return;
        }
        let source = said.packet.header.ssrc;
        if self.relayed.is_none_or(|(_, before)| before != source) {
            self.catch_up(turn.now);
        }
        let Some(header) = self.outgoing.relay(&said.packet, payload_type, samples) else { return };
        self.relayed = Some((turn.now, source));
        self.sent_until = self.sent_until.max(turn.now + Samples::from(samples));
        let payload = &mut turn.room[HEADER..HEADER + said.packet.payload.len()];
        payload.copy_from_slice(said.packet.payload);
        if let Content::Voice(codec) = said.content {
            convert(codec, agreed.codec, payload);
            self.beep_over(&agreed, payload);
        }
        self.send(&header, said.packet.payload.len(), turn);
    }

    /// Sends a key.
    pub(super) fn press(&mut self, key: char) {
        self.keys.press(key);
    }

    /// Lets it hear a beep.
    pub(super) fn beep(&mut self) {
        self.beep = Some(Tone::beep());
    }

    /// Another 20 ms of what we send ourselves.
    pub(super) fn tick(&mut self, hears: &mut Hears, turn: &mut Turn<'_>) {
        let Some(agreed) = self.may_send() else {
            // It plays on unheard, so that it ends.
            hears.next(Codec::Pcmu);
            self.beep = None;
            return;
        };
        let frame = hears.next(agreed.codec);
        if self.keys.tick(&agreed) {
            self.catch_up(turn.now);
            match self.keys.next(&mut self.outgoing, &agreed) {
                Some(KeyPacket::Event(header, payload)) => {
                    self.sent_until += FRAME as Samples;
                    turn.room[HEADER..HEADER + payload.len()].copy_from_slice(&payload);
                    return self.send(&header, payload.len(), turn);
                }
                Some(KeyPacket::Tone(frame)) => return self.say(&agreed, &frame, turn),
                None => {}
            }
        }
        if let Some(mut frame) = frame.or_else(|| self.beep_alone(&agreed, turn.now)) {
            self.beep_over(&agreed, &mut frame);
            self.say(&agreed, &frame, turn);
        }
    }

    /// Silence to lay a beep upon, if the other leg, who should be heard, says nothing.
    fn beep_alone(&self, agreed: &Agreed, now: Samples) -> Option<Frame> {
        self.beep.as_ref()?;
        let speaks = self.relayed.is_some_and(|(at, _)| now < at + PAUSE);
        (!speaks && !self.keys.are_pressed()).then_some([agreed.codec.silence(); FRAME])
    }

    fn beep_over(&mut self, agreed: &Agreed, codes: &mut [u8]) {
        if let Some(beep) = &mut self.beep {
            voice::mix(beep, agreed.codec, codes);
            self.beep.take_if(|beep| beep.is_over());
        }
    }

    fn say(&mut self, agreed: &Agreed, frame: &Frame, turn: &mut Turn<'_>) {
        self.catch_up(turn.now);
        let header = self.outgoing.voice(agreed.payload_type, FRAME as u32);
        self.sent_until += FRAME as Samples;
        turn.room[HEADER..HEADER + FRAME].copy_from_slice(frame);
        self.send(&header, FRAME, turn);
    }

    /// The time in which nothing was sent goes by in the stream too.
    fn catch_up(&mut self, now: Samples) {
        self.relayed = None;
        if let Some(gap) = now.checked_sub(self.sent_until).filter(|gap| *gap > 0) {
            self.outgoing.pass(clock::stamp(gap));
            self.sent_until = now;
        }
    }

    fn send(&mut self, header: &Header, payload: usize, turn: &mut Turn<'_>) {
        let Some(wire) = &self.wire else { return };
        turn.room[..HEADER].copy_from_slice(&header.write());
        // Speech that must wait is worth nothing: what the system does not take now is lost.
        match self.sockets.rtp.send_to(&turn.room[..HEADER + payload], wire.rtp.target()) {
            Ok(_) => turn.counts.sent += 1,
            Err(_) => turn.counts.unsent += 1,
        }
    }

    fn may_send(&self) -> Option<Agreed> {
        let wire = self.wire.as_ref()?;
        (wire.agreed.direction.sends() && is_somewhere(wire.rtp.target())).then_some(wire.agreed)
    }

    /// Whether it is time to report.
    pub(super) fn report_is_due(&self, now: Samples) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.reports.is_due(now))
    }

    /// Reports by RTCP, for the last time perhaps.
    pub(super) fn report(&mut self, cname: &str, bye: bool, now: Samples) {
        let Some(wire) = &mut self.wire else { return };
        let mut datagram = [0; rtcp::SIZE_MAX];
        let streams = (&self.outgoing, &mut self.received);
        let bytes = wire.reports.tell(streams, now, (cname, bye), &mut datagram);
        if is_somewhere(wire.rtcp.target()) {
            // There will be another one.
            let _ = self.sockets.rtcp.send_to(&datagram[..bytes], wire.rtcp.target());
        }
    }

    /// How its media has come through; none if it was never connected.
    pub(super) fn quality(&self) -> Option<Quality> {
        let wire = self.wire.as_ref()?;
        Some(Quality {
            sent: self.outgoing.packets().into(),
            received: self.received.packets(),
            lost: self.received.lost(),
            jitter: self.received.jitter(),
            far_end: wire.reports.far_end(),
        })
    }

    /// Whether somebody wants to know what it says, frame by frame.
    pub(super) fn attend(&mut self, wanted: bool) {
        let wanted = wanted || self.in_band.is_some();
        match (&self.ear, wanted) {
            (None, true) => self.ear = Some(Ear::new()),
            (Some(_), false) => self.ear = None,
            (Some(_), true) | (None, false) => {}
        }
    }

    /// Whether somebody does.
    pub(super) fn is_attended(&self) -> bool {
        self.ear.is_some()
    }

    /// What it has said in the last 20 ms, in µ-law, if there was anything.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        let frame = self.ear.as_mut()?.frame();
        self.missing = if frame.is_some() { 0 } else { self.missing.saturating_add(1) };
        frame
    }

    /// Nothing more of it will be attended to.
    pub(super) fn finish(&mut self) {
        self.ear.iter_mut().for_each(Ear::finish);
    }

    /// A key that sounds in that frame. One that is late is no pause between two keys.
    pub(super) fn key_in(&mut self, linear: &[i16]) -> Option<char> {
        let late = (1..LATE_MAX).contains(&self.missing);
        self.in_band.as_mut().filter(|_| !late)?.hear(linear)
    }
}

/// Hold as it was once told: an address that is none (RFC 3264, 8.4).
fn is_somewhere(target: SocketAddr) -> bool {
    !target.ip().is_unspecified() && target.port() != 0
}
