//! A program that stands in for the synthesizer, where it should misbehave or be watched.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine::prompt::PromptSettings;
use tempfile::TempDir;

/// A shell script that lists the real voices and does something of its own with a text.
pub(super) struct StandIn {
    directory: TempDir,
}

impl StandIn {
    /// One that runs those lines in its own directory, `$here`.
    pub(super) fn new(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().display();
        let script = format!(
            "#!/bin/sh\nhere={here}\n[ \"$1\" = --voices ] && exec espeak-ng --voices\n{lines}\n"
        );
        let path = directory.path().join("speak");
        // Written by another process: a child that some test forks meanwhile would hold the file
        // open for writing, and it could not be run.
        let mut writer = Command::new("sh");
        writer.args(["-c", "cat >\"$0\" && chmod +x \"$0\""]).arg(&path).stdin(Stdio::piped());
        let mut writer = writer.spawn().unwrap();
        writer.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        Self { directory }
    }

    /// One that says what the real one says, and notes each run.
    pub(super) fn counting() -> Self {
        Self::new("echo run >>$here/runs\nexec espeak-ng \"$@\"")
    }

    /// How many texts it has spoken.
    pub(super) fn runs(&self) -> usize {
        self.read("runs").lines().count()
    }

    /// What it has written to a file; nothing if there is none.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A file in its directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let directory: &Path = self.directory.path();
        directory.join(name)
    }

    /// Settings with it in place of the real one.
    pub(super) fn settings(&self) -> PromptSettings {
        PromptSettings { speech_program: self.path("speak"), ..PromptSettings::default() }
    }
}
