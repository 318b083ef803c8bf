//! What a ledger finds when it is opened.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::both::drain;
use crate::support::{TestDir, account, open, try_open};
use model::deck::DeckFile;
use model::{AccountId, Outcome};
use store::conformance::{self, START};
use store::{
    BulkChange, LeaseAsk, Ledger, ReplayKey, Share, Started, StoreError, Submission, Work,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// Directories as [`write_fixture`] wrote them when the format was 1, and 2.
const FORMAT_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1");
const FORMAT_2: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-2");

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
    meta.insert("format", 4_u32.to_be_bytes()).unwrap();
    drop((meta, engine));
    let refused = try_open(dir.path()).err();
    assert!(matches!(refused, Some(StoreError::Newer { found: 4, known: 3, .. })), "{refused:?}");
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
/// first taken and settled, the second in flight, and a key; a deck, and four calls: one that has
/// ended, one under way for the second time, two of a bulk that was put off. To be done once for
/// each format.
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
    write_calls(&ledger, account).await;
    drop(ledger);
    // A journal is made with its full size; what is not written yet need not be checked in.
    for journal in journals(dir) {
        let bytes = fs::read(&journal).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        fs::write(&journal, &bytes[..end]).unwrap();
    }
}

async fn write_calls(ledger: &store::Embedded, account: AccountId) {
    let deck = DeckFile {
        name: "retail".into(),
        imported_at: START,
        currency: Some("EUR".into()),
        increments: "60/60".into(),
        charge_b: true,
        decimals: 4,
        csv: b"prefix,price\n385,0.01\n".to_vec(),
    };
    ledger.put_deck(deck).await.unwrap();
    let submit = async |bulk: &str, names: &[&str]| {
        let messages = names.iter().map(|name| conformance::message(bulk, name)).collect();
        let key = Some(ReplayKey { value: bulk.into(), fingerprint: 7 });
        let submission = Submission { key, ..conformance::submission(bulk, messages) };
        ledger.submit(account, submission).await.unwrap();
    };
    submit("calls", &["ended", "under way"]).await;
    for attempt in [1, 2] {
        for leased in lease(ledger, account).await.due {
            ledger.start(leased.lease, Started { attempt, at: START }).await.unwrap();
            let message = &leased.call.message.message_id;
            if message == "ended" {
                let finished = conformance::finished("calls", message, "0.25");
                ledger.finish(leased.lease, finished).await.unwrap();
            } else if attempt == 1 {
                let cdr = conformance::cdr(1, Outcome::NoAnswer);
                ledger.retry(leased.lease, cdr, START).await.unwrap();
            }
        }
    }
    submit("put off", &["later 1", "later 2"]).await;
    for change in [BulkChange::Pause, BulkChange::SendAt(START.plus(HOUR)), BulkChange::Resume] {
        ledger.change_bulk(account, "put off", change).await.unwrap();
    }
}

async fn lease(ledger: &store::Embedded, account: AccountId) -> Work {
    let share = Share { account, most: 9, under_way_max: 9 };
    let ask = LeaseAsk { shares: vec![share], closing_max: 9, until: START.plus(HOUR) };
    ledger.lease(ask).await.unwrap()
}

/// What every fixture has.
async fn check_reports(ledger: &store::Embedded, account: AccountId, after: &[&str]) {
    assert_eq!(ledger.keys().await.unwrap()[0].label, "for the shop");
    let audit = ledger.audit("1").await.unwrap().remove(0);
    assert_eq!(audit.report.state, store::ReportState::Settled);
    assert_eq!(audit.takes[0].by.credential, "password");
    let five = store::ArchiveQuery {
        message_ids: vec!["5".into()],
        limit: 1,
        ..store::ArchiveQuery::default()
    };
    let record = &ledger.list(account, five).await.unwrap()[0];
    assert_eq!(
        format!("{:?}", record.report().unwrap()),
        format!("{:?}", conformance::report("bulk", "5"))
    );
    let expect: Vec<&str> = ["2", "3", "4", "5"].iter().chain(after).copied().collect();
    assert_eq!(drain(ledger, account).await, expect);
}

#[tokio::test]
async fn a_directory_of_format_1_opens() {
    let dir = TestDir::new();
    copy(Path::new(FORMAT_1), dir.path());
    let ledger = open(dir.path());
    let account = account(&ledger).await;
    assert_eq!(ledger.accounts().await.unwrap()[0].calling, model::Calling::default());
    check_reports(&ledger, account, &[]).await;
    let message = conformance::message("calls", "new");
    ledger.submit(account, conformance::submission("calls", vec![message])).await.unwrap();
    drop(ledger);
    let ledger = open(dir.path());
    let leased = lease(&ledger, account).await.due.remove(0);
    let finished = conformance::finished("calls", "new", "1");
    ledger.finish(leased.lease, finished).await.unwrap();
    assert_eq!(drain(&ledger, account).await, ["new"]);
    drop(ledger);
    assert_eq!(format_of(dir.path()), 3);
}

fn format_of(dir: &Path) -> u32 {
    let engine = fjall::Database::builder(dir.join("ledger")).open().unwrap();
    let meta = engine.keyspace("meta", fjall::KeyspaceCreateOptions::default).unwrap();
    let bytes = meta.get("format").unwrap().unwrap();
    u32::from_be_bytes(bytes.first_chunk().copied().unwrap())
}

#[tokio::test]
async fn a_directory_of_format_2_opens() {
    let dir = TestDir::new();
    copy(Path::new(FORMAT_2), dir.path());
    let ledger = open(dir.path());
    let account = account(&ledger).await;
    assert_eq!(ledger.decks().await.unwrap()[0].increments, "60/60");
    assert_eq!(ledger.spent(account, 20_833).await.unwrap(), "0.25".parse().unwrap());
    let ended = ledger.call(account, "ended").await.unwrap();
    let Some(store::CallEntry::Finished(ended)) = ended else { panic!("{ended:?}") };
    let end = conformance::finished("calls", "ended", "0.25");
    assert_eq!((ended.charged, ended.cdrs), (end.charged, vec![end.cdr.unwrap()]));
    let work = lease(&ledger, account).await;
    assert!(work.due.is_empty());
    let under_way = &work.closing[0].call;
    let expect = model::Message { account, ..conformance::message("calls", "under way") };
    assert_eq!(under_way.message, expect);
    assert_eq!(under_way.started, Some(Started { attempt: 2, at: START }));
    assert_eq!(under_way.cdrs, [conformance::cdr(1, Outcome::NoAnswer)]);
    let bulk = ledger.bulk(account, "put off").await.unwrap().unwrap();
    let state = store::BulkState::Pending;
    let send_at = START.plus(HOUR);
    assert_eq!(bulk, store::Bulk { bulk_id: "put off".into(), send_at, state, open: 2 });
    assert_eq!(ledger.due().await.unwrap()[0].next, Some(send_at));
    let key = Some(ReplayKey { value: "put off".into(), fingerprint: 7 });
    let again = Submission { key, ..conformance::submission("again", Vec::new()) };
    let again = ledger.submit(account, again).await.unwrap();
    assert_eq!((again.bulk_id.as_str(), again.answers.len()), ("put off", 2));
    check_reports(&ledger, account, &["ended"]).await;
}
