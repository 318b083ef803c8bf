//! The same load while the database crashes, and while connections to it are lost at commits. No
//! node dies, so nothing at all may come twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::postgres::{Cut, Cutter, PostgresServer};

use super::check::{check, check_dials};
use super::world::{Dice, World};
use super::{Calls, load, seed, settings, wait_for_the_rest};
use crate::cluster::Cluster;
use crate::ledger::Database;

const ROLES: [&str; 2] = ["all", "all"];
/// What commits by itself.
const MARKS: [&str; 2] = ["FROM exchange(", "FROM feed("];

/// Loads the nodes for as long as `trouble` takes, and sees that nothing is lost, doubled or rung
/// twice. Gives how many requests were refused.
fn go_through(cluster: Cluster, database: &Database, trouble: impl FnOnce(&mut Dice)) -> u64 {
    let seed = seed();
    eprintln!("CALLSLIP_SEED={seed}");
    let world = World::new(cluster.key(), &cluster.doors());
    std::thread::scope(|scope| {
        load(scope, &world, seed, Calls::Sandbox);
        trouble(&mut Dice::of(seed, 99));
        world.end();
    });
    wait_for_the_rest(&world, seed, database);
    let dials = cluster.stop();
    check(&world, &vec![Vec::new(); ROLES.len()]);
    check_dials(&world, &dials);
    *world.refused.lock().unwrap()
}

/// Calls are leased for longer than the database is away.
fn patient() -> String {
    settings().replace(&format!("lease_s = {}", crate::ledger::LEASE_S), "lease_s = 60")
}

#[test]
fn a_database_that_crashes_under_load_loses_nothing_and_doubles_nothing() {
    let server = Arc::new(PostgresServer::start());
    let database = Database::on(Arc::clone(&server));
    let settings = format!("[data]\npatience_s = 1\n{}", patient());
    let cluster = Cluster::at(database.clone(), &ROLES, &settings);
    let refused = go_through(cluster, &database, |dice| {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(500 + dice.below(1000)));
            server.crash();
        }
        // And away for longer than a request waits, and than a node may be silent.
        std::thread::sleep(Duration::from_millis(500 + dice.below(500)));
        server.stop("immediate");
        std::thread::sleep(crate::ledger::SILENCE + Duration::from_secs(1));
        server.start_again();
        std::thread::sleep(Duration::from_secs(2));
    });
    assert!(refused > 0, "nobody noticed that it was away");
}

#[test]
fn connections_that_are_lost_at_commits_lose_nothing_and_double_nothing() {
    let database = Database::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut dice = Dice::of(seed(), 98);
    let began = Instant::now();
    let decide = move || match dice.below(20) {
        // Not while the nodes start.
        _ if began.elapsed() < Duration::from_secs(2) => Cut::None,
        0 => Cut::Before,
        1 | 2 => Cut::After,
        _ => Cut::None,
    };
    let before = Cutter::before(database.address(), MARKS.to_vec(), decide);
    let cutter = runtime.block_on(before).unwrap();
    let behind = database.by_way_of(cutter.address());
    let cluster = Cluster::at(behind, &ROLES, &patient());
    go_through(cluster, &database, |_| std::thread::sleep(Duration::from_secs(6)));
    assert!(cutter.cuts() > 20, "only {} were lost", cutter.cuts());
}
