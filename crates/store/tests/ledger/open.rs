//! What a ledger finds when it is opened.

use std::fs;
use std::path::Path;

use crate::support::{TestDir, account, drain, open, try_open};
use store::{Ledger, StoreError, conformance};

/// A directory as [`write_fixture`] wrote it when the format was 1.
const FORMAT_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn feed(ledger: &store::Embedded, messages: &[&str]) {
    let account = account(ledger).await;
    let reports = messages.iter().map(|message| conformance::report("bulk", message)).collect();
    ledger.feed(account, reports).await.unwrap();
}

fn journals(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir.join("ledger")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "jnl")).collect()
}

#[tokio::test]
async fn a_directory_is_open_once() {
    let dir = TestDir::new();
    let first = open(dir.path());
    let refused = try_open(dir.path());
    assert!(matches!(refused, Err(StoreError::InUse(path)) if path == dir.path()));
    let clone = first.clone();
    drop(first);
    assert!(matches!(try_open(dir.path()), Err(StoreError::InUse(_))), "a clone holds it open");
    drop(clone);
    open(dir.path());
}

#[tokio::test]
async fn dropping_the_last_handle_commits_what_was_called_in() {
    let dir = TestDir::new();
    let ledger = open(dir.path());
    feed(&ledger, &["1", "2"]).await;
    let account = account(&ledger).await;
    let taken = ledger.take(account, conformance::ask(1)).await.unwrap();
    ledger.resolve(taken.take.unwrap(), store::Fate::Settled);
    drop(ledger);
    assert_eq!(drain(&open(dir.path()), account).await, ["2"]);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = TestDir::new();
    drop(open(dir.path()));
    let engine = fjall::Database::builder(dir.path().join("ledger")).open().unwrap();
    let meta = engine.keyspace("meta", fjall::KeyspaceCreateOptions::default).unwrap();
    meta.insert("format", 3_u32.to_be_bytes()).unwrap();
    drop((meta, engine));
    let refused = try_open(dir.path()).err();
    assert!(matches!(refused, Some(StoreError::Newer { found: 3, known: 2, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_crash_while_making_the_directory_leaves_one_that_opens() {
    let dir = TestDir::new();
    let half = dir.path().join("ledger.new");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("0.jnl"), "half").unwrap();
    let ledger = open(dir.path());
    feed(&ledger, &["1"]).await;
    assert!(!half.exists());
}

#[tokio::test]
async fn a_missing_journal_is_refused() {
    let dir = TestDir::new();
    let ledger = open(dir.path());
    feed(&ledger, &["1"]).await;
    drop(ledger);
    for journal in journals(dir.path()) {
        fs::remove_file(journal).unwrap();
    }
    let refused = try_open(dir.path()).err();
    let Some(StoreError::Open { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("journal is missing"), "{reason}");
    assert!(journals(dir.path()).is_empty(), "the refusal changes nothing");
}

/// Why a missing journal is refused: the engine itself opens such a directory, and then counts its
/// commits from nothing. If this test fails, the engine has learnt better.
#[test]
fn the_engine_alone_would_lose_data_with_its_journal() {
    let dir = TestDir::new();
    let engine_dir = dir.path().join("ledger");
    let open = || fjall::Database::builder(&engine_dir).open().unwrap();
    let (before, after);
    {
        let engine = open();
        let table = engine.keyspace("t", fjall::KeyspaceCreateOptions::default).unwrap();
        for round in 0..10_u32 {
            table.insert("key", round.to_be_bytes()).unwrap();
        }
        table.rotate_memtable_and_wait().unwrap();
        before = engine.seqno();
    }
    for journal in journals(dir.path()) {
        fs::remove_file(journal).unwrap();
    }
    {
        let engine = open();
        let table = engine.keyspace("t", fjall::KeyspaceCreateOptions::default).unwrap();
        after = engine.seqno();
        table.insert("key", "new").unwrap();
    }
    assert!(after < before, "the engine began to count anew: {after} after {before}");
}

/// Writes a directory of the current format, if `CALLSLIP_FIXTURE` says where: five reports, the
/// first taken and settled, the second in flight, and a key. To be done once for each format.
#[tokio::test]
async fn write_fixture() {
    let Some(dir) = std::env::var_os("CALLSLIP_FIXTURE") else { return };
    let dir = Path::new(&dir);
    let ledger = open(dir);
    feed(&ledger, &["1", "2", "3", "4", "5"]).await;
    let account = account(&ledger).await;
    ledger
        .put_key(model::ApiKey {
            id: "key-1".into(),
            account,
            label: "for the shop".into(),
            digest: [7; 32],
            roles: model::Roles::default().with(model::Role::Read),
            created_at: conformance::START,
            revoked_at: None,
        })
        .await
        .unwrap();
    let by = store::TakenBy { credential: "password".into(), ..Default::default() };
    let ask = store::TakeAsk { by, ..conformance::ask(1) };
    let first = ledger.take(account, ask.clone()).await.unwrap();
    ledger.take(account, ask).await.unwrap();
    ledger.resolve(first.take.unwrap(), store::Fate::Settled);
    drop(ledger);
    // A journal is made with its full size; what is not written yet need not be checked in.
    for journal in journals(dir) {
        let bytes = fs::read(&journal).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        fs::write(&journal, &bytes[..end]).unwrap();
    }
}

#[tokio::test]
async fn a_directory_of_format_1_opens() {
    let dir = TestDir::new();
    copy(Path::new(FORMAT_1), dir.path());
    let ledger = open(dir.path());
    let account = account(&ledger).await;
    assert_eq!(ledger.keys().await.unwrap()[0].label, "for the shop");
    let audit = ledger.audit("1").await.unwrap().remove(0);
    assert_eq!(audit.report.state, store::ReportState::Settled);
    assert_eq!(audit.takes[0].by.credential, "password");
    let record = &ledger
        .list(account, store::ArchiveQuery { limit: 1, ..Default::default() })
        .await
        .unwrap()[0];
    assert_eq!(
        format!("{:?}", record.report().unwrap()),
        format!("{:?}", conformance::report("bulk", "5"))
    );
    assert_eq!(drain(&ledger, account).await, ["2", "3", "4", "5"]);
}
