//! A recording under way: what both sides say, in parts.

use model::limits::RECORDING_PART_BYTES_MAX;

use super::voice::Frame;

/// Bytes of a part: 30 seconds of both sides.
const PART: usize = 30 * 8_000 * 2;
const _: () = assert!(PART <= RECORDING_PART_BYTES_MAX);

/// Collects both sides.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    part: Vec<u8>,
}

impl Recorder {
    /// The next 20 ms of A and B; a part, once it is full.
    pub(super) fn add(&mut self, a: &Frame, b: &Frame) -> Option<Vec<u8>> {
        self.part.reserve_exact(if self.part.is_empty() { PART } else { 0 });
        self.part.extend(a.iter().zip(b).flat_map(|(a, b)| [*a, *b]));
        (self.part.len() >= PART).then(|| std::mem::take(&mut self.part))
    }

    /// What is left of it.
    pub(super) fn rest(self) -> Option<Vec<u8>> {
        (!self.part.is_empty()).then_some(self.part)
    }
}

#[cfg(test)]
mod tests {
    use voip::FRAME;

    use super::*;

    #[test]
    fn a_long_recording_comes_in_parts() {
        let mut recorder = Recorder::default();
        let part = (1..).find_map(|frames| Some((frames, recorder.add(&[1; FRAME], &[2; FRAME])?)));
        let (frames, part) = part.unwrap();
        assert_eq!(frames * 20, 30_000);
        assert_eq!(part, [1, 2].repeat(PART / 2));
        assert_eq!(recorder.add(&[3; FRAME], &[4; FRAME]), None);
        assert_eq!(recorder.rest(), Some([3, 4].repeat(FRAME)));
        assert_eq!(Recorder::default().rest(), None);
    }
}
