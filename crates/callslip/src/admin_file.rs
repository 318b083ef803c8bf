//! `admin.json`: how the commands on this machine reach the server that has the directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AdminFile {
    /// The admin API.
    pub(crate) url: String,
    /// The public API.
    pub(crate) public_url: String,
    /// Opens the admin API until the server stops.
    pub(crate) token: String,
}

impl AdminFile {
    /// What the file of that ledger says, if there is one.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let text = std::fs::read(path(dir)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes the file, readable by its owner only. It is removed when the guard is dropped.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<Written> {
        let fresh = dir.join("admin.json.new");
        // A file left by a killed server may have been opened up by someone since.
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file: File =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&fresh, path(dir))?;
        Ok(Written(path(dir)))
    }
}

/// The file while its server runs.
pub(crate) struct Written(PathBuf);

impl Drop for Written {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "The admin file could not be removed.");
        }
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("admin.json")
}
