//! Every format that a prompt may have.

use std::ops::Range;

use voip::sound::{SoundError, decode};

use super::{level_db, middle, sox};

/// One second of 1 kHz at -6 dB. Lossy formats add some silence around it.
#[track_caller]
fn check(file: Vec<u8>, expect_length: Range<usize>) {
    let codes = decode(file).unwrap();
    let length = codes.len();
    assert!(expect_length.contains(&length), "{length}");
    let level = level_db(middle(&codes), 1_000.0) + 6.0;
    assert!((-1.0..1.0).contains(&level), "{level:.1} dB");
}

fn second_of_tone(format: &[&str]) -> Vec<u8> {
    sox(format, "synth 1 sine 1000 gain -6")
}

#[test]
fn uncompressed() {
    for format in ["wav", "aiff", "aifc"] {
        for rate in ["8000", "22050", "44100"] {
            for bits in ["8", "16", "24", "32"] {
                check(second_of_tone(&["-r", rate, "-b", bits, "-t", format]), 8_000..8_001);
            }
        }
    }
}

#[test]
fn telephone_codings_in_a_wav() {
    for coding in ["u-law", "a-law", "ima-adpcm", "ms-adpcm", "floating-point"] {
        check(second_of_tone(&["-r", "8000", "-e", coding, "-t", "wav"]), 7_900..8_300);
    }
}

#[test]
fn mp3_mp2_and_ogg() {
    for rate in ["16000", "22050", "44100", "48000"] {
        for channels in ["1", "2"] {
            let made = |format| second_of_tone(&["-r", rate, "-c", channels, "-t", format]);
            check(made("mp3"), 8_000..9_000);
            check(made("vorbis"), 8_000..8_001);
        }
    }
}

// The tools of a plain Debian do not make these.

#[test]
fn aac() {
    check(include_bytes!("tone.aac").to_vec(), 8_000..8_600);
}

#[test]
fn m4a() {
    check(include_bytes!("tone.m4a").to_vec(), 8_000..8_600);
}

#[test]
fn m4a_with_its_table_at_the_end_or_in_fragments() {
    check(include_bytes!("tone-slow-start.m4a").to_vec(), 8_000..8_600);
    check(include_bytes!("tone-fragments.mp4").to_vec(), 8_000..8_600);
}

#[test]
fn mp2() {
    check(include_bytes!("tone.mp2").to_vec(), 8_000..8_600);
}

#[test]
fn what_follows_at_another_rate_is_not_heard() {
    let [first, other] = ["44100", "22050"].map(|rate| second_of_tone(&["-r", rate, "-t", "mp3"]));
    let length = |file| decode(file).unwrap().len();
    assert!(length([&*first, &*first].concat()) > 16_000);
    assert_eq!(length([&*first, &*other].concat()), length(first));
}

#[test]
fn wma_and_what_is_no_sound_are_unsupported() {
    assert_eq!(decode(include_bytes!("tone.wma").to_vec()), Err(SoundError::Unsupported));
    for other in [&b"<html><body>Not found</body></html>"[..], b"", b"\0", b"OggS", b"RIFF"] {
        assert_eq!(decode(other.to_vec()), Err(SoundError::Unsupported), "{other:?}");
    }
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
    assert_eq!(decode(png.to_vec()), Err(SoundError::Unsupported));
}
