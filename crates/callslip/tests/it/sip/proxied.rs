//! Calls through Kamailio, which stays in the dialogs, over each transport.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::certificate::Authority;
use super::proxy::{Has, Proxy};
use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{attempt, server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::{Phones, click};
use crate::server::TestDir;

/// Two telephones that answer at once.
fn telephones() -> [Telephone; 2] {
    [(A, TONE_A), (B, TONE_B)]
        .map(|(number, tone)| Telephone::new(number, Says::Tone(tone), Answers::AtOnce))
}

/// The setting by which that authority is trusted, and the directory with its certificate.
fn trusting(authority: &Authority) -> (TestDir, String) {
    let dir = TestDir::new();
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, &authority.pem).unwrap();
    (dir, format!("sip.tls_ca = {path:?}"))
}

/// Calls, lets B hang up after a while, and sees that each heard the other.
#[track_caller]
fn talk(phones: &Phones, [a, b]: [&mut Telephone; 2]) -> Value {
    phones.call(&[click("click", A)]);
    a.talks();
    b.talks();
    sleep(Duration::from_millis(1_500));
    b.hang_up();
    assert_eq!(phones.take_one("click")["error"]["name"], "VOICE_ANSWERED");
    let (a, b) = (a.heard(), b.heard());
    assert!(a.seconds_of(TONE_B) > 0.8, "{:?}", a.tone(TONE_B));
    assert!(b.seconds_of(TONE_A) > 0.8, "{:?}", b.tone(TONE_A));
    let detail = phones.detail("click");
    assert_eq!(attempt(&detail)["ending"], "byB", "{detail:#}");
    attempt(&detail).clone()
}

#[test]
fn a_proxy_that_records_its_route_stays_in_the_dialogs() {
    let [mut a, mut b] = telephones();
    let proxy = Proxy::before(&[&a, &b], &Has::default());
    let phones = server("", &[trunk("edge", "udp", proxy.port, "")]);
    let attempt = talk(&phones, [&mut a, &mut b]);
    assert_eq!(attempt["legA"]["trunk"], "edge");
    // B's BYE came through it to us, and ours went through it to A.
    for method in ["ACK", "ACK", "BYE", "BYE"] {
        assert_eq!(proxy.says("PASSED "), format!("{method} over udp"));
    }
}

#[test]
fn one_leg_goes_over_tcp_and_the_other_over_tls() {
    let [mut a, mut b] = telephones();
    let authority = Authority::new();
    let certificate = authority.certify("127.0.0.1");
    let has = Has { certificate: Some(&certificate), password: None };
    let proxy = Proxy::before(&[&a, &b], &has);
    let (_dir, trusting) = trusting(&authority);
    let trunks = [
        trunk("tcp", "tcp", proxy.port, "serves = [\"38598\"]"),
        trunk("tls", "tls", proxy.tls_port, "serves = [\"38591\"]"),
    ];
    let phones = server(&trusting, &trunks);
    let attempt = talk(&phones, [&mut a, &mut b]);
    assert_eq!([&attempt["legA"]["trunk"], &attempt["legB"]["trunk"]], ["tcp", "tls"]);
    assert!(proxy.says("CALL over ").starts_with(&format!("tcp to {A} ")));
    assert!(proxy.says("CALL over ").starts_with(&format!("tls to {B} ")));
}

/// Calls through a trunk whose certificate has that name, and see that the next one is taken.
#[track_caller]
fn refuses(name: &str, is_vouched_for: bool) {
    let [mut a, mut b] = telephones();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let by = if is_vouched_for { &authority } else { &stranger };
    let certificate = by.certify(name);
    let has = Has { certificate: Some(&certificate), password: None };
    let proxy = Proxy::before(&[&a, &b], &has);
    let (_dir, trusting) = trusting(&authority);
    let trunks = [
        trunk("wrong", "tls", proxy.tls_port, "priority = 1"),
        trunk("right", "udp", proxy.port, "priority = 2"),
    ];
    let phones = server(&trusting, &trunks);
    let attempt_made = talk(&phones, [&mut a, &mut b]);
    assert_eq!(attempt_made["legA"]["trunk"], "right", "{attempt_made:#}");
    assert_eq!(attempt_made["legB"]["trunk"], "right", "{attempt_made:#}");
}

#[test]
fn a_certificate_that_nobody_we_know_vouches_for_is_refused_and_the_next_trunk_taken() {
    refuses("127.0.0.1", false);
}

#[test]
fn a_certificate_of_another_name_is_refused_and_the_next_trunk_taken() {
    refuses("other.example", true);
}

#[test]
fn without_another_trunk_the_report_says_that_the_network_failed() {
    let stranger = Authority::new();
    let certificate = stranger.certify("127.0.0.1");
    let has = Has { certificate: Some(&certificate), password: None };
    let proxy = Proxy::before(&[], &has);
    let (_dir, trusting) = trusting(&Authority::new());
    let phones = server(&trusting, &[trunk("wrong", "tls", proxy.tls_port, "")]);
    phones.call(&[click("click", A)]);
    let report = phones.take_one("click");
    let detail = phones.detail("click");
    assert_eq!(attempt(&detail)["outcome"], "networkError", "{detail:#}");
    assert_eq!(report["duration"], 0);
    assert_eq!(report["error"]["name"], "EC_VOICE_ERROR_REQUEST_TIMEOUT", "{report:#}");
}
