//! Fair shares, and the bound that they promise.

use std::collections::BTreeMap;

use engine::exchange::shares::{Want, shares};
use model::AccountId;
use proptest::prelude::*;

fn want(account: u32, calls: u64) -> Want {
    Want { account: AccountId(account), calls, under_way_max: 100 }
}

#[track_caller]
fn check(wants: &[Want], room: u64, last: Option<u32>, shared: &[(u32, usize)], next: Option<u32>) {
    let round = shares(wants, room, last.map(AccountId));
    let given: Vec<_> = round.shares.iter().map(|share| (share.account.0, share.most)).collect();
    assert_eq!((given.as_slice(), round.last), (shared, next.map(AccountId)));
}

#[test]
fn everybody_gets_one_before_anybody_gets_two() {
    let wants = [want(3, 9), want(1, 9), want(2, 1)];
    check(&wants, 2, None, &[(1, 1), (2, 1)], Some(2));
    check(&wants, 5, None, &[(1, 2), (2, 1), (3, 2)], Some(3));
    check(&wants, 100, None, &[(1, 9), (2, 1), (3, 9)], Some(3));
}

#[test]
fn a_round_begins_after_who_was_served_last() {
    let wants = [want(1, 9), want(2, 9), want(3, 9)];
    check(&wants, 2, Some(2), &[(1, 1), (3, 1)], Some(1));
    check(&wants, 1, Some(3), &[(1, 1)], Some(1));
    check(&wants, 1, Some(7), &[(1, 1)], Some(1));
    check(&wants, 0, Some(2), &[], Some(2));
    check(&[want(1, 0)], 9, Some(2), &[], Some(2));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_within_what_is_wanted_and_leave_no_room(
        wants in proptest::collection::btree_map(0u32..8, 0u64..20, 0..8),
        room in 0u64..100,
        last in proptest::option::of(0u32..8),
    ) {
        let list: Vec<Want> = wants.iter().map(|(account, calls)| want(*account, *calls)).collect();
        let round = shares(&list, room, last.map(AccountId));
        for share in &round.shares {
            prop_assert!(share.most as u64 <= wants[&share.account.0]);
        }
        let given: u64 = round.shares.iter().map(|share| share.most as u64).sum();
        prop_assert_eq!(given, room.min(wants.values().sum()));
    }

    /// The bound that the module promises: accounts 0 and 1 want more throughout, others come and go.
    #[test]
    fn two_that_always_want_more_are_never_more_than_one_apart(
        rounds in proptest::collection::vec(
            (0u64..7, proptest::collection::vec(0u64..4, 0..5), any::<[u8; 2]>()), 1..60,
        ),
        two in proptest::sample::subsequence(vec![0u32, 1, 2, 3, 4, 5, 6], 2),
    ) {
        let mut given: BTreeMap<AccountId, i64> = BTreeMap::new();
        let mut last = None;
        for (room, others, extra) in rounds {
            let mut wants: Vec<Want> =
                others.iter().zip(0..).map(|(calls, account)| want(account, *calls)).collect();
            wants.retain(|want| !two.contains(&want.account.0));
            wants.extend(two.iter().zip(extra).map(|(account, extra)| want(*account, room + 1 + u64::from(extra))));
            let round = shares(&wants, room, last);
            last = round.last;
            for share in round.shares {
                *given.entry(share.account).or_default() += i64::try_from(share.most).unwrap();
            }
            let of = |account: u32| given.get(&AccountId(account)).copied().unwrap_or(0);
            prop_assert!((of(two[0]) - of(two[1])).abs() <= 1, "{:?}", given);
        }
    }
}
