//! The directory that everything is written below. It goes when it is dropped.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A directory that is removed when it is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A directory of this process, below `parent`.
    pub(crate) fn new(parent: &Path) -> std::io::Result<Self> {
        let path = parent.join(format!("callslip-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        // PostgreSQL runs as another user and must get through.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self(path.canonicalize()?))
    }

    /// A directory of that name in it, which goes on its own.
    pub(crate) fn sub(&self, name: &str) -> std::io::Result<Self> {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}
