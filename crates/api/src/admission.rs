//! Whether a message may become a call: where its account may call, whether that has a price, what
//! the account may still spend today, and how many of its calls may wait. Judged before anything is
//! kept; what is wrong with the message itself was judged when it was read.

use std::sync::Arc;

use model::catalogue::{StatusRow, status};
use model::message::Draft;
use model::{Account, AccountId, Message, Timestamp};
use store::{Ledger, StoreError};

use crate::edge::Edge;
use crate::error::ApiError;
use crate::telephony::Telephony;

/// What an account may do now.
pub(crate) struct Admission {
    account: Arc<Account>,
    telephony: Arc<dyn Telephony>,
    now: Timestamp,
    /// Today's calls have cost what they may.
    is_spent: bool,
    /// How many of its calls may wait.
    pub(crate) waiting_max: u64,
}

/// A message that is not admitted: its place in the request, and why.
pub(crate) type Refusal = (usize, StatusRow);

impl Admission {
    pub(crate) async fn of(edge: &Edge, id: AccountId, now: Timestamp) -> Result<Self, ApiError> {
        let account = edge.auth.account(id).ok_or(StoreError::NoSuchAccount)?;
        let is_spent = match account.calling.daily_spend {
            Some(most) => edge.ledger.spent(id, account.zone.day(now)).await? >= most,
            None => false,
        };
        let waiting_max = account.calling.waiting_calls.unwrap_or(edge.settings.waiting_calls_max);
        let telephony = Arc::clone(&edge.telephony);
        Ok(Self { account, telephony, now, is_spent, waiting_max: waiting_max.into() })
    }

    /// Which of the messages that could be read are not admitted. More than may ever wait are all
    /// refused: sent again, they would be as many.
    pub(crate) fn refusals(&self, drafts: &[Draft]) -> Vec<Refusal> {
        let standing = drafts.iter().enumerate().filter_map(|(place, draft)| {
            let message = draft.verdict.as_ref().ok()?;
            Some((place, self.reason_against(message)))
        });
        let standing: Vec<(usize, Option<StatusRow>)> = standing.collect();
        let admitted = standing.iter().filter(|(_, reason)| reason.is_none()).count();
        let are_too_many =
            u64::try_from(admitted).is_ok_and(|admitted| admitted > self.waiting_max);
        let flooding = are_too_many.then_some(status::REJECTED_FLOODING_FILTER);
        let refusal =
            |(place, reason): (usize, Option<StatusRow>)| Some((place, reason.or(flooding)?));
        standing.into_iter().filter_map(refusal).collect()
    }

    fn reason_against(&self, message: &Message) -> Option<StatusRow> {
        let second = message.destination_b.iter().chain(&message.transfers).map(|leg| &leg.number);
        let mut numbers = std::iter::once(&message.destination_a).chain(second);
        if !numbers.all(|number| self.account.calling.may_call(number)) {
            Some(status::REJECTED_DESTINATION_BLOCKLISTED)
        } else if !self.telephony.is_rated(&self.account, message, self.now) {
            Some(status::REJECTED_PREFIX_MISSING)
        } else if self.is_spent {
            Some(status::REJECTED_NOT_ENOUGH_CREDITS)
        } else {
            None
        }
    }
}

/// Refuses those messages, but for what the ledger has already: a message that is sent again is
/// answered as it was, however little its account may do by now.
pub(crate) async fn refuse(
    ledger: &dyn Ledger,
    account: AccountId,
    drafts: &mut [Draft],
    refusals: Vec<Refusal>,
) -> store::Result<()> {
    for (place, reason) in refusals {
        let draft = &mut drafts[place];
        if ledger.call(account, &draft.message_id).await?.is_none() {
            draft.verdict = Err(reason);
        }
    }
    Ok(())
}
