//! Trunks that change while calls go through them.

use rustix::process::Signal;
use serde_json::Value;

use super::board::{Board, ids, trunk_to};
use super::far_end::FarEnd;
use super::script::Script;
use crate::phones::click;
use crate::server::wait_for;

fn far() -> FarEnd {
    FarEnd::new(&[("", Script::answers().released())])
}

/// Places ten calls, and gives their names.
fn ten(board: &Board, name: &str) -> Vec<String> {
    let names: Vec<String> = (0..10).map(|n| format!("{name}-{n}")).collect();
    let calls: Vec<Value> = names.iter().map(|name| click(name, "38598100001")).collect();
    board.phones.call(&calls);
    names
}

#[test]
fn calls_stay_up_and_new_ones_go_the_new_way() {
    let (old, new) = (far(), far());
    let board = Board::new(&trunk_to(&old, "north", ""));
    let mut names = [ten(&board, "first"), ten(&board, "second")].concat();
    wait_for("twenty calls to be up", || old.count("UP") == 40);

    // A file that is wrong changes nothing, and the log shows what is wrong.
    board.write(&trunk_to(&new, "north", "priority = \"high\""));
    board.phones.process.signal(Signal::HUP);
    let said = board.phones.process.wait_for("The settings were not read again").join("\n");
    let shown = said + &board.phones.process.wait_for("^^^^^^").join("\n");
    assert!(shown.contains("priority = \"high\""), "{shown}");
    names.extend(ten(&board, "as before"));
    wait_for("them to be up", || old.count("UP") == 60);
    assert_eq!(new.count("INVITE"), 0);

    // Calls come while it is read.
    board.write(&trunk_to(&new, "north", ""));
    names.extend(ten(&board, "before"));
    board.phones.process.signal(Signal::HUP);
    names.extend(ten(&board, "meanwhile"));
    board.phones.process.wait_for("The trunks were read again");
    wait_for("them to be up", || old.count("UP") + new.count("UP") == 100);
    let old_ones = old.count("INVITE");
    names.extend(ten(&board, "after"));
    wait_for("them to be up", || old.count("UP") + new.count("UP") == 120);
    assert_eq!(old.count("INVITE"), old_ones, "the old way is not gone any more");
    assert!(new.count("UP") >= 20);

    assert_eq!(board.metric("callslip_calls_under_way"), 60);
    assert_eq!(old.count("BYE") + new.count("BYE"), 0, "no call was dropped");
    names.iter().for_each(|name| board.end(&name.replace(' ', "%20")));
    for (name, report) in board.phones.take(60) {
        assert_eq!(ids(&report), (5, 5000), "{name}: {report:#}");
    }
    old.ends_well();
    new.ends_well();
}
