//! The short form of the simulation, in the ordinary test run: five thousand messages on the
//! embedded engine and three hundred on the shared one, over seeds that are new each time.
//! `CALLSLIP_SEED` runs one of them again, `CALLSLIP_MESSAGES` says how many messages,
//! `CALLSLIP_LONG` runs more than a hundred thousand, and ten thousand.

use std::hash::{BuildHasher, Hasher, RandomState};

use simulation::{Engine, Plan, fairness, run};

/// Seeds of one test run, each with its share of the messages.
const RUNS: u64 = 5;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn is_long() -> bool {
    setting("CALLSLIP_LONG").is_some()
}

fn fresh_seed() -> u64 {
    setting("CALLSLIP_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 16)
}

/// Runs the messages over that many seeds, with a death for every so many of them.
fn check(engine: Engine, messages: u64, runs: u64, messages_per_death: u64) {
    let messages = setting("CALLSLIP_MESSAGES").unwrap_or(messages) / runs;
    let first = fresh_seed();
    let runs = if setting("CALLSLIP_SEED").is_some() { 1 } else { runs };
    let (mut accepted, mut died, mut interrupted) = (0, 0, 0);
    for seed in first..first + runs {
        let deaths = u32::try_from(messages / messages_per_death).unwrap_or(u32::MAX);
        let plan = Plan { engine, seed, messages, deaths };
        println!("{plan}");
        let summary = run(&plan);
        println!("{summary}");
        accepted += summary.accepted;
        died += summary.deaths;
        interrupted += summary.interrupted;
    }
    let figures = format!("{accepted} accepted, {died} died, {interrupted} interrupted");
    // A few hundred messages on a narrow trunk may all be out of harm's way.
    assert!(accepted > 100 && died > 3 && (interrupted > 0 || accepted < 1_000), "{figures}");
}

#[test]
fn every_accepted_message_has_one_report_whatever_dies() {
    // One in twelve is refused, and has no report to be checked.
    let messages = if is_long() { 110_000 } else { 5_500 };
    check(Engine::Embedded, messages, RUNS, 50);
}

/// Fewer messages, because each step is a transaction of a real server; more deaths.
#[test]
fn every_accepted_message_has_one_report_whichever_node_dies() {
    let messages = if is_long() { 10_000 } else { 300 };
    check(Engine::Shared, messages, if is_long() { RUNS } else { 1 }, 12);
}

#[test]
fn a_seed_makes_the_same_run_again() {
    let seed = fresh_seed();
    println!("CALLSLIP_SEED={seed}");
    // Nodes on a database tell each other of their doings in real time.
    let plan = Plan { engine: Engine::Embedded, seed, messages: 200, deaths: 4 };
    assert_eq!(run(&plan), run(&plan));
}

#[test]
fn customers_who_wait_for_the_same_trunk_get_the_same_share_of_it() {
    let seed = fresh_seed();
    println!("CALLSLIP_SEED={seed}");
    assert!(fairness::worst_difference(seed, &[60, 200, 200]) <= 1);
}
