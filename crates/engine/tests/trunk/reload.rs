//! What a reload keeps.

use std::time::Duration;

use engine::exchange::Caps;
use engine::sip::route::Fitness;
use engine::sip::{Credentials, Failure, Failures, Network, Reloaded, Trunk, Trunks};
use model::Number;
use model::cdr::Release;

use crate::{START, at, destination, trunk};

fn ways(trunks: &Trunks) -> Vec<engine::sip::Way> {
    let number: Number = "4420".parse().unwrap();
    trunks.route(&number, START, &mut fastrand::Rng::with_seed(1)).unwrap()
}

fn code(code: u16) -> Failure {
    Failure { release: Release { code: Some(code), cause: None }, ..Failure::default() }
}

#[test]
fn what_stays_keeps_its_standing() {
    let trunks = Trunks::new(vec![trunk("a"), trunk("gone")], START);
    let way = ways(&trunks).into_iter().find(|way| way.trunk().name == "a").unwrap();
    let place = way.take(START).unwrap();
    for _ in 0..3 {
        way.failed(&Failure::default(), START);
    }
    let mut changed = trunk("a");
    changed.caps = Caps { calls_per_second: 50, concurrent_calls: 1 };
    changed.destinations.push(destination("new", 1, 1));
    let expect = Reloaded {
        added: vec!["b".into()],
        changed: vec!["a".into()],
        removed: vec!["gone".into()],
    };
    assert_eq!(trunks.reload(vec![changed.clone(), trunk("b")], START), expect);
    assert_eq!(trunks.reload(vec![changed, trunk("b")], START), Reloaded::default());

    let figures = trunks.figures(START);
    assert_eq!((figures[0].name.as_str(), figures[0].legs), ("a", 1));
    assert_eq!(figures[0].destinations[0].fitness, Fitness::Down);
    assert_eq!(figures[0].destinations[1].fitness, Fitness::Up);
    assert_eq!(figures[0].failures.nothing, 3);
    assert_eq!(ways(&trunks).len(), 1, "the cap of the new settings holds, with the old leg");
    // A leg under way keeps its trunk, and tells the new one how it fares.
    assert_eq!(way.trunk().destinations.len(), 1);
    way.answered();
    drop(place);
    let figures = trunks.figures(START);
    assert_eq!((figures[0].legs, figures[0].answered), (0, 1));
    assert_eq!(figures[0].destinations[0].fitness, Fitness::Up);
}

#[test]
fn a_leg_through_a_trunk_that_is_gone_ends_as_ever() {
    let trunks = Trunks::new(vec![trunk("a")], START);
    let way = ways(&trunks).remove(0);
    let place = way.take(START).unwrap();
    trunks.reload(Vec::new(), START);
    way.failed(&code(503), START);
    drop(place);
    assert!(trunks.figures(START).is_empty());
}

#[test]
fn a_trunk_without_its_registration_goes_last() {
    let credentials = Some(Credentials { username: "u".into(), password: "p".into() });
    let register = Some(Duration::from_secs(60));
    let registering = Trunk { register, credentials, ..trunk("a") };
    let trunks = Trunks::new(vec![registering, trunk("b")], START);
    let hosts: Vec<_> = ways(&trunks).iter().map(|way| way.trunk().name.clone()).collect();
    assert_eq!(hosts, ["b", "a"]);
    let figures = trunks.figures(at(0));
    assert_eq!((figures[0].registered, figures[1].registered), (Some(false), None));
    assert!(!figures[0].is_up() && figures[1].is_up());
}

#[test]
fn failures_are_counted_by_their_class() {
    let trunks = Trunks::new(vec![trunk("a")], START);
    let way = ways(&trunks).remove(0);
    for one in [302, 404, 486, 503, 603, 699] {
        way.failed(&code(one), START);
    }
    way.failed(&Failure::default(), START);
    let expect = Failures { by_class: [1, 2, 1, 2], nothing: 1 };
    assert_eq!(trunks.figures(START)[0].failures, expect);
}

#[test]
fn trunks_are_listened_to_where_they_are() {
    let mut named = trunk("sip.example.net");
    named.sources = vec![Network { address: "203.0.113.0".parse().unwrap(), bits: 24 }];
    let at_address = Trunk::new("b", vec![destination("[2001:db8::1]", 1, 1)]);
    let trunks = Trunks::new(vec![named, at_address], START);
    let heard = |address: &str| {
        let address = address.parse().unwrap();
        trunks.sources().iter().any(|network| network.contains(address))
    };
    assert!(heard("203.0.113.9") && heard("2001:db8::1"));
    assert!(!heard("203.0.114.9") && !heard("2001:db8::2") && !heard("192.0.2.1"));
}
