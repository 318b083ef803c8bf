//! What a leg hears, as far as we make it: silence, a prompt, a tone. 20 ms at a time.

use voip::FRAME;
use voip::g711::{Codec, convert};
use voip::tone::Tone;

use crate::carrier::Audio;

/// 20 ms of G.711.
pub(super) type Frame = [u8; FRAME];

/// What a leg hears.
#[derive(Debug, Default)]
pub(super) enum Hears {
    /// Nothing.
    #[default]
    Silence,
    /// A prompt, from that sample on.
    Prompt(Audio, usize),
    /// It rings at the other end.
    Ringback(Tone),
    /// The other leg.
    Other,
}

impl Hears {
    /// The next 20 ms; none if the other leg speaks.
    pub(super) fn next(&mut self, codec: Codec) -> Option<Frame> {
        let mut frame = [codec.silence(); FRAME];
        match self {
            Self::Silence => {}
            Self::Prompt(audio, at) => {
                let rest = audio.samples().get(*at..).unwrap_or_default();
                let samples = rest.len().min(FRAME);
                frame[..samples].copy_from_slice(&rest[..samples]);
                convert(Codec::Pcmu, codec, &mut frame[..samples]);
                *at += FRAME;
            }
            Self::Ringback(tone) => {
                let mut linear = [0; FRAME];
                tone.fill(&mut linear);
                codec.encode(&linear, &mut frame);
            }
            Self::Other => return None,
        }
        Some(frame)
    }

    /// Whether a prompt has been played to its end. It is told once, and then there is silence.
    pub(super) fn finishes(&mut self) -> bool {
        let over = matches!(self, Self::Prompt(audio, at) if *at >= audio.samples().len());
        if over {
            *self = Self::Silence;
        }
        over
    }

    pub(super) fn is_other(&self) -> bool {
        matches!(self, Self::Other)
    }
}

/// Lays a tone over what is said in that codec.
pub(super) fn mix(tone: &mut Tone, codec: Codec, codes: &mut [u8]) {
    let mut linear = [0; FRAME];
    for part in codes.chunks_mut(FRAME) {
        let linear = &mut linear[..part.len()];
        codec.decode(part, linear);
        tone.mix(linear);
        codec.encode(linear, part);
    }
}
