//! What a trunk is told of who calls.

use engine::sip::{CallerPolicy, Credentials, Form, Trunk, Trunks};
use model::Number;

use crate::{START, trunk};

#[track_caller]
fn check(policy: &CallerPolicy, shown: &str, from: &str, headers: &[(&str, &str)]) {
    let told = policy.tell(shown, "us.example");
    let display = told.from.display.map(|name| format!("\"{name}\" ")).unwrap_or_default();
    assert_eq!(format!("{display}<{}>", told.from.uri), from);
    let told: Vec<_> = told.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(told, headers);
}

const PAI: &str = "P-Asserted-Identity";
const RPID: &str = "Remote-Party-ID";

#[test]
fn the_shown_number_stands_where_the_policy_says() {
    let plain = CallerPolicy { asserted: false, ..CallerPolicy::default() };
    check(&plain, "4420", "<sip:+4420@us.example>", &[]);
    let usual = CallerPolicy::default();
    check(&usual, "4420", "<sip:+4420@us.example>", &[(PAI, "<sip:+4420@us.example>")]);
    let all = CallerPolicy { remote_party: true, form: Form::Zeros, ..usual };
    let rpid = "<sip:004420@us.example>;party=calling;screen=yes;privacy=off";
    let expect = [(PAI, "<sip:004420@us.example>"), (RPID, rpid)];
    check(&all, "4420", "<sip:004420@us.example>", &expect);
}

#[test]
fn an_identity_is_who_from_says_and_the_number_is_asserted() {
    let policy = CallerPolicy {
        identity: Some("100 200".into()),
        domain: Some("2001:db8::1".into()),
        ..CallerPolicy::default()
    };
    let expect = [(PAI, "<sip:+4420@[2001:db8::1]>")];
    check(&policy, "4420", "<sip:100%20200@[2001:db8::1]>", &expect);
}

#[test]
fn whoever_is_not_to_be_known_is_not_told_of() {
    let from = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    for shown in ["", "anonymous", "Anonymous"] {
        check(&CallerPolicy::default(), shown, from, &[("Privacy", "id")]);
    }
    let policy = CallerPolicy {
        identity: Some("100200".into()),
        remote_party: true,
        ..CallerPolicy::default()
    };
    let rpid = "<sip:100200@us.example>;party=calling;screen=yes;privacy=full";
    let expect = [("Privacy", "id"), (PAI, "<sip:100200@us.example>"), (RPID, rpid)];
    check(&policy, "", from, &expect);
}

#[track_caller]
fn check_from(trunk: Trunk, expect: &str) {
    let trunks = Trunks::new(vec![trunk], START);
    let number: Number = "385981178".parse().unwrap();
    let ways = trunks.route(&number, START, &mut fastrand::Rng::with_seed(1)).unwrap();
    let invite = ways[0].invite(&number, "4420", "us.example");
    assert_eq!(invite.from.uri, expect);
    assert_eq!(invite.to, "sip:+385981178@provider");
    assert_eq!(invite.hop, ways[0].destination().hop);
}

#[test]
fn a_trunk_that_knows_our_password_knows_us_in_its_own_domain() {
    check_from(trunk("provider"), "sip:+4420@us.example");
    let credentials = Credentials { username: "u".into(), password: "p".into() };
    let known = Trunk { credentials: Some(credentials), ..trunk("provider") };
    check_from(known.clone(), "sip:+4420@provider");
    let mut elsewhere = known;
    elsewhere.caller.domain = Some("ims.example".into());
    check_from(elsewhere, "sip:+4420@ims.example");
}
