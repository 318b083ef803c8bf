//! Keys that are sent to a leg, one after the other: as events if it takes them, or as they sound.

use std::collections::VecDeque;

use voip::FRAME;
use voip::event::{Payload, Sender};
use voip::key_tone::KeyTone;
use voip::rtp::{Header, Outgoing};
use voip::sdp::Agreed;

use super::voice::Frame;

/// Keys that may wait; whoever presses more than that is no person.
const WAITING_MAX: usize = 32;
/// Samples that a key sounds, as long as an event is held.
const HELD: u32 = 800;
/// Frames of something else between two keys.
const PAUSE: u8 = 3;

/// The keys on their way to one leg.
#[derive(Debug, Default)]
pub(super) struct Keys {
    waiting: VecDeque<char>,
    pressed: Option<Pressed>,
    pause: u8,
}

#[derive(Debug)]
enum Pressed {
    Event(Sender, u8),
    Tone(KeyTone),
}

/// What is to be sent in the next 20 ms for a key.
pub(super) enum KeyPacket {
    Event(Header, Payload),
    Tone(Frame),
}

impl Keys {
    /// Sends that key once those before it are sent.
    pub(super) fn press(&mut self, key: char) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(key);
        }
    }

    /// Whether a key is being sent right now, so that nothing else is.
    pub(super) fn are_pressed(&self) -> bool {
        self.pressed.is_some()
    }

    /// Another 20 ms begin: whether they belong to a key.
    pub(super) fn tick(&mut self, agreed: &Agreed) -> bool {
        self.pause = self.pause.saturating_sub(1);
        if self.pressed.is_none() && self.pause == 0 {
            let key = self.waiting.pop_front();
            self.pressed = key.and_then(|key| match agreed.event {
                Some(payload_type) => Some(Pressed::Event(Sender::new(key)?, payload_type)),
                None => Some(Pressed::Tone(KeyTone::new(key, HELD)?)),
            });
        }
        self.pressed.is_some()
    }

    /// What is sent for the key in them; none once it is told.
    pub(super) fn next(&mut self, outgoing: &mut Outgoing, agreed: &Agreed) -> Option<KeyPacket> {
        let packet = match self.pressed.as_mut()? {
            Pressed::Event(sender, payload_type) => sender
                .next(outgoing, *payload_type)
                .map(|(header, payload)| KeyPacket::Event(header, payload)),
            Pressed::Tone(tone) if tone.is_over() => None,
            Pressed::Tone(tone) => {
                let (mut linear, mut frame) = ([0; FRAME], [0; FRAME]);
                tone.fill(&mut linear);
                agreed.codec.encode(&linear, &mut frame);
                Some(KeyPacket::Tone(frame))
            }
        };
        if packet.is_none() {
            (self.pressed, self.pause) = (None, PAUSE);
        }
        packet
    }
}
