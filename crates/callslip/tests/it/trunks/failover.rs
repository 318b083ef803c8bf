//! Which trunk is tried next, and which telephone is not called again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::board::{Board, ids, trunk, trunk_to};
use super::far_end::{FarEnd, free_port};
use super::script::Script;
use crate::phones::click;

/// Everybody answers and hangs up soon.
fn answering() -> FarEnd {
    FarEnd::new(&[
        ("91100002", Script::answers().hangs_up(1, "Q.850;cause=16")),
        ("", Script::answers().released()),
    ])
}

/// The numbers of A that the far end was called for.
fn of_a(far: &FarEnd) -> BTreeMap<String, usize> {
    far.invites().into_iter().filter(|(number, _)| number.starts_with("38598")).collect()
}

/// What a far end says, and whether the next one is asked then.
const SAID: &[(&str, &str, bool)] = &[
    ("500 Server Internal Error", "", true),
    ("502 Bad Gateway", "", true),
    ("503 Service Unavailable", "Reason: Q.850;cause=34\n", true),
    ("504 Server Time-out", "", true),
    ("408 Request Timeout", "", true),
    ("401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\n", true),
    ("402 Payment Required", "", true),
    ("503 Service Unavailable", "Reason: Q.850;cause=17\n", false),
    ("500 Server Internal Error", "Reason: Q.850;cause=1\n", false),
    ("486 Busy Here", "", false),
    ("600 Busy Everywhere", "", false),
    ("603 Decline", "", false),
    ("607 Unwanted", "", false),
    ("404 Not Found", "", false),
    ("604 Nowhere", "", false),
    ("480 Temporarily Unavailable", "", false),
    ("484 Address Incomplete", "", false),
    ("410 Gone", "", false),
    ("433 Anonymity Disallowed", "", false),
    ("403 Forbidden", "", false),
    ("487 Request Terminated", "", false),
];

/// Calls a number for each line of the table, and one that rings before it fails: the second far end
/// is to hear of those alone for which it says so, once each.
fn check(first: FarEnd, trunks: &str, second: FarEnd, trunk_of_second: &str) {
    let board = Board::new(trunks);
    let number = |place: usize| format!("38598100{place:03}");
    let last = SAID.len();
    let calls: Vec<Value> = (0..=last).map(|place| click(&number(place), &number(place))).collect();
    board.phones.call(&calls);
    let reports = board.phones.take(calls.len());
    let (at_first, at_second) = (of_a(&first), of_a(&second));
    for place in 0..=last {
        let (said, goes_on) =
            SAID.get(place).map_or(("ringing, then 503", false), |it| (it.0, it.2));
        let (report, leg) = (&reports[&number(place)], &board.attempt(&number(place))["legA"]);
        assert_eq!(at_first.get(&number(place)), Some(&1), "{said}");
        assert_eq!(at_second.get(&number(place)), goes_on.then_some(&1), "{said}");
        assert_eq!(ids(report) == (5, 5000), goes_on, "{said}: {report:#}");
        let last_trunk = if goes_on { trunk_of_second } else { "first" };
        assert_eq!(leg["trunk"], last_trunk, "{said}");
    }
    first.ends_well();
    second.ends_well();
}

fn failing() -> FarEnd {
    let tails: Vec<String> = (0..=SAID.len()).map(|place| format!("98100{place:03}")).collect();
    let mut book: Vec<(&str, Script)> = tails
        .iter()
        .zip(SAID)
        .map(|(tail, (line, headers, _))| (tail.as_str(), Script::refuses(line, headers)))
        .collect();
    book.push((&tails[SAID.len()], Script::rings().refuses_now("503 Service Unavailable", "")));
    // B is called through the first too.
    book.push(("91100002", Script::answers().hangs_up(1, "Q.850;cause=16")));
    FarEnd::new(&book)
}

#[test]
fn the_next_trunk_is_tried_when_one_cannot_and_not_when_the_person_called_will_not() {
    let (first, second) = (failing(), answering());
    let trunks = trunk_to(&first, "first", "priority = 1\ncodecs = [\"pcmu\"]")
        + &trunk_to(&second, "second", "priority = 2");
    check(first, &trunks, second, "second");
}

#[test]
fn the_same_holds_between_the_destinations_of_one_trunk() {
    let (first, second) = (failing(), answering());
    let destinations = [first.destination(", priority = 1"), second.destination(", priority = 2")];
    check(first, &trunk("first", &destinations, ""), second, "first");
}

#[test]
fn one_that_asks_to_be_left_alone_is() {
    let second = answering();
    let first = FarEnd::new(&[
        ("98100001", Script::refuses("503 Full", "Retry-After: 60 (maintenance)\n")),
        ("98100003", Script::refuses("503 Full", "")),
        ("91100002", Script::answers().hangs_up(1, "Q.850;cause=16")),
    ]);
    let trunks = trunk_to(&first, "first", "priority = 0") + &trunk_to(&second, "second", "");
    // Without the header it is asked again for the next call.
    let board = Board::new(&trunks);
    for (id, number) in [("1", "38598100003"), ("2", "38598100001"), ("3", "38598100003")] {
        board.phones.call(&[click(id, number)]);
        assert_eq!(ids(&board.phones.take_one(id)), (5, 5000));
    }
    let (at_first, at_second) = (of_a(&first), of_a(&second));
    assert_eq!((at_first["38598100003"], at_first["38598100001"]), (1, 1));
    assert_eq!((at_second["38598100003"], at_second["38598100001"]), (2, 1));
    assert_eq!(second.invites()["38591100002"], 2, "B goes the same way");
    let said = board.phones.process.said().join("\n");
    assert_eq!(said.matches("A trunk wants to be left alone").count(), 1, "{said}");
    assert!(said.contains("seconds=60"), "{said}");
    first.ends_well();
    second.ends_well();
}

#[test]
fn silence_refused_connections_and_unknown_names_lead_on() {
    let last = answering();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let to = |port: u16, transport: &str| {
        [format!("{{ host = \"127.0.0.1\", port = {port}, transport = \"{transport}\" }}")]
    };
    let trunks = [
        trunk("silent", &to(port, "udp"), "serves = [\"385981\"]\nno_reply_ms = 300"),
        trunk("closed", &to(free_port(), "tcp"), "serves = [\"385982\"]"),
        trunk("nowhere", &["{ host = \"no.such.name.invalid\" }".into()], "serves = [\"385983\"]"),
        trunk_to(&last, "last", ""),
    ];
    let board = Board::new(&trunks.concat());
    let numbers = ["385981001", "385982001", "385983001"];
    board.phones.call(&numbers.map(|number| click(number, number)));
    for (number, report) in board.phones.take(3) {
        assert_eq!(ids(&report), (5, 5000), "{number}: {report:#}");
        assert_eq!(board.attempt(&number)["legA"]["trunk"], "last");
        assert_eq!(last.invites()[&number], 1);
    }
    let mut heard = [0; 9000];
    silent.set_nonblocking(true).unwrap();
    let length = silent.recv(&mut heard).expect("an INVITE that nobody answers");
    assert!(heard[..length].starts_with(b"INVITE sip:+385981001@"));
    last.ends_well();
}
