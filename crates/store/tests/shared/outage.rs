//! The database is away for longer than a node may be silent: all were silent, and none is given up.

use std::sync::Arc;
use std::time::Duration;

use model::ManualClock;
use store::{Fate, Keeping, Ledger, PostgresSettings, ReportState, conformance};
use testkit::postgres::PostgresServer;

use crate::support::{Database, open};

#[tokio::test]
async fn a_node_that_could_not_say_that_it_lives_is_not_given_up() {
    let server = Arc::new(PostgresServer::start());
    let url = server.database();
    let database = Database { server: Arc::clone(&server), url };
    let patience = Duration::from_secs(1);
    let settings = PostgresSettings { patience, ..database.settings() };
    let silence = settings.silence_max;
    let clock = ManualClock::at(conformance::START);
    let node = || open(settings.clone(), Keeping::default(), Arc::new(clock.clone()));
    let (a, b) = (node().await, node().await);
    let account = a.add_account(conformance::account("one")).await.unwrap().id;
    a.feed(account, vec![conformance::report("b", "1")]).await.unwrap();
    let taken = a.take(account, conformance::ask(1)).await.unwrap();
    server.stop("immediate");
    clock.advance(silence);
    b.upkeep().await.unwrap_err();
    server.start_again();
    // Whichever of them comes back first.
    while b.upkeep().await.is_err() {}
    a.resolve(taken.take.unwrap(), Fate::Settled);
    assert_eq!(a.waiting(account).await.unwrap().pending, 0);
    let audit = b.audit("1").await.unwrap().remove(0);
    assert_eq!(audit.report.state, ReportState::Settled, "{:?}", audit.takes);
}
