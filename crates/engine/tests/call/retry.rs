//! The retry ladder, delivery windows and validity.

use std::time::Duration;

use engine::retry::{first_attempt, may_pass, next_attempt, opening, pause};
use model::message::{DeliveryWindow, Retry};
use model::{Message, Outcome, Timestamp};
use proptest::prelude::*;

use crate::script::{NOON, persons};

const MINUTE: Duration = Duration::from_secs(60);
const EVERY_DAY: u8 = 0b111_1111;
const MONDAY: u8 = 1;
const FRIDAY: u8 = 1 << 4;

fn ladder(min: u32, max: u32, max_count: u8) -> Retry {
    Retry { min_period: MINUTE * min, max_period: MINUTE * max, max_count }
}

fn retrying(min: u32, max: u32, max_count: u8) -> Message {
    Message { retry: Some(ladder(min, max, max_count)), ..persons() }
}

fn later(days: u32, hours: u32, minutes: u32) -> Timestamp {
    NOON.plus(MINUTE * (days * 1440 + hours * 60 + minutes))
}

#[track_caller]
fn check_ladder(retry: Retry, minutes: &[u32]) {
    let pauses: Vec<Duration> = (1..=9).map_while(|attempts| pause(retry, attempts)).collect();
    assert_eq!(pauses, minutes.iter().map(|minutes| MINUTE * *minutes).collect::<Vec<_>>());
}

#[test]
fn the_ladder_climbs_from_the_shortest_to_the_longest() {
    check_ladder(ladder(1, 1440, 4), &[1, 2, 5, 10]);
    check_ladder(ladder(1, 2, 4), &[1, 2, 2, 2]);
    check_ladder(ladder(20, 20, 3), &[20, 20, 20]);
    check_ladder(ladder(240, 1440, 4), &[240, 480, 960, 1440]);
}

#[test]
fn what_is_off_the_ladder_is_rounded_up_and_clamped() {
    check_ladder(ladder(3, 7, 4), &[5, 10, 10, 10]);
    check_ladder(ladder(0, 0, 1), &[1]);
    check_ladder(ladder(9_999, 99_999, 2), &[1440, 1440]);
    check_ladder(ladder(60, 5, 2), &[60, 60]);
    check_ladder(ladder(1, 1440, 5), &[1, 2, 5, 10]);
    check_ladder(ladder(1, 1440, 0), &[]);
    assert_eq!(pause(ladder(1, 1440, 4), 0), None);
}

#[test]
fn only_what_may_pass_is_tried_again() {
    use Outcome::{Busy, Congestion, NetworkError, NoAnswer, Terminated, Unavailable};
    let passing = [Busy, NoAnswer, Unavailable, NetworkError, Congestion, Terminated];
    for outcome in Outcome::ALL {
        assert_eq!(may_pass(outcome), passing.contains(&outcome), "{outcome:?}");
        let next = next_attempt(&retrying(5, 5, 2), 1, outcome, NOON);
        assert_eq!(next.is_some(), passing.contains(&outcome), "{outcome:?}");
    }
}

#[test]
fn the_next_attempt_is_after_the_pause() {
    let message = retrying(5, 60, 2);
    assert_eq!(next_attempt(&message, 1, Outcome::Busy, NOON), Some(later(0, 0, 5)));
    assert_eq!(next_attempt(&message, 2, Outcome::Busy, NOON), Some(later(0, 0, 10)));
    assert_eq!(next_attempt(&message, 3, Outcome::Busy, NOON), None);
    assert_eq!(next_attempt(&persons(), 1, Outcome::Busy, NOON), None);
}

#[test]
fn nothing_is_tried_once_the_validity_is_over() {
    let message = Message { valid_until: Some(later(0, 0, 5)), ..retrying(5, 5, 2) };
    assert_eq!(next_attempt(&message, 1, Outcome::Busy, NOON), None);
    assert_eq!(first_attempt(&message, later(0, 0, 4)), Some(later(0, 0, 4)));
    assert_eq!(first_attempt(&message, later(0, 0, 5)), None);
}

