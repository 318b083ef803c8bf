//! The files of the embedded ledger: opened once, by one process, with bounded memory.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use fjall::{Slice, Snapshot};

use super::keys::{self, FORMAT, META_FORMAT, Table};
use crate::{Record, Result, StoreError};
use model::AccountId;

/// Blocks that were read lately.
const CACHE_BYTES: u64 = 64 << 20;
/// A table of reports or calls is written out when it holds that much in memory.
const REPORT_MEMTABLE_BYTES: u64 = 24 << 20;
/// The same for every other table.
const OTHER_MEMTABLE_BYTES: u64 = 8 << 20;
/// Journals are replayed at the start, so this bounds how long that takes.
const JOURNALS_BYTES: u64 = 128 << 20;
/// One flushes while the other compacts.
const WORKERS: usize = 2;

/// Held while the ledger is open; its content means nothing.
const LOCK: &str = "lock";
/// The engine's directory inside the ledger's.
const ENGINE: &str = "ledger";
/// The same while it is being made: a crash then leaves this one, which is thrown away.
const ENGINE_NEW: &str = "ledger.new";
/// The same while a ledger is copied into it.
const ENGINE_COPY: &str = "ledger.copy";

/// The open files. Dropping the last clone of the handle inside closes them.
pub(super) struct Files {
    db: Database,
    tables: Vec<Keyspace>,
    // Declared last: released once everything above is closed.
    _lock: File,
}

impl Files {
    /// Opens the directory, and makes it first if there is none.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let cannot = |reason: &dyn std::fmt::Display| StoreError::Open {
            path: dir.to_owned(),
            reason: reason.to_string(),
        };
        fs::create_dir_all(dir).map_err(|error| cannot(&error))?;
        let lock = lock(dir)?;
        if dir.join(ENGINE_COPY).try_exists().map_err(|error| cannot(&error))? {
            let unfinished = "a copy into it is not finished; the same command goes on with it";
            return Err(cannot(&unfinished));
        }
        Self::open_at(dir, ENGINE, lock)
    }

    /// Whether there is a ledger in the directory.
    pub(super) fn are_in(dir: &Path) -> bool {
        dir.join(ENGINE).exists()
    }

    /// Opens what is copied into the directory, and makes it first if there is none. None if there
    /// is a ledger that is not empty.
    pub(super) fn open_aside(dir: &Path) -> Result<Option<Self>> {
        let cannot = |reason: &dyn std::fmt::Display| StoreError::Open {
            path: dir.to_owned(),
            reason: reason.to_string(),
        };
        fs::create_dir_all(dir).map_err(|error| cannot(&error))?;
        let mut lock = lock(dir)?;
        if Self::are_in(dir) {
            let there = Self::open_at(dir, ENGINE, lock)?;
            let is_used = |table| there.view().prefix(table, &[]).next().is_some();
            if is_used(Table::Account) || is_used(Table::Deck) {
                return Ok(None);
            }
            lock = there.close();
        }
        Self::open_at(dir, ENGINE_COPY, lock).map(Some)
    }

    /// Closes what was copied and makes it the ledger of the directory.
    pub(super) fn put_in_place(self, dir: &Path) -> Result<()> {
        let lock = self.close();
        let engine = dir.join(ENGINE);
        let moved = match Self::are_in(dir) {
            true => fs::remove_dir_all(&engine),
            false => Ok(()),
        };
        let moved = moved
            .and_then(|()| fs::rename(dir.join(ENGINE_COPY), &engine))
            .and_then(|()| File::open(dir)?.sync_all());
        drop(lock);
        moved.map_err(|error| StoreError::Open { path: engine, reason: error.to_string() })
    }

    /// Closes what was copied and removes it.
    pub(super) fn remove_aside(self, dir: &Path) -> Result<()> {
        let lock = self.close();
        let path = dir.join(ENGINE_COPY);
        let removed = fs::remove_dir_all(&path);
        drop(lock);
        removed.map_err(|error| StoreError::Open { path, reason: error.to_string() })
    }

    /// Closes everything but the lock.
    fn close(self) -> File {
        let Self { db, tables, _lock } = self;
        drop(tables);
        drop(db);
        _lock
    }

    fn open_at(dir: &Path, engine: &str, lock: File) -> Result<Self> {
        let cannot = |reason: &dyn std::fmt::Display| StoreError::Open {
            path: dir.to_owned(),
            reason: reason.to_string(),
        };
        let engine = dir.join(engine);
        if !engine.try_exists().map_err(|error| cannot(&error))? {
            create(dir, &engine).map_err(|error| cannot(&error))?;
        }
        journals_are_whole(&engine).map_err(|reason| cannot(&reason))?;
        let db = open_engine(&engine).map_err(|error| match error {
            fjall::Error::Locked => StoreError::InUse(dir.to_owned()),
            other => cannot(&other),
        })?;
        // Before the tables: in a directory of a newer release not even those are made.
        let found = format_of(&db)?;
        if found > FORMAT {
            return Err(StoreError::Newer { path: dir.to_owned(), found, known: FORMAT });
        }
        let tables = open_tables(&db).map_err(|error| cannot(&error))?;
        if found < FORMAT {
            // What newer formats have more are tables, and they have just been made.
            mark_format(&db, &tables).map_err(|error| cannot(&error))?;
        }
        Ok(Self { db, tables, _lock: lock })
    }

    pub(super) const fn db(&self) -> &Database {
        &self.db
    }

    pub(super) fn table(&self, table: Table) -> &Keyspace {
        &self.tables[table as usize]
    }

    /// A view of everything committed so far.
    pub(super) fn view(&self) -> View<'_> {
        View { files: self, snapshot: self.db.snapshot() }
    }

    /// About how many entries the table has; those that were rewritten count again.
    pub(super) fn about(&self, table: Table) -> u64 {
        self.table(table).approximate_len() as u64
    }

    /// Bytes on disk.
    pub(super) fn disk_bytes(&self) -> Result<u64> {
        self.db.disk_space().map_err(unreadable)
    }
}

