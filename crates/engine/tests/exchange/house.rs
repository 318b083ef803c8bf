//! A house with everything that an exchange needs: a real ledger in a directory of its own, the
//! sandbox, and time that moves only when nothing else does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::carrier::Audio;
use engine::exchange::{Exchange, ExchangeSettings, Parts};
use engine::prompt::{PromptError, Prompter};
use engine::sandbox::Sandbox;
use engine::tariffs::Tariffs;
use engine::time::Time;
use model::cdr::Charged;
use model::message::{Draft, Leg2, Prompt};
use model::{Account, AccountId, Calling, Cdr, Message, Roles, Timestamp, Zone};
use store::{
    Answer, ArchiveQuery, CallEntry, Embedded, Keeping, Ledger, Record, Submission, Submitted,
};
use testkit::{Death, MortalLedger, VirtualClock};

use crate::line_log::LineLog;

/// Monday 2026-11-23, 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What the house is built with.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) settings: ExchangeSettings,
    pub(crate) sandbox: Sandbox,
    /// How each account may call.
    pub(crate) accounts: Vec<Calling>,
}

pub(crate) struct House {
    dir: tempfile::TempDir,
    plan: Plan,
    pub(crate) clock: Arc<VirtualClock>,
    ledger: Option<Arc<MortalLedger>>,
    pub(crate) tariffs: Arc<Tariffs>,
    pub(crate) carrier: Arc<LineLog>,
    pub(crate) prompter: Arc<Reader>,
    pub(crate) exchange: Option<Exchange>,
}

/// How long a prompt takes to make, and how it goes: its length in seconds.
type Made = (Duration, Result<u64, PromptError>);

/// Reads everything out in a second, at once; but for what it was told.
#[derive(Default)]
pub(crate) struct Reader {
    answers: Mutex<HashMap<String, Made>>,
}

impl Reader {
    /// The prompt of that name takes so long to make.
    pub(crate) fn takes(&self, name: &str, span: Duration) {
        self.answers.lock().unwrap().insert(name.to_owned(), (span, Ok(1)));
    }

    /// The prompt of that name cannot be made.
    pub(crate) fn fails(&self, name: &str, error: PromptError) {
        self.answers.lock().unwrap().insert(name.to_owned(), (Duration::ZERO, Err(error)));
    }
}

#[async_trait]
impl Prompter for Reader {
    async fn prepare(&self, prompt: &Prompt) -> Result<Audio, PromptError> {
        let (Prompt::Text { text: name, .. } | Prompt::Audio { url: name }) = prompt;
        let known = self.answers.lock().unwrap().get(name).cloned();
        let (takes, answer) = known.unwrap_or((Duration::ZERO, Ok(1)));
        tokio::time::sleep(takes).await;
        answer.map(|seconds| Audio::new(vec![0xff; usize::try_from(seconds).unwrap() * 8_000]))
    }
}

/// The first account.
pub(crate) const ONE: AccountId = AccountId(1);

impl House {
    /// With one account that calls as it likes, and the exchange at work.
    pub(crate) async fn new() -> Self {
        Self::built(Plan::default()).await
    }

    /// As planned, and the exchange at work.
    pub(crate) async fn built(plan: Plan) -> Self {
        let mut house = Self::empty(plan).await;
        house.start();
        house
    }

