//! A trunk that we register with, and that lets through only who has logged in.

use std::time::{Duration, Instant};

use super::proxy::{Has, Proxy, REALM};
use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::click;
use crate::server::TestDir;

const PASSWORD: Has<'static> = Has { certificate: None, password: Some("open sesame") };

/// The settings of a trunk that logs in, with a password in a file.
fn login(dir: &TestDir, password: &str) -> String {
    let file = dir.path().join("password");
    std::fs::write(&file, password).unwrap();
    format!(
        "user = \"100200\"\npassword_file = {file:?}\nregister_s = 60\nfrom_domain = \"{REALM}\""
    )
}

#[test]
fn a_registration_is_made_refreshed_and_taken_back() {
    let a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let mut b = Telephone::new(B, Says::Tone(TONE_B), Answers::AtOnce);
    let proxy = Proxy::before(&[&a, &b], &PASSWORD);
    let dir = TestDir::new();
    let mut phones = server("", &[trunk("edge", "udp", proxy.port, &login(&dir, "open sesame"))]);
    let registered = proxy.says("IS REGISTERED: ");
    let at = Instant::now();
    assert!(registered.starts_with("100200 at <sip:"), "{registered}");
    phones.says("Registered with a trunk.");

    phones.call(&[click("click", A)]);
    assert_eq!(proxy.says("LET THROUGH "), "100200");
    b.talks();
    b.hang_up();
    assert_eq!(phones.take_one("click")["error"]["name"], "VOICE_ANSWERED");

    // It grants ten seconds, and we are back at the half.
    proxy.says("IS REGISTERED: ");
    let after = at.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&after), "{after:?}");
    assert_eq!(phones.process.stop(), Some(0));
    assert_eq!(proxy.says("IS GONE: "), "100200");
}

#[test]
fn a_wrong_password_is_told_once_and_calls_come_to_nothing() {
    let a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let proxy = Proxy::before(&[&a], &PASSWORD);
    let dir = TestDir::new();
    let mut phones = server("", &[trunk("edge", "udp", proxy.port, &login(&dir, "open barley"))]);
    let line = phones.says("A trunk does not register us.");
    assert!(line.contains("WARN") && line.contains("trunk=\"edge\""), "{line}");
    assert!(line.contains("code=401") || line.contains("code=403"), "{line}");
    phones.call(&[click("click", A)]);
    let report = phones.take_one("click");
    assert_eq!(report["duration"], 0, "{report:#}");
    let detail = phones.detail("click");
    let attempt = super::trunk::attempt(&detail);
    assert_eq!(attempt["outcome"], "trunkRefused", "{detail:#}");
    assert_eq!(attempt["legA"]["sipCode"], 407, "{detail:#}");
}
