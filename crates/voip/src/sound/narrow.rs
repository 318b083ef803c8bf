//! From any rate to the telephone's, without folding what lies above 4 kHz into what can be heard.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

use crate::{RATE, g711};

/// Rates that sound files have; others are made up.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;
/// Frames that go through the filter at once. With this many it is flat to 3.8 kHz and 42 dB down
/// at 4.5 kHz; with the library's own choice it loses 15 dB at 3 kHz.
const CHUNK_FRAMES: usize = 6_144;

/// A stream of samples on its way to 8000 a second and µ-law.
pub(super) struct Narrow {
    filter: Option<Filter>,
    codes: Vec<u8>,
}

struct Filter {
    fft: Fft<f32>,
    rate: u32,
    taken: u64,
    waiting: Vec<f32>,
    narrow: Vec<f32>,
    /// Samples still to be thrown away: the filter begins with its own delay.
    delay: usize,
}

impl Narrow {
    /// From that rate; none if it is none that sound files have.
    pub(super) fn from_rate(rate: u32) -> Option<Self> {
        let filter = match rate {
            RATE => None,
            rate => Some(Filter::from_rate(rate)?),
        };
        Some(Self { filter, codes: Vec::new() })
    }

    /// Takes the next samples.
    pub(super) fn push(&mut self, samples: &[f32]) {
        match &mut self.filter {
            Some(filter) => filter.push(samples, &mut self.codes),
            None => self.codes.extend(samples.iter().map(|sample| g711::encode(*sample))),
        }
    }

    /// What has become of all of them: as long as they were.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if let Some(filter) = &mut self.filter {
            filter.finish(&mut self.codes);
        }
        self.codes
    }
}

impl Filter {
    fn from_rate(rate: u32) -> Option<Self> {
        if !RATES.contains(&rate) {
            return None;
        }
        let (from, to) = (usize::try_from(rate).ok()?, usize::try_from(RATE).ok()?);
        let (window, fixed) = (WindowFunction::BlackmanHarris2, FixedSync::Input);
        let fft = Fft::new_custom(from, to, CHUNK_FRAMES, 1, 1, window, fixed).ok()?;
        let (delay, narrow) = (fft.output_delay(), vec![0.0; fft.output_frames_max()]);
        Some(Self { fft, rate, taken: 0, waiting: Vec::new(), narrow, delay })
    }

    fn push(&mut self, samples: &[f32], codes: &mut Vec<u8>) {
        self.taken += samples.len() as u64;
        self.waiting.extend_from_slice(samples);
        let chunk = self.fft.input_frames_next();
        let whole = self.waiting.len() / chunk * chunk;
        for start in (0..whole).step_by(chunk) {
            let Some(made) = self.filter(start, chunk) else { continue };
            let skipped = self.delay.min(made);
            self.delay -= skipped;
            codes.extend(self.narrow[skipped..made].iter().map(|sample| g711::encode(*sample)));
        }
        self.waiting.drain(..whole);
    }

    /// How many samples a chunk has become. The library refuses only buffers of a wrong size.
    fn filter(&mut self, start: usize, chunk: usize) -> Option<usize> {
        let from = InterleavedSlice::new(&self.waiting[start..start + chunk], 1, chunk).ok()?;
        let room = self.narrow.len();
        let mut to = InterleavedSlice::new_mut(&mut self.narrow, 1, room).ok()?;
        let (_, made) = self.fft.process_into_buffer(&from, &mut to, None).ok()?;
        Some(made)
    }

    /// Pushes silence until the delay has come out too.
    fn finish(&mut self, codes: &mut Vec<u8>) {
        let length = (self.taken * u64::from(RATE)).div_ceil(u64::from(self.rate));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let silence = vec![0.0; self.fft.input_frames_next()];
        while codes.len() < length {
            self.push(&silence, codes);
        }
        codes.truncate(length);
    }
}
