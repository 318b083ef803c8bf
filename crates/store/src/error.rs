//! Why a verb of the ledger did not do what it was asked; variants by what the caller can do.

use std::path::PathBuf;

use crate::BulkState;

/// Why a verb of the ledger did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A write or an fsync failed. What was not answered may or may not be kept; nothing more is
    /// written until the process is restarted.
    #[error("the ledger stopped after a failed write and needs a restart: {0}")]
    Poisoned(String),
    /// Another process has the directory open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The directory was written by a newer release.
    #[error("{} has ledger format {found}; this release reads up to {known}", path.display())]
    Newer {
        /// The directory.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The database has a schema that a newer release made.
    #[error("the database has ledger schema {found}; this release knows up to {known}")]
    SchemaNewer {
        /// The schema it has.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// The ledger's settings cannot be used.
    #[error("the ledger's settings: {0}")]
    Settings(String),
    /// The database could not be reached in time. What was asked may or may not be kept.
    #[error("the ledger's database cannot be reached: {0}")]
    Unavailable(String),
    /// More commands are waiting than may.
    #[error("the ledger has more waiting than it takes on; try again")]
    Busy,
    /// The key was used with other parameters.
    #[error("this Idempotency-Key was used with other parameters")]
    KeyReused,
    /// Too many calls would wait.
    #[error("the account would have {waiting} calls waiting, of at most {most}")]
    QueueFull {
        /// How many would.
        waiting: u64,
        /// How many may.
        most: u64,
    },
    /// The lease has ended; somebody else may have the call, or it is finished.
    #[error("the lease on the call has ended")]
    LeaseLost,
    /// The bulk cannot be changed so as it is.
    #[error("the bulk is {0:?}")]
    BulkState(BulkState),
    /// There is an account of that name.
    #[error("there is an account named `{0}` already")]
    NameTaken(String),
    /// There is no account of that id.
    #[error("there is no such account")]
    NoSuchAccount,
    /// What was read is not what was written.
    #[error("the ledger is damaged: {0}")]
    Corrupt(String),
    /// The directory cannot be opened.
    #[error("cannot open {}: {reason}", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
