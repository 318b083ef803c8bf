//! What an import would change: the dry run.

use std::collections::HashMap;
use std::fmt;

use super::{Deck, Rate};

/// The lines by which two decks differ, each list by prefix and start. Line numbers do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff<'d> {
    /// Lines of the new deck alone.
    pub added: Vec<&'d Rate>,
    /// Lines of the old deck alone.
    pub removed: Vec<&'d Rate>,
    /// Lines, old and new, of the same prefix and start that differ in something else.
    pub changed: Vec<(&'d Rate, &'d Rate)>,
}

/// How `new` differs from `old`.
pub fn diff<'d>(old: &'d Deck, new: &'d Deck) -> Diff<'d> {
    let key = |rate: &Rate| (rate.prefix, rate.period.start());
    let mut leavers: HashMap<_, Vec<&Rate>> = HashMap::new();
    for rate in old.rates() {
        leavers.entry(key(rate)).or_default().push(rate);
    }
    // Lines that stayed are matched first, so that none of them is taken for a changed one.
    let mut comers = Vec::new();
    for rate in new.rates() {
        let same_key = leavers.entry(key(rate)).or_default();
        match same_key.iter().position(|old| same_row(old, rate)) {
            Some(place) => drop(same_key.remove(place)),
            None => comers.push(rate),
        }
    }
    let mut diff = Diff::default();
    for rate in comers {
        match leavers.get_mut(&key(rate)) {
            Some(same_key) if !same_key.is_empty() => {
                diff.changed.push((same_key.remove(0), rate));
            }
            _ => diff.added.push(rate),
        }
    }
    diff.removed = leavers.into_values().flatten().collect();
    diff.removed.sort_by_key(|rate| (key(rate), rate.line));
    diff
}

/// Whether they say the same, wherever they stand.
fn same_row(left: &Rate, right: &Rate) -> bool {
    *left == Rate { line: left.line, ..right.clone() }
}

impl Diff<'_> {
    /// Whether the decks say the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Diff<'_> {
    /// One line for each line added (`+`) or removed (`-`), two for each one changed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rate in &self.removed {
            writeln!(f, "- {rate}")?;
        }
        for (old, new) in &self.changed {
            writeln!(f, "- {old}\n+ {new}")?;
        }
        for rate in &self.added {
            writeln!(f, "+ {rate}")?;
        }
        Ok(())
    }
}
