//! What is heard on a line: keys in the sound, and who answered. With voices made by a speech
//! synthesizer, coded as on a line.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod amd;
mod inband;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use voip::g711::Codec;

/// That text, spoken by that voice, as linear samples after µ-law.
fn spoken(voice: &str, text: &str) -> Vec<i16> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("voice-{}-{}.wav", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let ran =
        Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(&path).arg(text).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let line = ["-r", "8000", "-c", "1", "-e", "u-law", "-b", "8", "-t", "raw", "-"];
    let ran = Command::new("sox").arg("-D").arg(&path).args(line).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    std::fs::remove_file(&path).unwrap();
    let codes = ran.stdout;
    let mut samples = vec![0; codes.len()];
    Codec::Pcmu.decode(&codes, &mut samples);
    samples
}

/// What is left of samples by the line.
fn coded(codec: Codec, samples: &[i16]) -> Vec<i16> {
    let (mut codes, mut heard) = (vec![0; samples.len()], vec![0; samples.len()]);
    codec.encode(samples, &mut codes);
    codec.decode(&codes, &mut heard);
    heard
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}
