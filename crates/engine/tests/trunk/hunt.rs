//! Which way is tried after one that came to nothing, and when none is.

use std::collections::HashMap;

use engine::outcome::FINAL_CODES;
use engine::sip::{Codec, Failure, Hunt, Trunk, Trunks, Unreached, Verdict};
use model::Outcome;
use model::cdr::Release;
use proptest::prelude::*;

use crate::{START, destination, trunk};

fn hunt(trunks: Vec<Trunk>) -> Hunt {
    let trunks = Trunks::new(trunks, START);
    let number = "4420".parse().unwrap();
    let ways = trunks.route(&number, START, &mut fastrand::Rng::with_seed(3));
    Hunt::new(ways.unwrap()).unwrap()
}

fn two() -> Vec<Trunk> {
    let mut first = trunk("first");
    first.rank.priority = 0;
    vec![first, trunk("second")]
}

fn failed(hunt: &mut Hunt, code: impl Into<Option<u16>>, cause: Option<u8>) -> Verdict {
    let failure = Failure { release: Release { code: code.into(), cause }, ..Failure::default() };
    hunt.failed(&Unreached { failure: &failure, rang: false, cancelled_as: None })
}

#[test]
fn the_next_way_is_tried_for_what_the_trunk_could_not() {
    for code in [None, Some(408), Some(500), Some(502), Some(503), Some(504), Some(401), Some(402)]
    {
        let mut hunt = hunt(two());
        assert_eq!(failed(&mut hunt, code, None), Verdict::Next, "{code:?}");
        assert_eq!(hunt.way().trunk().name, "second");
        assert_eq!(failed(&mut hunt, code, None), Verdict::Final, "{code:?}: there is none");
        assert_eq!(failed(&mut hunt, code, None), Verdict::Final);
        assert_eq!(hunt.skip(), Verdict::Final);
    }
}

#[test]
fn what_speaks_of_the_person_called_is_final() {
    for code in FINAL_CODES.into_iter().chain([399, 699]) {
        assert_eq!(failed(&mut hunt(two()), code, None), Verdict::Final, "{code}");
    }
    // Busy, no answer, declined, no such number: whatever code it is wrapped in.
    for cause in [1, 17, 18, 19, 20, 21, 22, 28] {
        assert_eq!(failed(&mut hunt(two()), 503, Some(cause)), Verdict::Final, "{cause}");
    }
    for cause in [16, 34, 38, 41, 42] {
        assert_eq!(failed(&mut hunt(two()), 503, Some(cause)), Verdict::Next, "{cause}");
    }
}

#[test]
fn a_trunk_may_mean_other_codes() {
    let mut trunks = two();
    trunks[0].final_codes = vec![503];
    assert_eq!(failed(&mut hunt(trunks.clone()), 404, None), Verdict::Next);
    assert_eq!(failed(&mut hunt(trunks.clone()), 603, None), Verdict::Next);
    assert_eq!(failed(&mut hunt(trunks.clone()), 503, None), Verdict::Final);
    assert_eq!(failed(&mut hunt(trunks), 500, None), Verdict::Next);
}

#[test]
fn nobody_is_rung_twice_and_nothing_is_tried_for_whom_nobody_waits() {
    let failure =
        Failure { release: Release { code: Some(503), cause: None }, ..Failure::default() };
    let of = |rang, cancelled_as| {
        hunt(two()).failed(&Unreached { failure: &failure, rang, cancelled_as })
    };
    assert_eq!(of(true, None), Verdict::Final);
    assert_eq!(of(false, Some(Outcome::Cancelled)), Verdict::Final);
    assert_eq!(of(false, Some(Outcome::NoAnswer)), Verdict::Final);
    assert_eq!(of(false, Some(Outcome::NetworkError)), Verdict::Next, "nothing came back in time");
}

#[test]
fn a_codec_that_is_not_agreed_to_is_left_out_once() {
    let mut hunt = hunt(two());
    assert_eq!(failed(&mut hunt, 488, None), Verdict::OtherCodec);
    assert_eq!(hunt.way().trunk().name, "first");
    assert_eq!(failed(&mut hunt, 488, None), Verdict::Next);
    assert_eq!(hunt.way().trunk().name, "second");
    assert_eq!(failed(&mut hunt, 488, None), Verdict::Final);
    let one = |name| Trunk { codecs: vec![Codec::Pcmu], ..trunk(name) };
    let mut hunt = self::hunt(vec![one("a"), one("b")]);
    assert_eq!(failed(&mut hunt, 488, None), Verdict::Next, "there is no other codec");
}

fn failure() -> impl Strategy<Value = (Option<u16>, Option<u8>, bool, u8)> {
    let code = prop_oneof![
        4 => Just(Some(503)),
        2 => Just(Some(488)),
        2 => Just(None),
        2 => (300u16..700).prop_map(Some),
    ];
    (code, proptest::option::weighted(0.2, 0u8..128), proptest::bool::weighted(0.1), 0u8..30)
}

proptest! {
    #[test]
    fn no_way_twice_none_after_a_final_answer_and_all_if_there_is_none(
        sizes in proptest::collection::vec(1usize..4, 1..5),
        failures in proptest::collection::vec(failure(), 40),
    ) {
        let trunks: Vec<Trunk> = sizes.iter().enumerate().map(|(at, size)| {
            let places = (0..*size).map(|place| destination(&format!("t{at}d{place}"), 1, 1));
            Trunk::new(format!("t{at}"), places.collect())
        }).collect();
        let all: usize = sizes.iter().sum();
        let mut hunt = hunt(trunks);
        let mut tried: HashMap<String, u32> = HashMap::new();
        let (mut again, mut is_over, mut was_final) = (0, false, false);
        for (code, cause, rang, ours) in failures {
            if !is_over {
                *tried.entry(hunt.way().destination().hop.host.clone()).or_default() += 1;
            }
            let release = Release { code, cause };
            let cancelled_as = (ours == 0).then_some(Outcome::Cancelled);
            let failure = Failure { release, ..Failure::default() };
            let verdict = hunt.failed(&Unreached { failure: &failure, rang, cancelled_as });
            let is_final = rang || cancelled_as.is_some()
                || code.is_some_and(|code| FINAL_CODES.contains(&code));
            prop_assert!(!is_over || verdict == Verdict::Final, "tried after the end");
            prop_assert!(!is_final || verdict == Verdict::Final, "tried after {code:?}");
            was_final |= !is_over && (is_final || cause.is_some() || matches!(code, Some(300..400 | 600..700)));
            is_over |= verdict == Verdict::Final;
            again += u32::from(verdict == Verdict::OtherCodec);
        }
        prop_assert!(again <= 1);
        let repeated: u32 = tried.values().map(|times| times - 1).sum();
        prop_assert_eq!(repeated, again, "a destination twice");
        prop_assert!(was_final || tried.len() == all, "{} of {all}", tried.len());
    }
}
