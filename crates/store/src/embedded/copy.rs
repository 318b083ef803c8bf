//! The embedded ledger as one end of a copy. Reads and writes the files in place: nothing else goes
//! on in a process that copies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use fjall::Slice;
use model::{AccountId, Clock};

use super::Embedded;
use super::files::{Files, View};
use super::group::Group;
use super::keys::{self, META_COPY, META_FLIGHT_FLOOR, META_NEXT_TAKE, Table};
use super::ranges::OPEN;
use super::start::load_queue;
use super::state::spans;
use crate::copy::{
    self, Batch, Bookmark, CopyError, Item, Part, Place, Source, Target, damaged, join_batch,
    split_batch,
};
use crate::record::{BatchRecord, ChangeRecord, SubmitRecord, TakeRecord};
use crate::{Keeping, Record, Result, StoreError};

/// After every key: accounts and takes do not get that far, and no text begins so.
const LAST: [u8; 32] = [0xff; 32];

impl Embedded {
    /// The ledger in the directory, to be copied. It is opened as a server would: what was in flight
    /// ends as `keeping` says. Open as long as the source is there.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn export(
        dir: &Path,
        keeping: Keeping,
        clock: Arc<dyn Clock>,
    ) -> copy::Result<Box<dyn Source>> {
        if !Files::are_in(dir) {
            return Err(CopyError::Missing(dir.display().to_string()));
        }
        let ledger = Self::open(dir, keeping, clock)?;
        let files = Arc::clone(&ledger.0.files);
        Ok(Box::new(Export::new(files, Some(ledger))))
    }

    /// The directory, for a copy of `from`, or the rest of one.
    ///
    /// # Errors
    /// A ledger is in it, or a copy of something else, or it cannot be written.
    pub fn import(dir: &Path, from: &str) -> copy::Result<Box<dyn Target>> {
        let Some(files) = Files::open_aside(dir)? else {
            return Err(CopyError::NotEmpty(dir.display().to_string()));
        };
        let mut bookmark = Bookmark { from: from.to_owned(), ..Bookmark::default() };
        if let Some(bytes) = files.view().get(Table::Meta, META_COPY)? {
            bookmark = Bookmark::read(&bytes)?;
        }
        if bookmark.from != from {
            let (target, from) = (dir.display().to_string(), bookmark.from);
            return Err(CopyError::OfAnother { target, from });
        }
        Ok(Box::new(Import { dir: dir.to_owned(), files: Arc::new(files), bookmark }))
    }
}

/// The items of one part that are still to come.
type Items = Box<dyn Iterator<Item = Result<Item>> + Send>;

struct Export {
    files: Arc<Files>,
    /// Held, so that the directory is.
    _ledger: Option<Embedded>,
    items: Items,
}

impl Export {
    fn new(files: Arc<Files>, ledger: Option<Embedded>) -> Self {
        Self { files, _ledger: ledger, items: Box::new(std::iter::empty()) }
    }
}

#[async_trait]
impl Source for Export {
    async fn about(&mut self) -> copy::Result<u64> {
        let about = |part| table_of(part).map_or(0, |table| self.files.about(table));
        Ok(Part::ALL.into_iter().map(about).sum())
    }

    async fn seek(&mut self, after: Option<&Place>) -> copy::Result<()> {
        let first = after.map_or(Part::Deck, |place| place.part);
        let key = after.map(|place| place.key.clone());
        let files = Arc::clone(&self.files);
        let parts = Part::ALL.into_iter().filter(move |part| *part >= first);
        self.items = Box::new(parts.flat_map(move |part| {
            let key = key.as_deref().filter(|_| part == first);
            items(&files, part, key)
        }));
        Ok(())
    }

    async fn next(&mut self) -> copy::Result<Vec<Item>> {
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some(item) = self.items.next()
        {
            batch.push(item?);
        }
        Ok(batch.items())
    }
}

/// The table that a part is, if it is one.
const fn table_of(part: Part) -> Option<Table> {
    match part {
        Part::Deck => Some(Table::Deck),
        Part::Account => Some(Table::Account),
        Part::Key => Some(Table::Key),
        Part::Spent => Some(Table::Spent),
        Part::Submit => Some(Table::Submit),
        Part::Call => Some(Table::Call),
        Part::Batch => Some(Table::Batch),
        Part::Recording => Some(Table::Recording),
        Part::Report => Some(Table::Report),
        Part::Ended => Some(Table::Cdr),
        Part::Pending => Some(Table::Pending),
        Part::Take => Some(Table::Take),
        Part::Queue | Part::Counter => None,
    }
}

