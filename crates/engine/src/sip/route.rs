//! The route of a leg: which trunks it may go through, and in which order they are tried. Pure.
//!
//! Trunks that name more digits of the number go first, then those of a lower priority, then chance,
//! by weight (RFC 2782); the destinations inside a trunk go the same way. What is down goes last, in
//! the same order: health is a guess, and a call that would fail may as well try. What has told us to
//! stay away for a while is left alone, and so is what is full.

use super::trunk::Rank;

/// How likely a place is to take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fitness {
    /// It should.
    Up,
    /// It did not answer lately, or we could not register with it.
    Down,
    /// It has asked to be left alone (Retry-After).
    Resting,
}

/// A trunk that serves a number.
#[derive(Clone, Debug)]
pub struct Candidate<T> {
    /// Which one.
    pub trunk: T,
    /// How many digits of the number it names.
    pub digits: usize,
    /// Its place among the others.
    pub rank: Rank,
    /// Its destinations, with their places and how they are.
    pub destinations: Vec<(Rank, Fitness)>,
}

/// Every destination of the candidates that may be tried, in that order, by its place in the
/// candidate's list. None twice.
pub fn order<T: Clone>(
    candidates: Vec<Candidate<T>>,
    chance: &mut fastrand::Rng,
) -> Vec<(T, usize)> {
    let mut digits: Vec<usize> = candidates.iter().map(|candidate| candidate.digits).collect();
    digits.sort_unstable();
    digits.dedup();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for digits in digits.into_iter().rev() {
        let equals = candidates.iter().filter(|candidate| candidate.digits == digits);
        for candidate in shuffled(equals.collect(), |candidate| candidate.rank, chance) {
            let places: Vec<usize> = (0..candidate.destinations.len()).collect();
            for at in shuffled(places, |at| candidate.destinations[*at].0, chance) {
                match candidate.destinations[at].1 {
                    Fitness::Up => up.push((candidate.trunk.clone(), at)),
                    Fitness::Down => down.push((candidate.trunk.clone(), at)),
                    Fitness::Resting => {}
                }
            }
        }
    }
    up.append(&mut down);
    up
}

/// By priority, and by chance in proportion to the weights within one.
fn shuffled<T>(mut items: Vec<T>, rank: impl Fn(&T) -> Rank, chance: &mut fastrand::Rng) -> Vec<T> {
    items.sort_by_key(|item| rank(item).priority);
    let mut ordered = Vec::with_capacity(items.len());
    while let Some(first) = items.first() {
        let priority = rank(first).priority;
        let equals = items.iter().take_while(|item| rank(item).priority == priority);
        let weights: Vec<u32> = equals.map(|item| rank(item).weight.into()).collect();
        ordered.push(items.remove(draw(&weights, chance)));
    }
    ordered
}

/// One of them, in proportion to the weights. A weight of zero has its turn when there is no other.
fn draw(weights: &[u32], chance: &mut fastrand::Rng) -> usize {
    let total: u32 = weights.iter().sum();
    if total == 0 {
        return 0;
    }
    let mut drawn = chance.u32(0..total);
    for (at, weight) in weights.iter().enumerate() {
        match drawn.checked_sub(*weight) {
            Some(rest) => drawn = rest,
            None => return at,
        }
    }
    unreachable!("what is drawn is less than the sum")
}
