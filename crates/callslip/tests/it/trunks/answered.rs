//! Calls that are answered: who ends them, what is pressed and heard in them, and what is kept.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::board::{Board, ids, trunk_to};
use super::far_end::{FarEnd, Note};
use super::script::{NO_MEDIA, Script};
use super::voice::Voice;
use crate::phones::click;
use crate::server::wait_for;

/// A person who is hung up in the end, as one is whose call is over.
fn person() -> Script {
    Script::answers().released_for("Q.850;cause=16")
}

/// One who hangs up soon.
fn soon() -> Script {
    Script::answers().pause(100).hangs_up(1, "Q.850;cause=16")
}

/// A call between numbers that end in these digits, `98100…` and `91100…`.
fn between(message_id: &str, a: &str, b: &str) -> Value {
    let mut call = click(message_id, &format!("38598100{a}"));
    call["destinationB"] = format!("38591100{b}").into();
    call
}

#[test]
fn whoever_ends_it_is_told_and_why() {
    let far = FarEnd::new(&[
        ("98100001", person()),
        ("98100002", Script::answers().pause(300).hangs_up(1, "Q.850;cause=31;text=\"so\"")),
        ("98100003", Script::answers().pause(100).hangs_up(1, "SIP;cause=200")),
        ("91100001", person()),
        ("91100002", Script::answers().pause(100).hangs_up(1, "Q.850;cause=27")),
        ("91100003", Script::rings().cancelled()),
        ("91100486", Script::rings().refuses_now("486 Busy", "Reason: Q.850;cause=17\n")),
        ("91100603", Script::refuses("603 Decline", "")),
        ("91100503", Script::refuses("503 Full", "Reason: Q.850;cause=34\n")),
    ]);
    let board = Board::new(&trunk_to(&far, "north", ""));
    let calls = [
        between("by A", "002", "001"),
        between("by B", "001", "002"),
        between("A goes while B rings", "003", "003"),
        between("B is busy", "001", "486"),
        between("B declines", "001", "603"),
        between("B is not reached", "001", "503"),
    ];
    board.phones.call(&calls);
    for report in board.phones.take(calls.len()).values() {
        assert_eq!(ids(report), (5, 5000), "A has answered: {report:#}");
    }
    let check = |id: &str, ending: &str, a: [Value; 2], b: [Value; 2], outcome_b: &str| {
        let path = format!("/callslip/1/calls/{}", id.replace(' ', "%20"));
        let attempt = board.phones.get(&path).json()["attempts"][0].clone();
        assert_eq!(attempt["ending"], ending, "{attempt:#}");
        assert_eq!(attempt["outcome"], "answered");
        assert_eq!(attempt["legB"]["outcome"], outcome_b, "{attempt:#}");
        for (leg, [code, cause]) in [("legA", a), ("legB", b)] {
            let leg = &attempt[leg];
            assert_eq!((&leg["sipCode"], &leg["q850Cause"]), (&code, &cause), "{attempt:#}");
        }
    };
    let up = || [json!(200), Value::Null];
    let cause = |cause: u8| [json!(200), json!(cause)];
    check("by A", "byA", cause(31), up(), "answered");
    check("by B", "byB", up(), cause(27), "answered");
    check("A goes while B rings", "byA", up(), [json!(487), Value::Null], "cancelled");
    check("B is busy", "bNotReached", up(), [json!(486), json!(17)], "busy");
    check("B declines", "bNotReached", up(), [json!(603), Value::Null], "declined");
    check("B is not reached", "bNotReached", up(), [json!(503), json!(34)], "congestion");
    far.ends_well();
    assert_eq!(board.metric("callslip_calls_under_way"), 0);
}

#[test]
fn one_who_lets_it_ring_is_cancelled_also_when_the_answer_crosses() {
    let far = FarEnd::new(&[
        ("98100001", Script::rings().cancelled()),
        ("98100002", Script::rings().answers_a_cancel().released()),
        ("98100003", Script::default().replies("100 Trying", "").cancelled()),
    ]);
    let board = Board::new(&trunk_to(&far, "north", "ring_s = 1"));
    let numbers = ["38598100001", "38598100002", "38598100003"];
    board.phones.call(&numbers.map(|number| click(number, number)));
    for (number, report) in board.phones.take(3) {
        assert_eq!(ids(&report), (15, 5003), "{number}: {report:#}");
        assert_eq!(report["duration"], 0);
        let leg = &board.attempt(&number)["legA"];
        assert_eq!(leg["answeredAt"], Value::Null, "{leg:#}");
        assert_eq!(leg["ringingAt"].is_null(), number.ends_with('3'), "{leg:#}");
    }
    assert_eq!((far.count("CANCEL"), far.count("UP"), far.count("BYE")), (2, 1, 1));
    far.ends_well();
}

