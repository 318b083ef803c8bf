//! The recording of a call as a WAV file: both sides in µ-law, A on the left, B on the right.
//!
//! It does not know where the bytes go. A recorder writes a header of no length first, then
//! interleaved frames, and the right header over the first one at the end.

use crate::RATE;

/// Bytes of a header.
pub const HEADER: usize = 58;

const CHANNELS: u16 = 2;
const MULAW: u16 = 7;

/// Most samples of each side that a file can hold: its lengths are of 32 bits.
pub const SAMPLES_MAX: u32 = (u32::MAX - HEADER as u32) / CHANNELS as u32;

/// The header of a file of so many samples of each side. Beyond [`SAMPLES_MAX`], of as many.
pub fn header(samples: u32) -> [u8; HEADER] {
    let samples = samples.min(SAMPLES_MAX);
    let data = samples * u32::from(CHANNELS);
    let mut header = [0; HEADER];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&(HEADER as u32 - 8 + data).to_le_bytes());
    put(b"WAVEfmt ");
    put(&18_u32.to_le_bytes());
    put(&MULAW.to_le_bytes());
    put(&CHANNELS.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * u32::from(CHANNELS)).to_le_bytes()); // bytes a second
    put(&CHANNELS.to_le_bytes()); // bytes of one sample of both
    put(&8_u16.to_le_bytes()); // bits a sample
    put(&0_u16.to_le_bytes()); // nothing more about the format
    // Wanted of every file that is not PCM: how many samples.
    put(b"fact");
    put(&4_u32.to_le_bytes());
    put(&samples.to_le_bytes());
    put(b"data");
    put(&data.to_le_bytes());
    header
}

/// Lays the samples of A and B side by side, as many as there are of both and room for, and says
/// how many bytes that made.
pub fn interleave(a: &[u8], b: &[u8], both: &mut [u8]) -> usize {
    let (pairs, _) = both.as_chunks_mut::<2>();
    let mut made = 0;
    for ((pair, a), b) in pairs.iter_mut().zip(a).zip(b) {
        *pair = [*a, *b];
        made += 2;
    }
    made
}
