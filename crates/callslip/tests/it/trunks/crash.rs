//! What a server that was killed leaves behind, and what the next one makes of it.

use serde_json::Value;

use super::board::{Board, ids, trunk_to};
use super::far_end::FarEnd;
use super::script::{NO_MEDIA, Script};
use crate::phones::click;
use crate::server::wait_for;

const CALLS: usize = 100;

#[test]
fn every_telephone_of_a_hundred_calls_is_hung_up_and_none_is_dialled_again() {
    // Temporary failure.
    let far = FarEnd::new(&[("", Script::answers().released_for("Q.850;cause=41"))]);
    let mut board = Board::new(&trunk_to(&far, "north", ""));
    let name = |n: usize| format!("38598100{n:03}");
    for burst in 0..10 {
        // Not all in one instant: sipp would miss some.
        let numbers = burst * 10..burst * 10 + 10;
        let calls: Vec<Value> = numbers.map(|n| click(&name(n), &name(n))).collect();
        board.phones.call(&calls);
        wait_for("the calls to be up", || far.count("UP") == 20 * (burst + 1));
    }
    board.wait_until_under_way(CALLS as u64);
    // What is up is noted a moment later than it is.
    std::thread::sleep(std::time::Duration::from_millis(300));
    board.phones.process.kill();
    assert_eq!(far.count("BYE"), 0);

    board.phones.start_again();
    let reports = board.phones.take(CALLS);
    for n in 0..CALLS {
        let report = &reports[&name(n)];
        assert_eq!(ids(report), (15, 5500), "{report:#}");
        assert_eq!(report["duration"], 0);
    }
    wait_for("every telephone to be hung up", || far.count("BYE") == 2 * CALLS);
    assert_eq!(far.count("INVITE"), 2 * CALLS, "a telephone was dialled again");
    assert_eq!(board.metric("callslip_calls_under_way"), 0);
    far.ends_well();
    let nothing = board.phones.ask("GET", "/tts/3/reports", "", "");
    assert_eq!(nothing.ids(), [] as [String; 0], "each report comes once");
}

#[test]
fn a_telephone_that_is_picked_up_after_the_crash_is_hung_up() {
    let far = FarEnd::new(&[
        ("98100001", Script::rings().note("RINGS").pause(4000).answers_now(NO_MEDIA).released()),
        ("98100002", Script::answers().released()),
        ("91100002", Script::rings().note("RINGS").pause(4000).answers_now(NO_MEDIA).released()),
    ]);
    let mut board = Board::new(&trunk_to(&far, "north", ""));
    board.phones.call(&[click("a rings", "38598100001"), click("b rings", "38598100002")]);
    wait_for("both to ring", || far.count("RINGS") == 2 && far.count("UP") == 1);
    std::thread::sleep(std::time::Duration::from_millis(200));
    board.phones.process.kill();
    board.phones.start_again();
    for report in board.phones.take(2).values() {
        assert_eq!(ids(report), (15, 5500), "{report:#}");
    }
    wait_for("all of them to be hung up", || far.count("BYE") == 3);
    assert_eq!(far.count("INVITE"), 3);
    far.ends_well();
}
