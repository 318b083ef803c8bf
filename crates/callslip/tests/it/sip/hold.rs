//! Telephones that put a call on hold and take it back.

use std::thread::sleep;
use std::time::Duration;

use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{attempt, server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::click;

#[test]
fn a_call_on_hold_goes_on_however_long_nobody_speaks() {
    let mut a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let mut b = Telephone::new(B, Says::Tone(TONE_B), Answers::AtOnce);
    let trunks = [
        trunk("a", "udp", a.port, "serves = [\"38598\"]"),
        trunk("b", "udp", b.port, "serves = [\"38591\"]"),
    ];
    let phones = server("media.rtp_timeout_s = 5", &trunks);
    phones.call(&[click("click", A)]);
    a.talks();
    b.talks();
    sleep(Duration::from_secs(1));
    a.hold();
    b.hold();
    sleep(Duration::from_millis(6_500));
    assert_eq!(phones.detail("click")["state"], "underWay");
    a.resume();
    b.resume();
    sleep(Duration::from_millis(1_500));
    b.hang_up();
    let report = phones.take_one("click");
    let detail = phones.detail("click");
    assert_eq!(attempt(&detail)["ending"], "byB", "{detail:#}");
    assert!(report["duration"].as_u64().unwrap() >= 8, "{report:#}");
    for (telephone, tone) in [(&a, TONE_B), (&b, TONE_A)] {
        let heard = telephone.heard();
        let tones = heard.tone(tone);
        println!("{:.1} s: {tones:?}", heard.seconds());
        let last = tones.last().unwrap();
        assert!(tones.len() > 1 && last.seconds() > 1.0, "{tones:?}");
    }
}
