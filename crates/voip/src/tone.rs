//! Tones of the network, made as they are sent.
//!
//! A tone goes on from where it was, whatever the length of the frames: there is no loop to end,
//! and no click between two of them.

use crate::RATE;

/// Whose tones: what it sounds like that somebody is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Plan {
    /// 425 Hz: most of Europe, and much of the rest of the world.
    #[default]
    Europe,
    /// North America.
    America,
    /// The United Kingdom, and what was taught to ring by it.
    Britain,
}

impl Plan {
    /// The plan of a country, by its ISO 3166 code of two letters, in either case.
    pub fn of(country: &str) -> Self {
        const AMERICA: [&str; 3] = ["US", "CA", "PR"];
        const BRITAIN: [&str; 7] = ["GB", "IE", "AU", "NZ", "MT", "GI", "SG"];
        let is_in = |codes: &[&str]| codes.iter().any(|code| code.eq_ignore_ascii_case(country));
        match () {
            () if is_in(&AMERICA) => Self::America,
            () if is_in(&BRITAIN) => Self::Britain,
            () => Self::Europe,
        }
    }
}

/// What a tone is: of at most two frequencies in Hz, each that loud, and when it sounds and when
/// it does not.
struct Recipe {
    hertz: &'static [f32],
    dbm0: f32,
    /// Milliseconds of sound, silence, sound and so on.
    cadence: &'static [u32],
    endless: bool,
}

/// Of the supplement to ITU-T E.180.
fn ringback(plan: Plan) -> Recipe {
    let (hertz, cadence): (&[f32], &[u32]) = match plan {
        Plan::Europe => (&[425.0], &[1000, 4000]),
        Plan::America => (&[440.0, 480.0], &[2000, 4000]),
        Plan::Britain => (&[400.0, 450.0], &[400, 200, 400, 2000]),
    };
    Recipe { hertz, dbm0: -16.0, cadence, endless: true }
}

fn busy(plan: Plan) -> Recipe {
    let (hertz, cadence): (&[f32], &[u32]) = match plan {
        Plan::Europe => (&[425.0], &[500, 500]),
        Plan::America => (&[480.0, 620.0], &[500, 500]),
        Plan::Britain => (&[400.0], &[375, 375]),
    };
    Recipe { hertz, dbm0: -16.0, cadence, endless: true }
}

const BEEP: Recipe = Recipe { hertz: &[1000.0], dbm0: -16.0, cadence: &[200], endless: false };

/// Samples over which sound comes and goes, so that it does not click: 5 ms.
const FADE: u32 = RATE / 200;

/// The peak of a sine of 0 dBm0 in linear samples: 3.17 dB below the loudest code of µ-law
/// (ITU-T G.711, 4).
const PEAK_0_DBM0: f32 = 22_300.0;

/// A tone, going on from where it was.
#[derive(Clone, Debug)]
pub struct Tone {
    oscillators: [Oscillator; 2],
    cadence: &'static [u32],
    endless: bool,
    /// Which part of the cadence it is in, and how many samples of it are over.
    part: usize,
    over: u32,
}

/// A sine by the recurrence x(n) = 2 cos(w) x(n-1) - x(n-2): one multiplication a sample.
#[derive(Clone, Copy, Debug, Default)]
struct Oscillator {
    twice_cosine: f32,
    last: f32,
    before: f32,
}

impl Tone {
    /// It rings at the other end.
    pub fn ringback(plan: Plan) -> Self {
        Self::new(&ringback(plan))
    }

    /// The other end is busy.
    pub fn busy(plan: Plan) -> Self {
        Self::new(&busy(plan))
    }

    /// The end of the call is near: 200 ms of 1 kHz, once.
    pub fn beep() -> Self {
        Self::new(&BEEP)
    }

