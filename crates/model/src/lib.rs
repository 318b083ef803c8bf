//! The words of the product: account, message, call, report, amount, time.
//!
//! Nothing here reads a file, a socket or a clock, and nothing here knows how a thing is written
//! on the wire (`api::wire`) or on disk (`store::record`).

pub mod account;
pub mod amount;
pub mod calling;
pub mod catalogue;
pub mod cdr;
pub mod deck;
pub mod ladder;
pub mod limits;
pub mod message;
pub mod number;
pub mod outcome;
pub mod report;
pub mod time;

pub use account::{Account, AccountId, ApiKey, Role, Roles};
pub use amount::Amount;
pub use calling::Calling;
pub use cdr::Cdr;
pub use message::Message;
pub use number::Number;
pub use outcome::{Generation, Outcome};
pub use report::{Price, Report, ReportError, Status};
pub use time::{Clock, ManualClock, Timestamp, Zone};
