//! That what is heard is what was in the file.

use super::{level_db, middle, sox};

/// Two seconds of a sine at -6 dB in a wav file of that rate, narrowed.
fn tone(rate: u32, hertz: u32) -> Vec<u8> {
    let format = ["-r", &rate.to_string(), "-c", "2", "-b", "16", "-t", "wav"];
    voip::sound::decode(sox(&format, &format!("synth 2 sine {hertz} gain -6"))).unwrap()
}

#[track_caller]
fn check(rate: u32, hertz: u32, expect_db: std::ops::Range<f64>) {
    let codes = tone(rate, hertz);
    assert_eq!(codes.len(), 16_000, "{rate}");
    let level = level_db(middle(&codes), f64::from(hertz)) + 6.0;
    assert!(expect_db.contains(&level), "{hertz} Hz from {rate}/s: {level:.1} dB");
}

#[test]
fn a_tone_stays_a_tone_of_its_length_and_level() {
    for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        for hertz in [300, 1_000, 3_400] {
            check(rate, hertz, -0.2..0.2);
        }
    }
    check(44_100, 3_800, -1.0..0.2);
}

#[test]
fn what_a_line_cannot_carry_does_not_come_back_as_something_else() {
    // 5 kHz would be heard at 3 kHz, 4.5 kHz at 3.5 kHz, 7 kHz at 1 kHz.
    for (hertz, heard) in [(4_500, 3_500), (5_000, 3_000), (7_000, 1_000), (15_000, 1_000)] {
        let codes = tone(44_100, hertz);
        let level = level_db(middle(&codes), f64::from(heard)) + 6.0;
        assert!(level < -40.0, "{hertz} Hz is heard at {heard} Hz: {level:.1} dB");
    }
}

#[test]
fn the_channels_are_mixed() {
    let format = ["-r", "8000", "-c", "2", "-b", "16", "-t", "wav"];
    let codes = sox(&format, "synth 1 sine 500 sine 1500 gain -6");
    let codes = voip::sound::decode(codes).unwrap();
    for hertz in [500.0, 1_500.0] {
        let level = level_db(middle(&codes), hertz) + 12.0;
        assert!((-0.5..0.5).contains(&level), "{hertz} Hz: {level:.1} dB");
    }
}
