//! Keys in the sound, and speech that is none.

use voip::g711::Codec;
use voip::inband::Detector;

use crate::{coded, silence, spoken};

const KEYS: &str = "0123456789*#ABCD";

/// How a key is sent.
#[derive(Clone, Copy)]
struct Press {
    ms: usize,
    pause_ms: usize,
    /// Of the lower frequency.
    dbm0: f64,
    /// By how much the higher one is louder.
    twist_db: f64,
    /// By how much both are off.
    detune: f64,
}

const FINE: Press = Press { ms: 60, pause_ms: 60, dbm0: -10.0, twist_db: 0.0, detune: 0.0 };

fn frequencies(key: char) -> (f64, f64) {
    let at = "123A456B789C*0#D".find(key).unwrap();
    ([697.0, 770.0, 852.0, 941.0][at / 4], [1209.0, 1336.0, 1477.0, 1633.0][at % 4])
}

fn pressed(keys: &str, press: Press) -> Vec<i16> {
    let mut samples = Vec::new();
    for key in keys.chars() {
        let (low, high) = frequencies(key);
        let step = |hertz: f64| std::f64::consts::TAU * hertz * (1.0 + press.detune) / 8000.0;
        let peak = |db: f64| 22_300.0 * 10_f64.powf(db / 20.0);
        samples.extend((0..press.ms * 8).map(|n| {
            let n = n as f64;
            let low = peak(press.dbm0) * (step(low) * n).sin();
            let high = peak(press.dbm0 + press.twist_db) * (step(high) * n + 1.0).sin();
            (low + high) as i16
        }));
        samples.extend(silence(press.pause_ms));
    }
    samples
}

fn heard_in(frame: usize, samples: &[i16]) -> String {
    let mut detector = Detector::default();
    samples.chunks(frame).filter_map(|frame| detector.hear(frame)).collect()
}

fn heard(samples: &[i16]) -> String {
    heard_in(160, samples)
}

fn with_noise(samples: &[i16], dbm0: f64) -> Vec<i16> {
    let mut chance = fastrand::Rng::with_seed(23);
    // Even noise of that effective value; that of a sine is its peak by the root of two.
    let peak = 22_300.0 / 2_f64.sqrt() * 10_f64.powf(dbm0 / 20.0) * 3_f64.sqrt();
    let noise = |chance: &mut fastrand::Rng| ((chance.f64() * 2.0 - 1.0) * peak) as i16;
    samples.iter().map(|sample| sample.saturating_add(noise(&mut chance))).collect()
}

#[test]
fn every_key_is_told_once() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        assert_eq!(heard(&coded(codec, &pressed(KEYS, FINE))), KEYS);
        assert_eq!(heard(&coded(codec, &pressed("55500##", FINE))), "55500##");
    }
    let held = Press { ms: 3000, ..FINE };
    assert_eq!(heard(&pressed("5", held)), "5");
    for frame in [80, 240, 320, 480] {
        assert_eq!(heard_in(frame, &pressed(KEYS, FINE)), KEYS, "{frame}");
    }
}

#[test]
fn the_shortest_key_and_pause_however_they_lie() {
    for shift in 0..102 {
        let mut samples = vec![0; shift];
        samples.extend(pressed("5571", Press { ms: 40, pause_ms: 40, ..FINE }));
        assert_eq!(heard(&samples), "5571", "{shift}");
        samples.truncate(shift);
        samples.extend(pressed(KEYS, Press { ms: 15, ..FINE }));
        assert_eq!(heard(&samples), "", "too short, {shift}");
    }
}

#[test]
fn a_key_with_a_hole_is_one() {
    let mut samples = pressed("5", Press { ms: 200, ..FINE });
    for at in 0..60 {
        samples[800 + at] = 0;
    }
    assert_eq!(heard(&samples), "5");
}

#[test]
fn three_tones_are_no_key() {
    let third = |n: usize| 4_000.0 * (std::f64::consts::TAU * 852.0 * n as f64 / 8000.0).sin();
    let mut samples = pressed("4", Press { ms: 200, ..FINE });
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample = sample.saturating_add(third(n) as i16);
    }
    assert_eq!(heard(&samples), "");
}

#[test]
fn one_louder_than_the_other() {
    for (twist_db, expected) in [(-8.0, KEYS), (-4.0, KEYS), (4.0, KEYS), (-12.0, ""), (8.0, "")] {
        let samples = coded(Codec::Pcmu, &pressed(KEYS, Press { twist_db, ..FINE }));
        assert_eq!(heard(&samples), expected, "{twist_db}");
    }
}

#[test]
fn a_little_off_is_a_key_and_more_is_none() {
    for (detune, expected) in [(0.015, KEYS), (-0.015, KEYS), (0.05, ""), (-0.05, "")] {
        let samples = coded(Codec::Pcmu, &pressed(KEYS, Press { detune, ..FINE }));
        assert_eq!(heard(&samples), expected, "{detune}");
    }
}

#[test]
fn loud_faint_and_too_faint() {
    for (dbm0, expected) in [(-3.0, KEYS), (-30.0, KEYS), (-35.0, KEYS), (-45.0, "")] {
        let samples = coded(Codec::Pcmu, &pressed(KEYS, Press { dbm0, ..FINE }));
        assert_eq!(heard(&samples), expected, "{dbm0}");
    }
}

#[test]
fn keys_in_noise() {
    let samples = with_noise(&pressed(KEYS, FINE), -23.0);
    assert_eq!(heard(&coded(Codec::Pcmu, &samples)), KEYS);
}

#[test]
fn noise_alone_is_no_key() {
    let samples = with_noise(&silence(120_000), -10.0);
    assert_eq!(heard(&samples), "");
    assert_eq!(heard(&vec![i16::MIN; 8000]), "");
}

#[test]
fn one_tone_is_no_key() {
    for hertz in [350.0, 425.0, 440.0, 697.0, 941.0, 1000.0, 1209.0, 1400.0, 2100.0] {
        let sine = |n: usize| {
            (10_000.0 * (std::f64::consts::TAU * hertz * n as f64 / 8000.0).sin()) as i16
        };
        assert_eq!(heard(&(0..8000).map(sine).collect::<Vec<_>>()), "", "{hertz}");
    }
}

#[test]
fn voices_are_no_keys() {
    let text = "The quick brown fox jumps over the lazy dog. Peter Piper picked a peck of pickled \
        peppers; she sells sea shells by the sea shore. Please leave your name and your number, \
        zero one two three four five six seven eight nine, after the tone, and we will call you \
        back. Oh! You? Eee, aah, ooh, mmmm, moo, whee. How now, brown cow? Bye bye.";
    for voice in
        ["en", "en+f2", "en+f4", "en-us+m3", "de", "fr", "it", "zh", "en+whisper", "es+croak"]
    {
        let voice_heard = spoken(voice, text);
        assert!(voice_heard.len() > 8 * 8000, "{voice}");
        assert_eq!(heard(&voice_heard), "", "{voice}");
    }
}

#[test]
fn a_key_over_a_voice_that_falls_silent() {
    let voice = spoken("en", "Press one to be connected");
    let samples = [voice.clone(), silence(100), pressed("1", FINE), voice].concat();
    assert_eq!(heard(&coded(Codec::Pcma, &samples)), "1");
}
