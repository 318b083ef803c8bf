//! Every row of the sandbox's numbers, as A and as B, and the faults that can be ordered.

use std::time::Duration;

use engine::call::Event;
use engine::sandbox::{Fault, Sandbox};
use model::cdr::Ending;
use model::cdr::Verdict;
use model::message::{Keys, MachineDetection};
use model::{Message, Outcome};

use crate::drive::{Run, run};
use crate::script::{NOON, audio, message, persons, secs, voice};

const PERSON: &str = "385981001";

/// Number, outcome, final code and cause, for those that nobody answers.
const UNREACHED: [(&str, Outcome, Option<u16>, Option<u8>); 13] = [
    ("385981486", Outcome::Busy, Some(486), Some(17)),
    ("385981603", Outcome::Declined, Some(603), Some(21)),
    ("385981480", Outcome::Unavailable, Some(480), Some(20)),
    ("385981180", Outcome::NoAnswer, Some(487), None),
    ("385981404", Outcome::NoSuchNumber, Some(404), Some(1)),
    ("385981484", Outcome::IncompleteNumber, Some(484), Some(28)),
    ("385981503", Outcome::Congestion, Some(503), Some(34)),
    ("385981403", Outcome::Forbidden, Some(403), Some(57)),
    ("385981407", Outcome::TrunkRefused, Some(407), Some(21)),
    ("385981410", Outcome::NumberChanged, Some(410), Some(22)),
    ("385981487", Outcome::Terminated, Some(487), Some(31)),
    ("385981488", Outcome::MediaMismatch, Some(488), Some(65)),
    ("385981408", Outcome::NetworkError, None, None),
];

fn call(message: Message) -> Run {
    run(message, None, &Sandbox::default(), &[])
}

fn faulty(fault: Fault) -> Sandbox {
    Sandbox { faults: vec![fault], ..Sandbox::default() }
}

#[test]
fn numbers_that_nobody_answers_as_a() {
    for (number, outcome, code, cause) in UNREACHED {
        let record = call(message(number, PERSON)).record;
        assert_eq!((record.outcome, record.ending), (outcome, Ending::NotReached), "{number}");
        let a = record.leg_a;
        assert_eq!((a.release.code, a.release.cause), (code, cause), "{number}");
        assert_eq!(a.ringing.is_some(), number.ends_with("180"), "{number}");
        assert_eq!((a.answered, record.leg_b), (None, None), "{number}");
    }
}

#[test]
fn numbers_that_nobody_answers_as_b() {
    for (number, outcome, code, cause) in UNREACHED {
        let record = call(message(PERSON, number)).record;
        assert_eq!(record.outcome, Outcome::Answered, "{number}");
        assert_eq!(record.ending, Ending::BNotReached, "{number}");
        let b = record.leg_b.unwrap();
        assert_eq!((b.outcome, b.release.code), (outcome, code), "{number}");
        assert_eq!((b.answered, b.release.cause), (None, cause), "{number}");
    }
}

#[test]
fn two_persons_talk_for_two_seconds_or_as_long_as_they_are_told() {
    for talk in [2, 40] {
        let sandbox = Sandbox { talk: secs(talk), ..Sandbox::default() };
        let record = run(persons(), None, &sandbox, &[]).record;
        assert_eq!((record.outcome, record.ending), (Outcome::Answered, Ending::ByA));
        assert_eq!(record.bridged(), secs(talk));
    }
}

#[test]
fn numbers_that_are_answered_as_b() {
    for (number, ending) in [
        ("385981210", Ending::ByA),
        ("385981215", Ending::ByA),
        ("385981298", Ending::ByA),
        ("385981299", Ending::ByB),
        ("385981000", Ending::ByA),
    ] {
        let record = call(message(PERSON, number)).record;
        assert_eq!((record.outcome, record.ending), (Outcome::Answered, ending), "{number}");
        assert_eq!(record.leg_b.unwrap().outcome, Outcome::Answered, "{number}");
        assert!(record.keys.is_empty(), "{number}: only the keys of A are kept");
    }
}

