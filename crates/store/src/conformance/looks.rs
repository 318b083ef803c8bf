//! Looking at calls that have no report, and at decks.

use std::time::Duration;

use ::model::Message;
use ::model::deck::DeckFile;

use super::message::{message, submission};
use super::{Open, START, Stage};
use crate::{ArchiveQuery, BulkChange, OpenCall};

pub(super) async fn exercise(open: &impl Open) {
    open_calls_are_searched(open).await;
    open_calls_are_as_they_are(open).await;
    decks_are_kept(open).await;
    settings_are_watched(open).await;
}

async fn open_calls<O: Open>(stage: &Stage<'_, O>, query: ArchiveQuery) -> Vec<OpenCall> {
    let query = if query.limit == 0 { ArchiveQuery { limit: 99, ..query } } else { query };
    stage.ledger.open_calls(stage.account, query).await.expect("a look")
}

async fn open_calls_are_searched(open: &impl Open) {
    let stage = Stage::new(open, "open calls").await;
    let later = |seconds| START.plus(Duration::from_secs(seconds));
    let submit = async |bulk: &str, message: Message| {
        stage.submit_as(submission(bulk, vec![message])).await;
        stage.clock.advance(Duration::from_secs(10));
    };
    submit("x", message("x", "1")).await;
    submit("x", Message { from: "49170".into(), ..message("x", "2") }).await;
    let to = "49171".parse().expect("a number");
    submit("y", Message { destination_a: to, ..message("y", "3") }).await;
    submit("x", Message { send_at: later(100), ..message("x", "4") }).await;
    submit("z", message("z", "5")).await;
    stage.feed("x", &["fed"]).await;
    let check = async |query: ArchiveQuery, expect: &[&str]| {
        let calls = open_calls(&stage, query.clone()).await;
        let names = calls.iter().map(|call| call.message.message_id.as_str());
        assert!(names.eq(expect.iter().copied()), "{query:?} gave {calls:?}");
    };
    let any = ArchiveQuery::default;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    check(any(), &["5", "4", "3", "2", "1"]).await;
    check(ArchiveQuery { limit: 2, ..any() }, &["5", "4"]).await;
    check(ArchiveQuery { bulk_ids: ids(&["x"]), ..any() }, &["4", "2", "1"]).await;
    check(ArchiveQuery { bulk_ids: ids(&["z", "y", "no"]), ..any() }, &["5", "3"]).await;
    check(ArchiveQuery { message_ids: ids(&["2", "5", "fed"]), ..any() }, &["5", "2"]).await;
    let both = ArchiveQuery { bulk_ids: ids(&["x"]), message_ids: ids(&["2", "5"]), ..any() };
    check(both, &["2"]).await;
    check(ArchiveQuery { from: Some("49170".into()), ..any() }, &["2"]).await;
    check(ArchiveQuery { to: Some("49171".into()), ..any() }, &["3"]).await;
    check(ArchiveQuery { sent_since: Some(later(100)), ..any() }, &["4"]).await;
    check(ArchiveQuery { sent_until: Some(later(99)), ..any() }, &["5", "3", "2", "1"]).await;
    check(ArchiveQuery { fed_since: Some(later(20)), ..any() }, &["5", "4", "3"]).await;
    let pending = Some("PENDING".to_owned());
    check(ArchiveQuery { status_group: pending, limit: 1, ..any() }, &["5"]).await;
    let delivered = Some("DELIVERED".to_owned());
    check(ArchiveQuery { status_group: delivered, ..any() }, &[]).await;
    check(ArchiveQuery { mcc: Some("219".into()), ..any() }, &[]).await;
    check(ArchiveQuery { mnc: Some("10".into()), ..any() }, &[]).await;
    let work = stage.lease_most(1, 9).await;
    stage.start(&work.due[0]).await.expect("a start");
    check(ArchiveQuery { sent_since: Some(later(50)), ..any() }, &["4", "1"]).await;
    stage.finish(&work.due[0]).await.expect("an end");
    check(ArchiveQuery { bulk_ids: ids(&["x"]), ..any() }, &["4", "2"]).await;
    check(ArchiveQuery { message_ids: ids(&["1"]), ..any() }, &[]).await;
}

async fn open_calls_are_as_they_are(open: &impl Open) {
    let stage = Stage::new(open, "as they are").await;
    stage.submit("b", &["1"]).await;
    stage.submit("c", &["2"]).await;
    let change = async |bulk, change| {
        stage.ledger.change_bulk(stage.account, bulk, change).await.expect("a change");
    };
    let later = START.plus(Duration::from_secs(60));
    change("b", BulkChange::Pause).await;
    change("b", BulkChange::SendAt(later)).await;
    change("c", BulkChange::Cancel).await;
    let calls = open_calls(&stage, ArchiveQuery::default()).await;
    assert_eq!((calls[0].cancelled_at, calls[0].due), (Some(START), START));
    assert_eq!((calls[1].cancelled_at, calls[1].due), (None, later));
    assert_eq!(calls[1].message.send_at, later);
}

async fn decks_are_kept(open: &impl Open) {
    let stage = Stage::new(open, "decks").await;
    let deck = |name: &str, csv: &str| DeckFile {
        name: name.to_owned(),
        imported_at: START,
        currency: Some("EUR".to_owned()),
        increments: "60/30".to_owned(),
        charge_b: true,
        decimals: 4,
        csv: csv.as_bytes().to_vec(),
    };
    let retail = DeckFile { currency: None, charge_b: false, ..deck("retail", "385,0.01\n") };
    for deck in [&deck("whole", "old"), &retail, &deck("whole", "")] {
        stage.ledger.put_deck(deck.clone()).await.expect("a deck");
    }
    let stage = stage.reopen().await;
    let decks = stage.ledger.decks().await.expect("the decks");
    assert_eq!(decks, [retail, deck("whole", "")]);
}

async fn settings_are_watched(open: &impl Open) {
    let stage = Stage::new(open, "settings").await;
    let mut watch = stage.ledger.watch_settings();
    let mut changed = || {
        let changed = watch.has_changed().expect("the ledger is open");
        watch.mark_unchanged();
        changed
    };
    stage.submit("b", &["1"]).await;
    stage.feed("b", &["2"]).await;
    assert!(!changed());
    let other = stage.ledger.add_account(super::account("other")).await.expect("it is free");
    assert!(changed());
    stage.ledger.replace_account(other.clone()).await.expect("it is there");
    assert!(changed());
    let key = ::model::ApiKey {
        id: "k".to_owned(),
        account: other.id,
        label: String::new(),
        digest: [7; 32],
        roles: other.roles,
        created_at: START,
        revoked_at: None,
    };
    stage.ledger.put_key(key).await.expect("a key");
    assert!(changed());
    let deck = DeckFile {
        name: "d".to_owned(),
        imported_at: START,
        currency: None,
        increments: "1/1".to_owned(),
        charge_b: false,
        decimals: 2,
        csv: Vec::new(),
    };
    stage.ledger.put_deck(deck).await.expect("a deck");
    assert!(changed());
}
