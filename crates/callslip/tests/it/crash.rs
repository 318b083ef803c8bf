//! Kill -9 at random moments under mixed load, and a checker that remembers what everybody had: one
//! server on a directory, and three nodes on one PostgreSQL, whose database fails in other tests.
//!
//! `CALLSLIP_CRASHES` says how often a server is killed (20 by default, 200 in the long form),
//! `CALLSLIP_SEED` repeats a run's random choices, `CALLSLIP_LONG` has nodes die for minutes.

mod check;
mod outage;
mod world;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::Keeping;

use crate::binary::{Home, Serving};
use crate::cluster::Cluster;
use crate::ledger::{Database, LEASE_S, Place, SILENCE};
use check::{check, check_dials, in_order};
use world::{Dice, World};

/// How long everything may take that is under way when the load ends.
const REST: Duration = Duration::from_secs(90);

#[test]
fn nothing_is_lost_and_nothing_comes_twice_through_kill_9() {
    let rounds = number("CALLSLIP_CRASHES").unwrap_or(20);
    let seed = seed();
    eprintln!("CALLSLIP_SEED={seed} CALLSLIP_CRASHES={rounds}");
    let home = Home::new();
    home.done(&["account", "add", "Aladdin"]);
    let key = home.done(&["key", "add", "Aladdin", "--role", "read", "--role", "feed"]);
    let first = home.serve();
    let auth = format!("Authorization: App {}\r\n", key.trim());
    let world = World::new(auth, &[(0, address(&first))]);
    let (mut kills, mut last) = (Vec::new(), None);
    std::thread::scope(|scope| {
        load(scope, &world, seed, Calls::None);
        let mut dice = Dice::of(seed, 99);
        let mut server = first;
        for round in 1..=usize::try_from(rounds).unwrap() {
            std::thread::sleep(Duration::from_millis(30 + dice.below(300)));
            kills.push(Instant::now());
            server.process.kill();
            server = home.serve();
            world.risen(0, || address(&server));
            if round % 20 == 0 {
                eprintln!("{round} crashes, {} fed", world.acknowledged.lock().unwrap().len());
            }
        }
        world.end();
        last = Some(server);
    });
    let mut last = last.unwrap();
    let drained = drain(&world, seed);
    assert_eq!(last.process.stop(), Some(0));
    let drained: Vec<&str> = drained.iter().map(String::as_str).collect();
    assert!(in_order(&drained), "what was left came out of order");
    check(&world, &[kills]);
}

#[test]
fn three_nodes_that_die_lose_nothing_and_ring_no_phone_twice() {
    nodes_that_die(["all", "all", "all"]);
}

#[test]
fn an_api_node_and_two_engines_that_die_lose_nothing_and_ring_no_phone_twice() {
    nodes_that_die(["api", "engine", "engine"]);
}

/// The settings of nodes: they call as fast as the load wants.
fn settings() -> String {
    let calls = "carrier = \"sandbox\"\nsandbox_talk_s = 1\ncalls_per_second = 100\n\
        account_calls_per_second = 100\naccount_submits_per_second = 1000\n";
    format!("[calls]\nlease_s = {LEASE_S}\n{calls}")
}

fn nodes_that_die(roles: [&'static str; 3]) {
    let long = std::env::var_os("CALLSLIP_LONG").is_some();
    let lasts = Duration::from_secs(if long { 180 } else { 8 });
    let seed = seed();
    eprintln!("CALLSLIP_SEED={seed} {roles:?}");
    let database = Database::new();
    let mut cluster = Cluster::at(database.clone(), &roles, &settings());
    let world = World::new(cluster.key(), &cluster.doors());
    let mut kills = vec![Vec::new(); roles.len()];
    std::thread::scope(|scope| {
        load(scope, &world, seed, Calls::Sandbox);
        let mut dice = Dice::of(seed, 99);
        let began = Instant::now();
        while began.elapsed() < lasts {
            std::thread::sleep(Duration::from_millis(100 + dice.below(800)));
            let first = dice.below(3) as usize;
            // Now and then two of them at once.
            let dead = match dice.below(4) {
                0 => vec![first, (first + 1) % 3],
                _ => vec![first],
            };
            for node in &dead {
                kills[*node].push(Instant::now());
                cluster.kill(*node);
            }
            std::thread::sleep(Duration::from_millis(dice.below(600)));
            for node in dead {
                cluster.start_again(node);
                world.risen(node, || cluster.address(node));
            }
        }
        world.end();
    });
    wait_for_the_rest(&world, seed, &database);
    let dials = cluster.stop();
    check(&world, &kills);
    check_dials(&world, &dials);
}

/// Whether there are calls in the load.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    None,
    Sandbox,
}

/// Starts everybody.
fn load<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    world: &'scope World,
    seed: u64,
    calls: Calls,
) {
    for n in 0..2 {
        let dice = move |salt: u64| Dice::of(seed, salt + n);
        let name = n as usize;
        scope.spawn(move || world.feeder(name, dice(0)));
        scope.spawn(move || world.taker(&format!("t{n}"), dice(10)));
        scope.spawn(move || world.keyed_taker(&format!("k{n}"), dice(20)));
        if calls == Calls::Sandbox {
            scope.spawn(move || world.caller(name, dice(30)));
        }
    }
    scope.spawn(move || world.lister(Dice::of(seed, 40)));
}

/// What is left, taken by one orderly client.
fn drain(world: &World, seed: u64) -> Vec<String> {
    let mut dice = Dice::of(seed, 50);
    let mut all = Vec::new();
    loop {
        let ids = world.drain_once(&mut dice);
        if ids.is_empty() {
            return all;
        }
        all.extend(ids);
    }
}

/// Takes what is left and what comes back from the dead, until every fate is known.
fn wait_for_the_rest(world: &World, seed: u64, database: &Database) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock = Arc::new(callslip::clock::SystemClock);
    let place = Place::Database(database.clone());
    let ledger = runtime.block_on(place.open(Keeping::default(), clock, SILENCE));
    let account = runtime.block_on(ledger.accounts()).unwrap()[0].id;
    // What was returned under a key is held back for it.
    let mut kept: HashSet<String> = HashSet::new();
    for received in world.received.lock().unwrap().iter().filter(|one| one.key.is_some()) {
        kept.extend(received.reports.iter().map(|(id, _)| id.clone()));
    }
    let deadline = Instant::now() + REST;
    loop {
        drain(world, seed);
        let waiting = runtime.block_on(ledger.waiting(account)).unwrap();
        let rest = (waiting.pending, waiting.in_flight.saturating_sub(kept.len() as u64));
        if rest == (0, 0) && world.has_everything() {
            return;
        }
        assert!(Instant::now() < deadline, "pending and in flight: {rest:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn address(server: &Serving) -> SocketAddr {
    server.address().parse().unwrap()
}

fn seed() -> u64 {
    number("CALLSLIP_SEED").unwrap_or_else(|| u64::from(std::process::id()) | 1 << 40)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}
