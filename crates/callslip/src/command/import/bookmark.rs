//! How far the import of a file got: `FILE.callslip-import`, gone once it is whole.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Tally;
use super::source::Batch;

/// The bookmark of one file.
pub(super) struct Bookmark {
    path: PathBuf,
    file: PathBuf,
    account: String,
}

/// A place in the file, and what came of the reports before it.
#[derive(Serialize, Deserialize)]
pub(super) struct Place {
    account: String,
    /// Bytes before it.
    pub(super) offset: u64,
    /// Reports before it.
    pub(super) items: usize,
    /// The line before it: in a file that was replaced, another one stands there.
    last: String,
    /// What came of the reports before it.
    pub(super) tally: Tally,
}

impl Bookmark {
    pub(super) fn of(file: &Path, account: &str) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push(".callslip-import");
        Self { path: path.into(), file: file.to_owned(), account: account.to_owned() }
    }

    /// The place that an earlier import got to, if it was of this file into this account.
    pub(super) fn place(&self) -> anyhow::Result<Option<Place>> {
        let Ok(text) = std::fs::read(&self.path) else { return Ok(None) };
        // A bookmark that cannot be used costs only time: what is there already is a duplicate.
        let Ok(place) = serde_json::from_slice::<Place>(&text) else { return Ok(None) };
        let fits = place.account == self.account
            && self
                .line_before(&place)
                .with_context(|| format!("cannot read {}", self.file.display()))?;
        Ok(fits.then_some(place))
    }

    fn line_before(&self, place: &Place) -> io::Result<bool> {
        let Some(start) = place.offset.checked_sub(place.last.len() as u64) else {
            return Ok(false);
        };
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(start))?;
        let mut line = Vec::new();
        file.take(place.last.len() as u64).read_to_end(&mut line)?;
        Ok(line == place.last.as_bytes())
    }

    /// Notes that everything up to the end of the batch was fed.
    pub(super) fn put(&mut self, batch: &Batch, tally: Tally) -> anyhow::Result<()> {
        let place = Place {
            account: self.account.clone(),
            offset: batch.end,
            items: batch.items,
            last: batch.last.clone(),
            tally,
        };
        let mut fresh = self.path.clone().into_os_string();
        fresh.push(".new");
        std::fs::write(&fresh, serde_json::to_vec(&place)?)
            .and_then(|()| std::fs::rename(&fresh, &self.path))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// The whole file was fed.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