#[test]
fn the_first_attempt_waits_for_its_time_and_its_window() {
    let scheduled = Message { send_at: later(0, 1, 0), ..persons() };
    assert_eq!(first_attempt(&scheduled, NOON), Some(later(0, 1, 0)));
    let window = DeliveryWindow { days: EVERY_DAY, minutes: Some((14 * 60, 16 * 60)) };
    let windowed = Message { window: Some(window), ..scheduled };
    assert_eq!(first_attempt(&windowed, NOON), Some(later(0, 2, 0)));
    let expiring = Message { valid_until: Some(later(0, 2, 0)), ..windowed };
    assert_eq!(first_attempt(&expiring, NOON), None);
}

#[test]
fn a_retry_waits_for_the_window() {
    let window = DeliveryWindow { days: MONDAY, minutes: Some((8 * 60, 12 * 60 + 3)) };
    let message = Message { window: Some(window), ..retrying(5, 5, 2) };
    assert_eq!(next_attempt(&message, 1, Outcome::Busy, NOON), Some(later(6, 20, 0)));
}

#[test]
fn a_window_opens() {
    let opens = |days, minutes| opening(DeliveryWindow { days, minutes }, NOON);
    assert_eq!(opens(EVERY_DAY, None), Some(NOON));
    assert_eq!(opens(MONDAY, None), Some(NOON));
    assert_eq!(opens(FRIDAY, None), Some(later(3, 12, 0)));
    assert_eq!(opens(MONDAY, Some((720, 780))), Some(NOON));
    assert_eq!(opens(MONDAY, Some((600, 720))), Some(later(6, 22, 0)), "closed at its end");
    assert_eq!(opens(0, None), None);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    let night = DeliveryWindow { days: FRIDAY, minutes: Some((22 * 60, 6 * 60)) };
    assert_eq!(opening(night, NOON), Some(later(4, 10, 0)));
    let saturday_at_five = later(4, 17, 0);
    assert_eq!(opening(night, saturday_at_five), Some(saturday_at_five));
    assert_eq!(opening(night, later(4, 18, 0)), Some(later(11, 10, 0)));
}

/// Whether the window is open, by another calendar.
fn is_open(window: DeliveryWindow, at: Timestamp) -> bool {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    let minute = u16::try_from(at.hour()).unwrap() * 60 + u16::try_from(at.minute()).unwrap();
    let today = at.weekday().to_monday_zero_offset();
    let on = |day: i8| window.days & 1 << day.rem_euclid(7) != 0;
    match window.minutes {
        None => on(today),
        Some((from, to)) if from < to => on(today) && (from..to).contains(&minute),
        Some((from, to)) => (on(today) && from <= minute) || (on(today - 1) && minute < to),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_opens_at_the_first_minute_that_is_inside(
        days in 0u8..128,
        minutes in proptest::option::of((0u16..1440, 0u16..1440)),
        earliest in 0i64..40_000 * 1440,
    ) {
        let window = DeliveryWindow { days, minutes };
        let minute = |n: i64| Timestamp::from_millis((earliest + n) * 60_000);
        let first = (0..=8 * 1440).map(minute).find(|at| is_open(window, *at));
        prop_assert_eq!(opening(window, minute(0)), first);
    }

    #[test]
    fn pauses_never_shrink_and_stay_on_the_ladder(
        min in 0u32..3_000, max in 0u32..3_000, count in 0u8..9,
    ) {
        let retry = ladder(min, max, count);
        let pauses: Vec<Duration> = (1..=9).map_while(|attempts| pause(retry, attempts)).collect();
        prop_assert_eq!(pauses.len(), usize::from(count.min(4)));
        prop_assert!(pauses.is_sorted());
        for pause in pauses {
            prop_assert!(pause >= MINUTE * min.min(1440));
            prop_assert!(pause <= MINUTE * 1440);
            prop_assert!([1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 960, 1440].map(|m| MINUTE * m).contains(&pause));
        }
    }
}
