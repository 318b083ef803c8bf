//! What A hears while B rings, and what both hear before their time is over.

use std::thread::sleep;
use std::time::Duration;

use super::network::Network;
use super::sound::Says;
use super::telephone::{Answers, Telephone};
use super::trunk::{attempt, server, trunk};
use super::{A, B, TONE_A, TONE_B};
use crate::phones::{Phones, click};

/// The ringback tone of most of Europe, which sounds for one second in five.
const RINGBACK: f64 = 425.0;
/// The beep of a call that is near its end.
const BEEP: f64 = 1_000.0;

/// A, who answers, and B, who answers so; and a server with a trunk to each.
fn ready(b: Answers) -> (Telephone, Telephone, Phones) {
    let a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let b = Telephone::new(B, Says::Tone(TONE_B), b);
    let trunks = [
        trunk("a", "udp", a.port, "serves = [\"38598\"]"),
        trunk("b", "udp", b.port, "serves = [\"38591\"]"),
    ];
    let phones = server("", &trunks);
    (a, b, phones)
}

#[test]
fn a_hears_it_ring_until_b_answers() {
    let (a, mut b, phones) = ready(Answers::ByHand);
    phones.call(&[click("click", A)]);
    b.rings();
    sleep(Duration::from_millis(6_200));
    b.answer();
    b.talks();
    sleep(Duration::from_millis(1_500));
    b.hang_up();
    phones.take_one("click");
    let heard = a.heard();
    let rings = heard.tone(RINGBACK);
    let [first, second] = rings[..] else { panic!("{rings:?}") };
    assert!((first.seconds() - 1.0).abs() < 0.15, "{rings:?}");
    assert!((second.seconds() - 1.0).abs() < 0.15, "{rings:?}");
    assert!((second.from - first.from - 5.0).abs() < 0.15, "{rings:?}");
    assert!(second.to < heard.begins(TONE_B), "{:?}", heard.tone(TONE_B));
    assert!(heard.seconds_of(TONE_B) > 0.8, "{:?}", heard.tone(TONE_B));
    // B was not put through before it had answered.
    assert!(b.heard().seconds() < 3.0);
}

#[test]
fn a_hears_what_bs_network_says_in_place_of_that() {
    let a = Telephone::new(A, Says::Tone(TONE_A), Answers::AtOnce);
    let b = Network::saying(TONE_B);
    let trunks = [
        trunk("a", "udp", a.port, "serves = [\"38598\"]"),
        trunk("b", "udp", b.port, "serves = [\"38591\"]\nping_s = 0"),
    ];
    let phones = server("", &trunks);
    phones.call(&[click("click", A)]);
    phones.take_one("click");
    let detail = phones.detail("click");
    assert_eq!(attempt(&detail)["ending"], "byB", "{detail:#}");
    let leg = &attempt(&detail)["legB"];
    let at = |when: &str| api::wire::date::parse(leg[when].as_str().unwrap()).unwrap().as_millis();
    let rang = at("answeredAt") - at("ringingAt");
    assert!((1_800..2_600).contains(&rang), "{leg:#}");
    let heard = a.heard();
    // From before the answer until after it, without a gap.
    let [said] = heard.tone(TONE_B)[..] else { panic!("{:?}", heard.tone(TONE_B)) };
    assert!(said.seconds() > 2.6, "{said:?}");
    assert_eq!(heard.tone(RINGBACK), []);
}

#[test]
fn both_are_warned_before_their_time_is_over() {
    let (a, b, phones) = ready(Answers::AtOnce);
    let mut message = click("click", A);
    message["maxDuration"] = 4.into();
    message["warningTime"] = 2.into();
    phones.call(&[message]);
    phones.take_one("click");
    assert_eq!(attempt(&phones.detail("click"))["ending"], "maxDuration");
    for (telephone, tone) in [(&a, TONE_B), (&b, TONE_A)] {
        let heard = telephone.heard();
        // A telephone of a busy machine begins to speak late.
        let begins = heard.begins(tone);
        let beeps = heard.tone_among_others(BEEP);
        let [beep] = beeps[..] else { panic!("{beeps:?}") };
        assert!((beep.seconds() - 0.2).abs() < 0.07, "{beep:?}");
        assert!((beep.from - begins - 2.0).abs() < 0.5, "{beep:?} after {begins}");
        assert!((heard.seconds() - begins - 4.0).abs() < 0.5, "{} {begins}", heard.seconds());
    }
}
