//! Wav files by hand, with headers that lie.

use voip::sound::{SoundError, decode};

/// A header of 16-bit samples that claims that many bytes of them.
struct Header {
    channels: u16,
    rate: u32,
    claims: u32,
}

fn wav(header: &Header, samples: &[u8]) -> Vec<u8> {
    let block = header.channels.saturating_mul(2);
    let mut file = b"RIFF".to_vec();
    file.extend(header.claims.saturating_add(36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(header.channels.to_le_bytes());
    file.extend(header.rate.to_le_bytes());
    file.extend(header.rate.wrapping_mul(u32::from(block)).to_le_bytes());
    file.extend(block.to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(header.claims.to_le_bytes());
    file.extend(samples);
    file
}

/// Mono at the telephone's rate.
fn plain(claims: u32, samples: &[u8]) -> Vec<u8> {
    wav(&Header { channels: 1, rate: 8_000, claims }, samples)
}

#[test]
fn what_is_there_counts_and_not_what_is_claimed() {
    for claims in [2_000, 0x7FFF_F000, u32::MAX] {
        assert_eq!(decode(plain(claims, &[0; 2_000])).map(|codes| codes.len()), Ok(1_000));
    }
}

#[test]
fn no_sound_is_no_prompt() {
    assert_eq!(decode(plain(0, &[])), Err(SoundError::Empty));
    assert_eq!(decode(plain(u32::MAX, &[])), Err(SoundError::Empty));
}

#[test]
fn ten_minutes_are_the_longest() {
    const SAMPLES_MAX: usize = 600 * 8_000;
    let just = vec![0; SAMPLES_MAX * 2];
    let codes = decode(plain(u32::MAX, &just)).unwrap();
    assert_eq!(codes.len(), SAMPLES_MAX);
    let over = vec![0; (SAMPLES_MAX + 1_200) * 2];
    assert_eq!(decode(plain(u32::MAX, &over)), Err(SoundError::TooLong));
    // Four megabytes at a rate that would fill gigabytes.
    let slow = Header { channels: 1, rate: 1_000, claims: u32::MAX };
    assert_eq!(decode(wav(&slow, &vec![0; 4_000_000])), Err(SoundError::TooLong));
}

#[test]
fn rates_that_nothing_has_are_unsupported() {
    for rate in [0, 1, 999, 384_001, 1_000_000_007, u32::MAX] {
        let header = Header { channels: 1, rate, claims: 4_000 };
        assert_eq!(decode(wav(&header, &[0; 4_000])), Err(SoundError::Unsupported), "{rate}");
    }
    for channels in [0, 33, u16::MAX] {
        let header = Header { channels, rate: 8_000, claims: 4_000 };
        assert_eq!(decode(wav(&header, &[0; 4_000])), Err(SoundError::Unsupported), "{channels}");
    }
}

#[test]
fn a_short_sound_keeps_its_length_from_any_rate() {
    for (rate, samples, expect) in
        [(44_100, 1, 1), (44_100, 441, 80), (96_000, 96, 8), (7_999, 7, 8)]
    {
        let header = Header { channels: 1, rate, claims: samples * 2 };
        let bytes = vec![1; samples as usize * 2];
        assert_eq!(decode(wav(&header, &bytes)).map(|codes| codes.len()), Ok(expect), "{rate}");
    }
}
