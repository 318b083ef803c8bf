//! Overlaps and gaps, a small deck for each kind.

use engine::rating::{Gap, Overlap};

use super::deck;

/// Lines of prefix 385 (rate, from, to), and what is told about them.
#[track_caller]
fn check(lines: &[&str], overlaps: &[&str], gaps: &[&str]) {
    let rows: String = lines.iter().map(|line| format!("385,{line}\n")).collect();
    let deck = deck(&format!("prefix,rate,from,to\n3859,1,,\n{rows}"));
    let told: Vec<_> = deck.overlaps().iter().map(Overlap::to_string).collect();
    assert_eq!(told, overlaps, "overlaps of {lines:?}");
    let told: Vec<_> = deck.gaps().iter().map(Gap::to_string).collect();
    assert_eq!(told, gaps, "gaps of {lines:?}");
}

#[test]
fn lines_that_follow_each_other_are_sound() {
    check(&["1,,"], &[], &[]);
    check(&["1,,2026-01-31", "2,2026-02-01,"], &[], &[]);
    check(&["2,2026-02-01,", "1,,2026-01-31"], &[], &[]);
    check(&["1,,2026-02-01T00:00:00Z", "2,2026-02-01T01:00:00+01:00,"], &[], &[]);
    check(&["1,2026-01-01,2026-01-31"], &[], &[]);
}

#[test]
fn lines_in_force_at_once_overlap_if_they_cost_differently() {
    check(&["1,,", "2,,"], &["385: lines 3 and 4 are both in force always, and line 4 wins"], &[]);
    check(&["1,,", "1.00,,"], &[], &[]);
    check(
        &["2,2026-02-01,", "1,,2026-02-01"],
        &["385: lines 4 and 3 are both in force from 2026-02-01T00:00:00Z until \
           2026-02-02T00:00:00Z, and line 3 wins"],
        &[],
    );
    check(
        &["1,,", "2,2026-02-01,2026-02-28", "3,2026-02-28,"],
        &[
            "385: lines 3 and 4 are both in force from 2026-02-01T00:00:00Z until \
             2026-03-01T00:00:00Z, and line 4 wins",
            "385: lines 3 and 5 are both in force from 2026-02-28T00:00:00Z, and line 5 wins",
            "385: lines 4 and 5 are both in force from 2026-02-28T00:00:00Z until \
             2026-03-01T00:00:00Z, and line 5 wins",
        ],
        &[],
    );
}

#[test]
fn a_difference_in_anything_that_is_paid_for_is_an_overlap() {
    let header = "prefix,rate,connect_fee,increments,charge_b,name\n385,1,0.1,60/60,no,x\n";
    for (other, overlaps) in [
        ("385,1,0.1,60/60,no,y", 0),
        ("385,1.1,0.1,60/60,no,x", 1),
        ("385,1,0.2,60/60,no,x", 1),
        ("385,1,0.1,60/1,no,x", 1),
        ("385,1,0.1,60/60,yes,x", 1),
        ("386,2,0.1,60/60,yes,x", 0),
    ] {
        assert_eq!(deck(&format!("{header}{other}\n")).overlaps().len(), overlaps, "{other}");
    }
}

#[test]
fn dates_that_leave_a_hole_are_a_gap() {
    check(
        &["1,,2026-01-30", "2,2026-02-01,"],
        &[],
        &["385: no line from 2026-01-31T00:00:00Z until 2026-02-01T00:00:00Z"],
    );
    // The long line reaches past the short one inside it.
    check(
        &["1,,2026-03-31", "1,2026-01-01,2026-01-31", "1,2026-05-01,2026-05-31", "1,2026-07-01,"],
        &[],
        &[
            "385: no line from 2026-04-01T00:00:00Z until 2026-05-01T00:00:00Z",
            "385: no line from 2026-06-01T00:00:00Z until 2026-07-01T00:00:00Z",
        ],
    );
    check(&["1,2026-01-01,", "1,2026-05-01,2026-05-31", "1,2026-07-01,"], &[], &[]);
}
