//! When a delivery window is open: days of the week and hours of the day, in UTC.

use std::time::Duration;

use model::Timestamp;
use model::message::DeliveryWindow;

const DAY: Duration = Duration::from_hours(24);
/// 1970-01-01 was a Thursday; Monday is day 0.
const EPOCH_WEEKDAY: i64 = 3;

/// The first instant from `earliest` on at which the window is open; none if it never opens.
pub fn opening(window: DeliveryWindow, earliest: Timestamp) -> Option<Timestamp> {
    let (from, open_for) = hours(window);
    let today = earliest.as_millis().div_euclid(DAY.as_millis() as i64);
    // Yesterday's may reach over midnight; a week later the same day comes again.
    (today - 1..=today + 7)
        .filter(|day| window.days & 1 << (day + EPOCH_WEEKDAY).rem_euclid(7) != 0)
        .map(|day| Timestamp::from_millis(day * DAY.as_millis() as i64).plus(from))
        .find(|opens| earliest < opens.plus(open_for))
        .map(|opens| opens.max(earliest))
}

/// When on its day the window opens, and for how long. It belongs to the day on which it opens.
fn hours(window: DeliveryWindow) -> (Duration, Duration) {
    let minutes = |minutes: u16| Duration::from_secs(u64::from(minutes) * 60);
    match window.minutes {
        None => (Duration::ZERO, DAY),
        Some((from, to)) if from < to => (minutes(from), minutes(to) - minutes(from)),
        Some((from, to)) => (minutes(from), DAY + minutes(to) - minutes(from)),
    }
}
