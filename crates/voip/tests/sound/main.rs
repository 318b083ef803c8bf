//! Sound files made by others' tools, and by nobody in their right mind.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod damage;
mod fidelity;
mod formats;
mod wav;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use voip::g711;

/// What `sox` makes of those arguments, in that format: a file, as a customer would have it. It is
/// written to disk because the length in its header is filled in at the end.
fn sox(format: &[&str], effects: &str) -> Vec<u8> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("sound-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut sox = Command::new("sox");
    sox.args(["-D", "-n"]).args(format).arg(&path).args(effects.split(' '));
    let ran = sox.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let made = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    made
}

/// How strong a tone of that frequency is, where a full sine is 0 dB (Goertzel's way).
#[expect(clippy::cast_precision_loss, reason = "a few seconds of samples")]
fn level_db(codes: &[u8], hertz: f64) -> f64 {
    let step = std::f64::consts::TAU * hertz / f64::from(voip::RATE);
    let (mut re, mut im) = (0.0, 0.0);
    for (n, code) in codes.iter().enumerate() {
        let sample = f64::from(g711::decode(*code));
        re += sample * (step * n as f64).cos();
        im += sample * (step * n as f64).sin();
    }
    20.0 * (2.0 * re.hypot(im) / codes.len() as f64).log10()
}

/// The middle of a sound, away from what the edges do.
fn middle(codes: &[u8]) -> &[u8] {
    &codes[codes.len() / 4..codes.len() / 4 * 3]
}

#[test]
fn every_code_comes_back_as_it_went() {
    for code in 0..=255 {
        let again = g711::encode(g711::decode(code));
        assert_eq!(g711::decode(again), g711::decode(code), "{code}");
    }
    // ITU-T G.711, table 2a: silence is all ones, the loudest positive sample 0x80.
    assert_eq!((g711::encode(0.0), g711::encode(1.5), g711::encode(-1.5)), (0xFF, 0x80, 0x00));
    assert_eq!(g711::encode(f32::NAN), 0xFF);
}
