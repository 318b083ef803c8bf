//! The checker: nothing that was acknowledged is lost, nothing comes twice but in the window that
//! the contract leaves, nothing comes that nobody sent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::world::{Received, World};
use crate::cluster::{Dial, check_dialled_once};

/// From the acknowledgement of an answer to its note: milliseconds, and the bound leaves room for a
/// busy machine.
const WINDOW: Duration = Duration::from_millis(500);

/// Checks what everybody had. `kills` has, for each node, when its lives ended.
pub(super) fn check(world: &World, kills: &[Vec<Instant>]) {
    let received = world.received.lock().unwrap();
    let acknowledged = world.acknowledged.lock().unwrap();
    let had: HashSet<&String> =
        received.iter().flat_map(|r| &r.reports).map(|(id, _)| id).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !had.contains(id)).collect();
    assert!(lost.is_empty(), "{} acknowledged reports never arrived: {lost:?}", lost.len());
    let invented = had.iter().filter(|id| !acknowledged.contains(**id)).count();
    assert_eq!(invented, 0, "reports arrived that nobody fed");
    for answer in received.iter() {
        let ids: Vec<&str> = answer.reports.iter().map(|(id, _)| id.as_str()).collect();
        assert!(in_order(&ids), "{} got {ids:?}", answer.taker);
    }
    check_keys(&received);
    let (twice, longest) = count_twice(&received, kills);
    let crashes: usize = kills.iter().map(Vec::len).sum();
    eprintln!(
        "{} reports, {} answers, {} lists, {crashes} crashes, {} refused; nothing lost, {twice} \
         came twice, the first time at most {} ms before a crash",
        acknowledged.len(),
        received.len(),
        world.lists.lock().unwrap(),
        world.refused.lock().unwrap(),
        longest.as_millis(),
    );
    assert!(acknowledged.len() > crashes, "the load was no load");
}

/// No phone rang twice; and each call is reported as what it was: one that was closed without an
/// outcome was dialled once at most, one that was answered by both was dialled twice, no more.
pub(super) fn check_dials(world: &World, dials: &BTreeMap<Dial, usize>) {
    check_dialled_once(dials);
    assert!(dials.keys().all(|(_, attempt, _)| *attempt == 1), "nobody asked for a retry");
    let rang = |id: &str, leg: &str| dials.contains_key(&(id.to_owned(), 1, leg.to_owned()));
    let received = world.received.lock().unwrap();
    let mut cut_short = 0;
    let mut calls = HashSet::new();
    for (id, error) in received.iter().flat_map(|received| &received.reports) {
        if id.starts_with('c') && calls.insert(id) {
            let legs = (rang(id, "A"), rang(id, "B"));
            match error {
                5000 => assert_eq!(legs, (true, true), "{id} was answered"),
                5500 => cut_short += 1,
                _ => assert_eq!(legs, (true, false), "{id} ended with {error}"),
            }
        }
    }
    eprintln!("{} calls, {} dials, {cut_short} cut short", calls.len(), dials.len());
    assert!(calls.len() > 20, "the callers called nobody");
}

/// Each feeder's reports in the order in which it fed them. Calls end when they end.
pub(super) fn in_order(ids: &[&str]) -> bool {
    let mut latest: HashMap<&str, &str> = HashMap::new();
    let mut fed = ids.iter().filter(|id| id.starts_with('f'));
    fed.all(|id| {
        let (feeder, number) = id.split_once('-').unwrap();
        latest.insert(feeder, number).is_none_or(|before| before < number)
    })
}

/// The same key gave the same bytes.
fn check_keys(received: &[Received]) {
    let mut bodies: HashMap<&String, &Vec<u8>> = HashMap::new();
    for answer in received {
        if let Some(key) = &answer.key {
            let first = bodies.entry(key).or_insert(&answer.body);
            assert_eq!(*first, &answer.body, "the key {key} gave two answers");
        }
    }
}

/// How many reports a client that had them whole got again, under no key or another one; and how
/// long before the crash of the node that had given it the first one had come.
fn count_twice(received: &[Received], kills: &[Vec<Instant>]) -> (usize, Duration) {
    let mut first: HashMap<&String, &Received> = HashMap::new();
    let (mut twice, mut longest) = (0, Duration::ZERO);
    for answer in received {
        for (id, _) in &answer.reports {
            let Some(before) = first.insert(id, answer) else { continue };
            if before.key.is_some() && before.key == answer.key {
                continue;
            }
            twice += 1;
            let seen = format!("{id} came to {} and to {}", before.taker, answer.taker);
            let crash = kills[before.from.node].get(before.from.number);
            let crash = *crash.unwrap_or_else(|| panic!("{seen} without a crash"));
            assert!(crash < answer.at, "{seen} before the crash");
            let window = crash.saturating_duration_since(before.at);
            longest = longest.max(window);
            assert!(window < WINDOW, "{seen}, {window:?} before the crash");
            assert!(before.key.is_none(), "{seen}, the first time under a key");
        }
    }
    (twice, longest)
}
