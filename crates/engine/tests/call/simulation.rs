//! Thousands of calls by seed: random plans, numbers, faults, and things that happen at moments at
//! which they should not. `CALLSLIP_SEED` runs one call again, `CALLSLIP_CALLS` says how many.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use engine::call::Event;
use engine::call::timers::{BYE_WAIT, CALL_MAX, CANCEL_WAIT, NO_PROVISIONAL, RING_MAX};
use engine::carrier::{Audio, Leg, Order, Progress, Signal};
use engine::sandbox::{Fault, Sandbox};
use fastrand::Rng;
use model::cdr::{Cdr, LegRecord};
use model::cdr::{Release, Verdict};
use model::message::{Keys, Leg2, MachineDetection};
use model::{Message, Outcome, Timestamp};

use crate::drive::{Run, Said, run};
use crate::script::{NOON, audio, detected, message, persons, secs};

const CALLS: u64 = 20_000;
const NUMBERS: [&str; 18] = [
    "486", "603", "480", "180", "404", "484", "503", "408", "210", "211", "219", "298", "299",
    "000", "001", "002", "003", "004",
];

/// Says how to see it again, if it fails.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again with CALLSLIP_SEED={}", self.0);
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_call_ends_in_one_truthful_record() {
    let first = RandomState::new().build_hasher().finish() >> 16;
    let seeds = match setting("CALLSLIP_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + setting("CALLSLIP_CALLS").unwrap_or(CALLS),
    };
    println!("CALLSLIP_SEED={} and after", seeds.start);
    let mut bridged = 0;
    for seed in seeds.clone() {
        let _replay = Replay(seed);
        let run = random_call(&mut Rng::with_seed(seed));
        check(&run);
        bridged += u64::from(!run.record.bridged().is_zero());
    }
    let calls = seeds.end - seeds.start;
    assert!(calls < 1_000 || bridged > calls / 20, "only {bridged} of {calls} calls met B");
}

fn random_call(rng: &mut Rng) -> Run {
    let faults = [Fault::LateAnswer, Fault::LostBye, Fault::DuplicateBye];
    let sandbox = Sandbox {
        talk: secs(rng.u64(0..600)),
        seed: rng.u64(..),
        faults: faults.into_iter().filter(|_| rng.u8(0..4) == 0).collect(),
    };
    let prompt = rng.bool().then(|| audio(rng.u64(0..20)));
    // Half of the calls are left alone; the others meet what should not come, mostly early.
    let strays = if rng.bool() { 0 } else { rng.usize(1..12) };
    let mut strays: Vec<(Timestamp, Event)> = (0..strays)
        .map(|_| {
            let latest = *rng.choice(&[1_000, 10_000, 60_000, 1_000_000]).unwrap();
            (NOON.plus(Duration::from_millis(rng.u64(0..latest))), stray(rng))
        })
        .collect();
    strays.sort_by_key(|(at, _)| *at);
    run(random_message(rng), prompt, &sandbox, &strays)
}

fn random_message(rng: &mut Rng) -> Message {
    let a = random_number(rng);
    let b = random_number(rng);
    let mut message = message(&a, &b);
    message.destination_b = message.destination_b.filter(|_| rng.u8(0..5) > 0);
    if let Some(b) = &mut message.destination_b {
        b.max_duration = rng.bool().then(|| secs(rng.u64(0..300)));
        b.warning_time = rng.bool().then(|| secs(rng.u64(0..60)));
    }
    if message.destination_b.is_none() && rng.bool() {
        message.transfers = vec![transfer(rng, &["1"]), transfer(rng, &[])];
    }
    message.pause = secs(rng.u64(0..3));
    message.keys = rng.bool().then(|| Keys {
        max: rng.u16(0..4),
        timeout: secs(rng.u64(0..20)),
        repeats: rng.u16(0..6),
        repeat_on: rng.bool().then(|| "1".to_owned()),
    });
    let detections = [None, Some(MachineDetection::Hangup), Some(MachineDetection::Continue)];
    message.machine_detection = *rng.choice(&detections).unwrap();
    message.ring_timeout = secs(rng.u64(0..200));
    message.call_timeout = rng.bool().then(|| secs(rng.u64(0..300)));
    message
}

fn random_number(rng: &mut Rng) -> String {
    // A person half of the time, so that B is called often enough.
    if rng.bool() { "385981000".into() } else { format!("385981{}", rng.choice(NUMBERS).unwrap()) }
}

fn transfer(rng: &mut Rng, keys: &[&str]) -> Leg2 {
    let mut leg = persons().destination_b.unwrap();
    leg.number = random_number(rng).parse().unwrap();
    leg.if_keys = keys.iter().map(|keys| (*keys).to_owned()).collect();
    leg
}

fn stray(rng: &mut Rng) -> Event {
    let release = Release {
        code: rng.bool().then(|| rng.u16(300..700)),
        cause: rng.bool().then(|| rng.u8(..128)),
    };
    let progress = *rng
        .choice(&[
            Progress::Redialled,
            Progress::Trying,
            Progress::Ringing { early_media: false },
            Progress::Ringing { early_media: true },
            Progress::Answered,
            Progress::Failed(release),
            Progress::Ended(release),
        ])
        .unwrap();
    let leg = if rng.bool() { Leg::A } else { Leg::B };
    let verdict = if rng.bool() { Verdict::Human } else { Verdict::Machine };
    match rng.u8(0..16) {
        0 => Event::Cancel,
        1 => Event::Drain,
        2 => Event::Line(Signal::Silence),
        3 => Event::Line(Signal::PromptFinished),
        4 => Event::Line(detected(verdict)),
        5..8 => Event::Line(Signal::Key(*rng.choice(&['1', '2', '#']).unwrap())),
        _ => Event::Line(Signal::Leg(leg, progress)),
    }
}

