//! The caps of a trunk: never exceeded; what has no room goes to the next one.

use serde_json::Value;

use super::board::{Board, ids, trunk_to};
use super::far_end::{FarEnd, Note};
use super::script::Script;
use crate::phones::click;
use crate::server::wait_for;

/// How many legs were up at once, at most.
fn most(far: &FarEnd) -> i32 {
    let of =
        |word: &str, step: i32| far.notes(word).into_iter().map(move |note: Note| (note.at, step));
    let mut steps: Vec<(f64, i32)> = of("INVITE", 1).chain(of("BYE", -1)).collect();
    steps.sort_by(|one, other| one.partial_cmp(other).unwrap());
    let mut up = 0;
    steps
        .iter()
        .map(|(_, step)| {
            up += step;
            up
        })
        .max()
        .unwrap()
}

fn calls(count: usize) -> Vec<Value> {
    let number = |n: usize| format!("38598100{n:03}");
    (0..count).map(|n| click(&number(n), &number(n))).collect()
}

#[test]
fn no_more_legs_than_a_trunk_allows_go_through_it_at_once() {
    let far = || FarEnd::new(&[("", Script::answers().released())]);
    let (small, large) = (far(), far());
    let trunks = trunk_to(&small, "small", "serves = [\"38598\"]\nconcurrent_calls = 4")
        + &trunk_to(&large, "large", "");
    let board = Board::new(&trunks);
    board.phones.call(&calls(12));
    wait_for("every call to be up", || small.count("UP") + large.count("UP") == 24);
    assert_eq!((small.count("INVITE"), large.count("INVITE")), (4, 8 + 12));
    // Room that there is again is used again, and no more than that.
    let through_small: Vec<String> = small.invites().into_keys().collect();
    through_small[..2].iter().for_each(|id| board.end(id));
    wait_for("two to be over", || small.count("BYE") == 2);
    board.phones.take(2);
    let more: Vec<Value> =
        ["one", "two", "three"].iter().map(|id| click(id, "38598100900")).collect();
    board.phones.call(&more);
    wait_for("three more", || small.count("UP") + large.count("UP") == 30);
    assert_eq!((small.count("INVITE"), most(&small)), (6, 4));
    for number in 0..12 {
        let id = format!("38598100{number:03}");
        if !through_small[..2].contains(&id) {
            board.end(&id);
        }
    }
    more.iter().for_each(|call| board.end(call["messageId"].as_str().unwrap()));
    for report in board.phones.take(13).values() {
        assert_eq!(ids(report), (5, 5000), "{report:#}");
    }
    small.ends_well();
    large.ends_well();
}

#[test]
fn no_more_legs_than_a_trunk_allows_begin_in_any_second() {
    let far = || {
        FarEnd::new(&[
            ("91100002", Script::answers().hangs_up(1, "Q.850;cause=16")),
            ("", Script::answers().released()),
        ])
    };
    let (slow, fast) = (far(), far());
    let trunks = trunk_to(&slow, "slow", "serves = [\"38598\"]\ncalls_per_second = 5")
        + &trunk_to(&fast, "fast", "");
    let board = Board::new(&trunks);
    for burst in 0..8 {
        let calls: Vec<Value> =
            (0..5).map(|n| format!("3859810{burst}{n:03}")).map(|id| click(&id, &id)).collect();
        board.phones.call(&calls);
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    for report in board.phones.take(40).values() {
        assert_eq!(ids(report), (5, 5000), "{report:#}");
    }
    let begun: Vec<f64> = slow.notes("INVITE").iter().map(|note| note.at).collect();
    // sipp hears of them a little late, so that a second there is not quite a second here.
    let worst = begun.windows(6).map(|six| six[5] - six[0]).fold(f64::MAX, f64::min);
    assert!(worst > 0.95, "six within {worst} s");
    assert!((10..=15).contains(&begun.len()), "{} in two seconds", begun.len());
    assert_eq!(slow.count("INVITE") + fast.count("INVITE"), 80);
    slow.ends_well();
    fast.ends_well();
}

#[test]
fn what_has_no_room_anywhere_is_congestion() {
    let far = FarEnd::new(&[("", Script::answers().released())]);
    let board = Board::new(&trunk_to(&far, "only", "concurrent_calls = 2"));
    board.phones.call(&[click("up", "38598100001")]);
    wait_for("the call to be up", || far.count("UP") == 2);
    board.phones.call(&[click("none", "38598100002")]);
    assert_eq!(ids(&board.phones.take_one("none")), (15, 5503));
    board.end("up");
    board.phones.take_one("up");
    assert_eq!(far.count("INVITE"), 2);
    far.ends_well();
}
