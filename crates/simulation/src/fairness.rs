//! Fairness: customers with more calls than the trunk takes get the same share of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use engine::exchange::{Caps, ExchangeSettings};
use engine::sandbox::Sandbox;
use fastrand::Rng;
use serde_json::json;
use store::Ledger;
use testkit::VirtualClock;

use crate::customer::{self, Customer};
use crate::front::Front;
use crate::house::{House, World};
use crate::place::Place;
use crate::run::{Engine, NOON, runtime};
use crate::witness::Witness;

/// Caps that bound nobody here.
const WIDE: Caps = Caps { calls_per_second: 1_000, concurrent_calls: 1_000 };

/// Has each of some customers submit its calls at once, far more than the trunk takes, and gives
/// the largest difference between any two of them in calls dialled while both still had some.
pub fn worst_difference(seed: u64, calls: &[usize]) -> usize {
    let place = Place::new(Engine::Embedded);
    runtime().block_on(contend(seed, calls, &place))
}

async fn contend(seed: u64, calls: &[usize], place: &Place) -> usize {
    let mut rng = Rng::with_seed(seed);
    let clock = Arc::new(VirtualClock::at(NOON));
    let sandbox = Sandbox { seed, ..Sandbox::default() };
    let witness = Witness::new(sandbox, Arc::clone(&clock));
    let trunk = Caps { concurrent_calls: rng.u32(1..20), ..WIDE };
    let settings = ExchangeSettings { trunk, account: WIDE, ..ExchangeSettings::default() };
    let world = World { place, clock, witness, settings };
    let houses = [House::open(&world, seed, None).await];
    let front = Front::of(&houses, seed);
    let [house] = houses;
    customer::import_deck(&house).await;
    let mut left = BTreeMap::new();
    for (number, count) in (1..).zip(calls) {
        let customer = Customer::unbound(number, &house).await;
        let to: Vec<String> = (0..*count).map(|n| format!("38598{n:07}000")).collect();
        let message = json!({"from": customer.from, "to": to, "text": "Hello"});
        let body = Bytes::from(json!({"messages": [message]}).to_string());
        let reply = customer.send(&front, ("POST", "/tts/3/multi"), body, None).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        left.insert(customer.from, *count);
    }
    // What was dialled before the last of them had come was shared among fewer.
    let before = std::mem::take(&mut world.witness.seen().sequence);
    for (_, from) in before {
        left.entry(from).and_modify(|count| *count -= 1);
    }
    while !house.ledger.due().await.expect("the ledger can be asked").is_empty() {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    drop(front);
    house.stop().await;
    largest(&world.witness, left)
}

/// Compares at the end of each instant in which somebody was dialled.
fn largest(witness: &Witness, mut left: BTreeMap<String, usize>) -> usize {
    let seen = witness.seen();
    let mut served: BTreeMap<&String, usize> = BTreeMap::new();
    let mut worst = 0;
    for (place, (at, from)) in seen.sequence.iter().enumerate() {
        *served.entry(from).or_default() += 1;
        left.entry(from.clone()).and_modify(|count| *count -= 1);
        if seen.sequence.get(place + 1).is_none_or(|(next, _)| next != at) {
            let waiting = left.iter().filter(|(_, count)| **count > 0);
            let served = waiting.map(|(from, _)| served.get(from).copied().unwrap_or(0));
            let (least, most) = served
                .fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
            worst = worst.max(most.saturating_sub(least));
        }
    }
    worst
}