fn check(run: &Run) {
    let (at, last) =
        run.trace.iter().rfind(|(_, said)| !matches!(said, Said::Happened(_))).unwrap();
    assert_eq!(*last, Said::Finished, "nothing is done after the record");
    let longest =
        NO_PROVISIONAL + RING_MAX * 2 + CANCEL_WAIT + CALL_MAX + CANCEL_WAIT + BYE_WAIT * 2;
    assert!(at.since(NOON) <= longest, "it took {:?}", at.since(NOON));
    let a = check_leg(run, Leg::A, Some(&run.record.leg_a));
    let b = check_leg(run, Leg::B, run.record.leg_b.as_ref());
    assert!(a.dialled);
    assert_eq!(b.dialled, run.record.leg_b.is_some());
    check_record(&run.record);
}

/// What became of a leg, told from the trace alone.
#[derive(Debug, Default)]
struct Seen {
    dialled: bool,
    cancelled: bool,
    answered: bool,
    hung_up: bool,
    released: bool,
}

/// Follows a leg through the trace up to the record.
fn check_leg(run: &Run, leg: Leg, record: Option<&LegRecord>) -> Seen {
    let mut seen = Seen::default();
    let (mut reached, mut let_go) = (None, None);
    for (at, said) in &run.trace {
        match said {
            Said::Finished => break,
            Said::Ordered(Order::Dial { leg: dialled, .. }) if *dialled == leg => {
                assert!(!seen.dialled, "{leg:?} is dialled twice");
                seen.dialled = true;
            }
            Said::Ordered(Order::Cancel(cancelled)) if *cancelled == leg => {
                assert!(seen.dialled && !seen.cancelled && !seen.answered && !seen.released);
                seen.cancelled = true;
            }
            Said::Ordered(Order::HangUp(hung_up)) if *hung_up == leg => {
                assert!(seen.answered && !seen.hung_up, "{leg:?} is hung up: {seen:?}");
                seen.hung_up = true;
                let_go = let_go.or(reached.and(Some(*at)));
            }
            Said::Happened(Event::Line(Signal::Leg(heard, progress))) if *heard == leg => {
                match progress {
                    Progress::Answered if seen.dialled => {
                        if !seen.cancelled && !seen.released && !seen.answered {
                            reached = Some(*at);
                        }
                        // After the far end's own end, an answer is another one.
                        seen.released &= seen.answered;
                        seen.answered = true;
                    }
                    Progress::Failed(_) | Progress::Ended(_) => {
                        seen.released |= seen.dialled;
                        let_go = let_go.or(reached.and(Some(*at)));
                    }
                    Progress::Redialled
                    | Progress::Answered
                    | Progress::Trying
                    | Progress::Ringing { .. } => {}
                }
            }
            Said::Ordered(_) | Said::Happened(_) => {}
        }
    }
    assert!(!seen.answered || seen.hung_up || seen.released, "{leg:?} is left open: {seen:?}");
    assert_eq!(record.and_then(|record| record.answered), reached, "{leg:?} was answered");
    if reached.is_some() {
        assert_eq!(record.and_then(|record| record.ended), let_go, "{leg:?} was connected until");
    }
    seen
}

fn check_record(record: &Cdr) {
    let legs = [Some(&record.leg_a), record.leg_b.as_ref()];
    for leg in legs.into_iter().flatten() {
        let times = [Some(leg.invite), leg.ringing, leg.answered, leg.ended];
        assert!(times.into_iter().flatten().is_sorted(), "{leg:?}");
        let ended = leg.ended.expect("every leg has an end");
        let connected = leg.answered.map_or(Duration::ZERO, |answered| ended.since(answered));
        assert_eq!(leg.connected(), connected);
        assert_eq!(leg.answered.is_some(), leg.outcome == Outcome::Answered, "{leg:?}");
        assert!(connected <= CALL_MAX);
    }
    let is_answered = matches!(record.outcome, Outcome::Answered | Outcome::AnsweredByMachine);
    assert_eq!(is_answered, record.leg_a.answered.is_some(), "{record:?}");
    assert_eq!(u64::from(record.connected_seconds()), record.leg_a.connected().as_secs());
    assert!(record.bridged() <= record.leg_a.connected());
    if let Some(b) = &record.leg_b {
        assert!(record.leg_a.answered.is_some_and(|answered| answered <= b.invite), "{record:?}");
    }
    assert_eq!(record.done_at().max(record.leg_a.ended.unwrap()), record.done_at());
}

#[test]
fn a_seed_makes_the_same_call_again() {
    for seed in 0..50 {
        let again = || random_call(&mut Rng::with_seed(seed)).trace;
        assert_eq!(again(), again(), "{seed}");
    }
}

#[test]
fn silence_of_no_length_is_a_prompt_too() {
    let quiet = Some(Audio::new(Vec::new()));
    let run = run(persons(), quiet, &Sandbox::default(), &[]);
    assert_eq!(run.record.prompt, Some(Duration::ZERO));
    check(&run);
}
