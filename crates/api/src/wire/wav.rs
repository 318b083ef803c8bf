//! A recording as a file: WAV, two channels of µ-law at 8000 samples a second, A left and B right
//! (RIFF with `WAVE_FORMAT_MULAW`, which RFC 2361 registers as 7).

/// Bytes before the samples.
pub const HEADER_BYTES: usize = 58;

const MULAW: u16 = 7;
const CHANNELS: u16 = 2;
const RATE: u32 = 8_000;

/// What comes before so many bytes of samples. Of a recording that no RIFF can tell the length of,
/// over 4 GB, the length is the longest there is.
pub fn header(samples_bytes: u64) -> [u8; HEADER_BYTES] {
    let data = u32::try_from(samples_bytes).unwrap_or(u32::MAX - HEADER_BYTES as u32);
    let mut out = [0; HEADER_BYTES];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&(data + HEADER_BYTES as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    put(&18_u32.to_le_bytes());
    put(&MULAW.to_le_bytes());
    put(&CHANNELS.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * u32::from(CHANNELS)).to_le_bytes());
    put(&CHANNELS.to_le_bytes());
    put(&8_u16.to_le_bytes());
    put(&0_u16.to_le_bytes());
    // What is not PCM tells how many samples each channel has.
    put(b"fact");
    put(&4_u32.to_le_bytes());
    put(&(data / u32::from(CHANNELS)).to_le_bytes());
    put(b"data");
    put(&data.to_le_bytes());
    out
}
