//! Where the dates of a deck's lines quarrel or leave a hole. For whoever imports it; lookups have
//! their own fixed answer to both.

use std::fmt;

use super::{Deck, Period, Prefix, Rate};

/// Two lines of one prefix, in force at the same time, by which calls cost differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap<'d> {
    /// The one that begins first and loses.
    pub earlier: &'d Rate,
    /// The one that begins last, or comes last in the file, and wins.
    pub later: &'d Rate,
    /// When both are in force.
    pub period: Period,
}

/// A time between two lines of a prefix in which it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The prefix without a line. A shorter one may still price its numbers.
    pub prefix: Prefix,
    /// How long.
    pub period: Period,
}

impl Deck {
    /// All overlaps, by prefix.
    pub fn overlaps(&self) -> Vec<Overlap<'_>> {
        self.by_prefix().flat_map(overlaps).collect()
    }

    /// All gaps, by prefix. The time before the first line and after the last is none.
    pub fn gaps(&self) -> Vec<Gap> {
        self.by_prefix().flat_map(gaps).collect()
    }
}

/// `import` bounds the lines of a prefix, and so the pairs.
fn overlaps(same_prefix: &[Rate]) -> impl Iterator<Item = Overlap<'_>> {
    let pairs = same_prefix.iter().enumerate().flat_map(|(place, earlier)| {
        same_prefix[place + 1..].iter().map(move |later| (earlier, later))
    });
    pairs.filter(|(earlier, later)| !earlier.costs_the_same(later)).filter_map(
        |(earlier, later)| {
            let period = earlier.period.common(later.period)?;
            Some(Overlap { earlier, later, period })
        },
    )
}

fn gaps(same_prefix: &[Rate]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut covered = same_prefix[0].period;
    for rate in &same_prefix[1..] {
        if covered.end() < rate.period.start() {
            let period = Period { from: covered.to, to: rate.period.from };
            gaps.push(Gap { prefix: rate.prefix, period });
        }
        if covered.end() < rate.period.end() {
            covered.to = rate.period.to;
        }
    }
    gaps
}

impl fmt::Display for Overlap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { earlier, later, period } = self;
        let prefix = earlier.prefix;
        write!(f, "{prefix}: lines {} and {} are both in force ", earlier.line, later.line)?;
        write!(f, "{period}, and line {} wins", later.line)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: no line {}", self.prefix, self.period)
    }
}
