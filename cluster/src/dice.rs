//! Chance, by a seed.

/// A small seeded generator: xorshift64*.
pub(crate) struct Dice(u64);

impl Dice {
    /// One of many of a seed.
    pub(crate) fn of(seed: u64, salt: u64) -> Self {
        Self((seed ^ (salt + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).max(1))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}
