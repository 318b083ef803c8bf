//! The caps of account and trunk, which are never exceeded, and what is fair under them.

use std::collections::BTreeMap;

use engine::exchange::{Caps, ExchangeSettings};
use model::{AccountId, Calling};

use crate::house::{House, ONE, Plan, many, persons, secs};

const fn caps(calls_per_second: u32, concurrent_calls: u32) -> Caps {
    Caps { calls_per_second, concurrent_calls }
}

fn plan(account: Caps, trunk: Caps, accounts: usize) -> Plan {
    let settings = ExchangeSettings { account, trunk, ..ExchangeSettings::default() };
    Plan { settings, accounts: vec![Calling::default(); accounts], ..Plan::default() }
}

fn is_of(account: u32) -> impl Fn(&str) -> bool {
    move |id| id.starts_with(&format!("{account}-"))
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_an_account_may_have() {
    let house = House::built(plan(caps(100, 7), caps(100, 1_000), 1)).await;
    house.submit(many(ONE, 60)).await;
    house.reports(60).await;
    assert_eq!(house.carrier.most_at_once(|_| true), 7);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_the_trunk_carries() {
    let house = House::built(plan(caps(100, 100), caps(100, 9), 3)).await;
    for account in 1..=3 {
        house.submit(many(AccountId(account), 30)).await;
    }
    house.reports(90).await;
    assert_eq!(house.carrier.most_at_once(|_| true), 9);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_begun_in_a_second_than_may_be() {
    let house = House::built(plan(caps(5, 1_000), caps(12, 1_000), 4)).await;
    for account in 1..=4 {
        house.submit(many(AccountId(account), 50)).await;
    }
    house.reports(200).await;
    for account in 1..=4 {
        let most = house.carrier.most_in_a_second(is_of(account));
        assert!((1..=5).contains(&most), "{most}");
    }
    assert_eq!(house.carrier.most_in_a_second(|_| true), 12);
    // And they are used: 200 calls at 12 a second, and the last ones' length.
    assert!(house.clock.elapsed() < secs(17 + 6), "{:?}", house.clock.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_account_has_caps_of_its_own() {
    let calling =
        Calling { calls_per_second: Some(2), concurrent_calls: Some(3), ..Calling::default() };
    let plan = Plan { accounts: vec![calling], ..plan(caps(100, 100), caps(100, 100), 1) };
    let house = House::built(plan).await;
    house.submit(many(ONE, 20)).await;
    house.reports(20).await;
    assert_eq!(house.carrier.most_in_a_second(|_| true), 2);
    assert!(house.carrier.most_at_once(|_| true) <= 3);
}

#[tokio::test(start_paused = true)]
async fn of_two_that_have_calls_neither_gets_more_than_one_more() {
    let house = House::empty(plan(caps(100, 100), caps(7, 5), 3)).await;
    // One has a thousand calls, submitted first; they do not hold up the others.
    for (account, count) in [(1, 300), (2, 40), (3, 40)] {
        house.submit(many(AccountId(account), count)).await;
    }
    let mut house = house;
    house.start();
    house.reports(380).await;
    let mut begun = BTreeMap::<char, i64>::new();
    for (id, _) in house.carrier.dialled_a() {
        *begun.entry(id.chars().next().unwrap()).or_default() += 1;
        let of = |account| begun.get(&account).copied().unwrap_or(0);
        let [one, two, three] = ['1', '2', '3'].map(of);
        assert!((two - three).abs() <= 1, "{begun:?}");
        assert!(two == 40 || (one - two).abs() <= 1, "{begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disabled_account_waits() {
    let house = House::new().await;
    let mut account = (*house.tariffs.account(ONE).unwrap()).clone();
    account.disabled = true;
    house.replace(account.clone()).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(3_600)).await;
    assert!(house.carrier.lines().is_empty());
    account.disabled = false;
    house.replace(account).await;
    let enabled = house.clock.elapsed();
    house.report().await;
    let (_, at) = house.carrier.dialled_a().remove(0);
    assert!(at.since(crate::house::NOON) - enabled < secs(1));
}
