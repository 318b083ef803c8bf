//! The steps of a price, as the operator reads them.

use engine::rating::{Billed, BilledLeg, Deck, Step, charge, explain};
use model::calling::Unlisted;

use super::{at, by_the_minute, number};

const AT: &str = "2026-02-03T10:20:30Z";

#[track_caller]
fn check(deck: &Deck, digits: &str, talked_seconds: Option<u32>, expect: &[&str]) {
    let number = number(digits);
    let leg = BilledLeg { number: &number, talked_seconds };
    let steps: Vec<_> = explain(&leg, at(AT), deck).iter().map(Step::to_string).collect();
    assert_eq!(steps, expect);
}

#[test]
fn every_step_of_the_arithmetic_is_told() {
    check(
        &by_the_minute(),
        "88213123456",
        Some(61),
        &[
            "longest prefix in force: line 12: 88213 Satellite, 4.95 USD a minute, 60/30, \
             1.50 USD to connect, always",
            "price shown in the report: 0.0825 USD a second",
            "61 s by 60/30 are billed as 90 s",
            "90 s × 4.95 a minute ÷ 60 = 7.425",
            "plus 1.50 to connect",
            "total = 8.925, half up to 4 decimals: 8.925 USD",
        ],
    );
}

#[test]
fn digits_that_do_not_end_and_lines_not_in_force_are_told() {
    check(
        &by_the_minute(),
        "4915112345678",
        Some(61),
        &[
            "not in force at 2026-02-03T10:20:30Z: line 11: 4915 Germany mobile, \
             0.07 USD a minute, 1/1, from 2026-03-01T10:00:00Z until 2026-04-01T00:00:00Z",
            "longest prefix in force: line 10: 49 Germany, 0.021 USD a minute, 60/1, \
             from 2026-01-01T00:00:00Z",
            "price shown in the report: 0.00035 USD a second",
            "61 s by 60/1 are billed as 61 s",
            "61 s × 0.021 a minute ÷ 60 = 0.02135",
            "total = 0.02135, half up to 4 decimals: 0.0214 USD",
        ],
    );
    check(
        &by_the_minute(),
        "12425550100",
        Some(0),
        &[
            "longest prefix in force: line 3: 1242 Bahamas, 0.25 USD a minute, 60/60, \
             0.10 USD to connect, always",
            "price shown in the report: 0.004166666667 USD a second",
            "0 s by 60/60 are billed as 60 s",
            "60 s × 0.25 a minute ÷ 60 = 0.25",
            "plus 0.10 to connect",
            "total = 0.35, half up to 4 decimals: 0.35 USD",
        ],
    );
    check(
        &by_the_minute(),
        "77012345678",
        None,
        &[
            "longest prefix in force: line 13: 7 Kazakhstan and neighbours, \
             0.0333 USD a minute, 1/1, both legs, always",
            "price shown in the report: 0.000555 USD a second",
            "not answered: nothing is due",
            "total = 0, half up to 4 decimals: 0 USD",
        ],
    );
    check(
        &by_the_minute(),
        "20255501",
        Some(10),
        &["no line for 20255501 is in force at 2026-02-03T10:20:30Z"],
    );
}

#[test]
fn the_last_step_is_the_charge() {
    for deck in [by_the_minute(), Deck::demo()] {
        for rate in deck.rates() {
            for talked_seconds in [None, Some(0), Some(59), Some(61), Some(3_601)] {
                let number = number(&format!("{}0000", rate.prefix));
                let a = BilledLeg { number: &number, talked_seconds };
                let call = Billed { a, b: None, at: at(AT) };
                let charge = charge(&call, &deck, Unlisted::Refuse).unwrap();
                let steps = explain(&a, at(AT), &deck);
                let Some(Step::Total { total, .. }) = steps.last() else { panic!("{steps:?}") };
                assert_eq!(*total, charge.total, "{number}, {talked_seconds:?}");
            }
        }
    }
}

#[test]
fn the_demo_deck_has_no_quarrels_and_no_holes() {
    let demo = Deck::demo();
    assert!(demo.rates().len() >= 30);
    assert_eq!((demo.overlaps(), demo.gaps()), (vec![], vec![]));
}
