//! Keys heard in the sound itself (ITU-T Q.23, Q.24), for trunks that tell them in no other way.
//!
//! Speech sounds like a key now and then. So a key counts only if hardly anything else is heard but
//! its two frequencies, neither much louder than the other, in two blocks one after the other and
//! as loud in both.

/// Samples that are judged at once: of 40 ms of a key, the shortest one there is, two whole blocks
/// are heard however they lie; of 15 ms, which is none, only one.
const BLOCK: usize = 102;

/// 2 cos(2 pi f / 8000) of 697, 770, 852 and 941 Hz, and of 1209, 1336, 1477 and 1633 Hz.
const FACTORS: [f32; 8] = [
    1.707_737_8,
    1.645_281,
    1.568_687,
    1.478_204_6,
    1.164_104,
    0.996_370_2,
    0.798_618_4,
    0.568_532_7,
];

const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// By how much the lower frequency may be stronger than the higher one, and the other way, as
/// ratios of power: 8 and 4 dB (Q.24), and what the one leaks into the filter of the other.
const TWIST: f32 = 9.5;
const REVERSE_TWIST: f32 = 3.2;
/// By how much a frequency stands out of its group: 8 dB.
const PEAK: f32 = 6.3;
/// The part of all power that is in the two frequencies.
const PURE: f32 = 0.7;
/// By how much the power of two blocks of one key differs at most.
const STEADY: f32 = 1.6;
/// The amplitude of the weakest frequency that is heard: -38 dBm0.
const WEAKEST: f32 = 280.0;
/// Blocks without the key after which it is no longer pressed.
const RELEASED: u8 = 2;

/// Listens for keys in what comes from one leg.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    /// The last and the last but one value of the filter of each frequency (Goertzel's).
    last: [f32; 8],
    before: [f32; 8],
    energy: f32,
    /// Samples of the block so far.
    filled: usize,
    /// What the block before sounded like.
    hit: Option<Hit>,
    /// The key that was told, as long as it is pressed, and for how many blocks it was not heard.
    pressed: Option<char>,
    missed: u8,
}

/// A block that sounds like a key.
#[derive(Clone, Copy, Debug)]
struct Hit {
    key: char,
    power: f32,
}

impl Detector {
    /// The key that has just been recognised: once each time it is pressed.
    pub fn hear(&mut self, frame: &[i16]) -> Option<char> {
        let mut told = None;
        for sample in frame {
            self.take(f32::from(*sample));
            if self.filled == BLOCK {
                let hit = self.judge();
                told = told.or(self.follow(hit));
            }
        }
        told
    }

    fn take(&mut self, sample: f32) {
        let filters = self.last.iter_mut().zip(&mut self.before);
        for ((last, before), factor) in filters.zip(FACTORS) {
            let next = factor * *last - *before + sample;
            (*before, *last) = (*last, next);
        }
        self.energy += sample * sample;
        self.filled += 1;
    }

    /// What a full block sounds like, which ends with that.
    fn judge(&mut self) -> Option<Hit> {
        let powers: [f32; 8] = std::array::from_fn(|n| {
            let (last, before) = (self.last[n], self.before[n]);
            last * last + before * before - FACTORS[n] * last * before
        });
        let energy = std::mem::take(&mut self.energy);
        (self.last, self.before, self.filled) = ([0.0; 8], [0.0; 8], 0);

        let (row, low) = outstanding(&powers[..4])?;
        let (column, high) = outstanding(&powers[4..])?;
        // A sine of amplitude a has an energy of a^2 n / 2, and a power here of (a n / 2)^2.
        const HALF: f32 = BLOCK as f32 / 2.0;
        let audible = low.min(high) >= (WEAKEST * HALF) * (WEAKEST * HALF);
        let even = low <= high * TWIST && high <= low * REVERSE_TWIST;
        let pure = low + high >= PURE * HALF * energy;
        (audible && even && pure).then(|| Hit { key: KEYS[row][column], power: low + high })
    }

    /// What a block means after those before.
    fn follow(&mut self, hit: Option<Hit>) -> Option<char> {
        let before = std::mem::replace(&mut self.hit, hit);
        let steady = hit.filter(|hit| before.is_some_and(|before| before.is_like(hit)));
        if self.pressed.is_some() && self.pressed == hit.map(|hit| hit.key) {
            self.missed = 0;
            return None;
        }
        if let Some(Hit { key, .. }) = steady {
            (self.pressed, self.missed) = (Some(key), 0);
            return Some(key);
        }
        self.missed = self.missed.saturating_add(1);
        if self.missed >= RELEASED {
            self.pressed = None;
        }
        None
    }
}

impl Hit {
    fn is_like(&self, next: &Self) -> bool {
        self.key == next.key && (self.power / STEADY..self.power * STEADY).contains(&next.power)
    }
}

/// The strongest of a group and its power, if it stands out.
fn outstanding(powers: &[f32]) -> Option<(usize, f32)> {
    let of = powers.iter().copied().enumerate();
    let (strongest, power) = of.clone().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let stands_out = of.clone().all(|(n, other)| n == strongest || other * PEAK <= power);
    stands_out.then_some((strongest, power))
}
