//! What a long day leaves behind: reports that were fed and taken leave no dead row each, and a take
//! stays one round trip.
//!
//! Twenty thousand reports; `CALLSLIP_REPORTS` says another number.

use std::time::{Duration, Instant};

use model::AccountId;
use store::{Fate, Ledger, Postgres, conformance};

use crate::support::{Database, setting};

const TAKE: usize = 50;

async fn feed(ledger: &Postgres, account: AccountId, all: usize) {
    let numbers: Vec<usize> = (0..all).collect();
    for part in numbers.chunks(500) {
        let reports = part.iter().map(|number| conformance::report("b", &number.to_string()));
        ledger.feed(account, reports.collect()).await.unwrap();
    }
}

/// How long takes took, and beside them the smallest commit that there is; the fastest first.
struct Spans {
    takes: Vec<Duration>,
    floor: Vec<Duration>,
}

/// Takes everything.
async fn take(ledger: &Postgres, account: AccountId, all: usize, url: &str) -> Spans {
    let (floor, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    floor.batch_execute("CREATE TABLE floor AS SELECT 0 AS n").await.unwrap();
    let commit = floor.prepare("UPDATE floor SET n = n + 1").await.unwrap();
    let mut spans = Spans { takes: Vec::new(), floor: Vec::new() };
    for _ in 0..all / TAKE {
        let began = Instant::now();
        floor.execute(&commit, &[]).await.unwrap();
        spans.floor.push(began.elapsed());
        let began = Instant::now();
        let taken = ledger.take(account, conformance::ask(TAKE)).await.unwrap();
        spans.takes.push(began.elapsed());
        assert_eq!(taken.records.len(), TAKE);
        ledger.resolve(taken.take.unwrap(), Fate::Settled);
        // The fate is noted before the next take, so that each is an exchange of its own.
        ledger.waiting(account).await.unwrap();
    }
    driver.abort();
    spans.takes.sort_unstable();
    spans.floor.sort_unstable();
    spans
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_was_taken_leaves_no_dead_row() {
    let database = Database::new();
    let ledger = database.node().await;
    let account = ledger.add_account(conformance::account("one")).await.unwrap().id;
    let all = setting("CALLSLIP_REPORTS").map_or(20_000, |all| all as usize);
    let began = Instant::now();
    feed(&ledger, account, all).await;
    let fed = began.elapsed();
    let spans = take(&ledger, account, all, &database.url).await;
    drop(ledger);
    // What a session has done is counted when it ends.
    let dead = |table: &str| -> usize {
        let sql = format!(
            "SELECT coalesce(sum(n_tup_del + n_tup_upd), 0) FROM pg_stat_user_tables \
             WHERE schemaname = 'callslip' AND relname {table}"
        );
        database.server.ask_at(&database.url, &sql).parse().unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while dead("= 'take'") < all / TAKE && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    println!(
        "{all} reports fed in {fed:?}; takes of {TAKE}: p50 {:?}, p99 {:?}, \
         the smallest commit: p50 {:?}, p99 {:?}; rows that died: {} of \
         reports, {} of takes, {} in all",
        spans.takes[spans.takes.len() / 2],
        spans.takes[spans.takes.len() * 99 / 100],
        spans.floor[spans.floor.len() / 2],
        spans.floor[spans.floor.len() * 99 / 100],
        dead("= 'report'"),
        dead("= 'take'"),
        dead("<> ''"),
    );
    println!(
        "{}",
        database.server.ask_at(
            &database.url,
            "SELECT relname, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd, n_tup_del \
             FROM pg_stat_user_tables WHERE n_tup_upd + n_tup_del > 0 ORDER BY 1"
        )
    );
    let read = "SELECT coalesce(sum(coalesce(idx_tup_fetch, 0) + seq_tup_read), 0) \
        FROM pg_stat_user_tables WHERE relname = 'report'";
    let read: usize = database.server.ask_at(&database.url, read).parse().unwrap();
    assert!(read <= 10 * all, "{read} rows were read to give {all}");
    assert_eq!(dead("IN ('report', 'taken', 'ended', 'pending')"), 0);
    // A row of the take, when it is settled, and some of the account's one row: these are pruned
    // by whoever reads the page next.
    assert!(dead("= 'take'") <= all / TAKE);
    assert!(dead("<> ''") <= 10 * all / TAKE, "{} rows died", dead("<> ''"));
}

/// Index entries of reports that were read so far, once that sessions that have ended are counted.
fn entries_read(database: &Database) -> usize {
    let sql = "SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes \
        WHERE schemaname = 'callslip' AND relname = 'report'";
    database.server.ask_at(&database.url, sql).parse().unwrap()
}

#[tokio::test]
async fn a_feed_reads_nothing_but_what_it_names() {
    let database = Database::new();
    let one = store::PostgresSettings { connections: 1, ..database.settings() };
    let clock = std::sync::Arc::new(model::ManualClock::at(conformance::START));
    let open = || crate::support::open(one.clone(), store::Keeping::default(), clock.clone());
    let ledger = open().await;
    let account = ledger.add_account(conformance::account("one")).await.unwrap().id;
    // On one connection, so that its plans settle while the table is young.
    for group in 0..30 {
        let reports =
            (0..100).map(|number| conformance::report("b", &(group * 100 + number).to_string()));
        let fed = ledger.feed(account, reports.collect()).await.unwrap();
        assert_eq!(fed, [store::Fed::New; 100]);
    }
    drop(ledger);
    let inserted = "SELECT coalesce(sum(n_tup_ins), 0) FROM pg_stat_user_tables \
        WHERE schemaname = 'callslip' AND relname = 'report'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while database.server.ask_at(&database.url, inserted) != "3000" && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(entries_read(&database), 0, "all of them were new");
    let ledger = open().await;
    let again: Vec<_> =
        (0..8).map(|number| conformance::report("b", &number.to_string())).collect();
    for _ in 0..10 {
        let fed = ledger.feed(account, again.clone()).await.unwrap();
        assert_eq!(fed, [store::Fed::Duplicate; 8]);
    }
    drop(ledger);
    let deadline = Instant::now() + Duration::from_secs(10);
    while entries_read(&database) < 10 * 8 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let read = entries_read(&database);
    assert!((80..=10 * 9).contains(&read), "{read} entries were read for ten times eight reports");
}
