//! A message: one call to be made, as it was submitted, and the plan for making it.

use std::time::Duration;

use crate::{AccountId, Number, Timestamp};

/// One call to be made. Immutable once submitted; what happens to it is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Whose it is.
    pub account: AccountId,
    /// The request that it came in.
    pub bulk_id: String,
    /// Names it everywhere; unique within the account.
    pub message_id: String,
    /// Shown to A.
    pub from: String,
    /// Called first; what the report calls `to`.
    pub destination_a: Number,
    /// Called and joined once A has answered; none for a voice message.
    pub destination_b: Option<Leg2>,
    /// Played to A.
    pub prompt: Option<Prompt>,
    /// Keys to be collected from A while and after the prompt is played.
    pub keys: Option<Keys>,
    /// What to do when a machine answers; nobody looks if none.
    pub machine_detection: Option<MachineDetection>,
    /// How long A may ring.
    pub ring_timeout: Duration,
    /// How long the whole call may last, from A's answer.
    pub call_timeout: Option<Duration>,
    /// Tried again when it fails for a passing reason.
    pub retry: Option<Retry>,
    /// Placed only within it.
    pub window: Option<DeliveryWindow>,
    /// Not before.
    pub send_at: Timestamp,
    /// Given up at.
    pub valid_until: Option<Timestamp>,
    /// The report is pushed there in place of being taken.
    pub notify: Option<Notify>,
    /// Echoed in the report.
    pub callback_data: Option<String>,
}

/// The second leg of a click-to-call.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg2 {
    /// Called once A has answered.
    pub number: Number,
    /// Shown to B.
    pub shown: String,
    /// How long the two may talk.
    pub max_duration: Option<Duration>,
    /// How long before that a beep warns them.
    pub warning_time: Option<Duration>,
    /// The keys of A that lead to it; any outcome of the prompt if empty.
    pub if_keys: Vec<String>,
}

/// What is played to A.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// Spoken.
    Text {
        /// The words.
        text: String,
        /// A language tag such as `en`.
        language: String,
        /// A voice's name or gender, if one was asked for.
        voice: Option<String>,
        /// 0.5 to 2, in percent.
        rate_percent: u16,
    },
    /// Fetched.
    Audio {
        /// `http` or `https`.
        url: String,
    },
}

/// Keys to be collected from A.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Collection ends after that many.
    pub max: u16,
    /// Or after that long without one.
    pub timeout: Duration,
    /// How often the prompt is repeated when none came.
    pub repeats: u16,
}

/// What to do when a machine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineDetection {
    /// Hang up.
    Hangup,
    /// Play the prompt all the same.
    Continue,
}

/// A retry ladder: the pause doubles from the shortest to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The first pause.
    pub min_period: Duration,
    /// The longest pause.
    pub max_period: Duration,
    /// Attempts after the first, at most 4.
    pub max_count: u8,
}

/// When a call may be placed, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryWindow {
    /// Bit 0 is Monday.
    pub days: u8,
    /// Minutes since midnight, from and to; the whole day if none. `from` after `to` spans midnight.
    pub minutes: Option<(u16, u16)>,
}

/// Where the report is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// `http` or `https`.
    pub url: String,
    /// XML in place of JSON.
    pub xml: bool,
    /// The older report model in place of the newer one.
    pub version_1: bool,
}
