//! What both engines are put to in the same words: a process that dies, and many at once. Which
//! engine it is `crate::support` knows: where a ledger is, how it is opened, how much is measured.

mod concurrency;
pub(crate) mod crash;

use model::AccountId;
use store::{Fate, Ledger, conformance};

/// Everything that is pending, oldest first, as `messageId`s. Settles what it takes.
pub(crate) async fn drain(ledger: &dyn Ledger, account: AccountId) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let taken = ledger.take(account, conformance::ask(1_000)).await.unwrap();
        let Some(take) = taken.take else { return all };
        all.extend(taken.reports().unwrap().iter().map(|report| report.message_id.to_owned()));
        ledger.resolve(take, Fate::Settled);
    }
}