    fn new(recipe: &Recipe) -> Self {
        let peak = PEAK_0_DBM0 * 10_f32.powf(recipe.dbm0 / 20.0);
        let mut oscillators = [Oscillator::default(); 2];
        for (oscillator, hertz) in oscillators.iter_mut().zip(recipe.hertz) {
            *oscillator = Oscillator::new(*hertz, peak);
        }
        let Recipe { cadence, endless, .. } = *recipe;
        Self { oscillators, cadence, endless, part: 0, over: 0 }
    }

    /// Writes its next samples; silence once it is over.
    pub fn fill(&mut self, frame: &mut [i16]) {
        for sample in frame {
            *sample = self.next();
        }
    }

    /// Adds its next samples to speech. What gets too loud is cut off.
    pub fn mix(&mut self, frame: &mut [i16]) {
        for sample in frame {
            *sample = sample.saturating_add(self.next());
        }
    }

    /// Whether it has been heard to its end.
    pub fn is_over(&self) -> bool {
        self.part == self.cadence.len()
    }

    fn next(&mut self) -> i16 {
        let Some(ms) = self.cadence.get(self.part) else { return 0 };
        let (length, over) = (ms * (RATE / 1000), self.over);
        self.over += 1;
        let sounds = self.part.is_multiple_of(2);
        if self.over == length {
            self.over = 0;
            self.part += 1;
            if self.endless && self.is_over() {
                self.part = 0;
            }
        }
        if !sounds {
            return 0;
        }
        let edge = over.min(length - 1 - over).min(FADE);
        #[expect(clippy::cast_precision_loss, reason = "a few milliseconds")]
        let fade = edge as f32 / FADE as f32;
        let [one, other] = &mut self.oscillators;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and is far from it"
        )]
        let sample = ((one.next() + other.next()) * fade) as i16;
        sample
    }
}

