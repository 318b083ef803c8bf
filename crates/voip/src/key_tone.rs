//! Keys as they sound (ITU-T Q.23), for far ends that take no events.

use std::f32::consts::TAU;

use crate::RATE;

/// The frequencies of rows and columns, in Hz.
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// The keypad, row by row.
const KEYS: [char; 16] =
    ['1', '2', '3', 'A', '4', '5', '6', 'B', '7', '8', '9', 'C', '*', '0', '#', 'D'];
/// The peaks of both, the higher one 2 dB louder, as lines lose more of it: -8 and -6 dBm0.
const LOUDNESS: [f32; 2] = [8_900.0, 11_200.0];

/// The sound of a key that is held for some samples.
#[derive(Clone, Debug)]
pub struct KeyTone {
    frequencies: [f32; 2],
    sample: u32,
    held: u32,
}

impl KeyTone {
    /// The sound of that key, held for so many samples; none if there is no such key.
    pub fn new(key: char, held: u32) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        let place = KEYS.iter().position(|known| *known == key)?;
        let frequencies = [ROWS[place / 4], COLUMNS[place % 4]];
        Some(Self { frequencies, sample: 0, held })
    }

    /// Writes its next samples; silence once it is over.
    pub fn fill(&mut self, frame: &mut [i16]) {
        for sample in frame {
            *sample = self.next();
        }
    }

    /// Whether it has been heard to its end.
    pub fn is_over(&self) -> bool {
        self.sample >= self.held
    }

    fn next(&mut self) -> i16 {
        if self.is_over() {
            return 0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a key is held for thousands of samples")]
        let seconds = self.sample as f32 / RATE as f32;
        self.sample += 1;
        let parts = self.frequencies.iter().zip(LOUDNESS);
        let sum: f32 = parts.map(|(hz, loud)| (TAU * hz * seconds).sin() * loud).sum();
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        let sample = sum as i16;
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How strong a frequency is in those samples, as the peak of a sine.
    fn peak(samples: &[i16], hz: f32) -> f32 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (at, sample) in samples.iter().enumerate() {
            let angle = TAU * hz * at as f32 / RATE as f32;
            real += f32::from(*sample) * angle.cos();
            imaginary += f32::from(*sample) * angle.sin();
        }
        (real.hypot(imaginary)) * 2.0 / samples.len() as f32
    }

    #[test]
    fn a_key_is_its_row_and_its_column() {
        for (key, row, column) in [('1', 697.0, 1209.0), ('8', 852.0, 1336.0), ('d', 941.0, 1633.0)]
        {
            let mut samples = [0; 800];
            KeyTone::new(key, 800).unwrap().fill(&mut samples);
            for hz in ROWS.into_iter().chain(COLUMNS) {
                let expected = [row, column].contains(&hz);
                assert_eq!(peak(&samples, hz) > 7_000.0, expected, "{key}: {hz} Hz");
            }
        }
        assert!(KeyTone::new('E', 800).is_none());
    }

    #[test]
    fn a_key_ends() {
        let mut tone = KeyTone::new('5', 100).unwrap();
        let mut samples = [1; 160];
        tone.fill(&mut samples);
        assert!(samples[100..].iter().all(|sample| *sample == 0));
        assert!(tone.is_over());
    }
}
