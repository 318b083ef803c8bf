//! Files that are cut off, damaged or made up: none makes the decoder panic or run away.

use voip::g711;
use voip::sound::{SoundError, decode};

use super::sox;

const SEED: u64 = 0x0070_726f_6d70_7400;

/// A file of every format.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let made = |format| sox(&["-r", "22050", "-c", "2", "-t", format], "synth 0.3 sine 1000");
    let adpcm = |coding| sox(&["-r", "8000", "-e", coding, "-t", "wav"], "synth 0.3 sine 1000");
    vec![
        ("wav", made("wav")),
        ("ima-adpcm", adpcm("ima-adpcm")),
        ("ms-adpcm", adpcm("ms-adpcm")),
        ("aiff", made("aiff")),
        ("mp3", made("mp3")),
        ("ogg", made("vorbis")),
        ("aac", include_bytes!("tone.aac").to_vec()),
        ("m4a", include_bytes!("tone.m4a").to_vec()),
        ("fragments", include_bytes!("tone-fragments.mp4").to_vec()),
        ("mp2", include_bytes!("tone.mp2").to_vec()),
    ]
}

fn seeds() -> u64 {
    std::env::var("CALLSLIP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(25)
}

#[test]
fn a_file_cut_off_anywhere_is_played_so_far_or_refused() {
    for (name, file) in files() {
        let whole = decode(file.clone()).unwrap().len();
        for cut in 0..10 {
            let length = file.len() * cut / 10;
            match decode(file[..length].to_vec()) {
                Ok(codes) => {
                    assert!(!codes.is_empty() && codes.len() <= whole, "{name} cut at {cut}/10")
                }
                Err(error) => assert_ne!(error, SoundError::TooLong, "{name} cut at {cut}/10"),
            }
        }
    }
}

#[test]
fn damage_does_no_harm() {
    for (name, file) in files() {
        for seed in SEED..SEED + seeds() {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut file = file.clone();
            // Half of the damage goes where the lengths and counts are.
            for _ in 0..random.usize(1..=16) {
                let end = if random.bool() { file.len().min(600) } else { file.len() };
                file[random.usize(..end)] =
                    *random.choice([0, 1, 0x7F, 0x80, 0xFF].iter()).unwrap();
            }
            println!("{name}, seed {seed}");
            let _ = decode(file);
        }
    }
}

#[test]
fn noise_is_refused_or_played() {
    for seed in SEED..SEED + seeds() {
        let mut random = fastrand::Rng::with_seed(seed);
        println!("seed {seed}");
        let mut noise: Vec<u8> = (0..random.usize(..20_000)).map(|_| random.u8(..)).collect();
        let _ = decode(noise.clone());
        let starts: [&[u8]; 6] =
            [b"ID3\x04\0\0", b"RIFF", b"OggS", b"\xFF\xFB", b"\xFF\xF1", b"FORM"];
        let start = *random.choice(starts.iter()).unwrap();
        noise.splice(..start.len().min(noise.len()), start.iter().copied());
        let _ = decode(noise);
    }
}

#[test]
fn no_number_is_silence() {
    let floats = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN];
    assert_eq!(floats.map(g711::encode), [0xFF, 0x80, 0x00, 0x80, 0x00]);
    let mut file =
        sox(&["-r", "44100", "-e", "floating-point", "-t", "wav"], "synth 0.3 sine 1000");
    let start = file.len() / 2 / 4 * 4;
    for (sample, float) in file[start..].chunks_exact_mut(4).zip(floats.iter().cycle()) {
        sample.copy_from_slice(&float.to_le_bytes());
    }
    assert!(decode(file).is_ok());
}
