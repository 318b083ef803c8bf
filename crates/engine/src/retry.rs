//! When a message is tried next: the retry ladder, its delivery window and its validity. Pure.

mod window;

use std::time::Duration;

use model::limits::RETRIES_MAX;
use model::message::Retry;
use model::{Message, Outcome, Timestamp};

pub use window::opening;

/// The pauses that there are, in minutes.
const LADDER: [u64; 12] = [1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 960, 1440];

/// When the message may be placed for the first time; none if its validity or its window leaves
/// no such instant, and it has expired.
pub fn first_attempt(message: &Message, now: Timestamp) -> Option<Timestamp> {
    placeable(message, now.max(message.send_at))
}

/// When to try again after `attempts` attempts, the last of which ended at `ended`; none if that
/// outcome is the message's.
pub fn next_attempt(
    message: &Message,
    attempts: u8,
    outcome: Outcome,
    ended: Timestamp,
) -> Option<Timestamp> {
    let pause = pause(message.retry?, attempts).filter(|_| may_pass(outcome))?;
    placeable(message, ended.plus(pause))
}

/// Whether the reason may have passed by the next attempt. A decision of the person called, of the
/// account or of a wrong number does not pass, and what an own stop left behind is never redialled.
pub fn may_pass(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Busy
        | Outcome::NoAnswer
        | Outcome::Unavailable
        | Outcome::NetworkError
        | Outcome::Congestion
        | Outcome::Terminated => true,
        Outcome::Answered
        | Outcome::AnsweredByMachine
        | Outcome::Declined
        | Outcome::Forbidden
        | Outcome::NoSuchNumber
        | Outcome::IncompleteNumber
        | Outcome::NumberChanged
        | Outcome::TrunkRefused
        | Outcome::MediaMismatch
        | Outcome::Cancelled
        | Outcome::Expired
        | Outcome::AudioNotFetched
        | Outcome::AudioUnsupported
        | Outcome::OutOfCredit
        | Outcome::NoRate
        | Outcome::Internal => false,
    }
}

/// The pause after that many attempts, at least one; none once there have been enough.
pub fn pause(retry: Retry, attempts: u8) -> Option<Duration> {
    if attempts == 0 || attempts > retry.max_count.min(RETRIES_MAX) {
        return None;
    }
    let lowest = rung(retry.min_period);
    let highest = rung(retry.max_period).max(lowest);
    let minutes = LADDER[(lowest + usize::from(attempts) - 1).min(highest)];
    Some(Duration::from_secs(minutes * 60))
}

/// The lowest rung that is no shorter than `period`; the highest one if there is none.
fn rung(period: Duration) -> usize {
    let is_shorter = |minutes: &u64| Duration::from_secs(minutes * 60) < period;
    LADDER.partition_point(is_shorter).min(LADDER.len() - 1)
}

/// The first instant from `earliest` on that is inside the message's window and validity.
fn placeable(message: &Message, earliest: Timestamp) -> Option<Timestamp> {
    let at = match message.window {
        Some(window) => opening(window, earliest)?,
        None => earliest,
    };
    message.valid_until.is_none_or(|until| at < until).then_some(at)
}