    /// As planned, and no exchange.
    pub(crate) async fn empty(mut plan: Plan) -> Self {
        if plan.accounts.is_empty() {
            plan.accounts.push(Calling::default());
        }
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::at(NOON));
        let ledger = open(&dir, &clock, None);
        for (calling, number) in plan.accounts.iter().zip(1..) {
            let added = ledger.add_account(account(number, calling.clone())).await.unwrap();
            assert_eq!(added.id, AccountId(number));
        }
        let tariffs = Arc::new(Tariffs::load(&*ledger).await.unwrap());
        let carrier = Arc::new(LineLog::new(plan.sandbox.clone(), Arc::clone(&clock)));
        let prompter = Arc::default();
        let ledger = Some(ledger);
        Self { dir, plan, clock, ledger, tariffs, carrier, prompter, exchange: None }
    }

    pub(crate) fn start(&mut self) {
        let parts = Parts {
            ledger: self.ledger(),
            carrier: self.carrier.clone(),
            prompter: self.prompter.clone(),
            tariffs: Arc::clone(&self.tariffs),
            time: Time::new(self.clock.clone(), 1),
        };
        self.exchange = Some(Exchange::start(parts, self.plan.settings.clone()));
    }

    /// The process dies, and there is another one, whose ledger dies as told.
    pub(crate) async fn restart(&mut self, death: Option<Death>) {
        self.exchange = None;
        // What was dropped lets go of the directory, which has one owner.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let ledger = self.ledger.take().map(Arc::into_inner);
        assert!(ledger.flatten().is_some(), "somebody outlives the exchange");
        let ledger = open(&self.dir, &self.clock, death);
        self.tariffs = Arc::new(Tariffs::load(&*ledger).await.unwrap());
        self.ledger = Some(ledger);
        self.start();
    }

    pub(crate) fn ledger(&self) -> Arc<MortalLedger> {
        Arc::clone(self.ledger.as_ref().expect("the house has a ledger"))
    }

    /// Submits messages of the account, each accepted, as one bulk.
    pub(crate) async fn submit(&self, messages: Vec<Message>) -> Submitted {
        let account = messages[0].account;
        let drafts = messages.into_iter().map(|message| Draft {
            message_id: message.message_id.clone(),
            to: message.destination_a.to_string(),
            verdict: Ok(message),
        });
        let submission = Submission {
            bulk_id: "bulk".into(),
            drafts: drafts.collect(),
            key: None,
            waiting_max: 100_000,
        };
        let submitted = self.ledger().submit(account, submission).await.unwrap();
        let is_accepted = |answer: &Answer| answer.status.group_name == "PENDING";
        assert!(submitted.answers.iter().all(is_accepted), "{submitted:?}");
        submitted
    }

    /// Lets that much time pass.
    pub(crate) async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    /// Waits until there are as many reports, of all accounts, and gives them, oldest first.
    pub(crate) async fn reports(&self, count: usize) -> Vec<Record> {
        let began = self.clock.elapsed();
        while self.clock.elapsed() - began < secs(8 * 24 * 3_600) {
            let reports = self.reported().await;
            if reports.len() >= count {
                assert_eq!(reports.len(), count, "more reports than calls");
                return reports;
            }
            let waited = self.clock.elapsed() - began;
            self.pass((waited / 50).max(Duration::from_millis(500))).await;
        }
        panic!("only {} of {count} reports came", self.reported().await.len());
    }

    /// The report of a single call.
    pub(crate) async fn report(&self) -> Record {
        self.reports(1).await.remove(0)
    }

    /// The reports that there are, oldest first.
    pub(crate) async fn reported(&self) -> Vec<Record> {
        let mut reports = Vec::new();
        for (_, number) in self.plan.accounts.iter().zip(1..) {
            let query = ArchiveQuery { limit: 10_000, ..ArchiveQuery::default() };
            let records = self.ledger().list(AccountId(number), query).await.unwrap();
            reports.extend(records.into_iter().rev());
        }
        reports
    }

    /// The attempts that are over, whether the call is or not.
    pub(crate) async fn cdrs(&self, message_id: &str) -> Vec<Cdr> {
        match self.call(message_id).await {
            CallEntry::Open(open) => open.cdrs,
            CallEntry::Finished(finished) => finished.cdrs,
        }
    }

    /// What the finished call was charged.
    pub(crate) async fn charged(&self, message_id: &str) -> Charged {
        match self.call(message_id).await {
            CallEntry::Open(open) => panic!("{open:?} has no report yet"),
            CallEntry::Finished(finished) => finished.charged,
        }
    }

    pub(crate) async fn call(&self, message_id: &str) -> CallEntry {
        self.ledger().call(ONE, message_id).await.unwrap().expect("there is such a call")
    }

    pub(crate) async fn stop(&mut self) {
        self.exchange.take().expect("the exchange is at work").stop().await;
    }

    /// Replaces an account.
    pub(crate) async fn replace(&self, account: Account) {
        self.ledger().replace_account(account).await.unwrap();
    }
}

fn open(
    dir: &tempfile::TempDir,
    clock: &Arc<VirtualClock>,
    death: Option<Death>,
) -> Arc<MortalLedger> {
    let ledger = Embedded::open(&dir.path().join("ledger"), Keeping::default(), clock.clone());
    Arc::new(MortalLedger::new(Arc::new(ledger.unwrap()), Arc::clone(clock), death))
}

fn account(number: u32, calling: Calling) -> Account {
    Account {
        id: AccountId(number),
        name: format!("account-{number}"),
        zone: Zone::utc(),
        password_hash: None,
        roles: Roles::default(),
        disabled: false,
        calling,
        created_at: NOON,
    }
}

/// A click-to-call from A to B of the first account, to be placed at once.
pub(crate) fn message(message_id: &str, a: &str, b: &str) -> Message {
    let b = Leg2 {
        number: b.parse().unwrap(),
        shown: "38598000".into(),
        max_duration: None,
        warning_time: None,
        if_keys: Vec::new(),
    };
    Message {
        account: ONE,
        bulk_id: "bulk".into(),
        message_id: message_id.into(),
        from: "38598000".into(),
        destination_a: a.parse().unwrap(),
        destination_b: Some(b),
        transfers: Vec::new(),
        pause: Duration::ZERO,
        prompt: None,
        keys: None,
        machine_detection: None,
        ring_timeout: secs(45),
        call_timeout: None,
        retry: None,
        window: None,
        asked_send_at: None,
        send_at: NOON,
        valid_until: None,
        notify: None,
        callback_data: None,
        record: false,
    }
}

/// A text to be spoken.
pub(crate) fn text(text: &str) -> Option<Prompt> {
    let (text, language) = (text.to_owned(), "en".to_owned());
    Some(Prompt::Text { text, language, voice: None, rate_percent: 100 })
}

/// A call between two persons.
pub(crate) fn persons(message_id: &str) -> Message {
    message(message_id, "385981001", "385981002")
}

/// So many calls between persons, of that account.
pub(crate) fn many(account: AccountId, count: usize) -> Vec<Message> {
    let named = |n| Message { account, ..persons(&format!("{}-{n}", account.0)) };
    (0..count).map(named).collect()
}