impl Oscillator {
    fn new(hertz: f32, peak: f32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "8000 is exact")]
        let step = std::f32::consts::TAU * hertz / RATE as f32;
        Self { twice_cosine: 2.0 * step.cos(), last: 0.0, before: -peak * step.sin() }
    }

    fn next(&mut self) -> f32 {
        let next = self.twice_cosine * self.last - self.before;
        (self.before, self.last) = (self.last, next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tone: &mut Tone, seconds: usize) -> Vec<i16> {
        let mut samples = vec![1; seconds * 8000];
        for frame in samples.chunks_mut(crate::FRAME) {
            tone.fill(frame);
        }
        samples
    }

    /// How loud a frequency is, in dBm0 (Goertzel's way).
    fn dbm0(samples: &[i16], hertz: f64) -> f64 {
        let step = std::f64::consts::TAU * hertz / 8000.0;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            re += f64::from(*sample) * (step * n as f64).cos();
            im += f64::from(*sample) * (step * n as f64).sin();
        }
        20.0 * (2.0 * re.hypot(im) / samples.len() as f64 / 22_300.0).log10()
    }

    /// When it begins and ceases to sound, in ms.
    fn edges(samples: &[i16]) -> Vec<usize> {
        let loud: Vec<_> =
            samples.chunks(80).map(|ten| ten.iter().any(|s| s.abs() > 300)).collect();
        let mut edges: Vec<_> = loud
            .windows(2)
            .enumerate()
            .filter(|(_, w)| w[0] != w[1])
            .map(|(n, _)| n * 10 + 10)
            .collect();
        if loud[0] {
            edges.insert(0, 0);
        }
        edges
    }

    #[test]
    fn it_rings_as_people_are_used_to() {
        let table: [(Plan, &[f64], &[usize]); 3] = [
            (Plan::Europe, &[425.0], &[0, 1000, 5000, 6000, 10_000, 11_000]),
            (Plan::America, &[440.0, 480.0], &[0, 2000, 6000, 8000]),
            (Plan::Britain, &[400.0, 450.0], &[0, 400, 600, 1000, 3000, 3400, 3600, 4000]),
        ];
        for (plan, hertz, expected) in table {
            let samples = seconds(&mut Tone::ringback(plan), 12);
            let edges = edges(&samples);
            assert_eq!(edges[..expected.len()], *expected, "{plan:?}");
            for hertz in hertz {
                let level = dbm0(&samples[400..2800], *hertz);
                assert!((level + 16.0).abs() < 0.5, "{plan:?} {hertz} {level}");
            }
            assert!(dbm0(&samples[400..2800], 1000.0) < -60.0);
        }
    }

    #[test]
    fn busy_is_quicker() {
        let samples = seconds(&mut Tone::busy(Plan::Europe), 3);
        assert_eq!(edges(&samples), [0, 500, 1000, 1500, 2000, 2500]);
        let samples = seconds(&mut Tone::busy(Plan::America), 1);
        assert!((dbm0(&samples[400..3600], 620.0) + 16.0).abs() < 0.5);
        assert_eq!(edges(&seconds(&mut Tone::busy(Plan::Britain), 1)), [0, 380, 750]);
    }

    #[test]
    fn frames_of_any_length_make_the_same_tone() {
        let whole = seconds(&mut Tone::ringback(Plan::Britain), 4);
        let (mut tone, mut pieces, mut length) = (Tone::ringback(Plan::Britain), Vec::new(), 0);
        while pieces.len() < whole.len() {
            length = length % 480 + 7;
            let mut frame = vec![0; length];
            tone.fill(&mut frame);
            pieces.extend(frame);
        }
        assert_eq!(pieces[..whole.len()], whole);
    }

    #[test]
    fn it_does_not_click_and_stays_as_loud_for_an_hour() {
        let mut tone = Tone::ringback(Plan::America);
        let mut before = 0_i16;
        for second in 0..3600 {
            let samples = seconds(&mut tone, 1);
            for sample in &samples {
                // The steepest slope of two sines of this level.
                assert!((i32::from(*sample) - i32::from(before)).abs() < 2700, "{second}");
                before = *sample;
            }
            if second == 3594 {
                assert!((dbm0(&samples[400..7600], 440.0) + 16.0).abs() < 0.7);
            }
        }
    }

    #[test]
    fn the_beep_is_heard_once_over_speech() {
        let mut beep = Tone::beep();
        let mut speech = [1000_i16; 1600];
        for frame in speech.chunks_mut(160) {
            assert!(!beep.is_over());
            beep.mix(frame);
        }
        assert!(beep.is_over());
        assert!((dbm0(&speech, 1000.0) + 16.0).abs() < 1.0);
        let mean = speech.iter().map(|s| i32::from(*s)).sum::<i32>() / 1600;
        assert!((mean - 1000).abs() < 5, "{mean}");
        let mut after = [7; 160];
        beep.mix(&mut after);
        assert_eq!(after, [7; 160]);
        beep.fill(&mut after);
        assert_eq!(after, [0; 160]);
    }

    #[test]
    fn the_beep_comes_and_goes_softly() {
        let mut samples = [0; 1600];
        Tone::beep().fill(&mut samples);
        let loudest = |samples: &[i16]| samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
        let peak = loudest(&samples);
        for edge in [&samples[..10], &samples[1590..]] {
            assert!(loudest(edge) < peak / 3);
        }
    }

    #[test]
    fn what_gets_too_loud_is_cut_off() {
        for loudest in [i16::MAX, i16::MIN] {
            let mut speech = [loudest; 320];
            Tone::beep().mix(&mut speech);
            assert!(speech.iter().all(|sample| sample.signum() == loudest.signum()));
        }
    }

    #[test]
    fn countries_have_their_plans() {
        let plans = ["de", "US", "gb", "GB", "", "XX"].map(Plan::of);
        use Plan::{America, Britain, Europe};
        assert_eq!(plans, [Europe, America, Britain, Britain, Europe, Europe]);
    }
}