#[test]
fn a_message_may_say_how_long_it_rings_and_its_customer_may_cancel() {
    let far = FarEnd::new(&[
        ("98100001", Script::rings().cancelled()),
        ("98100002", Script::rings().answers_a_cancel().released()),
    ]);
    let board = Board::new(&trunk_to(&far, "north", ""));
    let message = |id: &str, to: &str| {
        json!({"from": "38515507799", "text": "Hello", "ringTimeout": 1,
            "destinations": [{"to": to, "messageId": id}]})
    };
    board.phones.submit("/tts/3/advanced", &[message("rings", "38598100001")]);
    assert_eq!(ids(&board.phones.take(1)["rings"]), (15, 5003));
    board.phones.call(&[click("a", "38598100001"), click("b", "38598100002")]);
    wait_for("the calls to ring", || {
        ["a", "b"].iter().all(|id| !board.phones.detail(id)["started"].is_null())
            && far.count("INVITE") == 3
    });
    let cancelled = Instant::now();
    board.end("a");
    board.end("b");
    for report in board.phones.take(2).values() {
        assert_eq!(ids(report), (98, 4100), "{report:#}");
    }
    assert!(cancelled.elapsed() < Duration::from_secs(4), "they were not asked to go");
    far.ends_well();
}

/// The first call of that number that the far end noted.
fn called(far: &FarEnd, number: &str) -> Note {
    wait_for("the call", || far.invites().contains_key(number));
    far.notes("INVITE").into_iter().find(|note| note.number == number).unwrap()
}

#[test]
fn keys_come_by_events_and_by_info_and_a_hold_is_answered() {
    let voice = Voice::new();
    let relay = "Content-Type: application/dtmf-relay\n";
    let far = FarEnd::new(&[
        (
            "98100001",
            Script::answers()
                .offers(1, "sendonly", NO_MEDIA)
                .asks("INFO", 2, relay, "Signal=5\r\nDuration=160\r\n")
                .expects_code(200)
                .offers(3, "sendrecv", NO_MEDIA)
                .asks("INFO", 4, "Content-Type: application/dtmf\n", "#")
                .expects_code(200)
                .released(),
        ),
        ("98100002", Script::rings().answers_now(&voice.port()).released()),
        (
            "91100001",
            Script::rings().pause(1500).answers_now(NO_MEDIA).hangs_up(1, "Q.850;cause=16"),
        ),
    ]);
    let board = Board::new(&trunk_to(&far, "north", ""));
    board.phones.call(&[between("info", "001", "001"), between("events", "002", "001")]);
    let to = called(&far, "38598100002").media;
    wait_for("an answer", || far.notes("UP").iter().any(|note| note.number == "38598100002"));
    for key in ["1", "5", "pound"] {
        voice.plays(to, &format!("dtmf_2833_{key}.pcap"));
    }
    let reports = board.phones.take(2);
    assert_eq!(reports["info"]["dtmfCodes"], "5,#", "{:#}", reports["info"]);
    assert_eq!(reports["events"]["dtmfCodes"], "1,5,#", "{:#}", reports["events"]);
    far.ends_well();
}

