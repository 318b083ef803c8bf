//! The words of the product: account, report, amount, time.
//!
//! Nothing here reads a file, a socket or a clock, and nothing here knows how a thing is written
//! on the wire (`api::wire`) or on disk (`store::record`).

pub mod account;
pub mod amount;
pub mod limits;
pub mod report;
pub mod time;

pub use account::{Account, AccountId, ApiKey, Role, Roles};
pub use amount::Amount;
pub use report::{Outcome, Price, Report, Status};
pub use time::{Clock, ManualClock, Timestamp, Zone};