#[test]
fn a_machine_answers() {
    let machine = Message {
        machine_detection: Some(MachineDetection::Hangup),
        ..message("385981210", PERSON)
    };
    let record = call(machine).record;
    let expected = (Outcome::AnsweredByMachine, Ending::Machine);
    assert_eq!((record.outcome, record.ending), expected);
    let person = Message { machine_detection: Some(MachineDetection::Hangup), ..persons() };
    let record = call(person).record;
    assert_eq!(
        (record.outcome, record.detection.map(|told| told.verdict)),
        (Outcome::Answered, Some(Verdict::Human))
    );
    let unasked = call(message("385981210", PERSON)).record;
    assert_eq!((unasked.outcome, unasked.detection), (Outcome::Answered, None));
}

#[test]
fn a_person_presses_a_key() {
    for key in '1'..='9' {
        let number = format!("38598121{key}");
        assert_eq!(call(message(&number, PERSON)).record.keys, [key]);
        let keys = Keys { max: 1, timeout: secs(10), repeats: 0, repeat_on: None };
        let asked = Message { keys: Some(keys), ..voice(message(&number, PERSON)) };
        let record = run(asked, Some(audio(5)), &Sandbox::default(), &[]).record;
        assert_eq!((record.keys, record.ending), (vec![key], Ending::Completed));
    }
}

#[test]
fn a_person_asks_once_for_the_prompt_to_be_repeated() {
    let keys = Keys { max: 2, timeout: secs(10), repeats: 2, repeat_on: Some("3".into()) };
    let asked = Message { keys: Some(keys), ..voice(message("385981213", PERSON)) };
    let record = run(asked, Some(audio(5)), &Sandbox::default(), &[]).record;
    assert_eq!(record.keys, ['3']);
    // Until the key, the whole prompt, and the wait for keys that do not come.
    let connected = record.leg_a.connected();
    assert!(connected > secs(15) + Duration::from_millis(400), "{connected:?}");
}

#[test]
fn a_person_takes_twenty_seconds_to_answer() {
    let a = call(message("385981298", PERSON)).record.leg_a;
    let rang = a.answered.unwrap().since(a.ringing.unwrap());
    assert!((secs(18)..=secs(22)).contains(&rang), "{rang:?}");
}

#[test]
fn a_person_hangs_up_at_once() {
    let record = call(message("385981299", PERSON)).record;
    assert_eq!((record.outcome, record.ending), (Outcome::Answered, Ending::ByA));
    assert_eq!(record.connected_seconds(), 0);
}

#[test]
fn an_answer_comes_late() {
    let record = run(message("385981180", PERSON), None, &faulty(Fault::LateAnswer), &[]).record;
    assert_eq!((record.outcome, record.leg_a.answered), (Outcome::NoAnswer, None));
    assert_eq!(record.leg_a.release.code, Some(200));
    let cancel = [(NOON.plus(Duration::from_millis(700)), Event::Cancel)];
    let record = run(persons(), None, &faulty(Fault::LateAnswer), &cancel).record;
    assert_eq!((record.outcome, record.leg_a.answered), (Outcome::Cancelled, None));
}

#[test]
fn a_bye_is_lost_or_comes_twice() {
    let without = run(persons(), None, &Sandbox::default(), &[]);
    for fault in [Fault::LostBye, Fault::DuplicateBye] {
        let with = run(persons(), None, &faulty(fault), &[]);
        assert_eq!(with.record, without.record, "{fault:?}");
        assert_ne!(with.trace, without.trace, "{fault:?}");
    }
}

#[test]
fn the_same_seed_makes_the_same_call() {
    let with_seed = |seed| {
        let sandbox = Sandbox { seed, ..Sandbox::default() };
        run(persons(), None, &sandbox, &[]).trace
    };
    assert_eq!(with_seed(7), with_seed(7));
    assert_ne!(with_seed(7), with_seed(8));
}
