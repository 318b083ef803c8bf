//! The decoders: packet by packet, from a file in memory to samples of one channel.

use std::io::Cursor;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::SoundError;

/// So many packets in a row may hold no sound before the file is given up: a damaged one is soon
/// over it, a crafted one may declare billions of them.
const BARREN_PACKETS_MAX: u32 = 1_000;
/// Covers and lyrics cannot be heard.
const TAG_BYTES_MAX: usize = 10_000;

/// Reads one track of a file.
pub(super) struct Reader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    is_damaged: bool,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
}

impl Reader {
    /// Stands at the beginning of the file's first sound track; none if it cannot be decoded.
    pub(super) fn open(file: Vec<u8>) -> Option<Self> {
        let source = MediaSourceStream::new(
            Box::new(Cursor::new(file)),
            MediaSourceStreamOptions::default(),
        );
        let limit = Limit::Maximum(TAG_BYTES_MAX);
        let metadata = MetadataOptions::default().limit_tag_bytes(limit).limit_visual_bytes(limit);
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), source, FormatOptions::default(), metadata)
            .ok()?;
        let track = format.default_track(TrackType::Audio)?;
        let parameters = track.codec_params.as_ref()?.audio()?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .ok()?;
        let track = track.id;
        let (interleaved, mono) = (Vec::new(), Vec::new());
        Some(Self { format, decoder, track, is_damaged: false, interleaved, mono })
    }

    /// Reads on to the next sound, for `mono` to give, and tells its rate; nothing at the end.
    ///
    /// # Errors
    /// Unsupported if nothing can be made of what follows.
    pub(super) fn read(&mut self) -> Result<Option<u32>, SoundError> {
        for _ in 0..BARREN_PACKETS_MAX {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id != self.track => continue,
                Ok(Some(packet)) => packet,
                // A file that was cut off is played as far as it goes.
                Ok(None) | Err(Error::IoError(_) | Error::ResetRequired) => return self.end(),
                Err(_) => {
                    self.is_damaged = true;
                    return self.end();
                }
            };
            match self.decoder.decode(&packet) {
                Ok(sound) if sound.frames() > 0 => {
                    let spec = sound.spec();
                    let (rate, channels) = (spec.rate(), spec.channels().count());
                    sound.copy_to_vec_interleaved(&mut self.interleaved);
                    mix(&self.interleaved, channels, &mut self.mono);
                    return Ok(Some(rate));
                }
                Ok(_) => {}
                Err(_) => self.is_damaged = true,
            }
        }
        Err(SoundError::Unsupported)
    }

    /// The samples that were last read.
    pub(super) fn mono(&self) -> &[f32] {
        &self.mono
    }

    /// The end; but if there was damage before any sound, that was no end.
    fn end(&self) -> Result<Option<u32>, SoundError> {
        let is_nothing = self.mono.is_empty();
        if is_nothing && self.is_damaged { Err(SoundError::Unsupported) } else { Ok(None) }
    }
}

/// The mean of the channels. What is no number is silence: a filter would spread it.
fn mix(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    mono.clear();
    #[expect(clippy::cast_precision_loss, reason = "a handful of channels")]
    let share = 1.0 / channels as f32;
    let sane = |sample: &f32| if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) };
    let mean = |frame: &[f32]| frame.iter().map(sane).sum::<f32>() * share;
    mono.extend(interleaved.chunks_exact(channels).map(mean));
}
