//! Fair shares, and the bound that they promise.

use engine::exchange::shares::{Want, shares, turns};
use model::AccountId;
use proptest::prelude::*;
use store::Share;

fn want(account: u32, calls: u64) -> Want {
    Want { account: AccountId(account), calls, under_way_max: 100 }
}

#[track_caller]
fn check(wants: &[Want], room: u64, last: Option<u32>, expected: &[u32]) {
    let turns = turns(wants, room, last.map(AccountId));
    assert_eq!(turns.iter().map(|account| account.0).collect::<Vec<_>>(), expected);
}

#[test]
fn everybody_has_one_turn_before_anybody_has_two() {
    let wants = [want(3, 3), want(1, 2), want(2, 1)];
    check(&wants, 2, None, &[1, 2]);
    check(&wants, 5, None, &[1, 2, 3, 1, 3]);
    check(&wants, u64::MAX, None, &[1, 2, 3, 1, 3, 3]);
}

#[test]
fn a_round_begins_after_who_was_served_last() {
    let wants = [want(1, 9), want(2, 9), want(3, 9)];
    check(&wants, 4, Some(2), &[3, 1, 2, 3]);
    check(&wants, 1, Some(3), &[1]);
    check(&wants, 1, Some(7), &[1]);
    check(&wants, 0, Some(2), &[]);
    check(&[want(1, 0)], 9, Some(2), &[]);
}

#[test]
fn turns_are_counted_into_shares() {
    let wants = [want(1, 2), want(2, 1), want(3, 0)];
    let turns = [1, 2, 1].map(AccountId);
    let share = |account, most| Share { account: AccountId(account), most, under_way_max: 100 };
    assert_eq!(shares(&wants, &turns), [share(1, 2), share(2, 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn turns_are_within_what_is_wanted_and_leave_no_room(
        wants in proptest::collection::btree_map(0u32..8, 0u64..20, 0..8),
        room in 0u64..100,
        last in proptest::option::of(0u32..8),
    ) {
        let list: Vec<Want> = wants.iter().map(|(account, calls)| want(*account, *calls)).collect();
        let turns = turns(&list, room, last.map(AccountId));
        prop_assert_eq!(turns.len() as u64, room.min(wants.values().sum()));
        for share in shares(&list, &turns) {
            prop_assert!(share.most as u64 <= wants[&share.account.0]);
        }
    }

    /// The bound that the module promises: two want more throughout, others come and go.
    #[test]
    fn two_that_always_want_more_are_never_more_than_one_apart(
        rounds in proptest::collection::vec(
            (0u64..7, proptest::collection::vec(0u64..4, 7)), 1..60,
        ),
        two in proptest::sample::subsequence(vec![0u32, 1, 2, 3, 4, 5, 6], 2),
    ) {
        let mut given = [0i32; 7];
        let mut last = None;
        for (room, others) in rounds {
            let wanted = |account: u32, calls| if two.contains(&account) { room + calls } else { calls };
            let wants: Vec<Want> = (0..).zip(others)
                .map(|(account, calls)| want(account, wanted(account, calls)))
                .collect();
            for account in turns(&wants, room, last) {
                last = Some(account);
                given[account.0 as usize] += 1;
                let apart = given[two[0] as usize] - given[two[1] as usize];
                prop_assert!(apart.abs() <= 1, "{:?}", given);
            }
        }
    }
}
