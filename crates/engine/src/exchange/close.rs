//! Closes calls that are not to be placed: cancelled while they waited, or left behind started by
//! a process that died.

use std::sync::Arc;

use model::Outcome;
use store::{Leased, Started};

use super::Shared;
use super::task::finish;
use crate::report::{End, Last, left_behind};
use crate::tariff::Tariff;

/// Closes a call with a truthful report. What was left up of it is hung up first.
pub(super) async fn close(shared: Arc<Shared>, leased: Leased, tariff: Tariff) {
    let call = &leased.call;
    // What had started was under way when its process died, whatever else was wanted of it.
    let (outcome, last) = match (call.started, call.cdrs.last()) {
        (Some(started), _) => (Outcome::Internal, clear(&shared, &leased, started).await),
        (None, Some(cdr)) => (Outcome::Cancelled, Last::Kept(Box::new(cdr.clone()))),
        (None, None) => (Outcome::Cancelled, Last::None { due: call.due }),
    };
    let recorded = call.recording.bytes > 0;
    let end = End { outcome, last, done_at: shared.parts.time.now(), recorded };
    finish(&shared, &leased, end, &tariff).await;
}

/// Hangs up what is left of an attempt.
async fn clear(shared: &Shared, leased: &Leased, started: Started) -> Last {
    let call = &leased.call;
    for up in &call.legs_up {
        shared.parts.carrier.hang_up_left_behind(&up.dialog).await;
    }
    let now = shared.parts.time.now();
    Last::LeftBehind(Box::new(left_behind(started.attempt, started.at, &call.legs_up, now)))
}
