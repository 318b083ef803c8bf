//! What is not copied, and why; nothing is changed by it.

use std::time::Duration;

use store::copy::CopyError;
use store::{Embedded, Keeping, StoreError, conformance};

use crate::ends::{End, Place, source, target};
use crate::shown::shown;

async fn with_account(place: &Place, end: &End, name: &str) {
    let ledger = place.open(end).await;
    let account = ledger.add_account(conformance::account(name)).await.unwrap().id;
    ledger.feed(account, vec![conformance::report("b", "1")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_not_empty_is_left_alone() {
    let place = Place::new();
    for (from, to) in [(place.dir("a"), place.database()), (place.database(), place.dir("b"))] {
        with_account(&place, &from, "theirs").await;
        with_account(&place, &to, "ours").await;
        let before = shown(place.open(&to).await.as_ref()).await;
        let refused = place.copy(&from, &to).await;
        assert!(matches!(refused, Err(CopyError::NotEmpty(_))), "{refused:?}");
        assert_eq!(before, shown(place.open(&to).await.as_ref()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_was_only_opened_is_replaced() {
    let place = Place::new();
    for (from, to) in [(place.dir("a"), place.database()), (place.database(), place.dir("b"))] {
        with_account(&place, &from, "theirs").await;
        drop(place.open(&to).await);
        place.copy(&from, &to).await.unwrap();
        assert_eq!(place.open(&to).await.accounts().await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_a_server_has_open_is_refused() {
    let place = Place::new();
    let (dir, database) = (place.dir("a"), place.database());
    with_account(&place, &dir, "one").await;
    with_account(&place, &database, "one").await;
    let (held, node) = (place.open(&dir).await, place.open(&database).await);
    let refused = place.copy(&dir, &place.database()).await;
    assert!(matches!(refused, Err(CopyError::Store(StoreError::InUse(_)))), "{refused:?}");
    let refused = place.copy(&database, &place.dir("b")).await;
    assert!(matches!(refused, Err(CopyError::InUse(_))), "{refused:?}");
    drop((held, node));
    place.copy(&dir, &place.database()).await.unwrap();
    place.copy(&database, &place.dir("b")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_a_database_that_is_read() {
    let place = Place::new();
    let database = place.database();
    with_account(&place, &database, "one").await;
    let reading = source(&database, place.clock()).await.unwrap();
    let End::Database(url) = &database else { unreachable!() };
    let patience = Duration::from_millis(500);
    let settings = store::PostgresSettings { patience, ..store::PostgresSettings::at(url) };
    let opened = store::Postgres::open(settings, Keeping::default(), place.clock()).await;
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "a node waits for the end");
    drop(reading);
    drop(place.open(&database).await);
}

/// The beginning of a copy, left as a process that died would leave it.
async fn begun(place: &Place, from: &End, to: &End) {
    let mut source = source(from, place.clock()).await.unwrap();
    let mut target = target(to, from, place.clock()).await.unwrap();
    source.seek(None).await.unwrap();
    target.put(source.next().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_half_copied_is_no_ledger_and_takes_no_other_copy() {
    let place = Place::new();
    let (one, two) = (place.dir("one"), place.dir("two"));
    with_account(&place, &one, "one").await;
    with_account(&place, &two, "two").await;
    for to in [place.dir("to"), place.database()] {
        begun(&place, &one, &to).await;
        let refused = place.copy(&two, &to).await;
        let Err(CopyError::OfAnother { from, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(from, one.name());
        match &to {
            End::Dir(path) => {
                let opened = Embedded::open(path, Keeping::default(), place.clock());
                let Err(error) = opened else { panic!("it was opened") };
                assert!(error.to_string().contains("not finished"), "{error}");
            }
            End::Database(_) => {
                let missing = source(&to, place.clock()).await.err();
                assert!(matches!(missing, Some(CopyError::Missing(_))), "{missing:?}");
            }
        }
        place.copy(&one, &to).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changed_meanwhile_is_noticed() {
    let place = Place::new();
    for (from, to) in [(place.dir("a"), place.database()), (place.database(), place.dir("b"))] {
        with_account(&place, &from, "one").await;
        begun(&place, &from, &to).await;
        let ledger = place.open(&from).await;
        let mut account = ledger.accounts().await.unwrap().remove(0);
        account.disabled = true;
        ledger.replace_account(account).await.unwrap();
        drop(ledger);
        let differs = place.copy(&from, &to).await;
        assert!(matches!(differs, Err(CopyError::Differs { part: "accounts", .. })), "{differs:?}");
        place.copy(&from, &to).await.unwrap();
        assert!(place.open(&to).await.accounts().await.unwrap()[0].disabled);
    }
}
