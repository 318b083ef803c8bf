//! Every way in which a call comes to nothing at a trunk: what its report and its record say.

use std::net::UdpSocket;

use serde_json::{Value, json};

use super::board::{Board, ids, trunk, trunk_to};
use super::far_end::FarEnd;
use super::script::Script;
use crate::phones::click;

/// A final response, the Q.850 cause in it, whether it rang before; status and error of the report.
struct Row(&'static str, Option<u8>, bool, (u64, u64));

const RINGS: bool = true;
const AT_ONCE: bool = false;

const ROWS: &[Row] = &[
    Row("486 Busy Here", Some(17), RINGS, (15, 5002)),
    Row("486 Busy Here", None, AT_ONCE, (15, 5002)),
    Row("600 Busy Everywhere", None, RINGS, (15, 5002)),
    Row("480 Temporarily Unavailable", Some(18), AT_ONCE, (15, 5003)),
    Row("480 Temporarily Unavailable", Some(19), AT_ONCE, (15, 5003)),
    Row("480 Temporarily Unavailable", Some(102), AT_ONCE, (15, 5003)),
    Row("480 Temporarily Unavailable", None, RINGS, (15, 5003)),
    Row("408 Request Timeout", None, RINGS, (15, 5003)),
    Row("504 Server Time-out", None, RINGS, (15, 5003)),
    Row("480 Temporarily Unavailable", Some(20), AT_ONCE, (15, 5480)),
    Row("480 Temporarily Unavailable", Some(27), AT_ONCE, (15, 5480)),
    Row("480 Temporarily Unavailable", Some(31), RINGS, (15, 5480)),
    Row("480 Temporarily Unavailable", None, AT_ONCE, (15, 5480)),
    Row("603 Decline", Some(21), RINGS, (15, 5603)),
    Row("603 Decline", None, AT_ONCE, (15, 5603)),
    Row("607 Unwanted", None, RINGS, (15, 5603)),
    Row("608 Rejected", None, AT_ONCE, (15, 5603)),
    Row("433 Anonymity Disallowed", None, AT_ONCE, (15, 5603)),
    Row("403 Forbidden", Some(21), AT_ONCE, (15, 5603)),
    Row("403 Forbidden", Some(55), AT_ONCE, (15, 5403)),
    Row("403 Forbidden", Some(57), AT_ONCE, (15, 5403)),
    Row("403 Forbidden", Some(87), AT_ONCE, (15, 5403)),
    Row("403 Forbidden", None, AT_ONCE, (15, 5403)),
    Row("404 Not Found", Some(1), AT_ONCE, (15, 5404)),
    Row("404 Not Found", Some(17), AT_ONCE, (15, 5404)),
    Row("604 Does Not Exist Anywhere", None, RINGS, (15, 5404)),
    Row("485 Ambiguous", None, AT_ONCE, (15, 5404)),
    Row("503 Service Unavailable", Some(3), AT_ONCE, (15, 5404)),
    Row("484 Address Incomplete", Some(28), AT_ONCE, (15, 5484)),
    Row("416 Unsupported URI Scheme", None, AT_ONCE, (15, 5484)),
    Row("410 Gone", Some(22), AT_ONCE, (15, 5410)),
    Row("410 Gone", None, AT_ONCE, (15, 5410)),
    Row("301 Moved Permanently", None, AT_ONCE, (15, 5410)),
    Row("401 Unauthorized", None, AT_ONCE, (19, 5407)),
    Row("407 Proxy Authentication Required", None, AT_ONCE, (19, 5407)),
    Row("408 Request Timeout", None, AT_ONCE, (15, 5408)),
    Row("488 Not Acceptable Here", Some(65), AT_ONCE, (15, 5488)),
    Row("415 Unsupported Media Type", None, AT_ONCE, (15, 5488)),
    Row("606 Not Acceptable", None, AT_ONCE, (15, 5488)),
    Row("500 Server Internal Error", None, AT_ONCE, (15, 5503)),
    Row("500 Server Internal Error", Some(47), RINGS, (15, 5503)),
    Row("502 Bad Gateway", None, AT_ONCE, (15, 5503)),
    Row("503 Service Unavailable", Some(34), AT_ONCE, (15, 5503)),
    Row("503 Service Unavailable", Some(38), AT_ONCE, (15, 5503)),
    Row("503 Service Unavailable", Some(17), AT_ONCE, (15, 5002)),
    Row("504 Server Time-out", None, AT_ONCE, (15, 5503)),
    Row("487 Request Terminated", None, RINGS, (15, 5487)),
    Row("699 Whatever", None, AT_ONCE, (15, 5603)),
    Row("599 Whatever", None, AT_ONCE, (15, 5503)),
    Row("499 Whatever", None, AT_ONCE, (15, 5487)),
];

impl Row {
    fn script(&self) -> Script {
        let Self(line, cause, rings, _) = self;
        let reason = cause.map(|cause| format!("Reason: Q.850;cause={cause};text=\"so\"\n"));
        let challenge = match &line[..3] {
            "401" => "WWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\n",
            "407" => "Proxy-Authenticate: Digest realm=\"x\", nonce=\"1\"\n",
            _ => "",
        };
        let headers = format!("{}{challenge}", reason.unwrap_or_default());
        match rings {
            true => Script::rings().refuses_now(line, &headers),
            false => Script::refuses(line, &headers),
        }
    }

    fn code(&self) -> u16 {
        self.0[..3].parse().unwrap()
    }
}

/// The number of that place in the table.
fn number(place: usize) -> String {
    format!("38598100{place:03}")
}

#[test]
fn every_final_response_is_told_by_its_row() {
    let tails: Vec<String> = (0..ROWS.len()).map(|place| format!("98100{place:03}")).collect();
    let book: Vec<(&str, Script)> =
        tails.iter().zip(ROWS).map(|(tail, row)| (tail.as_str(), row.script())).collect();
    let far = FarEnd::new(&book);
    let board = Board::new(&trunk_to(&far, "north", ""));
    let name = |place: usize| format!("{place}: {}", ROWS[place].0);
    let calls: Vec<Value> =
        (0..ROWS.len()).map(|place| click(&name(place), &number(place))).collect();
    board.phones.call(&calls);
    let reports = board.phones.take(ROWS.len());
    let invites = far.invites();
    for (place, row) in ROWS.iter().enumerate() {
        let report = &reports[&name(place)];
        assert_eq!(ids(report), row.3, "{} {:?}: {report:#}", name(place), row.1);
        assert_eq!((&report["duration"], &report["dtmfCodes"]), (&json!(0), &json!("")));
        let path = format!("/callslip/1/calls/{}", name(place).replace(' ', "%20"));
        let leg = board.phones.get(&path).json()["attempts"][0]["legA"].clone();
        assert_eq!(leg["sipCode"], row.code(), "{leg:#}");
        assert_eq!(leg["q850Cause"], json!(row.1), "{leg:#}");
        assert_eq!(leg["trunk"], "north");
        assert_eq!(leg["ringingAt"].is_null(), !row.2, "{leg:#}");
        // Only what may be for want of a codec is tried again, once, with the other one.
        let tries = if row.code() == 488 { 2 } else { 1 };
        assert_eq!(invites[&number(place)], tries, "{}", name(place));
    }
    far.ends_well();
    assert_eq!(board.metric("callslip_calls_under_way"), 0);
}

#[test]
fn what_never_comes_back_is_an_error_of_the_network() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let nobody = super::far_end::free_port();
    let to = |port: u16, transport: &str| {
        vec![format!("{{ host = \"127.0.0.1\", port = {port}, transport = \"{transport}\" }}")]
    };
    let trunks = [
        trunk("silent", &to(port, "udp"), "serves = [\"385981\"]\nno_reply_ms = 500"),
        trunk("closed", &to(nobody, "tcp"), "serves = [\"385982\"]"),
        trunk("unknown", &["{ host = \"no.such.name.invalid\" }".into()], "serves = [\"385983\"]"),
    ];
    let board = Board::new(&trunks.concat());
    let numbers = ["385981001", "385982001", "385983001", "385991001"];
    let calls: Vec<Value> = numbers.iter().map(|number| click(number, number)).collect();
    board.phones.call(&calls);
    let reports = board.phones.take(numbers.len());
    for number in numbers {
        assert_eq!(ids(&reports[number]), (15, 5408), "{:#}", reports[number]);
        let leg = &board.attempt(number)["legA"];
        assert_eq!(leg["sipCode"], Value::Null, "{leg:#}");
    }
    assert_eq!(board.attempt("385981001")["legA"]["trunk"], "silent");
    assert_eq!(board.attempt("385991001")["legA"]["trunk"], Value::Null, "no trunk serves it");
}

#[test]
fn the_other_codec_is_tried_where_the_first_is_not_acceptable() {
    let far = FarEnd::new(&[
        // Who offers PCMA, which is 8, is refused; by this one, whoever it is.
        ("98100488@.*RTP/AVP 8 ", Script::refuses("488 Not Acceptable Here", "")),
        ("98100489", Script::refuses("488 Not Acceptable Here", "")),
        ("98100488", Script::answers().released()),
        ("91100002", Script::answers().hangs_up(1, "Q.850;cause=16")),
    ]);
    let board = Board::new(&trunk_to(&far, "north", "codecs = [\"pcma\", \"pcmu\"]"));
    board.phones.call(&[click("taken", "38598100488"), click("refused", "38598100489")]);
    let reports = board.phones.take(2);
    assert_eq!(ids(&reports["taken"]), (5, 5000), "{:#}", reports["taken"]);
    assert_eq!(ids(&reports["refused"]), (15, 5488), "{:#}", reports["refused"]);
    let invites = far.invites();
    assert_eq!((invites["38598100488"], invites["38598100489"]), (2, 2));
    far.ends_well();
}
