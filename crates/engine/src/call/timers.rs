//! How long a call waits for what. No state of a call waits without a bound.

use std::time::Duration;

use model::limits::{CALL_SECONDS_MAX, RING_TIMEOUT_SECONDS_MAX};

/// For the first provisional response to an INVITE; after that nothing comes back any more.
pub const NO_PROVISIONAL: Duration = Duration::from_secs(5);
/// The longest that a leg may ring, whatever the message says.
pub const RING_MAX: Duration = Duration::from_secs(RING_TIMEOUT_SECONDS_MAX as u64);
/// How long B may ring.
pub const RING_B: Duration = Duration::from_secs(45);
/// For the confirmation of a cancel.
pub const CANCEL_WAIT: Duration = Duration::from_secs(5);
/// For the confirmation of a hang-up.
pub const BYE_WAIT: Duration = Duration::from_secs(5);
/// For the verdict on who answered; after that it counts as a person.
pub const DETECTION: Duration = Duration::from_secs(5);
/// How much later than its length a prompt may finish.
pub const PROMPT_SLACK: Duration = Duration::from_secs(2);
/// From A's answer to the end, whatever the message says.
pub const CALL_MAX: Duration = Duration::from_secs(CALL_SECONDS_MAX as u64);
