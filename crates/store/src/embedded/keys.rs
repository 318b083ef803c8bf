//! The keys of the embedded ledger: short, big-endian, so that their order is the order of time.

use model::{AccountId, Timestamp};

pub(super) use crate::hash::hash;

/// The format that this release writes. `docs/disk-format.md` tells them apart.
pub(super) const FORMAT: u32 = 3;
/// Where `meta` keeps the format, as a `u32`.
pub(super) const META_FORMAT: &[u8] = b"format";
/// Where `meta` keeps the oldest take that may not be final, as a `u64`.
pub(super) const META_FLIGHT_FLOOR: &[u8] = b"flight_floor";
/// Where `meta` keeps the least number of the next take in a ledger that was copied, as a `u64`.
pub(super) const META_NEXT_TAKE: &[u8] = b"next_take";
/// Where `meta` keeps how far the copy into this ledger is, or was.
pub(super) const META_COPY: &[u8] = b"copy";
/// Where `meta` keeps how often the ledger was opened, as a `u64`.
pub(super) const META_STARTS: &[u8] = b"starts";
/// Where `meta` keeps the number of an account's next call, as a `u64`; the account follows.
const META_NEXT_CALL: &[u8] = b"next_call";

/// The most reports in one entry of `taken`: how far an audit has to look.
pub(super) const TAKEN_SPAN_MAX: u64 = 4_096;

/// A part of the ledger, with keys and values of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    /// account, seq → report record.
    Report,
    /// account, hash of the `messageId` → the seqs of the reports, almost always one.
    Message,
    /// account, hash of the `bulkId`, first seq → how many follow each other from there.
    Bulk,
    /// account, end → start of a pending range.
    Pending,
    /// take → take record.
    Take,
    /// account, end, take → start of a range that the take had.
    Taken,
    /// account → account record.
    Account,
    /// id of the key → key record.
    Key,
    /// name → number.
    Meta,
    /// account, number → call record; there while the call has no report.
    Call,
    /// account, seq of the report → ended call record.
    Cdr,
    /// account, hash of the `bulkId`, number of its first call → batch record.
    Batch,
    /// account, number of the first call of a batch → what was changed of it.
    Change,
    /// account, `Idempotency-Key` → what a submission was answered.
    Submit,
    /// time, account, `Idempotency-Key` → nothing: which answers are the oldest.
    Answered,
    /// account, day → what was spent on it, as text.
    Spent,
    /// name → deck record.
    Deck,
    /// account, number of the call, part → what was recorded.
    Recording,
}

impl Table {
    /// Every table, in the order of the enum.
    pub(super) const ALL: [Self; 18] = [
        Self::Report,
        Self::Message,
        Self::Bulk,
        Self::Pending,
        Self::Take,
        Self::Taken,
        Self::Account,
        Self::Key,
        Self::Meta,
        Self::Call,
        Self::Cdr,
        Self::Batch,
        Self::Change,
        Self::Submit,
        Self::Answered,
        Self::Spent,
        Self::Deck,
        Self::Recording,
    ];

    /// Its name on disk.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Message => "message",
            Self::Bulk => "bulk",
            Self::Pending => "pending",
            Self::Take => "take",
            Self::Taken => "taken",
            Self::Account => "account",
            Self::Key => "key",
            Self::Meta => "meta",
            Self::Call => "call",
            Self::Cdr => "cdr",
            Self::Batch => "batch",
            Self::Change => "change",
            Self::Submit => "submit",
            Self::Answered => "answered",
            Self::Spent => "spent",
            Self::Deck => "deck",
            Self::Recording => "recording",
        }
    }
}

pub(super) const fn account(account: AccountId) -> [u8; 4] {
    account.0.to_be_bytes()
}

pub(super) const fn take(take: u64) -> [u8; 8] {
    take.to_be_bytes()
}

/// The key of an account's next call in `meta`.
pub(super) fn next_call(account: AccountId) -> Vec<u8> {
    [META_NEXT_CALL, &account.0.to_be_bytes()].concat()
}

/// The key of `submit`.
pub(super) fn submit(account: AccountId, key: &str) -> Vec<u8> {
    [&account.0.to_be_bytes(), key.as_bytes()].concat()
}

/// The key of `answered`.
pub(super) fn answered(at: Timestamp, account: AccountId, key: &str) -> Vec<u8> {
    // Times before 1970 sort last; no clock that works shows one.
    [&at.as_millis().to_be_bytes(), submit(account, key).as_slice()].concat()
}

/// The key of `spent`.
pub(super) fn spent(account: AccountId, day: i32) -> [u8; 12] {
    pair(account, i64::from(day).cast_unsigned())
}

/// The key of `report`, `message`, `pending`, `call`, `cdr` and `change`.
pub(super) fn pair(account: AccountId, number: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&account.0.to_be_bytes());
    key[4..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The key of `bulk`, `taken`, `batch` and `recording`.
pub(super) fn triple(account: AccountId, number: u64, last: u64) -> [u8; 20] {
    let mut key = [0; 20];
    key[..12].copy_from_slice(&pair(account, number));
    key[12..].copy_from_slice(&last.to_be_bytes());
    key
}

/// The last number of a key, or the only one of a value; zero if it is too short for one.
pub(super) fn last_number(bytes: &[u8]) -> u64 {
    bytes.last_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// The numbers of a value.
pub(super) fn numbers(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().copied().map(u64::from_be_bytes)
}
