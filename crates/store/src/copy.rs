//! Moving a ledger from one engine to the other: a stream of items that one gives and one takes.
//!
//! ```text
//! source ──items, in one order──> target, aside ──sums are the same──> target, in its place
//! ```
//!
//! An item is a key and a value of a [`Part`], as `docs/disk-format.md` has them; what an engine can
//! make of them itself, such as its indexes, is not in the stream. A copy that was stopped goes on:
//! the target notes with each batch how far it is. Nothing here knows where either keeps its files.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::StoreError;
use crate::record::ChangeRecord;

/// What a step of a copy gives back.
pub type Result<T> = std::result::Result<T, CopyError>;

/// Items in one batch, at most.
const BATCH_ITEMS: usize = 1_000;
/// Bytes in one batch, about.
const BATCH_BYTES: usize = 4 << 20;

/// Why a ledger was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the two could not be read or written. What was copied is kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no ledger to be copied.
    #[error("there is no ledger in {0}")]
    Missing(String),
    /// The target has something in it.
    #[error("{0} is not empty; a ledger is copied to where there is none")]
    NotEmpty(String),
    /// The target has the beginning of a copy of something else.
    #[error("{target} has the beginning of a copy from {from}, which is to be finished or removed")]
    OfAnother {
        /// The target.
        target: String,
        /// What was copied to it.
        from: String,
    },
    /// A server works on it.
    #[error("a server has {0} open, or was killed a moment ago; try again once it has stopped")]
    InUse(String),
    /// The two are not the same. The copy was thrown away.
    #[error(
        "the {part} differ: {read} were read and {written} written, or their content changed \
             meanwhile; the copy was thrown away"
    )]
    Differs {
        /// Which items.
        part: &'static str,
        /// How many the source has.
        read: u64,
        /// How many the target has.
        written: u64,
    },
}

/// Items of one kind, in the order in which they are copied: whatever an engine makes of an item, it
/// can make of it and those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// name → deck record.
    Deck,
    /// account → account record.
    Account,
    /// id → key record.
    Key,
    /// account, day → amount, as text.
    Spent,
    /// account, `Idempotency-Key` → submission record.
    Submit,
    /// account, number → call record.
    Call,
    /// account, hash of the `bulkId`, number of the first call → length of the batch record `u32`,
    /// batch record, change record.
    Batch,
    /// account, number, part → what was recorded.
    Recording,
    /// account, seq → report record.
    Report,
    /// account, seq → ended call record.
    Ended,
    /// account, end → start, of each pending range but the open one.
    Pending,
    /// take → take record.
    Take,
    /// account → start of the open range, next seq, number of the next call.
    Queue,
    /// nothing → the next take.
    Counter,
}

impl Part {
    /// Every part, in the order in which they are copied.
    pub const ALL: [Self; 14] = [
        Self::Deck,
        Self::Account,
        Self::Key,
        Self::Spent,
        Self::Submit,
        Self::Call,
        Self::Batch,
        Self::Recording,
        Self::Report,
        Self::Ended,
        Self::Pending,
        Self::Take,
        Self::Queue,
        Self::Counter,
    ];

    /// What its items are, in the plural.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deck => "decks",
            Self::Account => "accounts",
            Self::Key => "keys",
            Self::Spent => "days of spending",
            Self::Submit => "answers to submissions",
            Self::Call => "open calls",
            Self::Batch => "batches",
            Self::Recording => "recorded parts",
            Self::Report => "reports",
            Self::Ended => "ended calls",
            Self::Pending => "pending ranges",
            Self::Take => "takes",
            Self::Queue => "queues",
            Self::Counter => "counters",
        }
    }
}

/// One thing that a ledger keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What kind of thing.
    pub part: Part,
    /// Which; items of a part come in the order of their keys.
    pub key: Vec<u8>,
    /// What is kept of it.
    pub value: Vec<u8>,
}

impl Item {
    pub(crate) fn place(&self) -> Place {
        Place { part: self.part, key: self.key.clone() }
    }
}

/// How far a copy is: the last item that the target has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of which part.
    pub part: Part,
    /// Its key.
    pub key: Vec<u8>,
}

/// What a target notes of its copy, with every batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookmark {
    /// What is copied to it.
    pub from: String,
    /// How many items it has.
    pub items: u64,
    /// The last of them.
    pub place: Option<Place>,
}

impl Bookmark {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = self.items.to_be_bytes().to_vec();
        out.extend_from_slice(&(self.from.len() as u32).to_be_bytes());
        out.extend_from_slice(self.from.as_bytes());
        if let Some(place) = &self.place {
            out.push(place.part as u8);
            out.extend_from_slice(&place.key);
        }
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> crate::Result<Self> {
        let read = || {
            let (items, rest) = bytes.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (from, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            let place = match rest.split_first() {
                Some((part, key)) => {
                    Some(Place { part: *Part::ALL.get(*part as usize)?, key: key.to_vec() })
                }
                None => None,
            };
            let from = String::from_utf8(from.to_vec()).ok()?;
            Some(Self { from, items: u64::from_be_bytes(*items), place })
        };
        read().ok_or_else(|| StoreError::Corrupt("what was noted of the copy is cut".into()))
    }

    /// Notes a batch.
    pub(crate) fn pass(&mut self, items: &[Item]) {
        self.items += items.len() as u64;
        self.place = items.last().map(Item::place).or(self.place.take());
    }
}

/// A batch that is being filled.
#[derive(Default)]
pub(crate) struct Batch {
    items: Vec<Item>,
    bytes: usize,
}

impl Batch {
    pub(crate) const fn is_full(&self) -> bool {
        self.items.len() >= BATCH_ITEMS || self.bytes >= BATCH_BYTES
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.bytes += item.key.len() + item.value.len();
        self.items.push(item);
    }

