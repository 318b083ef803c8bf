//! Disk records: the only place that knows how things are encoded in the ledger.

use model::Report;

use crate::Result;

/// One report as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    bytes: Vec<u8>,
}

impl Record {
    /// A view of the report.
    ///
    /// # Errors
    /// The record is damaged.
    pub fn report(&self) -> Result<Report<&str>> {
        let _ = &self.bytes;
        todo!("being written")
    }
}