/// The items of the part after that key.
fn items(files: &Arc<Files>, part: Part, after: Option<&[u8]>) -> Items {
    let view = files.view();
    let first = after.map_or_else(Vec::new, |key| [key, &[0]].concat());
    let Some(table) = table_of(part) else {
        let derived = match part {
            Part::Queue => queues(&view),
            _ => counter(&view),
        };
        return match derived {
            Ok(items) => Box::new(items.into_iter().filter(move |item| item.key >= first).map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
    };
    let files = Arc::clone(files);
    let entries = view.range(table, &first, &LAST);
    let entries = entries.filter(move |entry| {
        // The open range is told with the queue.
        let is_open = |key: &Slice| part == Part::Pending && keys::last_number(key) == OPEN;
        !entry.as_ref().is_ok_and(|(key, _)| is_open(key))
    });
    Box::new(entries.map(move |entry| {
        let (key, bytes) = entry?;
        let value = match part {
            Part::Batch => with_change(&files, &key, &bytes)?,
            _ => bytes.to_vec(),
        };
        Ok(Item { part, key: key.to_vec(), value })
    }))
}

/// The batch, with what was changed of it.
fn with_change(files: &Files, key: &[u8], batch: &[u8]) -> Result<Vec<u8>> {
    let change = keys::pair(account_of(key), keys::last_number(key));
    let change = files.view().get(Table::Change, &change)?;
    let change = change.map(|bytes| ChangeRecord::read(&bytes)).transpose()?.unwrap_or_default();
    let change = ChangeRecord { calls: BatchRecord::read(batch)?.calls, ..change };
    Ok(join_batch(batch, &change.write()))
}

fn queues(view: &View<'_>) -> Result<Vec<Item>> {
    let entries = view.prefix(Table::Account, &[]);
    let queue = |entry: Result<(Slice, Slice)>| {
        let key = entry?.0;
        let account = account_of(&key);
        let queue = load_queue(view, account, String::new())?;
        let head = queue.pending.open_start().unwrap_or(0);
        let next_call = view.get(Table::Meta, &keys::next_call(account))?;
        let next_call = next_call.map_or(0, |bytes| keys::last_number(&bytes));
        let value = [head, queue.next_seq, next_call].map(u64::to_be_bytes).concat();
        Ok(Item { part: Part::Queue, key: key.to_vec(), value })
    };
    entries.map(queue).collect()
}

fn counter(view: &View<'_>) -> Result<Vec<Item>> {
    let number = |key: &[u8]| -> Result<u64> {
        Ok(view.get(Table::Meta, key)?.map_or(0, |bytes| keys::last_number(&bytes)))
    };
    let last = view.prefix(Table::Take, &[]).next_back().transpose()?;
    let after_last = last.map_or(0, |(key, _)| keys::last_number(&key) + 1);
    let next = after_last.max(number(META_FLIGHT_FLOOR)?).max(number(META_NEXT_TAKE)?);
    let value = next.to_be_bytes().to_vec();
    Ok(vec![Item { part: Part::Counter, key: Vec::new(), value }])
}

fn account_of(key: &[u8]) -> AccountId {
    AccountId(key.first_chunk().copied().map_or(0, u32::from_be_bytes))
}

struct Import {
    dir: PathBuf,
    files: Arc<Files>,
    bookmark: Bookmark,
}

#[async_trait]
impl Target for Import {
    fn bookmark(&self) -> &Bookmark {
        &self.bookmark
    }

    async fn put(&mut self, items: Vec<Item>) -> copy::Result<()> {
        let mut bookmark = self.bookmark.clone();
        bookmark.pass(&items);
        let mut group = Group::new(&self.files);
        group.put(Table::Meta, META_COPY, bookmark.write());
        let mut run = None;
        for item in items {
            put(&mut group, item, &mut run)?;
        }
        if let Some(run) = run {
            run.put(&mut group);
        }
        group.commit()?;
        self.bookmark = bookmark;
        Ok(())
    }

    async fn read(&mut self) -> copy::Result<Box<dyn Source>> {
        Ok(Box::new(Export::new(Arc::clone(&self.files), None)))
    }

    async fn finish(self: Box<Self>) -> copy::Result<()> {
        Ok(files_alone(self.files)?.put_in_place(&self.dir)?)
    }

    async fn discard(self: Box<Self>) -> copy::Result<()> {
        Ok(files_alone(self.files)?.remove_aside(&self.dir)?)
    }
}

fn files_alone(files: Arc<Files>) -> Result<Files> {
    Arc::into_inner(files).ok_or_else(|| StoreError::Corrupt("the copy is still read".into()))
}

/// Reports of one bulk that follow each other.
struct Run {
    account: AccountId,
    bulk: String,
    first: u64,
    count: u64,
}

impl Run {
    fn put(self, group: &mut Group<'_>) {
        let key = keys::triple(self.account, keys::hash(&self.bulk), self.first);
        group.put(Table::Bulk, key, self.count.to_be_bytes());
    }
}

/// Writes the item, and what points to it.
fn put(group: &mut Group<'_>, item: Item, run: &mut Option<Run>) -> Result<()> {
    let Item { part, key, value } = item;
    let account = account_of(&key);
    match part {
        Part::Submit => {
            let text = key.get(4..).and_then(|text| std::str::from_utf8(text).ok());
            let text = text.ok_or_else(|| damaged("the key of a submission"))?;
            let at = SubmitRecord::head(&value)?.0;
            group.put(Table::Answered, keys::answered(at, account, text), []);
        }
        Part::Batch => {
            let (batch, change) = split_batch(&value)?;
            let plain = ChangeRecord { calls: change.calls, ..ChangeRecord::default() };
            if change != plain {
                let key = keys::pair(account, keys::last_number(&key));
                group.put(Table::Change, key, change.write());
            }
            group.put(Table::Batch, key, batch);
            return Ok(());
        }
        Part::Report => {
            let seq = keys::last_number(&key);
            let record = Record::from_slice(value.into());
            let (bulk, message) = record.ids()?;
            point_to(group, (account, seq), message)?;
            lengthen(group, run, (account, seq), bulk);
            group.put(Table::Report, key, record.into_slice());
            return Ok(());
        }
        Part::Take => {
            let record = TakeRecord::read(&value)?;
            for (start, end) in record.ranges.iter().flat_map(spans) {
                let taken = keys::triple(record.account, end, keys::last_number(&key));
                group.put(Table::Taken, taken, start.to_be_bytes());
            }
        }
        Part::Queue => {
            let [head, _, next_call] = numbers(&value).ok_or_else(|| damaged("a queue"))?;
            group.put(Table::Pending, keys::pair(account, OPEN), head.to_be_bytes());
            if next_call > 0 {
                group.put(Table::Meta, keys::next_call(account), next_call.to_be_bytes());
            }
            return Ok(());
        }
        Part::Counter => {
            // Where the first take is that may be in flight, the start finds out.
            let first = group.first(Table::Take, &keys::take(0), &keys::take(u64::MAX))?;
            let floor = first.map_or(keys::last_number(&value), |(key, _)| keys::last_number(&key));
            group.put(Table::Meta, META_FLIGHT_FLOOR, floor.to_be_bytes());
            group.put(Table::Meta, META_NEXT_TAKE, value);
            return Ok(());
        }
        _ => {}
    }
    if let Some(table) = table_of(part) {
        group.put(table, key, value);
    }
    Ok(())
}

/// The report is found by its `messageId`.
fn point_to(group: &mut Group<'_>, (account, seq): (AccountId, u64), message: &str) -> Result<()> {
    let key = keys::pair(account, keys::hash(message));
    let mut seqs = group.get(Table::Message, key)?.map_or_else(Vec::new, |seqs| seqs.to_vec());
    seqs.extend_from_slice(&seq.to_be_bytes());
    group.put(Table::Message, key, seqs);
    Ok(())
}

/// The report is in a run of its bulk.
fn lengthen(
    group: &mut Group<'_>,
    run: &mut Option<Run>,
    (account, seq): (AccountId, u64),
    bulk: &str,
) {
    match run {
        Some(run) if (run.account, run.first + run.count) == (account, seq) && run.bulk == bulk => {
            run.count += 1;
        }
        _ => {
            let next = Run { account, bulk: bulk.to_owned(), first: seq, count: 1 };
            if let Some(ended) = run.replace(next) {
                ended.put(group);
            }
        }
    }
}

/// So many numbers and nothing else.
fn numbers<const N: usize>(value: &[u8]) -> Option<[u64; N]> {
    let all: Vec<u64> = keys::numbers(value).collect();
    all.try_into().ok()
}
