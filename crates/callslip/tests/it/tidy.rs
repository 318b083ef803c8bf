//! The house rules that a compiler does not keep: which crate may know which, one noun per file,
//! no dead file, and no document that names what is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const LINES_MAX: usize = 600;
const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs"];

/// Who may import whom, of ours. What is not here is forbidden.
const EDGES: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("voip", &["model"]),
    ("store", &["model"]),
    ("engine", &["model", "store", "voip"]),
    ("api", &["model", "store"]),
    ("callslip", &["api", "engine", "model", "store"]),
    ("testkit", &["model", "store"]),
    ("simulation", &["api", "engine", "model", "store", "testkit"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files that git tracks or would track, below a path, with that ending.
fn files(below: &str, ending: &str) -> Vec<String> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "--", below];
    let listed = Command::new("git").args(list).current_dir(root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let there = |file: &&str| file.ends_with(ending) && root().join(file).exists();
    listed.lines().filter(there).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let may = allowed.get(name).unwrap_or_else(|| panic!("{name} has no row in EDGES"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let is_dev = dependency["kind"] == "dev";
            let is_ours = allowed.contains_key(other);
            let is_fine = !is_ours || is_dev || may.contains(&other);
            assert!(is_fine, "{name} may not depend on {other}");
            let is_for_tests = is_dev || other != "testkit" || name == "simulation";
            assert!(is_for_tests, "{name} depends on testkit outside tests");
        }
    }
}

#[test]
fn no_file_is_long_and_every_module_says_what_it_is() {
    for file in files("crates", ".rs") {
        let text = read(&file);
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{file} has {lines} lines; is it still one noun?");
        assert!(text.starts_with("//!"), "{file} does not say what it is");
    }
}

#[test]
fn every_file_is_part_of_its_crate() {
    let mut reached = BTreeSet::new();
    let mut roots: Vec<String> = files("crates", ".rs");
    roots.retain(|file| {
        let tail = file.splitn(3, '/').nth(2).unwrap();
        let parts: Vec<&str> = tail.split('/').collect();
        matches!(
            parts[..],
            ["src", "lib.rs" | "main.rs"]
                | ["tests" | "benches", _]
                | ["tests", _, "main.rs"]
                // What several tests of a crate share.
                | ["tests", "both", "mod.rs"]
        )
    });
    for file in roots {
        reach(&file, &mut reached);
    }
    for file in files("crates", ".rs") {
        assert!(reached.contains(&file), "{file} is in no module tree");
    }
}

/// Follows the `mod` lines of a file.
fn reach(file: &str, reached: &mut BTreeSet<String>) {
    if !root().join(file).exists() || !reached.insert(file.to_owned()) {
        return;
    }
    let (dir, name) = file.rsplit_once('/').unwrap();
    let inside = match name {
        "lib.rs" | "main.rs" | "mod.rs" => dir.to_owned(),
        name => format!("{dir}/{}", name.trim_end_matches(".rs")),
    };
    for line in read(file).lines() {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let line = line.trim_start_matches("pub ");
        if let Some(module) = line.strip_prefix("mod ").and_then(|l| l.strip_suffix(';')) {
            reach(&format!("{inside}/{module}.rs"), reached);
            reach(&format!("{inside}/{module}/mod.rs"), reached);
        }
    }
}

#[test]
fn the_documents_name_only_what_is_there() {
    for file in DOCUMENTS.iter().flat_map(|document| files(document, ".md")) {
        let text = read(&file);
        // Every second piece between back-ticks is code; fenced blocks are examples.
        let prose: String = text.split("```").step_by(2).collect();
        for code in prose.split('`').skip(1).step_by(2) {
            let is_path = ["crates/", "docs/", "scripts/", "tests/", "bench/", "fuzz/"]
                .iter()
                .any(|start| code.starts_with(start));
            if is_path && !code.contains(['*', '<', ' ']) {
                assert!(root().join(code).exists(), "{file} names `{code}`, which is not there");
            }
        }
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                let from = root().join(&file);
                let target = from.parent().unwrap().join(target);
                assert!(target.exists(), "{file} links to {link}, which is not there");
            }
        }
    }
}

#[test]
fn the_sip_library_and_sockets_are_known_in_few_places() {
    let places: [(&[&str], &[&str]); 2] = [
        (&["rsipstack::"], &["crates/engine/src/sip/wire"]),
        (
            &["UdpSocket::bind", "TcpListener::bind", "TcpSocket::new", "TcpStream::connect"],
            &["crates/engine/src/sockets.rs", "crates/callslip/src/server.rs"],
        ),
    ];
    for file in files("crates", ".rs") {
        if !file.contains("/src/") || file.starts_with("crates/testkit") {
            continue;
        }
        for (words, known) in places {
            let is_known = known.iter().any(|place| file.starts_with(place));
            for word in words {
                assert!(is_known || !read(&file).contains(word), "{file} has {word}");
            }
        }
    }
}

#[test]
fn no_work_is_left_for_later() {
    let words = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "#[ignore", "dbg!("];
    for file in files("crates", ".rs") {
        if file.ends_with("tests/it/tidy.rs") {
            continue;
        }
        for word in words {
            assert!(!read(&file).contains(word), "{file} says {word}");
        }
    }
}

#[test]
fn the_machines_clock_is_read_in_one_place() {
    for file in files("crates", ".rs") {
        let is_source = file.contains("/src/") && !file.ends_with("tests.rs");
        if is_source && !file.ends_with("callslip/src/clock.rs") {
            for call in ["SystemTime::now", "Timestamp::now()", "Zoned::now"] {
                assert!(!read(&file).contains(call), "{file} calls {call}; time comes from Clock");
            }
        }
    }
}
