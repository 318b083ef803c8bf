//! Disk records: the only place that knows how things are encoded in the ledger.
//!
//! `docs/disk-format.md` gives the layout byte by byte. Every record begins with its version; a
//! change is a new version beside the old reader, never an edit of it.

mod account;
mod bytes;
mod report;
mod take;

pub(crate) use account::{read_account, read_key, write_account, write_key};
pub use report::Record;
pub(crate) use report::{encode, stamp};
pub(crate) use take::TakeRecord;
