//! Disk records: the only place that knows how things are encoded in the ledger.
//!
//! `docs/disk-format.md` gives the layout byte by byte. Every record begins with its version; a
//! change is a new version beside the old reader, never an edit of it.

mod account;
mod bulk;
mod bytes;
mod call;
mod cdr;
mod deck;
mod ladder;
mod message;
mod quality;
mod report;
mod submit;
mod take;
#[cfg(test)]
mod tests;

pub(crate) use account::{read_account, read_key, write_account, write_key};
pub(crate) use bulk::{BatchRecord, ChangeRecord};
pub(crate) use bytes::Damaged;
pub(crate) use call::{CallRecord, EndedRecord};
pub(crate) use deck::{read_deck, write_deck};
pub(crate) use message::{read_message, read_message_head, write_message};
pub use report::Record;
pub(crate) use report::{encode, is_recorded, stamp};
pub(crate) use submit::SubmitRecord;
pub(crate) use take::TakeRecord;
