//! The file that reports are appended to, and `FILE.key`, which says what is under way.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// A batch under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Its `Idempotency-Key`.
    pub(super) key: String,
    /// The query that goes with the key: another one would be refused.
    pub(super) query: String,
    /// The file's length before the batch.
    offset: u64,
}

impl Pending {
    /// A batch that goes nowhere near a file.
    pub(super) fn new(key: String, query: String) -> Self {
        Self { key, query, offset: 0 }
    }
}

/// The file, locked against a second taker, and its key file.
pub(super) struct OutFile {
    file: File,
    path: PathBuf,
    key_path: PathBuf,
    /// Whether the key file is the one that an earlier process left.
    inherited: bool,
}

impl OutFile {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot open {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("{} is being written by another", path.display())
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        sync_dir(path)?;
        let mut key_path = path.as_os_str().to_owned();
        key_path.push(".key");
        Ok(Self { file, path: path.to_owned(), key_path: key_path.into(), inherited: true })
    }

    /// The batch that an earlier process left under way, if it did.
    pub(super) fn pending(&self) -> anyhow::Result<Option<Pending>> {
        if !self.inherited {
            return Ok(None);
        }
        let wrong = || format!("{} cannot be read; delete it to go on", self.key_path.display());
        match std::fs::read(&self.key_path) {
            Ok(text) => serde_json::from_slice(&text).with_context(wrong).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(wrong),
        }
    }

    /// Begins a batch: its key is on disk before anything is asked for.
    pub(super) fn begin(&mut self, key: String, query: String) -> anyhow::Result<Pending> {
        let offset = self.file.seek(SeekFrom::End(0))?;
        let pending = Pending { key, query, offset };
        let mut fresh = self.key_path.clone().into_os_string();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        let written = File::create(&fresh).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(&pending)?)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.key_path)?;
            sync_dir(&self.key_path)
        });
        written.with_context(|| format!("cannot write {}", self.key_path.display()))?;
        self.inherited = false;
        Ok(pending)
    }

    /// Appends a batch, durably.
    pub(super) fn append(&mut self, batch: &[String]) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut text = batch.join("\n");
        text.push('\n');
        self.file
            .seek(SeekFrom::End(0))
            .and_then(|_| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.sync_data())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Brings the batch of an earlier process to its end: appends what of it is not there yet, and
    /// gives the number of reports that was.
    pub(super) fn finish(&mut self, pending: &Pending, batch: &[String]) -> anyhow::Result<usize> {
        let mut tail = Vec::new();
        self.file.seek(SeekFrom::Start(pending.offset))?;
        self.file.read_to_end(&mut tail)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < tail.len() {
            // A line without its end was being written when the process died.
            self.file.set_len(pending.offset + whole as u64)?;
        }
        let text = std::str::from_utf8(&tail[..whole])
            .with_context(|| format!("{} is not text", self.path.display()))?;
        let kept: Vec<&str> = text.lines().collect();
        let missing = missing(&kept, batch);
        if missing.len() == batch.len() && !kept.is_empty() {
            eprintln!(
                "callslip: the server no longer knows the batch under way; {} of its reports are \
                 in {}. If there were more, GET /tts/3/logs still lists them.",
                kept.len(),
                self.path.display()
            );
        }
        self.append(missing)?;
        self.inherited = false;
        Ok(missing.len())
    }

    /// Forgets the last batch: it was empty.
    pub(super) fn close(&mut self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.key_path)
            .with_context(|| format!("cannot remove {}", self.key_path.display()))
    }
}

/// What of the batch is not among the lines. The server gives a batch in the same order each time,
/// so the lines are its beginning, or of another batch altogether.
fn missing<'a>(kept: &[&str], batch: &'a [String]) -> &'a [String] {
    let same = kept.len() <= batch.len()
        && kept.iter().zip(batch).all(|(kept, line)| message_id(kept) == message_id(line));
    if same { &batch[kept.len()..] } else { batch }
}

fn message_id(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        message_id: String,
    }
    serde_json::from_str::<Named>(line).ok().map(|named| named.message_id)
}

/// Makes the file's name as durable as its content.
fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str) -> String {
        format!(r#"{{"messageId":"{id}","duration":10}}"#)
    }

    /// A file that an earlier process left like this, with the batch `a b c` begun after `old`.
    #[track_caller]
    fn check(left: &str, batch: &[&str], expect: &str) {
        let name = format!("callslip-outfile-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        let mut out = OutFile::open(&path).unwrap();
        out.append(&[line("old")]).unwrap();
        out.begin("key".into(), "limit=3".into()).unwrap();
        out.file.write_all(left.as_bytes()).unwrap();
        drop(out);

        let mut out = OutFile::open(&path).unwrap();
        let pending = out.pending().unwrap().unwrap();
        assert_eq!((pending.key.as_str(), pending.query.as_str()), ("key", "limit=3"));
        let batch: Vec<String> = batch.iter().map(|id| line(id)).collect();
        out.finish(&pending, &batch).unwrap();
        assert!(out.pending().unwrap().is_none());
        let got = std::fs::read_to_string(&path).unwrap();
        let ids: Vec<String> = got.lines().map(|line| message_id(line).unwrap()).collect();
        assert_eq!(ids.join(" "), expect);
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(&out.key_path).unwrap();
    }

    #[test]
    fn a_batch_is_finished_wherever_the_process_died() {
        let (a, b, c) = (line("a"), line("b"), line("c"));
        check("", &["a", "b", "c"], "old a b c");
        check(&a[..9], &["a", "b", "c"], "old a b c");
        check(&format!("{a}\n"), &["a", "b", "c"], "old a b c");
        check(&format!("{a}\n{b}\n{}", &c[..c.len() - 1]), &["a", "b", "c"], "old a b c");
        check(&format!("{a}\n{b}\n{c}"), &["a", "b", "c"], "old a b c");
        check(&format!("{a}\n{b}\n{c}\n"), &["a", "b", "c"], "old a b c");
    }

    #[test]
    fn a_batch_that_the_server_has_forgotten_is_kept_and_another_follows() {
        let (a, b) = (line("a"), line("b"));
        check(&format!("{a}\n{b}\n"), &["d", "e", "f"], "old a b d e f");
        check(&format!("{a}\n{b}\n"), &["d"], "old a b d");
        check(&format!("{a}\n{b}\n"), &[], "old a b");
    }

    #[test]
    fn a_second_taker_is_refused() {
        let name = format!("callslip-outfile-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        let first = OutFile::open(&path).unwrap();
        let text = OutFile::open(&path).err().unwrap().to_string();
        assert!(text.contains("being written by another"), "{text}");
        drop(first);
        assert!(OutFile::open(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
    }
}
