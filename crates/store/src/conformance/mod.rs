//! The suite that every engine passes: named scenarios, and random walks beside a small model.
//!
//! ```text
//! let open = async |name: String, keeping, clock| -> Arc<dyn Ledger> { … };
//! conformance::exercise(&open).await;
//! conformance::walk(&open, seed, 400).await;
//! ```
//!
//! `open` gives the ledger of that name: an empty one the first time, later the same one as it was
//! left. A scenario that fails panics and says what it saw.

mod accounts;
mod archive;
mod book;
mod bulks;
mod calls;
mod fates;
mod keys;
mod leases;
mod looks;
mod message;
mod model;
mod queue;
mod recordings;
mod submit;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use ::model::{
    Account, AccountId, Clock, ManualClock, Price, Report, ReportError, Role, Roles, Status,
    Timestamp, Zone,
};

pub use self::message::{cdr, draft, finished, message, submission};
pub use self::walk::walk;
use crate::{ArchiveQuery, Fed, Filter, Keeping, Ledger, ReplayKey, TakeAsk, Taken, TakenBy};

/// Gives the ledger of that name.
pub trait Open: AsyncFn(String, Keeping, Arc<dyn Clock>) -> Arc<dyn Ledger> {}
impl<O: AsyncFn(String, Keeping, Arc<dyn Clock>) -> Arc<dyn Ledger>> Open for O {}

/// Runs every scenario.
pub async fn exercise(open: &impl Open) {
    accounts::exercise(open).await;
    queue::exercise(open).await;
    fates::exercise(open).await;
    keys::exercise(open).await;
    archive::exercise(open).await;
    calls::exercise(open).await;
    submit::exercise(open).await;
    leases::exercise(open).await;
    bulks::exercise(open).await;
    looks::exercise(open).await;
    recordings::exercise(open).await;
}

/// The instant at which every scenario begins.
pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// One ledger with a clock that is moved by hand, and one account in it.
struct Stage<'a, O> {
    open: &'a O,
    name: String,
    keeping: Keeping,
    clock: ManualClock,
    ledger: Arc<dyn Ledger>,
    account: AccountId,
}

impl<'a, O: Open> Stage<'a, O> {
    async fn new(open: &'a O, name: &str) -> Self {
        Self::keeping(open, name, Keeping::default()).await
    }

    async fn keeping(open: &'a O, name: &str, keeping: Keeping) -> Self {
        let clock = ManualClock::at(START);
        let ledger = open(name.to_owned(), keeping.clone(), Arc::new(clock.clone())).await;
        let account = ledger.add_account(account(name)).await.expect("the name is free").id;
        Self { open, name: name.to_owned(), keeping, clock, ledger, account }
    }

    /// Closes the ledger and opens it again, with whatever was in flight.
    async fn reopen(self) -> Self {
        let Self { open, name, keeping, clock, ledger, account } = self;
        drop(ledger);
        let ledger = open(name.clone(), keeping.clone(), Arc::new(clock.clone())).await;
        Self { open, name, keeping, clock, ledger, account }
    }

    /// Feeds one report per message, all of the bulk.
    async fn feed(&self, bulk: &str, messages: &[&str]) -> Vec<Fed> {
        let reports = messages.iter().map(|message| report(bulk, message)).collect();
        self.ledger.feed(self.account, reports).await.expect("a feed")
    }

    async fn take(&self, limit: usize) -> Taken {
        self.take_as(ask(limit)).await
    }

    async fn take_as(&self, ask: TakeAsk) -> Taken {
        self.ledger.take(self.account, ask).await.expect("a take")
    }

    /// The names of what a take of everything gives.
    async fn take_all(&self) -> Vec<String> {
        messages(&self.take(usize::MAX).await)
    }

    async fn listed(&self, query: ArchiveQuery) -> Vec<String> {
        let query = ArchiveQuery { limit: 1_000, ..query };
        let records = self.ledger.list(self.account, query).await.expect("a list");
        records.iter().map(message_of).collect()
    }

    /// Pending and in flight.
    async fn waiting(&self) -> (u64, u64) {
        let waiting = self.ledger.waiting(self.account).await.expect("the account is there");
        (waiting.pending, waiting.in_flight)
    }

    async fn pass(&self, span: Duration) -> crate::Upkept {
        self.clock.advance(span);
        self.ledger.upkeep().await.expect("an upkeep")
    }
}

/// An account of that name, not yet added.
pub fn account(name: &str) -> Account {
    Account {
        id: AccountId(0),
        name: name.to_owned(),
        zone: Zone::utc(),
        password_hash: None,
        roles: Roles::default().with(Role::Read),
        disabled: false,
        calling: Default::default(),
        created_at: START,
    }
}

/// Asks for the oldest reports, without a key.
pub fn ask(limit: usize) -> TakeAsk {
    TakeAsk { filter: Filter::default(), limit, key: None, by: TakenBy::default() }
}

fn ask_with_key(limit: usize, key: &str) -> TakeAsk {
    let key = ReplayKey { value: key.to_owned(), fingerprint: limit as u64 };
    TakeAsk { key: Some(key), ..ask(limit) }
}

fn messages(taken: &Taken) -> Vec<String> {
    taken.records.iter().map(message_of).collect()
}

fn message_of(record: &crate::Record) -> String {
    record.report().expect("a whole record").message_id.to_owned()
}

/// A report with almost everything in it.
pub fn report(bulk: &str, message: &str) -> Report {
    let later = |seconds| START.plus(Duration::from_secs(seconds));
    Report {
        bulk_id: bulk.to_owned(),
        message_id: message.to_owned(),
        to: "385911111111".to_owned(),
        from: Some("385922222222".to_owned()),
        text: None,
        callback_data: Some("order 7".to_owned()),
        sent_at: START,
        done_at: later(20),
        start_time: Some(later(2)),
        answer_time: Some(later(5)),
        end_time: None,
        duration_seconds: 15,
        file_duration: None,
        mcc_mnc: Some("21910".to_owned()),
        dtmf_codes: "1,2".to_owned(),
        recorded: false,
        price: Price {
            per_second: "0.010".parse().expect("an amount"),
            currency: "EUR".to_owned(),
        },
        status: Status {
            group_id: 3,
            group_name: "DELIVERED".to_owned(),
            id: 5,
            name: "DELIVERED_TO_HANDSET".to_owned(),
            description: "Message delivered to handset".to_owned(),
        },
        error: ReportError {
            group_id: 0,
            group_name: "OK".to_owned(),
            id: 5000,
            name: "VOICE_ANSWERED".to_owned(),
            description: "Call answered by human".to_owned(),
            permanent: true,
        },
    }
}
