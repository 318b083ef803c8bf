//! Closes calls that are not to be placed: cancelled while they waited, or left behind started by
//! a process that died.

use std::sync::Arc;

use model::Outcome;
use store::Leased;

use super::Shared;
use super::task::finish;
use crate::report::{End, Last};
use crate::tariff::Tariff;

/// Closes a call with a truthful report.
pub(super) async fn close(shared: Arc<Shared>, leased: Leased, tariff: Tariff) {
    let call = &leased.call;
    // What had started was under way when its process died, whatever else was wanted of it.
    let (outcome, last) = match (call.started, call.cdrs.last()) {
        (Some(started), _) => (Outcome::Internal, Last::LeftBehind { started_at: started.at }),
        (None, Some(cdr)) => (Outcome::Cancelled, Last::Kept(cdr.clone())),
        (None, None) => (Outcome::Cancelled, Last::None { due: call.due }),
    };
    let end = End { outcome, last, done_at: shared.parts.time.now() };
    finish(&shared, &leased, end, &tariff).await;
}
