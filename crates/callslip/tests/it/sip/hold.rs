//! Telephones that put a call on hold and take it back.

use std::thread::sleep;
use std::time::Duration;

use super::sound::{Says, Sound, Span};
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
    let mut message = click("click", A);
    message["record"] = true.into();
    phones.call(&[message]);
    a.talks();
    b.talks();
    sleep(Duration::from_secs(1));
    a.hold();
    b.hold();
    sleep(Duration::from_millis(6_500));
    let detail = phones.detail("click");
    assert_eq!(detail["state"], "underWay", "{detail:#}");
    a.resume();
    b.resume();
    sleep(Duration::from_millis(1_500));
    b.hang_up();
    let report = phones.take_one("click");
    let detail = phones.detail("click");
    assert_eq!(attempt(&detail)["ending"], "byB", "{detail:#}");
    assert!(report["duration"].as_u64().unwrap() >= 8, "{report:#}");
    // What was said after they had taken each other back. A telephone of this kind records no more
    // once it was on hold.
    let url = report["recordedAudioFileUrl"].as_str().unwrap();
    let sides = Sound::channels(&phones.get(url).body);
    for (side, tone) in sides.iter().zip([TONE_A, TONE_B]) {
        let tones = side.tone(tone);
        let (before, after): (Vec<Span>, Vec<Span>) = tones.iter().partition(|span| span.to < 3.0);
        let seconds = |spans: Vec<Span>| spans.into_iter().map(Span::seconds).sum::<f64>();
        assert!(after.iter().all(|span| span.from > 6.0), "said on hold: {tones:?}");
        assert!(seconds(before) > 0.8 && seconds(after) > 1.0, "{tones:?}");
    }
}
