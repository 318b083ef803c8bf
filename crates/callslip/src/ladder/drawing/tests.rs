//! Ladders as they are drawn, character by character.

use super::*;
use crate::ladder::Transport;

const OFFER: &str = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8 0\r\n";

fn rung(at: i64, leg: Leg, sent: bool, text: String) -> Rung {
    let there = match leg {
        Leg::A => "192.0.2.10:5060",
        Leg::B => "[2001:db8::1]:5060",
    };
    let (local, remote) = ("10.0.0.1:5060".parse().unwrap(), there.parse().unwrap());
    let transport = if leg == Leg::A { Transport::Udp } else { Transport::Tls };
    Rung { at, leg, sent, local, remote, transport, text }
}

fn request(method: &str, number: u32, body: &str) -> String {
    format!("{method} sip:b@x SIP/2.0\r\nCSeq: {number} {method}\r\n\r\n{body}")
}

fn response(status: &str, cseq: &str, body: &str) -> String {
    format!("SIP/2.0 {status}\r\nCSeq: {cseq}\r\n\r\n{body}")
}

fn call() -> Ladder {
    let begun = 1_700_000_000_000;
    let answer = OFFER.replace("10.0.0.1", "192.0.2.10").replace(" 8 0", " 8");
    let messages = vec![
        rung(begun, Leg::A, true, request("INVITE", 1, OFFER)),
        rung(begun + 500, Leg::A, true, request("INVITE", 1, OFFER)),
        rung(begun + 512, Leg::A, false, response("180 Ringing", "1 INVITE", "")),
        rung(begun + 2_000, Leg::A, false, response("200 OK", "1 INVITE", &answer)),
        rung(begun + 2_001, Leg::A, true, request("ACK", 1, "")),
        rung(begun + 2_003, Leg::B, true, request("INVITE", 1, OFFER)),
        rung(begun + 2_070, Leg::B, false, response("486 Busy\x1b[2J", "1 INVITE", "")),
        rung(begun + 62_100, Leg::B, true, request("ACK", 1, "")),
    ];
    Ladder { messages, dropped: 3 }
}

fn drawn(ladder: &Ladder, style: Style) -> String {
    Drawing::of(ladder, ["A far end", "B far end"], style).to_string()
}

/// As it is drawn where there is UTF-8.
const FINE_CALL: &str = "
       A far end                          Callslip                         B far end
    0.000  │←────────── INVITE (1) ──────────│                                 │
           │       UDP 192.0.2.10:5060       │                                 │
           │   PCMA, PCMU at 10.0.0.1:4000   │                                 │
    0.500  │←─────── INVITE (1) again ───────│                                 │
    0.512  │──── 180 Ringing (1 INVITE) ────→│                                 │
    2.000  │────── 200 OK (1 INVITE) ───────→│                                 │
           │     PCMA at 192.0.2.10:4000     │                                 │
    2.001  │←─────────── ACK (1) ────────────│                                 │
    2.003  │                                 │────────── INVITE (1) ──────────→│
           │                                 │     TLS [2001:db8::1]:5060      │
           │                                 │   PCMA, PCMU at 10.0.0.1:4000   │
    2.070  │                                 │←─── 486 Busy?[2J (1 INVITE) ────│
   62.100  │                                 │─────────── ACK (1) ────────────→│
3 more messages came, and were not kept.
";

/// What was said to a trunk that moved, where there is only ASCII, and the whole of it.
const PLAIN_TRIAL: &str = "
       A far end                                         Callslip
    0.000  |<----------------- OPTIONS (1) -----------------|
           |              UDP 192.0.2.10:5060               |
    1.499  |- 404 No such thing here No such thing he... -->|
           |               UDP 10.9.9.9:5062                |
One more message came, and was not kept.

0.000  UDP from 10.0.0.1:5060 to 192.0.2.10:5060
    OPTIONS sip:b@x SIP/2.0
    CSeq: 1 OPTIONS

1.499  UDP from 10.9.9.9:5062 to 10.0.0.1:5060
    SIP/2.0 404 No such thing here No such thing here No such thing here ??
    CSeq: 1 OPTIONS

    Signal=1
";

#[test]
fn a_call_is_drawn() {
    let drawn = drawn(&call(), Style { ascii: false, full: false });
    assert_eq!(drawn, FINE_CALL[1..]);
}

#[test]
fn a_trial_is_drawn_in_ascii_and_whole() {
    let long = format!("404 {}\u{e9}\u{202e}", "No such thing here ".repeat(3));
    let elsewhere = "10.9.9.9:5062".parse().unwrap();
    let messages = vec![
        rung(-1_500, Leg::A, true, request("OPTIONS", 1, "")),
        Rung {
            remote: elsewhere,
            ..rung(-1, Leg::A, false, response(&long, "1 OPTIONS", "Signal=1\r\n"))
        },
    ];
    let ladder = Ladder { messages, dropped: 1 };
    assert_eq!(drawn(&ladder, Style { ascii: true, full: true }), PLAIN_TRIAL[1..]);
    let nothing = Ladder { messages: Vec::new(), dropped: 0 };
    assert_eq!(drawn(&nothing, Style { ascii: false, full: true }), "");
}

#[test]
fn locales_say_what_a_terminal_can_show() {
    let check = |set: &[(&str, &str)], expect: bool| {
        let find = |name: &str| set.iter().find(|(other, _)| *other == name);
        let speaks = speaks_utf8(|name| find(name).map(|(_, value)| (*value).to_owned()));
        assert_eq!(speaks, expect, "{set:?}");
    };
    check(&[], false);
    check(&[("LANG", "C")], false);
    check(&[("LANG", "de_DE.UTF-8")], true);
    check(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "POSIX")], false);
    check(&[("LANG", "C"), ("LC_CTYPE", "C.utf8"), ("LC_ALL", "")], true);
}
