//! Which ways a leg may go, and in which order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use engine::sip::route::{Candidate, Fitness, order};
use engine::sip::{Failure, NoWay, Rank, Trunk, Trunks};
use model::Number;
use model::cdr::Release;
use proptest::prelude::*;

use crate::{START, at, destination, trunk};

fn number(digits: &str) -> Number {
    digits.parse().unwrap()
}

/// The hosts of the ways, in order.
fn hosts(trunks: &Trunks, digits: &str) -> Vec<String> {
    let ways = trunks.route(&number(digits), START, &mut fastrand::Rng::with_seed(1));
    ways.unwrap().iter().map(|way| way.destination().hop.host.clone()).collect()
}

fn serving(name: &str, prefixes: &[&str]) -> Trunk {
    Trunk { serves: prefixes.iter().map(|p| (*p).to_owned()).collect(), ..trunk(name) }
}

#[test]
fn the_longest_prefix_goes_first_and_what_does_not_serve_not_at_all() {
    let trunks = vec![
        serving("any", &[]),
        serving("uk", &["44"]),
        serving("london", &["1", "4420"]),
        serving("hr", &["385"]),
    ];
    let trunks = Trunks::new(trunks, START);
    assert_eq!(hosts(&trunks, "442079460000"), ["london", "uk", "any"]);
    assert_eq!(hosts(&trunks, "385981178"), ["hr", "any"]);
    assert_eq!(hosts(&trunks, "15551234"), ["london", "any"]);
    let none = Trunks::new(vec![serving("uk", &["44"])], START);
    let refused = none.route(&number("385981178"), START, &mut fastrand::Rng::with_seed(1));
    assert_eq!(refused.unwrap_err(), NoWay::NotServed);
}

#[test]
fn priorities_go_before_chance_among_trunks_and_destinations() {
    let mut first = trunk("first");
    first.destinations =
        vec![destination("c", 3, 1000), destination("a", 1, 1), destination("b", 2, 1)];
    let mut last = trunk("last");
    last.rank = Rank { priority: 2, weight: 65_535 };
    let trunks = Trunks::new(vec![last, first], START);
    assert_eq!(hosts(&trunks, "4420"), ["a", "b", "c", "last"]);
}

#[test]
fn what_is_down_goes_last_and_what_rests_is_left_alone() {
    let trunks = Trunks::new(vec![serving("a", &["44"]), serving("b", &[])], START);
    let mut chance = fastrand::Rng::with_seed(1);
    let ways = trunks.route(&number("4420"), START, &mut chance).unwrap();
    let nothing = Failure { local_timeout: true, ..Failure::default() };
    for _ in 0..3 {
        assert_eq!(hosts(&trunks, "4420"), ["a", "b"]);
        ways[0].failed(&nothing, START);
    }
    assert_eq!(hosts(&trunks, "4420"), ["b", "a"]);
    ways[0].heard();
    assert_eq!(hosts(&trunks, "4420"), ["a", "b"]);
    let busy = Failure {
        release: Release { code: Some(503), cause: None },
        retry_after: Some(Duration::from_secs(20)),
        ..Failure::default()
    };
    ways[0].failed(&busy, START);
    assert_eq!(hosts(&trunks, "4420"), ["b"]);
    ways[1].failed(&busy, at(5_000));
    let refused = trunks.route(&number("4420"), at(6_000), &mut chance);
    assert_eq!(refused.unwrap_err(), NoWay::Resting(at(20_000)));
    assert_eq!(trunks.route(&number("4420"), at(20_000), &mut chance).unwrap().len(), 1);
}

#[test]
fn a_503_that_names_no_time_is_no_reason_to_stay_away() {
    let trunks = Trunks::new(vec![trunk("a")], START);
    let ways = trunks.route(&number("4420"), START, &mut fastrand::Rng::with_seed(1)).unwrap();
    let release = Release { code: Some(503), cause: None };
    for _ in 0..10 {
        ways[0].failed(&Failure { release, ..Failure::default() }, START);
    }
    assert_eq!(hosts(&trunks, "4420"), ["a"]);
}

#[test]
fn calls_are_shared_by_weight() {
    let of = |weight| Candidate {
        trunk: weight,
        digits: 0,
        rank: Rank { priority: 1, weight },
        destinations: vec![(Rank::default(), Fitness::Up)],
    };
    let mut chance = fastrand::Rng::with_seed(42);
    let mut first: HashMap<u16, u32> = HashMap::new();
    for _ in 0..10_000 {
        let ways = order(vec![of(1), of(6), of(3), of(0)], &mut chance);
        assert_eq!(ways.len(), 4);
        assert_eq!(ways[3].0, 0, "a weight of zero goes last");
        *first.entry(ways[0].0).or_default() += 1;
    }
    for (weight, expect) in [(1, 1_000), (3, 3_000), (6, 6_000)] {
        let got = first[&weight];
        assert!(got.abs_diff(expect) < 200, "{weight}: {got}");
    }
}

fn candidate() -> impl Strategy<Value = (usize, u16, u16, Vec<(u16, u16, u8)>)> {
    let places = proptest::collection::vec((0u16..3, 0u16..4, 0u8..3), 0..5);
    (0usize..4, 0u16..3, 0u16..4, places)
}

proptest! {
    #[test]
    fn every_destination_that_may_be_tried_is_tried_once_and_in_order(
        given in proptest::collection::vec(candidate(), 0..6),
        seed: u64,
    ) {
        let fitness = |at: u8| [Fitness::Up, Fitness::Down, Fitness::Resting][usize::from(at)];
        let candidates: Vec<Candidate<usize>> = given.iter().enumerate().map(|(at, given)| {
            let (digits, priority, weight, places) = given;
            let places = places.iter().map(|(priority, weight, at)| {
                (Rank { priority: *priority, weight: *weight }, fitness(*at))
            });
            Candidate {
                trunk: at,
                digits: *digits,
                rank: Rank { priority: *priority, weight: *weight },
                destinations: places.collect(),
            }
        }).collect();
        let ways = order(candidates.clone(), &mut fastrand::Rng::with_seed(seed));
        let of = |way: &(usize, usize)| candidates[way.0].destinations[way.1];
        let tried: HashSet<_> = ways.iter().copied().collect();
        prop_assert_eq!(tried.len(), ways.len(), "one twice");
        for candidate in &candidates {
            for (at, (_, fitness)) in candidate.destinations.iter().enumerate() {
                let is_tried = tried.contains(&(candidate.trunk, at));
                prop_assert_eq!(is_tried, *fitness != Fitness::Resting);
            }
        }
        // Up before down; then more digits; then the trunk's priority; then the destination's.
        let key = |way: &(usize, usize)| {
            let candidate = &candidates[way.0];
            (of(way).1, usize::MAX - candidate.digits, candidate.rank.priority)
        };
        for pair in ways.windows(2) {
            prop_assert!(key(&pair[0]) <= key(&pair[1]), "{ways:?}");
            if pair[0].0 == pair[1].0 && of(&pair[0]).1 == of(&pair[1]).1 {
                prop_assert!(of(&pair[0]).0.priority <= of(&pair[1]).0.priority);
            }
        }
    }
}
