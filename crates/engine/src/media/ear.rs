//! What a leg says, laid on the grid of 20 ms: packets come when they come, of any length, and
//! whoever listens wants one frame a tick.
//!
//! It holds a packet and a frame back before it begins, so that a late packet leaves no hole.

use voip::FRAME;
use voip::g711::{Codec, convert};

use super::voice::Frame;

/// As long as one that is behind is waited for: 200 ms. What is older than that is dropped.
const SAMPLES_MAX: usize = 1_600;
/// More packets than that in a row that are missing are a pause, not a loss.
const GAP_MAX: u16 = 10;

/// Listens to one leg.
#[derive(Debug)]
pub(super) struct Ear {
    /// µ-law, a ring.
    samples: Box<[u8; SAMPLES_MAX]>,
    from: usize,
    held: usize,
    /// Begins once that many are held; none while it runs.
    waits: Option<usize>,
    /// The sequence number that comes next.
    next: Option<u16>,
}

impl Ear {
    pub(super) fn new() -> Self {
        let samples = Box::new([0; SAMPLES_MAX]);
        Self { samples, from: 0, held: 0, waits: Some(2 * FRAME), next: None }
    }

    /// A packet has come; what was lost before it was silent.
    pub(super) fn hear(&mut self, sequence: u16, codec: Codec, codes: &[u8]) {
        let missing = self.next.map_or(0, |next| sequence.wrapping_sub(next));
        self.next = Some(sequence.wrapping_add(1));
        if self.waits.is_some() {
            self.waits = Some(FRAME + codes.len().min(SAMPLES_MAX / 2));
        } else if missing <= GAP_MAX {
            for _ in 0..missing {
                codes.iter().for_each(|_| self.push(Codec::Pcmu.silence()));
            }
        }
        for code in codes {
            let mut code = [*code];
            convert(codec, Codec::Pcmu, &mut code);
            self.push(code[0]);
        }
    }

    /// The next 20 ms in µ-law, if they are there.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        if self.held < self.waits.unwrap_or(FRAME) {
            // One that runs dry waits again.
            self.waits = self.waits.or(Some(2 * FRAME));
            return None;
        }
        self.waits = None;
        let mut frame = [0; FRAME];
        for sample in &mut frame {
            *sample = self.samples[self.from];
            self.from = (self.from + 1) % SAMPLES_MAX;
        }
        self.held -= FRAME;
        Some(frame)
    }

    /// Nothing more will come: what is held is not to wait for it.
    pub(super) fn finish(&mut self) {
        self.waits = None;
    }

    fn push(&mut self, sample: u8) {
        if self.held == SAMPLES_MAX {
            self.from = (self.from + 1) % SAMPLES_MAX;
            self.held -= 1;
        }
        self.samples[(self.from + self.held) % SAMPLES_MAX] = sample;
        self.held += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ear: &mut Ear, frames: usize) -> Vec<u8> {
        (0..frames).filter_map(|_| ear.frame()).flatten().collect()
    }

    #[test]
    fn packets_of_any_length_become_frames() {
        for length in [80, 160, 240, 480] {
            let said: Vec<u8> = (0..960_u32).map(|at| (at % 200) as u8).collect();
            let mut ear = Ear::new();
            let mut heard = Vec::new();
            for (sequence, packet) in said.chunks(length).enumerate() {
                ear.hear(sequence as u16, Codec::Pcmu, packet);
                heard.extend(all(&mut ear, length / FRAME));
            }
            heard.extend(all(&mut ear, 12));
            assert_eq!(heard, said, "packets of {length}");
        }
    }

    #[test]
    fn what_is_lost_is_silent_and_takes_its_time() {
        let mut ear = Ear::new();
        ear.hear(9, Codec::Pcmu, &[1; FRAME]);
        ear.hear(10, Codec::Pcmu, &[2; FRAME]);
        assert_eq!(ear.frame(), Some([1; FRAME]));
        ear.hear(12, Codec::Pcmu, &[4; FRAME]);
        assert_eq!(ear.frame(), Some([2; FRAME]));
        assert_eq!(ear.frame(), Some([0xFF; FRAME]));
        assert_eq!(ear.frame(), Some([4; FRAME]));
        assert_eq!(ear.frame(), None);
    }

    #[test]
    fn a_burst_does_not_pile_up() {
        let mut ear = Ear::new();
        for sequence in 0..1_000 {
            ear.hear(sequence, Codec::Pcmu, &[7; 480]);
        }
        let heard = (0..20).filter_map(|_| ear.frame()).count();
        assert_eq!(heard, SAMPLES_MAX / FRAME);
    }
}
