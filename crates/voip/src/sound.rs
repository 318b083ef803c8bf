//! A sound file of a customer, made fit for a telephone line: decoded, mixed to one channel,
//! narrowed to 8000 samples a second, coded in µ-law.
//!
//! The file comes from outside and is believed in nothing: what it declares of its length sizes no
//! memory, and however long it goes on, decoding ends at the longest prompt.

mod narrow;
mod reader;

use std::panic;

use model::limits::PROMPT_SECONDS_MAX;

use narrow::Narrow;
use reader::Reader;

/// Why there is nothing to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// Of no kind that can be decoded, or too damaged.
    #[error("not a sound file that can be decoded (mp3, aac, m4a, aiff, wav or ogg)")]
    Unsupported,
    /// It would play for too long.
    #[error("longer than {PROMPT_SECONDS_MAX} seconds")]
    TooLong,
    /// There is no sound in it.
    #[error("no sound in it")]
    Empty,
}

/// The µ-law samples, 8000 a second, of a sound file: mp3, aac, m4a, mp4, aiff, wav or ogg. The
/// kind is found from the content. Of a file that ends early or is damaged here and there, what can
/// be decoded.
///
/// # Errors
/// See [`SoundError`].
pub fn decode(file: Vec<u8>) -> Result<Vec<u8>, SoundError> {
    // The decoders are others' work, and some of their arithmetic believes what a file says: with
    // overflow checks, a wav of 2^32 - 1 samples a second panics. Nothing outlives the closure.
    panic::catch_unwind(|| decode_all(file)).unwrap_or(Err(SoundError::Unsupported))
}

fn decode_all(file: Vec<u8>) -> Result<Vec<u8>, SoundError> {
    let mut reader = Reader::open(file).ok_or(SoundError::Unsupported)?;
    let Some(rate) = reader.read()? else { return Err(SoundError::Empty) };
    let mut narrow = Narrow::from_rate(rate).ok_or(SoundError::Unsupported)?;
    let frames_max = u64::from(rate) * u64::from(PROMPT_SECONDS_MAX);
    let mut frames = 0;
    loop {
        frames += reader.mono().len() as u64;
        if frames > frames_max {
            return Err(SoundError::TooLong);
        }
        narrow.push(reader.mono());
        match reader.read()? {
            Some(same) if same == rate => {}
            // Nobody changes the rate half-way in good faith.
            Some(_) => return Err(SoundError::Unsupported),
            None => return Ok(narrow.finish()),
        }
    }
}
