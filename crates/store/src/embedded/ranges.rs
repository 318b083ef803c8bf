//! Which reports of an account are pending: a set of sequence numbers, as disjoint ranges.
//!
//! The set is kept by the end of each range, as it is on disk. Its last range ends at [`OPEN`]:
//! an appended report is in it without a change, and a take from the front of it moves one number.

use std::collections::BTreeMap;
use std::ops::Range;

/// The end of the range that appended reports fall into.
pub(super) const OPEN: u64 = u64::MAX;

/// A range that came, changed or went: its end, and its start if it is still there.
pub(super) type Edit = (u64, Option<u64>);

/// A set of sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    start_by_end: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Adds a range as it was read from disk.
    pub(super) fn load(&mut self, start: u64, end: u64) {
        self.start_by_end.insert(end, start);
    }

    /// Where the open range starts.
    pub(super) fn open_start(&self) -> Option<u64> {
        self.start_by_end.get(&OPEN).copied()
    }

    /// The ranges from `from` on, the first of them cut there.
    pub(super) fn from(&self, from: u64) -> impl Iterator<Item = Range<u64>> {
        self.start_by_end
            .range(from.saturating_add(1)..)
            .map(move |(end, start)| from.max(*start)..*end)
    }

    /// Whether the number is in the set.
    pub(super) fn contains(&self, number: u64) -> bool {
        self.from(number).next().is_some_and(|range| range.start == number)
    }

    /// Adds numbers, none of which is in the set.
    pub(super) fn insert(&mut self, range: Range<u64>, mut edit: impl FnMut(Edit)) {
        debug_assert!(range.start < range.end, "an empty range is never added");
        debug_assert!(
            self.from(range.start).next().is_none_or(|next| next.start >= range.end),
            "a report is returned only while it is not pending"
        );
        let mut start = range.start;
        if let Some(earlier) = self.start_by_end.remove(&range.start) {
            edit((range.start, None));
            start = earlier;
        }
        let following = self.start_by_end.range(range.end.saturating_add(1)..).next();
        let end = match following {
            Some((end, next_start)) if *next_start == range.end => *end,
            Some(_) | None => range.end,
        };
        self.start_by_end.insert(end, start);
        edit((end, Some(start)));
    }

    /// Removes numbers, all of which are in one range of the set.
    pub(super) fn remove(&mut self, range: Range<u64>, mut edit: impl FnMut(Edit)) {
        let around = self.start_by_end.range(range.start.saturating_add(1)..).next();
        let Some((&end, &start)) = around.filter(|(end, start)| {
            **start <= range.start && range.start < range.end && range.end <= **end
        }) else {
            unreachable!("only pending reports are taken: {range:?} is not pending")
        };
        if range.end == end && end != OPEN {
            self.start_by_end.remove(&end);
            edit((end, None));
        } else {
            self.start_by_end.insert(end, range.end);
            edit((end, Some(range.end)));
        }
        if start < range.start {
            self.start_by_end.insert(range.start, start);
            edit((range.start, Some(start)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const NUMBERS: u64 = 40;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64, u64),
        Remove(u64, u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let span = || (0..NUMBERS, 1..6_u64);
        let step = prop_oneof![
            span().prop_map(|(start, length)| Step::Insert(start, start + length)),
            span().prop_map(|(start, length)| Step::Remove(start, start + length)),
        ];
        proptest::collection::vec(step, 1..80)
    }

    fn members(ranges: &Ranges) -> BTreeSet<u64> {
        ranges.from(0).flat_map(|range| range.start..range.end.min(NUMBERS + 10)).collect()
    }

    proptest! {
        #[test]
        fn ranges_are_a_set(steps in steps()) {
            let mut ranges = Ranges::default();
            ranges.load(20, OPEN);
            let mut set: BTreeSet<u64> = (20..NUMBERS + 10).collect();
            let mut disk = BTreeMap::from([(OPEN, 20)]);
            for step in steps {
                let mut edit = |(end, start): Edit| match start {
                    Some(start) => { disk.insert(end, start); }
                    None => { disk.remove(&end); }
                };
                match step {
                    Step::Insert(start, end) if (start..end).all(|n| !set.contains(&n)) => {
                        ranges.insert(start..end, &mut edit);
                        set.extend(start..end);
                    }
                    Step::Remove(start, end) if (start..end).all(|n| set.contains(&n)) => {
                        ranges.remove(start..end, &mut edit);
                        set.retain(|n| !(start..end).contains(n));
                    }
                    Step::Insert(..) | Step::Remove(..) => {}
                }
                prop_assert_eq!(members(&ranges), set.clone());
                prop_assert_eq!(&ranges.start_by_end, &disk);
                let pieces: Vec<_> = ranges.from(0).collect();
                prop_assert!(pieces.windows(2).all(|two| two[0].end < two[1].start));
                for number in 0..NUMBERS {
                    prop_assert_eq!(ranges.contains(number), set.contains(&number));
                }
            }
        }
    }
}
