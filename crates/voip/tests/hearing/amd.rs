//! Who answered.

use std::time::Duration;

use model::cdr::{Clue, Detection, Verdict};
use voip::amd::{Detector, Settings};

use crate::{silence, spoken};

/// What is told of samples in frames of that many.
fn judged_in(frame: usize, settings: Settings, samples: &[i16]) -> Option<Detection> {
    let mut detector = Detector::new(settings);
    let mut told = samples.chunks(frame).filter_map(|frame| detector.hear(frame));
    let first = told.next();
    assert_eq!(told.next(), None, "told once");
    first
}

fn judged(samples: &[i16]) -> Option<Detection> {
    judged_in(160, Settings::default(), samples)
}

/// A bit of silence, a text, and somebody who waits.
fn answered(voice: &str, text: &str) -> Detection {
    judged(&[silence(400), spoken(voice, text), silence(3000)].concat()).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sound of that length, and silence of that length, and so on.
fn rhythm(lengths: &[usize]) -> Vec<i16> {
    let parts = lengths.iter().enumerate();
    parts.flat_map(|(n, ms)| vec![if n % 2 == 0 { 2000 } else { 0 }; ms * 8]).collect()
}

#[test]
fn people_answer_in_a_word_or_two() {
    for voice in ["en", "en+f2", "en-us", "de"] {
        for text in ["Hello?", "Yes?", "Yes, hello.", "Smith.", "Hello, John speaking"] {
            let told = answered(voice, text);
            assert_eq!(
                (told.verdict, told.clue),
                (Verdict::Human, Clue::ShortGreeting),
                "{voice} {text}"
            );
            assert!(told.after < ms(3200), "{voice} {text}: {:?}", told.after);
        }
    }
}

#[test]
fn machines_talk_on() {
    let greetings = [
        "You have reached the voice mail of John Smith. Please leave a message after the tone.",
        "Hi, this is Anna. I cannot take your call right now, but if you leave your name and number, \
         I will call you back as soon as I can.",
        "The person you are calling is not available. Please try again later.",
        "Thank you for calling Example Limited. Our office is open from nine to five, Monday to Friday.",
    ];
    for voice in ["en", "en+f2", "en-us"] {
        for text in greetings {
            let told = answered(voice, text);
            assert_eq!(told.verdict, Verdict::Machine, "{voice} {text} {told:?}");
            assert!(told.after < ms(4000), "{voice} {text} {told:?}");
        }
    }
}

#[test]
fn every_clue_has_its_time() {
    let told = |lengths: &[usize]| {
        let told = judged(&rhythm(lengths)).unwrap();
        (told.verdict, told.clue, told.after)
    };
    assert_eq!(told(&[0, 3000]), (Verdict::Human, Clue::InitialSilence, ms(2500)));
    assert_eq!(told(&[1480, 3000]), (Verdict::Human, Clue::ShortGreeting, ms(2280)));
    assert_eq!(told(&[1500]), (Verdict::Machine, Clue::LongGreeting, ms(1500)));
    let four_words = [100, 60, 100, 60, 100, 60, 200];
    assert_eq!(told(&four_words), (Verdict::Machine, Clue::ManyWords, ms(580)));
    // The pause is too short to part words, or the words are none.
    assert_eq!(told(&[100, 40, 100, 40, 100, 40, 200, 900]).1, Clue::ShortGreeting);
    assert_eq!(told(&[80, 60, 80, 60, 80, 60, 80, 900, 0, 3000]).1, Clue::InitialSilence);
    // Three words with pauses in which nobody waits yet.
    let slow = [200, 780, 200, 780, 100, 780];
    assert_eq!(told(&[&slow[..], &slow[..1], &slow[1..]].concat()).1, Clue::ManyWords);
    assert_eq!(
        told(&[60, 700, 60, 700, 60, 700, 60, 700, 60, 700, 60, 700, 60, 700]).1,
        Clue::TimeOut
    );
}

#[test]
fn every_figure_can_be_set() {
    let fine = Settings::default();
    let clue =
        |settings, lengths: &[usize]| judged_in(160, settings, &rhythm(lengths)).map(|d| d.clue);
    let patient = Settings { greeting: ms(4000), words: 9, ..fine };
    assert_eq!(clue(patient, &[1600, 900]), Some(Clue::ShortGreeting));
    assert_eq!(clue(Settings { word_max: ms(500), ..fine }, &[600]), Some(Clue::LongWord));
    assert_eq!(clue(Settings { words: 1, ..fine }, &[100]), Some(Clue::ManyWords));
    assert_eq!(
        clue(Settings { silence_threshold: 2001, ..fine }, &[2600]),
        Some(Clue::InitialSilence)
    );
    assert_eq!(clue(Settings { total: ms(1000), ..fine }, &[0, 1000]), Some(Clue::TimeOut));
    assert_eq!(clue(Settings { total: ms(1000), ..fine }, &[0, 980]), None);
    assert_eq!(
        clue(Settings { between_words: ms(200), ..fine }, &[99, 150, 99, 900]),
        Some(Clue::ShortGreeting)
    );
    let machine = Settings { on_silence: Verdict::Machine, on_time_out: Verdict::Machine, ..fine };
    let told = judged_in(160, machine, &silence(2500)).unwrap();
    assert_eq!((told.verdict, told.clue), (Verdict::Machine, Clue::InitialSilence));
    let told = judged_in(160, Settings { total: ms(100), ..machine }, &silence(100)).unwrap();
    assert_eq!((told.verdict, told.clue), (Verdict::Machine, Clue::TimeOut));
}

#[test]
fn frames_of_any_length_are_judged_alike() {
    let samples = [silence(400), spoken("en", "Yes, hello."), silence(2000)].concat();
    let expected = judged(&samples).unwrap();
    for frame in [80, 240, 320, 480] {
        let told = judged_in(frame, Settings::default(), &samples).unwrap();
        assert_eq!((told.verdict, told.clue), (expected.verdict, expected.clue));
        let apart = told.after.abs_diff(expected.after);
        assert!(apart <= ms(60), "{frame}: {told:?} {expected:?}");
    }
    // By the clock of what is heard, not of its frames.
    let told = judged_in(480, Settings::default(), &silence(2520)).unwrap();
    assert_eq!(told.after, ms(2500));
    assert_eq!(judged_in(160, Settings::default(), &[]), None);
}

#[test]
fn the_loudest_and_noise_are_heard_too() {
    assert_eq!(judged(&vec![i16::MIN; 16_000]).unwrap().clue, Clue::LongGreeting);
    let mut chance = fastrand::Rng::with_seed(50);
    let noise: Vec<_> = (0..24_000).map(|_| chance.i16(-200..=200)).collect();
    assert_eq!(judged(&noise).unwrap().clue, Clue::InitialSilence, "a line that hums");
}
