//! G.711 µ-law: the sound of every telephone line, eight bits a sample.

use audio_codec_algorithms::{decode_ulaw, encode_ulaw};

/// The µ-law code of a linear sample between -1 and 1. What is louder is cut off; what is no number
/// is silence.
pub fn encode(sample: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is the cut")]
    let linear = (sample * 32_768.0).round() as i16;
    encode_ulaw(linear)
}

/// The linear sample, between -1 and 1, of a µ-law code.
pub fn decode(code: u8) -> f32 {
    f32::from(decode_ulaw(code)) / 32_768.0
}
