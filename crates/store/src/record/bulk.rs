//! The records of bulks: one for each batch of calls that was submitted together, and one for what
//! was changed of it since.

use model::Timestamp;

use super::bytes::{Damaged, Reader, put_maybe, put_text, put_time};

const VERSION: u8 = 1;
const BATCH: &str = "a batch's record is not as it was written";
const CHANGE: &str = "the record of a batch's change is not as it was written";

/// Calls of one bulk that were submitted together; their numbers follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchRecord {
    pub(crate) bulk_id: String,
    pub(crate) calls: u64,
    /// When the first of them was to be placed.
    pub(crate) send_at: Timestamp,
    /// Whether any of them has started.
    pub(crate) begun: bool,
}

/// What was changed of a batch since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangeRecord {
    /// How many calls the batch has.
    pub(crate) calls: u64,
    /// Milliseconds by which they are put off; negative if they are brought forward.
    pub(crate) shift: i64,
    pub(crate) paused: bool,
    pub(crate) cancelled_at: Option<Timestamp>,
}

impl BatchRecord {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.push(VERSION);
        put_text(&mut out, &self.bulk_id);
        out.extend_from_slice(&self.calls.to_be_bytes());
        put_time(&mut out, self.send_at);
        out.push(u8::from(self.begun));
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = versioned(bytes, BATCH)?;
        let record = Self {
            bulk_id: from.string()?,
            calls: from.u64()?,
            send_at: from.time()?,
            begun: from.bool()?,
        };
        from.end()?;
        Ok(record)
    }
}

impl ChangeRecord {
    /// The time, as it was changed.
    pub(crate) const fn moved(&self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.as_millis().saturating_add(self.shift))
    }

    /// The time that, as it was changed, is this one.
    pub(crate) const fn unmoved(&self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.as_millis().saturating_sub(self.shift))
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.calls.to_be_bytes());
        out.extend_from_slice(&self.shift.to_be_bytes());
        out.push(u8::from(self.paused));
        put_maybe(&mut out, self.cancelled_at, put_time);
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = versioned(bytes, CHANGE)?;
        let record = Self {
            calls: from.u64()?,
            shift: from.i64()?,
            paused: from.bool()?,
            cancelled_at: from.maybe(Reader::time)?,
        };
        from.end()?;
        Ok(record)
    }
}

fn versioned<'a>(bytes: &'a [u8], what: &'static str) -> Result<Reader<'a>, Damaged> {
    let mut from = Reader::new(bytes, what);
    if from.u8()? == VERSION { Ok(from) } else { Err(from.damaged()) }
}
