//! How much goes through a trunk at once, and in a second.

use engine::exchange::Caps;
use engine::sip::{Full, Load, NoWay, Trunk, Trunks};
use model::Number;

use crate::{START, at, trunk};

fn load(calls_per_second: u32, concurrent_calls: u32) -> Load {
    let mut load = Load::default();
    load.limit(Caps { calls_per_second, concurrent_calls });
    load
}

#[test]
fn no_second_has_more_legs_than_it_may() {
    let mut load = load(2, 100);
    assert_eq!(load.take(at(0)), Ok(()));
    assert_eq!(load.take(at(300)), Ok(()));
    assert_eq!(load.take(at(999)), Err(Full { again: Some(at(1000)) }));
    assert_eq!(load.take(at(1000)), Ok(()));
    assert_eq!(load.take(at(1200)), Err(Full { again: Some(at(1300)) }));
    assert_eq!((load.legs(), load.last_second(at(1300))), (3, 1));
}

#[test]
fn no_more_legs_than_it_may_are_under_way() {
    let mut load = load(100, 2);
    assert_eq!((load.take(at(0)), load.take(at(0))), (Ok(()), Ok(())));
    assert_eq!(load.take(at(5000)), Err(Full { again: None }));
    load.give_back();
    assert_eq!(load.take(at(5000)), Ok(()));
}

#[test]
fn a_place_is_free_again_when_it_is_dropped() {
    let caps = Caps { calls_per_second: 100, concurrent_calls: 1 };
    let trunks = Trunks::new(vec![Trunk { caps, ..trunk("a") }], START);
    let number: Number = "4420".parse().unwrap();
    let route = |trunks: &Trunks| trunks.route(&number, START, &mut fastrand::Rng::with_seed(1));
    let ways = route(&trunks).unwrap();
    let place = ways[0].take(START).unwrap();
    assert_eq!(ways[0].take(START).unwrap_err(), Full { again: None });
    assert_eq!(route(&trunks).unwrap_err(), NoWay::Full(Full { again: None }));
    drop(place);
    assert_eq!(route(&trunks).unwrap().len(), 1);
    assert_eq!(trunks.figures(START)[0].legs, 0);
}

#[test]
fn a_number_waits_for_the_first_trunk_with_room() {
    let slow = Caps { calls_per_second: 1, concurrent_calls: 9 };
    let of = |name| Trunk { caps: slow, ..trunk(name) };
    let trunks = Trunks::new(vec![of("a"), of("b")], START);
    let number: Number = "4420".parse().unwrap();
    let mut chance = fastrand::Rng::with_seed(1);
    for millis in [0, 400] {
        let ways = trunks.route(&number, at(millis), &mut chance).unwrap();
        let _place = ways[0].take(at(millis)).unwrap();
    }
    let full = Full { again: Some(at(1000)) };
    assert_eq!(trunks.route(&number, at(500), &mut chance).unwrap_err(), NoWay::Full(full));
}
