//! A ledger with something of everything in it.

use std::time::Duration;

use model::cdr::Leg;
use model::deck::DeckFile;
use model::{AccountId, ApiKey, Clock, ManualClock, Message, Outcome, Role, Roles};
use store::{
    BulkChange, Fate, Filter, Finished, LeaseAsk, Leased, Ledger, LegUp, ReplayKey, ReturnReason,
    Share, Started, Submission, TakeAsk, conformance,
};

/// Fills the ledger and gives the account that has the most of it.
pub(crate) async fn fill(ledger: &dyn Ledger, clock: &ManualClock) -> AccountId {
    let deck = DeckFile {
        name: "retail".into(),
        imported_at: clock.now(),
        currency: Some("EUR".into()),
        increments: "60/60".into(),
        charge_b: true,
        decimals: 4,
        csv: b"385,0.01".to_vec(),
    };
    ledger.put_deck(deck).await.unwrap();
    for name in ["one", "two", "none"] {
        let account = ledger.add_account(conformance::account(name)).await.unwrap().id;
        let key = ApiKey {
            id: format!("key of {name}"),
            account,
            label: "a label".into(),
            digest: [account.0 as u8; 32],
            roles: Roles::default().with(Role::Send),
            created_at: clock.now(),
            revoked_at: (name == "two").then(|| clock.now()),
        };
        ledger.put_key(key).await.unwrap();
    }
    let accounts = ledger.accounts().await.unwrap();
    let named = |name: &str| accounts.iter().find(|account| account.name == name).unwrap().id;
    reports(ledger, clock, named("one")).await;
    calls(ledger, clock, named("one")).await;
    reports(ledger, clock, named("two")).await;
    named("one")
}

pub(crate) fn key(value: &str) -> ReplayKey {
    ReplayKey { value: value.into(), fingerprint: u64::MAX - 7 }
}

pub(crate) fn keyed(value: &str, limit: usize) -> TakeAsk {
    TakeAsk { key: Some(key(value)), ..conformance::ask(limit) }
}

async fn reports(ledger: &dyn Ledger, clock: &ManualClock, account: AccountId) {
    for part in 0..6 {
        let name = |number| format!("report {part}-{number}");
        let bulk = format!("bulk {}", part % 3);
        let reports = (0..60).map(|number| conformance::report(&bulk, &name(number)));
        ledger.feed(account, reports.collect()).await.unwrap();
        clock.advance(Duration::from_secs(1));
    }
    let take = async |ask: TakeAsk| ledger.take(account, ask).await.unwrap().take.unwrap();
    let settled = take(conformance::ask(70)).await;
    ledger.resolve(settled, Fate::Acknowledged { bytes: 77 });
    ledger.resolve(settled, Fate::Settled);
    let reset = take(conformance::ask(20)).await;
    let arrived = take(keyed("arrived", 7)).await;
    ledger.resolve(arrived, Fate::Settled);
    take(keyed("open", 5)).await;
    ledger.resolve(reset, Fate::Returned(ReturnReason::Reset));
    // Holes, one of them at the very end.
    for message in ["report 3-3", "report 4-50", "report 5-59"] {
        let filter = Filter { message_id: Some(message.into()), bulk_id: None };
        let named = take(TakeAsk { filter, ..conformance::ask(1) }).await;
        ledger.resolve(named, Fate::Settled);
    }
    let filter = Filter { bulk_id: Some("bulk 2".into()), message_id: None };
    let of_bulk = take(TakeAsk { filter, ..conformance::ask(9) }).await;
    ledger.resolve(of_bulk, Fate::Returned(ReturnReason::NotWritten));
    ledger.waiting(account).await.unwrap();
}

pub(crate) fn submission() -> Submission {
    let messages = (0..9).map(|number| {
        let message = conformance::message("calls", &format!("call {number}"));
        let valid_until = Some(message.send_at.plus(Duration::from_secs(900)));
        Message { record: true, valid_until, ..message }
    });
    let submission = conformance::submission("calls", messages.collect());
    Submission { key: Some(key("submitted")), ..submission }
}

pub(crate) async fn lease(
    ledger: &dyn Ledger,
    account: AccountId,
    most: usize,
    until: model::Timestamp,
) -> Vec<Leased> {
    let share = Share { account, most, under_way_max: 99 };
    let ask = LeaseAsk { shares: vec![share], closing_max: 0, until };
    ledger.lease(ask).await.unwrap().due
}

async fn calls(ledger: &dyn Ledger, clock: &ManualClock, account: AccountId) {
    ledger.submit(account, submission()).await.unwrap();
    let until = clock.now().plus(Duration::from_secs(30));
    let had = lease(ledger, account, 6, until).await;
    let started = Started { attempt: 1, at: clock.now() };
    for leased in &had[..4] {
        ledger.start(leased.lease, started).await.unwrap();
        let up = LegUp { leg: Leg::A, at: clock.now(), dialog: b"dialog".to_vec() };
        ledger.note(leased.lease, up).await.unwrap();
        for part in 0..3_u8 {
            let from = u64::from(part) * 1_000;
            ledger.record(leased.lease, from, vec![part; 1_000]).await.unwrap();
        }
    }
    // One is left started, one is tried again, two are over, one is given back, one is left leased.
    let later = clock.now().plus(Duration::from_secs(60));
    ledger.retry(had[1].lease, conformance::cdr(1, Outcome::Busy), later).await.unwrap();
    for (leased, recorded) in [(&had[2], true), (&had[3], false)] {
        let Finished { report, cdr, charged, day } =
            conformance::finished("calls", &leased.call.message.message_id, "0.25");
        let report = model::Report { recorded, ..report };
        let finished = Finished { report, cdr, charged, day };
        ledger.finish(leased.lease, finished).await.unwrap();
    }
    ledger.release(had[4].lease, later).await.unwrap();
    ledger.cancel(account, "call 7").await.unwrap().unwrap();
    let late = BulkChange::SendAt(later.plus(Duration::from_secs(7)));
    for (bulk, changes) in [
        ("held", vec![BulkChange::Pause]),
        ("late", vec![BulkChange::Pause, late, BulkChange::Resume]),
        ("gone", vec![BulkChange::Cancel]),
    ] {
        let messages = (0..3).map(|number| conformance::message(bulk, &format!("{bulk} {number}")));
        let submission = conformance::submission(bulk, messages.collect());
        ledger.submit(account, submission).await.unwrap();
        for change in changes {
            ledger.change_bulk(account, bulk, change).await.unwrap().unwrap();
        }
    }
}
