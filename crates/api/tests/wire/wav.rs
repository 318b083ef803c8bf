//! Recordings, read by others' tools.

use std::process::Command;

use api::wire::wav::{HEADER_BYTES, header};

/// What a tool prints about a file, which it must not complain about.
fn ask(tool: &str, arguments: &[&str], file: &[u8]) -> Vec<u8> {
    let path = tempfile::Builder::new().suffix(".wav").tempfile().unwrap().into_temp_path();
    std::fs::write(&path, file).unwrap();
    let arguments = arguments.iter().map(|a| if *a == "FILE" { path.to_str().unwrap() } else { a });
    let ran = Command::new(tool).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && complaint.is_empty(), "{tool}: {complaint}");
    ran.stdout
}

#[test]
fn sox_hears_a_on_the_left_and_b_on_the_right() {
    // µ-law codes of A, and of B.
    let (a, b) = (0x92_u8, 0x31_u8);
    let mut file = header(8_000).to_vec();
    file.extend([a, b].repeat(4_000));
    let told = |what: &str| String::from_utf8(ask("soxi", &[what, "FILE"], &file)).unwrap();
    assert_eq!((told("-c").trim(), told("-r").trim(), told("-s").trim()), ("2", "8000", "4000"));
    assert_eq!((told("-e").trim(), told("-b").trim()), ("u-law", "8"));
    for (side, code) in [("1", a), ("2", b)] {
        let coded = ask("sox", &["FILE", "-t", "raw", "-e", "u-law", "-", "remix", side], &file);
        assert_eq!(coded, [code].repeat(4_000), "side {side}");
    }
}

#[test]
fn an_empty_recording_is_a_file_too() {
    assert_eq!(ask("soxi", &["-s", "FILE"], &header(0)), b"0\n");
}

#[test]
fn lengths_beyond_the_format_are_cut() {
    let longest = u64::from(u32::MAX) - HEADER_BYTES as u64;
    assert_eq!(header(u64::MAX), header(longest));
    assert_eq!(header(longest)[4..8], (u32::MAX - 8).to_le_bytes());
}
