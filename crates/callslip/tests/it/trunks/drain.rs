//! A server that stops while calls are up.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::board::{Board, ids, trunk_to};
use super::far_end::FarEnd;
use super::script::Script;
use crate::phones::click;
use crate::server::wait_for;

#[test]
fn a_stop_lets_people_talk_to_the_end_and_begins_nothing_new() {
    let far = FarEnd::new(&[
        ("98100001", Script::answers().pause(2000).hangs_up(1, "Q.850;cause=16")),
        ("", Script::answers().released()),
    ]);
    let mut board = Board::with(&trunk_to(&far, "north", ""), "drain_s = 60");
    let names: Vec<String> = (0..10).map(|n| format!("m-{n}")).collect();
    let calls: Vec<_> = names.iter().map(|name| click(name, "38598100001")).collect();
    board.phones.call(&calls);
    wait_for("the calls to be up", || far.count("UP") == 20);
    board.phones.process.signal(Signal::TERM);
    board.phones.process.wait_for("finishing what was begun");
    assert_eq!(far.count("HUNG") + far.count("BYE"), 0, "nobody is cut off");
    assert_eq!(board.phones.process.child.wait().unwrap().code(), Some(0));
    assert_eq!((far.count("HUNG"), far.count("BYE")), (10, 10));
    board.phones.start_again();
    for (name, report) in board.phones.take(10) {
        assert_eq!(ids(&report), (5, 5000), "{report:#}");
        assert_eq!(board.attempt(&name)["ending"], "byA");
        assert!((1..=3).contains(&report["duration"].as_u64().unwrap()), "{report:#}");
    }
    assert_eq!(far.count("INVITE"), 20);
    far.ends_well();
}

#[test]
fn a_stop_that_cannot_wait_hangs_up_and_cancels() {
    let far = FarEnd::new(&[
        ("98100002", Script::rings().note("RINGS").cancelled()),
        ("", Script::answers().released()),
    ]);
    let mut board = Board::with(&trunk_to(&far, "north", ""), "drain_s = 0");
    board.phones.call(&[click("talks", "38598100001"), click("rings", "38598100002")]);
    wait_for("both", || far.count("UP") == 2 && far.count("RINGS") == 1);
    let stopping = Instant::now();
    assert_eq!(board.phones.process.stop(), Some(0));
    assert!(stopping.elapsed() < Duration::from_secs(4), "they were not asked to go");
    assert_eq!((far.count("BYE"), far.count("CANCEL")), (2, 1));
    far.ends_well();
    board.phones.start_again();
    let reports = board.phones.take(2);
    assert_eq!(ids(&reports["talks"]), (5, 5000), "{reports:#?}");
    assert_eq!(board.attempt("talks")["ending"], "drained");
    assert_eq!(ids(&reports["rings"]), (15, 5500), "{reports:#?}");
}
