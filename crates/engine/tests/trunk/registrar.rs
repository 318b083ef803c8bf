//! When a registration is refreshed, and tried again.

use std::time::Duration;

use engine::sip::{Registrar, RegistrarReply as Reply};
use proptest::prelude::*;

use crate::at;

const HOUR: Duration = Duration::from_secs(3600);

fn chance() -> fastrand::Rng {
    fastrand::Rng::with_seed(7)
}

/// Seconds from the reply until the next REGISTER.
fn wait_after(registrar: &mut Registrar, reply: Reply) -> u64 {
    registrar.replied(reply, at(0), &mut chance());
    registrar.next().since(at(0)).as_secs()
}

#[test]
fn it_is_refreshed_in_time() {
    let mut registrar = Registrar::new(HOUR, at(0));
    assert_eq!((registrar.next(), registrar.is_registered(at(0))), (at(0), false));
    assert!((2700..=3000).contains(&wait_after(&mut registrar, Reply::Registered(HOUR))));
    assert!(registrar.is_registered(at(3_599_999)) && !registrar.is_registered(at(3_600_000)));
    let minute = Duration::from_secs(60);
    assert!((27..=30).contains(&wait_after(&mut registrar, Reply::Registered(minute))));
    assert!(wait_after(&mut registrar, Reply::Registered(Duration::ZERO)) >= 4, "no storm");
}

#[test]
fn failures_are_tried_again_later_and_later() {
    let mut registrar = Registrar::new(HOUR, at(0));
    let waits: Vec<u64> = (0..10).map(|_| wait_after(&mut registrar, Reply::Nothing)).collect();
    for (wait, most) in waits.iter().zip([4, 8, 16, 32, 64, 128, 256, 300, 300, 300]) {
        assert!((most / 2..=most).contains(wait), "{waits:?}");
    }
    wait_after(&mut registrar, Reply::Registered(HOUR));
    assert!(wait_after(&mut registrar, Reply::Nothing) <= 4, "a success forgets failures");
    assert!(registrar.is_registered(at(0)), "it holds as long as nobody says otherwise");
}

#[test]
fn a_refusal_of_who_we_are_is_not_tried_again_soon() {
    for code in [401, 403, 404, 407] {
        let mut registrar = Registrar::new(HOUR, at(0));
        wait_after(&mut registrar, Reply::Registered(HOUR));
        let wait = wait_after(&mut registrar, Reply::Refused { code, retry_after: None });
        assert!((150..=300).contains(&wait), "{code}: {wait}");
        assert!(!registrar.is_registered(at(0)));
    }
    let mut registrar = Registrar::new(HOUR, at(0));
    let retry_after = Some(Duration::from_secs(1000));
    assert_eq!(wait_after(&mut registrar, Reply::Refused { code: 503, retry_after }), 1000);
}

fn reply() -> impl Strategy<Value = Reply> {
    let seconds = || (0..u64::from(u32::MAX)).prop_map(Duration::from_secs);
    prop_oneof![
        seconds().prop_map(Reply::Registered),
        (300u16..700, proptest::option::of(seconds()))
            .prop_map(|(code, retry_after)| Reply::Refused { code, retry_after }),
        Just(Reply::Nothing),
    ]
}

proptest! {
    #[test]
    fn whatever_it_says_there_is_no_storm_and_no_end(
        replies in proptest::collection::vec(reply(), 1..200),
        seed: u64,
    ) {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut registrar = Registrar::new(HOUR, at(0));
        let mut now = at(0);
        for reply in replies {
            registrar.replied(reply, now, &mut chance);
            let wait = registrar.next().since(now);
            prop_assert!(wait >= Duration::from_secs(2), "{wait:?}");
            prop_assert!(wait <= Duration::from_secs(86_400), "{wait:?}");
            if let Reply::Registered(_) = reply {
                prop_assert!(registrar.is_registered(now));
                prop_assert!(registrar.is_registered(registrar.next()), "refreshed too late");
            }
            now = registrar.next();
        }
    }
}