/// Everything committed up to one moment, whatever is written meanwhile.
pub(super) struct View<'a> {
    files: &'a Files,
    snapshot: Snapshot,
}

impl View<'_> {
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Slice>> {
        self.snapshot.get(self.files.table(table), key).map_err(unreadable)
    }

    /// The entries with keys from `first` to `last`, both included.
    pub(super) fn range(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<(Slice, Slice)>> + use<> {
        self.snapshot
            .range(self.files.table(table), first..=last)
            .map(|entry| entry.into_inner().map_err(unreadable))
    }

    /// The entries whose keys begin with `prefix`.
    pub(super) fn prefix(
        &self,
        table: Table,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<(Slice, Slice)>> + use<> {
        self.snapshot
            .prefix(self.files.table(table), prefix)
            .map(|entry| entry.into_inner().map_err(unreadable))
    }

    pub(super) fn record(&self, account: AccountId, seq: u64) -> Result<Option<Record>> {
        let bytes = self.get(Table::Report, &keys::pair(account, seq))?;
        Ok(bytes.map(Record::from_slice))
    }
}

pub(super) fn unreadable(error: fjall::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn lock(dir: &Path) -> Result<File> {
    let cannot = |error: std::io::Error| StoreError::Open {
        path: dir.to_owned(),
        reason: error.to_string(),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

/// Makes the engine's directory aside and moves it into place whole, so that a crash in the middle
/// leaves nothing that cannot be opened.
fn create(dir: &Path, engine: &Path) -> fjall::Result<()> {
    let aside = dir.join(ENGINE_NEW);
    if aside.try_exists()? {
        fs::remove_dir_all(&aside)?;
    }
    let db = open_engine(&aside)?;
    let tables = open_tables(&db)?;
    mark_format(&db, &tables)?;
    drop(tables);
    drop(db);
    fs::rename(&aside, engine)?;
    File::open(dir)?.sync_all()?;
    Ok(())
}

fn mark_format(db: &Database, tables: &[Keyspace]) -> fjall::Result<()> {
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&tables[Table::Meta as usize], META_FORMAT, FORMAT.to_be_bytes());
    batch.commit()
}

fn format_of(db: &Database) -> Result<u32> {
    let unmarked = || StoreError::Corrupt("its format is not noted in it".into());
    if !db.keyspace_exists(Table::Meta.name()) {
        return Err(unmarked());
    }
    let meta = db.keyspace(Table::Meta.name(), || options(Table::Meta)).map_err(unreadable)?;
    let bytes = meta.get(META_FORMAT).map_err(unreadable)?;
    bytes
        .and_then(|bytes| bytes.first_chunk().copied())
        .map(u32::from_be_bytes)
        .ok_or_else(unmarked)
}

fn open_engine(path: &Path) -> fjall::Result<Database> {
    Database::builder(path)
        .cache_size(CACHE_BYTES)
        .max_journaling_size(JOURNALS_BYTES)
        .journal_compression(CompressionType::None)
        .manual_journal_persist(true)
        .worker_threads(WORKERS)
        .open()
}

fn open_tables(db: &Database) -> fjall::Result<Vec<Keyspace>> {
    Table::ALL.into_iter().map(|table| db.keyspace(table.name(), || options(table))).collect()
}

fn options(table: Table) -> KeyspaceCreateOptions {
    let bytes = match table {
        Table::Report | Table::Call | Table::Cdr | Table::Recording => REPORT_MEMTABLE_BYTES,
        Table::Message
        | Table::Bulk
        | Table::Pending
        | Table::Take
        | Table::Taken
        | Table::Account
        | Table::Key
        | Table::Meta
        | Table::Batch
        | Table::Change
        | Table::Submit
        | Table::Answered
        | Table::Spent
        | Table::Deck => OTHER_MEMTABLE_BYTES,
    };
    KeyspaceCreateOptions::default().max_memtable_size(bytes)
}

/// Refuses a directory with a journal missing. The engine would make an empty one and begin to
/// count its commits anew, below what is there: it would show old data and lose new.
fn journals_are_whole(engine: &Path) -> std::result::Result<(), String> {
    let mut numbers: Vec<u64> = fs::read_dir(engine)
        .map_err(|error| error.to_string())?
        .filter_map(|entry| Some(PathBuf::from(entry.ok()?.file_name())))
        .filter(|name| name.extension().is_some_and(|extension| extension == "jnl"))
        .filter_map(|name| name.file_stem()?.to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    if numbers.is_empty() {
        return Err("its journal is missing; restore the directory from a backup".into());
    }
    if numbers.windows(2).any(|two| two[0] + 1 != two[1]) {
        return Err("one of its journals is missing; restore the directory from a backup".into());
    }
    Ok(())
}
