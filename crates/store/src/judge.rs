//! What becomes of the messages of a submission, as every engine judges it.

use model::AccountId;
use model::catalogue::{StatusRow, status};

use crate::order::DraftItem;
use crate::record::read_message;
use crate::{Answer, Result};

/// What is to become of a draft.
pub(crate) enum Verdict {
    /// It becomes a call.
    New,
    /// It was submitted before, in that bulk.
    Known(String),
    Refused(StatusRow),
}

/// What becomes of a message whose id is that of an earlier one; of a report that was fed nothing
/// is known of what it was asked for.
pub(crate) fn verdict(
    account: AccountId,
    message: &[u8],
    earlier: Option<&[u8]>,
) -> Result<Verdict> {
    if let Some(earlier) = earlier {
        let (earlier, message) = (read_message(account, earlier)?, read_message(account, message)?);
        if earlier.asks_the_same(&message) {
            return Ok(Verdict::Known(earlier.bulk_id));
        }
    }
    Ok(Verdict::Refused(status::REJECTED_DUPLICATE_MESSAGE_ID))
}

/// The one bulk that everything accepted was submitted in before, if nothing is new.
pub(crate) fn bulk_of(verdicts: &[Verdict]) -> Option<&str> {
    let mut bulk = None;
    for verdict in verdicts {
        match verdict {
            Verdict::New => return None,
            Verdict::Known(its) if bulk.is_some_and(|bulk| bulk != its) => return None,
            Verdict::Known(its) => bulk = Some(its.as_str()),
            Verdict::Refused(_) => {}
        }
    }
    bulk
}

/// What the draft is answered.
pub(crate) fn answer((draft, verdict): (&DraftItem, &Verdict)) -> Answer {
    let row = match verdict {
        Verdict::New | Verdict::Known(_) => status::PENDING_ACCEPTED,
        Verdict::Refused(row) => *row,
    };
    Answer { message_id: draft.message_id.clone(), to: draft.to.clone(), status: row.into() }
}