#[test]
fn a_hears_the_early_media_of_b_and_later_both_hear_each_other() {
    let (voice_a, voice_b) = (Voice::new(), Voice::new());
    let far = FarEnd::new(&[
        ("98100001", Script::rings().answers_now(&voice_a.port()).released()),
        (
            "91100001",
            Script::default()
                .describes("183 Session Progress", &voice_b.port())
                .note("EARLY")
                .pause(2000)
                .answers_now(&voice_b.port())
                .released(),
        ),
    ]);
    let board = Board::new(&trunk_to(&far, "north", "codecs = [\"pcmu\"]"));
    board.phones.call(&[between("m", "001", "001")]);
    let to_b = called(&far, "38591100001").media;
    wait_for("early media", || far.count("EARLY") == 1);
    let is = |sample: u8| {
        move |packet: &super::voice::Packet| packet.kind == 0 && packet.payload == [sample; 160]
    };
    voice_b.speaks(to_b, 0x21, 5);
    voice_a.hears("B before its answer", is(0x21));
    assert_eq!(far.count("UP"), 1, "B has answered");
    let to_a = called(&far, "38598100001").media;
    wait_for("both to be up", || far.count("UP") == 2);
    voice_a.speaks(to_a, 0x31, 10);
    voice_b.hears("A", is(0x31));
    voice_b.speaks(to_b, 0x41, 10);
    voice_a.hears("B", is(0x41));
    // What A presses now is for B, and is no answer to the message.
    voice_a.plays(to_a, "dtmf_2833_7.pcap");
    voice_b.hears("A's key", |packet| packet.kind == 101 && packet.payload[0] == 7);
    board.end("m");
    let report = board.phones.take_one("m");
    assert_eq!((ids(&report), &report["dtmfCodes"]), ((5, 5000), &json!("")), "{report:#}");
    let attempt = board.attempt("m");
    assert!(attempt["legB"]["media"]["packetsReceived"].as_u64() >= Some(15), "{attempt:#}");
    assert!(attempt["legA"]["media"]["packetsSent"].as_u64() >= Some(15), "{attempt:#}");
    far.ends_well();
}

#[test]
fn a_call_goes_over_tcp() {
    let far = FarEnd::with(&[("98100001", person()), ("91100001", soon())], &["-t", "t1"]);
    let board = Board::new(&trunk_to(&far, "north", ""));
    board.phones.call(&[between("m", "001", "001")]);
    assert_eq!(ids(&board.phones.take_one("m")), (5, 5000));
    assert_eq!(board.attempt("m")["ending"], "byB");
    far.ends_well();
}

const CHALLENGE: &str = "Digest realm=\"x\", nonce=\"47ebe028cda119c35d4877b383027d28da013815\"";

/// Answers who shows the right password when asked by a registrar's header: sipp computes it.
fn guarded() -> Script {
    Script::refuses("401 Unauthorized", &format!("WWW-Authenticate: {CHALLENGE}\n"))
        .raw("<recv request=\"INVITE\" crlf=\"true\"><action><verifyauth assign_to=\"seen\" username=\"bob\" password=\"right\"/></action></recv>")
        .raw("<nop next=\"in\" test=\"seen\"/>")
        .refuses_now("403 Forbidden", "")
        .raw("<nop next=\"end\"/>\n<label id=\"in\"/>")
        .answers_now(NO_MEDIA)
        .hangs_up(1, "Q.850;cause=16")
}

/// The same by a proxy's, which sipp cannot compute.
fn behind_a_proxy() -> Script {
    let given =
        "username=.bob., realm=.x., nonce=.47eb[0-9a-f]*., uri=.sip:.*response=.[0-9a-f]{32}.";
    Script::refuses(
        "407 Proxy Authentication Required",
        &format!("Proxy-Authenticate: {CHALLENGE}\n"),
    )
    .expects_with("INVITE", "Proxy-Authorization", given)
    .answers_now(NO_MEDIA)
    .hangs_up(1, "Q.850;cause=16")
}

#[test]
fn a_challenge_is_answered_with_the_password_of_the_trunk() {
    let far = FarEnd::new(&[
        ("98100401", guarded()),
        ("98100407", behind_a_proxy()),
        ("91100002", Script::rings().cancelled()),
    ]);
    let with = |name: &str, serves: &str, variable: &str| {
        let more = format!("serves = [{serves}]\nuser = \"bob\"\npassword_file = \"{variable}\"");
        trunk_to(&far, name, &more)
    };
    let trunks =
        with("right", "\"38598\", \"38591\"", "right") + &with("wrong", "\"385990\"", "wrong");
    let board = Board::with_files(&trunks, &[("right", "right\n"), ("wrong", "wrong\n")]);
    let calls = ["38598100401", "38598100407", "38599098100401"];
    board.phones.call(&calls.map(|number| click(number, number)));
    let reports = board.phones.take(3);
    let told: Vec<_> = calls.iter().map(|number| ids(&reports[*number])).collect();
    assert_eq!(told, [(5, 5000), (5, 5000), (15, 5403)], "{reports:#?}");
    far.ends_well();
}
