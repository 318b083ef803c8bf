//! Insists that the ledger keeps what became of a call: a record is never dropped because the
//! ledger is busy.

use std::time::Duration;

use model::{Cdr, Timestamp};
use store::{Finished, Leased, StoreError};

use super::Parts;

/// The first pause before the ledger is asked again; each one doubles.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What became of a call.
#[derive(Clone, Debug)]
pub(super) enum Became {
    /// It is tried again then.
    Retried(Box<Cdr>, Timestamp),
    /// It is over.
    Finished(Box<Finished>),
}

/// Asks until it is kept; whether it is. It is not if the lease was lost, because then somebody
/// else has the call, and not if the ledger needs a restart, which will close the call.
pub(super) async fn insist(parts: &Parts, leased: &Leased, became: &Became) -> bool {
    let message_id = leased.call.message.message_id.as_str();
    let mut pause = PAUSE_MIN;
    loop {
        let kept = match became.clone() {
            Became::Retried(cdr, due) => parts.ledger.retry(leased.lease, *cdr, due).await,
            Became::Finished(finished) => parts.ledger.finish(leased.lease, *finished).await,
        };
        match kept {
            Ok(()) => return true,
            Err(error @ (StoreError::LeaseLost | StoreError::Poisoned(_))) => {
                tracing::warn!(message_id, %error, "What became of a call could not be kept.");
                return false;
            }
            Err(error) => {
                tracing::warn!(message_id, %error, "What became of a call is not kept yet.");
            }
        }
        parts.time.until(parts.time.now().plus(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
