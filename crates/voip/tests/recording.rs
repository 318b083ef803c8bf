//! Recordings, read back by others' tools.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use voip::g711::Codec;
use voip::wav;

/// A file that goes away.
struct File(PathBuf);

impl File {
    fn write(name: &str, bytes: &[u8]) -> Self {
        let name = format!("recording-{name}-{}.wav", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a tool prints about a file, which it must not complain about.
fn ask(tool: &str, before: &[&str], file: &File, after: &[&str]) -> Vec<u8> {
    let ran = Command::new(tool).args(before).arg(&file.0).args(after).output().unwrap();
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && complaint.is_empty(), "{tool}: {complaint}");
    ran.stdout
}

/// Half a second of two loudnesses, told apart by their codes.
fn both_sides() -> (Vec<u8>, Vec<u8>) {
    let coded = |sample: i16| {
        let mut codes = vec![0; 4000];
        Codec::Pcmu.encode(&vec![sample; 4000], &mut codes);
        codes
    };
    (coded(8_031), coded(-1_052))
}

#[test]
fn sox_hears_a_on_the_left_and_b_on_the_right() {
    let (a, b) = both_sides();
    let mut file = wav::header(4000).to_vec();
    for (a, b) in a.chunks(160).zip(b.chunks(160)) {
        let mut both = [0; 320];
        assert_eq!(wav::interleave(a, b, &mut both), 320);
        file.extend(both);
    }
    let file = File::write("sides", &file);
    let told = |what: &str| {
        let told = ask("soxi", &[what], &file, &[]);
        String::from_utf8(told).unwrap().trim().to_owned()
    };
    assert_eq!(
        (told("-c").as_str(), told("-r").as_str(), told("-s").as_str()),
        ("2", "8000", "4000")
    );
    assert_eq!((told("-e").as_str(), told("-b").as_str()), ("u-law", "8"));
    for (side, codes) in [("1", &a), ("2", &b)] {
        let mut expected = [0];
        Codec::Pcmu.decode(codes, &mut expected);
        let raw = ["-t", "raw", "-e", "signed", "-b", "16", "-L", "-", "remix", side];
        let raw = ask("sox", &["-D"], &file, &raw);
        assert_eq!(raw.len(), 8000);
        for sample in raw.as_chunks::<2>().0 {
            assert_eq!([i16::from_le_bytes(*sample)], expected, "side {side}");
        }
    }
}

#[test]
fn our_own_reader_reads_it() {
    let (a, b) = both_sides();
    let mut both = vec![0; 8000];
    wav::interleave(&a, &b, &mut both);
    let mut file = wav::header(4000).to_vec();
    file.extend(both);
    assert_eq!(voip::sound::decode(file).unwrap().len(), 4000);
}

#[test]
fn an_empty_recording_is_a_file_too() {
    let file = File::write("empty", &wav::header(0));
    assert_eq!(ask("soxi", &["-s"], &file, &[]), b"0\n");
}

#[test]
fn lengths_beyond_the_format_are_cut() {
    let header = wav::header(u32::MAX);
    assert_eq!(header, wav::header(wav::SAMPLES_MAX));
    assert_eq!(header[46..50], wav::SAMPLES_MAX.to_le_bytes(), "samples, of a side");
    assert_eq!(header[4..8], (wav::SAMPLES_MAX * 2 + 50).to_le_bytes());
}

#[test]
fn only_whole_pairs_are_laid_side_by_side() {
    let mut both = [0; 5];
    assert_eq!(wav::interleave(&[1, 2, 3], &[4, 5, 6], &mut both), 4);
    assert_eq!(both, [1, 4, 2, 5, 0]);
    assert_eq!(wav::interleave(&[1, 2, 3], &[4], &mut both), 2);
}
