//! A pace, and the second in which there are never more calls than may be.

use std::time::Duration;

use engine::exchange::pace::Pace;
use model::Timestamp;
use proptest::prelude::*;

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn pace(per_second: u32) -> Pace {
    let mut pace = Pace::default();
    pace.limit(per_second);
    pace
}

#[test]
fn what_was_dialled_counts_for_a_second() {
    let mut pace = pace(2);
    for millis in [0, 400] {
        pace.hand_out();
        assert!(pace.may_begin(at(millis)));
        pace.begin();
        pace.dial(at(millis));
    }
    assert_eq!((pace.room(at(999)), pace.next_room(at(999))), (0, at(1_000)));
    assert_eq!((pace.room(at(1_000)), pace.room(at(1_400))), (1, 2));
}

#[test]
fn whatever_is_on_its_way_counts_too() {
    let mut pace = pace(3);
    pace.hand_out();
    pace.hand_out();
    pace.begin();
    assert_eq!(pace.room(at(0)), 1);
    pace.take_back();
    assert_eq!(pace.room(at(0)), 2);
    pace.give_up();
    assert_eq!(pace.room(at(0)), 3);
}

#[test]
fn a_lower_limit_holds_at_once() {
    let mut pace = pace(5);
    pace.hand_out();
    pace.begin();
    pace.dial(at(0));
    pace.limit(1);
    assert_eq!((pace.room(at(10)), pace.may_begin(at(10))), (0, false));
    pace.limit(0);
    assert_eq!(pace.room(at(5_000)), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Calls are handed out as there is room or not, begin when they may, and are dialled later.
    #[test]
    fn no_second_has_more_dialled_calls_than_it_may(
        per_second in 0u32..5,
        steps in proptest::collection::vec((0u64..400, 0u8..3), 1..300),
    ) {
        let mut pace = pace(per_second);
        let (mut now, mut ahead, mut beginning) = (at(0), 0, 0);
        let mut dialled: Vec<Timestamp> = Vec::new();
        for (pause, step) in steps {
            now = now.plus(Duration::from_millis(pause));
            match step {
                0 => {
                    pace.hand_out();
                    ahead += 1;
                }
                1 if ahead > 0 && pace.may_begin(now) => {
                    pace.begin();
                    (ahead, beginning) = (ahead - 1, beginning + 1);
                }
                2 if beginning > 0 => {
                    pace.dial(now);
                    beginning -= 1;
                    dialled.push(now);
                }
                _ => {}
            }
            let second = dialled.iter().filter(|at| now < at.plus(Duration::from_secs(1)));
            prop_assert!(second.count() <= per_second as usize);
        }
    }
}