    pub(crate) fn items(self) -> Vec<Item> {
        self.items
    }
}

/// The value of a batch.
pub(crate) fn join_batch(batch: &[u8], change: &[u8]) -> Vec<u8> {
    [(batch.len() as u32).to_be_bytes().as_slice(), batch, change].concat()
}

/// The batch record, and what was changed of it.
pub(crate) fn split_batch(value: &[u8]) -> crate::Result<(&[u8], ChangeRecord)> {
    let parts = value
        .split_first_chunk()
        .and_then(|(length, rest)| rest.split_at_checked(u32::from_be_bytes(*length) as usize));
    let (batch, change) = parts.ok_or_else(|| damaged("a batch"))?;
    Ok((batch, ChangeRecord::read(change)?))
}

pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} is not as it was written"))
}

/// A ledger that is read from one end to the other, and stands still meanwhile.
#[async_trait]
pub trait Source: Send {
    /// About how many items it has.
    async fn about(&mut self) -> Result<u64>;

    /// Goes to the first item after that one, or to the first of all.
    async fn seek(&mut self, after: Option<&Place>) -> Result<()>;

    /// The next items, in their order; none at the end.
    async fn next(&mut self) -> Result<Vec<Item>>;
}

/// A ledger that is written aside, and put in its place when it is whole.
#[async_trait]
pub trait Target: Send {
    /// How far it is.
    fn bookmark(&self) -> &Bookmark;

    /// Keeps the items and how far it is: durable, all of them or none.
    async fn put(&mut self, items: Vec<Item>) -> Result<()>;

    /// Reads what was written.
    async fn read(&mut self) -> Result<Box<dyn Source>>;

    /// Puts it in its place.
    async fn finish(self: Box<Self>) -> Result<()>;

    /// Throws it away.
    async fn discard(self: Box<Self>) -> Result<()>;
}

/// How many items there are of each part, and a digest of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum(BTreeMap<Part, (u64, blake3::Hash)>);

impl Sum {
    /// How many items there are of the part.
    pub fn count(&self, part: Part) -> u64 {
        self.0.get(&part).map_or(0, |(count, _)| *count)
    }

    /// A digest of everything.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (part, (count, hash)) in &self.0 {
            hasher.update(&[*part as u8]).update(&count.to_be_bytes()).update(hash.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    fn is(&self, other: &Self) -> Result<()> {
        let differs = |part: &Part| self.0.get(part) != other.0.get(part);
        match Part::ALL.into_iter().find(differs) {
            Some(part) => {
                let (read, written) = (self.count(part), other.count(part));
                Err(CopyError::Differs { part: part.name(), read, written })
            }
            None => Ok(()),
        }
    }
}

/// What a copy is at, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Items are copied.
    Copying,
    /// Both sides are read and compared.
    Comparing,
}

/// Reads all of it.
///
/// # Errors
/// It cannot be read.
pub async fn sum(source: &mut dyn Source, mut told: impl FnMut(u64)) -> Result<Sum> {
    let mut hashers: BTreeMap<Part, (u64, blake3::Hasher)> = BTreeMap::new();
    let mut done = 0;
    source.seek(None).await?;
    loop {
        let items = source.next().await?;
        if items.is_empty() {
            break;
        }
        done += items.len() as u64;
        for Item { part, key, value } in items {
            let (count, hasher) = hashers.entry(part).or_default();
            *count += 1;
            for bytes in [&key, &value] {
                hasher.update(&(bytes.len() as u64).to_be_bytes()).update(bytes);
            }
        }
        told(done);
    }
    let sums = hashers.into_iter().map(|(part, (count, hash))| (part, (count, hash.finalize())));
    Ok(Sum(sums.collect()))
}

/// Copies what the target does not have yet, compares the two, and puts the target in its place.
/// `told` is told how many items are done, of about how many.
///
/// # Errors
/// One of the two cannot be read or written: the same copy goes on from there. Or they differ in the
/// end: the copy was thrown away.
pub async fn copy(
    source: &mut dyn Source,
    mut target: Box<dyn Target>,
    mut told: impl FnMut(Stage, u64, u64),
) -> Result<Sum> {
    let all = source.about().await?;
    source.seek(target.bookmark().place.as_ref()).await?;
    loop {
        told(Stage::Copying, target.bookmark().items, all);
        let items = source.next().await?;
        if items.is_empty() {
            break;
        }
        target.put(items).await?;
    }
    let mut copied = target.read().await?;
    let (read, written) = tokio::try_join!(
        sum(source, |done| told(Stage::Comparing, done, all)),
        sum(copied.as_mut(), |_| ()),
    )?;
    drop(copied);
    match read.is(&written) {
        Ok(()) => target.finish().await?,
        Err(differs) => {
            target.discard().await?;
            return Err(differs);
        }
    }
    Ok(read)
}
