//! When a destination is up, down, or left alone.

use std::time::Duration;

use engine::sip::route::Fitness::{Down, Resting, Up};
use engine::sip::{Change, Health};

use crate::at;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn any_answer_to_a_ping_but_503_says_that_it_lives() {
    for code in [200, 404, 405, 403, 401, 483, 500] {
        let mut health = Health::default();
        for _ in 0..10 {
            assert_eq!(health.pinged(Some(code), at(0)), None, "{code}");
        }
        assert_eq!(health.fitness(true, at(0)), Up, "{code}");
    }
}

#[test]
fn three_misses_in_a_row_take_it_down_and_one_answer_brings_it_back() {
    for code in [None, Some(503)] {
        let mut health = Health::default();
        assert_eq!(health.pinged(code, at(0)), None);
        assert_eq!(health.pinged(code, at(1)), None);
        assert_eq!(health.ping_after(MINUTE), Duration::from_secs(5), "a doubt");
        assert_eq!(health.fitness(true, at(1)), Up);
        assert_eq!(health.heard(), None);
        assert_eq!(health.pinged(code, at(2)), None);
        assert_eq!(health.missed(at(3)), None);
        assert_eq!(health.missed(at(4)), Some(Change::Down));
        assert_eq!(health.missed(at(5)), None, "told once");
        assert_eq!(health.fitness(true, at(10_000_000)), Down);
        assert_eq!(health.ping_after(MINUTE), MINUTE, "it is certain");
        assert_eq!(health.pinged(Some(404), at(10_000_001)), Some(Change::Up));
        assert_eq!(health.fitness(true, at(10_000_001)), Up);
        assert_eq!(health.ping_after(MINUTE), MINUTE);
    }
}

#[test]
fn what_nobody_pings_is_tried_again_after_a_while() {
    let mut health = Health::default();
    for _ in 0..3 {
        health.missed(at(0));
    }
    assert_eq!(health.fitness(false, at(29_999)), Down);
    assert_eq!(health.fitness(false, at(30_000)), Up);
    assert_eq!(health.missed(at(30_000)), None, "it was told already");
    assert_eq!(health.fitness(false, at(30_001)), Down, "one more miss is enough");
}

#[test]
fn it_rests_as_long_as_it_says_within_bounds() {
    let mut health = Health::default();
    health.rest(Duration::from_secs(5), at(0));
    health.rest(Duration::from_secs(2), at(0));
    assert_eq!(health.heard(), None);
    assert_eq!(health.fitness(true, at(4_999)), Resting, "an answer does not end its rest");
    assert_eq!(health.fitness(true, at(5_000)), Up);
    health.rest(Duration::from_secs(1_000_000), at(0));
    assert_eq!(health.rests_until(at(1)), Some(at(600_000)));
}
