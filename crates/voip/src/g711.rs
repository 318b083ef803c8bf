//! G.711, the sound of every telephone line, eight bits a sample: µ-law and A-law.

use audio_codec_algorithms::{
    convert_alaw_to_ulaw, convert_ulaw_to_alaw, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw,
};

/// The law by which a stream is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// µ-law: North America and Japan; how we keep prompts.
    Pcmu,
    /// A-law: everybody else.
    Pcma,
}

impl Codec {
    /// Its static RTP payload type (RFC 3551, table 4).
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// Its name in an `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The code of silence.
    pub fn silence(self) -> u8 {
        match self {
            Self::Pcmu => 0xFF,
            Self::Pcma => 0xD5,
        }
    }

    /// Decodes as many codes as there is room for, and says how many.
    pub fn decode(self, codes: &[u8], samples: &mut [i16]) -> usize {
        let decode = match self {
            Self::Pcmu => decode_ulaw,
            Self::Pcma => decode_alaw,
        };
        for (sample, code) in samples.iter_mut().zip(codes) {
            *sample = decode(*code);
        }
        samples.len().min(codes.len())
    }

    /// Codes as many samples as there is room for, and says how many.
    pub fn encode(self, samples: &[i16], codes: &mut [u8]) -> usize {
        let encode = match self {
            Self::Pcmu => encode_ulaw,
            Self::Pcma => encode_alaw,
        };
        for (code, sample) in codes.iter_mut().zip(samples) {
            *code = encode(*sample);
        }
        samples.len().min(codes.len())
    }
}

/// Turns codes of one law into those of another, in place, by the table of ITU-T G.711.
pub fn convert(from: Codec, to: Codec, codes: &mut [u8]) {
    let convert = match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => convert_ulaw_to_alaw,
        (Codec::Pcma, Codec::Pcmu) => convert_alaw_to_ulaw,
        (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => return,
    };
    for code in codes {
        *code = convert(*code);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [u8; 256] {
        std::array::from_fn(|code| u8::try_from(code).unwrap())
    }

    #[test]
    fn a_code_converted_sounds_as_before() {
        for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
            let (before, mut after) = (all(), all());
            convert(from, to, &mut after);
            let (mut was, mut is) = ([0; 256], [0; 256]);
            assert_eq!(from.decode(&before, &mut was), 256);
            assert_eq!(to.decode(&after, &mut is), 256);
            for (was, is) in was.into_iter().zip(is) {
                // Half the widest step of either law at that loudness.
                let step = i32::from(was).abs() / 16 + 16;
                assert!((i32::from(was) - i32::from(is)).abs() <= step, "{was} {is}");
            }
        }
    }

    #[test]
    fn the_same_law_is_left_alone() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let mut codes = all();
            convert(codec, codec, &mut codes);
            assert_eq!(codes, all());
            assert_eq!(codec.decode(&[codec.silence()], &mut [1]), 1);
        }
    }

    #[test]
    fn silence_stays_silence() {
        let mut sample = [99];
        Codec::Pcmu.decode(&[Codec::Pcmu.silence()], &mut sample);
        assert_eq!(sample, [0]);
        Codec::Pcma.decode(&[Codec::Pcma.silence()], &mut sample);
        assert!(sample[0].abs() <= 8, "{sample:?}");
        let mut code = [Codec::Pcmu.silence()];
        convert(Codec::Pcmu, Codec::Pcma, &mut code);
        assert_eq!(code[0], Codec::Pcma.silence());
    }

    #[test]
    fn only_as_much_as_there_is_room_for() {
        let mut few = [0; 3];
        assert_eq!(Codec::Pcma.encode(&[1000; 10], &mut few), 3);
        assert_eq!(Codec::Pcmu.encode(&[1000; 2], &mut few), 2);
    }
}
