//! What was heard: samples of one side, and which tones are in them when.

use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;

/// Samples a second, of all sound here.
const RATE: f64 = 8_000.0;
/// Samples of which it is told whether there is a tone.
const WINDOW: usize = 160;
/// Seconds of a window.
const STEP: f64 = WINDOW as f64 / RATE;
/// The mean magnitude of samples below which it is silent.
const QUIET: f64 = 200.0;

/// Samples of one side.
pub(super) struct Sound(Vec<f64>);

/// From when to when, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Span {
    pub(super) fn seconds(self) -> f64 {
        self.to - self.from
    }
}

impl Sound {
    /// The channels of a WAV file, of 16 bit or of µ-law. What a program has not finished writing is
    /// of the length that the file has.
    pub(super) fn channels(file: &[u8]) -> Vec<Self> {
        assert_eq!((&file[..4], &file[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
        let (mut at, mut form, mut channels) = (12, 0, 1);
        let word = |at: usize| u16::from_le_bytes([file[at], file[at + 1]]);
        loop {
            let length = u32::from_le_bytes(file[at + 4..at + 8].try_into().unwrap()) as usize;
            match &file[at..at + 4] {
                b"fmt " => (form, channels) = (word(at + 8), usize::from(word(at + 10))),
                b"data" => break,
                _ => {}
            }
            at += 8 + length;
        }
        let data = &file[at + 8..];
        let samples: Vec<f64> = match form {
            1 => {
                let pairs = data.as_chunks::<2>().0.iter();
                pairs.map(|pair| f64::from(i16::from_le_bytes(*pair))).collect()
            }
            7 => data.iter().map(|code| f64::from(voip::g711::decode(*code)) * 32_768.0).collect(),
            other => panic!("format {other}"),
        };
        let of = |channel| samples.iter().skip(channel).step_by(channels).copied().collect();
        (0..channels).map(|channel| Self(of(channel))).collect()
    }

    /// A file of one channel.
    pub(super) fn read(path: &Path) -> Self {
        Self::channels(&std::fs::read(path).unwrap()).remove(0)
    }

    /// The beginning of it.
    pub(super) fn until(&self, seconds: f64) -> Self {
        Self(self.0[..(seconds * RATE) as usize].to_vec())
    }

    pub(super) fn seconds(&self) -> f64 {
        self.0.len() as f64 / RATE
    }

    fn windows(&self) -> impl Iterator<Item = &[f64]> {
        self.0.chunks_exact(WINDOW)
    }

    /// How loud each window is: the mean magnitude of its samples.
    pub(super) fn loudness(&self) -> Vec<f64> {
        self.windows()
            .map(|window| window.iter().map(|s| s.abs()).sum::<f64>() / WINDOW as f64)
            .collect()
    }

    /// When it is not silent. Pauses that are shorter than `pause` are passed over.
    pub(super) fn loud(&self, pause: f64) -> Vec<Span> {
        spans(self.loudness().into_iter().map(|loudness| loudness > QUIET), pause)
    }

    /// When there is nothing but that tone. A lost packet does not end it.
    pub(super) fn tone(&self, hertz: f64) -> Vec<Span> {
        spans(self.windows().map(|window| share(window, hertz) > 0.7), 0.1)
    }

    /// When that tone is there, whatever else is.
    pub(super) fn tone_among_others(&self, hertz: f64) -> Vec<Span> {
        spans(self.windows().map(|window| share(window, hertz) > 0.1), 0.1)
    }

    /// For how long there is nothing but that tone, in all.
    pub(super) fn seconds_of(&self, hertz: f64) -> f64 {
        self.tone(hertz).into_iter().map(Span::seconds).sum()
    }

    /// When the tone begins for good: for 200 ms at least.
    #[track_caller]
    pub(super) fn begins(&self, hertz: f64) -> f64 {
        let long = self.tone(hertz).into_iter().find(|span| span.seconds() > 0.2);
        long.unwrap_or_else(|| panic!("no {hertz} Hz in {:.1} s", self.seconds())).from
    }

    /// How much alike it is to that sound, from -1 to 1: the correlation of their loudness, wherever
    /// it begins in the first `within` seconds.
    pub(super) fn likeness(&self, other: &Self, within: f64) -> f64 {
        let (ours, theirs) = (self.loudness(), other.loudness());
        let starts = ours.len().saturating_sub(theirs.len()).min((within / STEP) as usize);
        let at = |start: usize| correlation(&ours[start..], &theirs);
        (0..=starts).map(at).fold(-1.0, f64::max)
    }
}

/// The part of the power of a window that is in that tone (Goertzel).
fn share(window: &[f64], hertz: f64) -> f64 {
    let length = window.len() as f64;
    let power = window.iter().map(|sample| sample * sample).sum::<f64>() / length;
    if power < QUIET * QUIET {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * hertz / RATE).cos();
    let step = |(last, before), sample: &f64| (sample + coefficient * last - before, last);
    let (last, before) = window.iter().fold((0.0, 0.0), step);
    let squared = last * last + before * before - coefficient * last * before;
    2.0 * squared / (length * length) / power
}

fn spans(windows: impl Iterator<Item = bool>, pause: f64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (number, _) in windows.enumerate().filter(|(_, is_there)| *is_there) {
        let from = number as f64 * STEP;
        match spans.last_mut() {
            Some(span) if from - span.to <= pause => span.to = from + STEP,
            _ => spans.push(Span { from, to: from + STEP }),
        }
    }
    spans
}

fn correlation(ours: &[f64], theirs: &[f64]) -> f64 {
    let count = ours.len().min(theirs.len());
    let mean = |of: &[f64]| of[..count].iter().sum::<f64>() / count as f64;
    let (our_mean, their_mean) = (mean(ours), mean(theirs));
    let (mut both, mut our, mut their) = (0.0, 0.0, 0.0);
    for (x, y) in ours.iter().zip(theirs) {
        let (x, y) = (x - our_mean, y - their_mean);
        (both, our, their) = (both + x * y, our + x * x, their + y * y);
    }
    both / (our * their).sqrt()
}

/// What a telephone says.
#[derive(Clone, Copy)]
pub(super) enum Says {
    /// A tone, in Hz, as long as it is in a call.
    Tone(f64),
    /// That, spoken, and then nothing.
    Words(&'static str),
}

impl Says {
    /// Writes it as a WAV file.
    pub(super) fn write(self, path: &Path) {
        match self {
            Self::Tone(hertz) => tone(path, hertz),
            Self::Words(words) => speak(path, words, 60),
        }
    }
}

/// A minute of a tone, as samples.
pub(super) fn tone_of(hertz: f64) -> impl Iterator<Item = i16> {
    (0..60 * 8_000).map(move |n| ((TAU * hertz * f64::from(n) / RATE).sin() * 8_000.0) as i16)
}

/// And as a file.
fn tone(path: &Path, hertz: f64) {
    let data: Vec<u8> = tone_of(hertz).flat_map(i16::to_le_bytes).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + u32::try_from(data.len()).unwrap()).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    file.extend(data);
    std::fs::write(path, file).unwrap();
}

/// Those words, and silence after them.
pub(super) fn speak(path: &Path, words: &str, silence: u32) {
    let wide = path.with_extension("wide.wav");
    let run = |command: &mut Command| assert!(command.status().unwrap().success());
    run(Command::new("espeak-ng").args(["-v", "en", "-w"]).arg(&wide).arg(words));
    let narrow = ["-r", "8000", "-c", "1", "-b", "16"];
    let silence = silence.to_string();
    run(Command::new("sox").arg(&wide).args(narrow).arg(path).args(["pad", "0", &silence]));
}
