//! The report: what the customer sees of a finished message. Immutable.

use std::time::Duration;

use crate::catalogue::{ErrorRow, StatusRow};
use crate::{Amount, Timestamp};

/// One delivery report. `S` is `String` when it is owned and `&str` when it is a view of a record.
///
/// Field names are the seed's; what the seed does not have is optional and shown only where the
/// newer shapes have a place for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<S = String> {
    /// The submit request that the message came in.
    pub bulk_id: S,
    /// Names the message everywhere; unique within the account.
    pub message_id: S,
    /// Destination A.
    pub to: S,
    /// The caller's number as shown to A.
    pub from: Option<S>,
    /// The text that was spoken.
    pub text: Option<S>,
    /// The caller's own data, echoed.
    pub callback_data: Option<S>,
    /// The first INVITE of the last attempt.
    pub sent_at: Timestamp,
    /// When the outcome was known.
    pub done_at: Timestamp,
    /// When leg A began to ring.
    pub start_time: Option<Timestamp>,
    /// When leg A was answered.
    pub answer_time: Option<Timestamp>,
    /// When leg A ended.
    pub end_time: Option<Timestamp>,
    /// Leg A from answer to end, in whole seconds.
    pub duration_seconds: u32,
    /// How long the text or the audio file takes to play, when there was one.
    pub file_duration: Option<Duration>,
    /// Mobile country and network codes of destination A, when known.
    pub mcc_mnc: Option<S>,
    /// Keys pressed, comma-separated; empty when none was.
    pub dtmf_codes: S,
    /// What A and B said was recorded.
    pub recorded: bool,
    /// What the message cost.
    pub price: Price<S>,
    /// Whether it was delivered.
    pub status: Status<S>,
    /// How the call ended.
    pub error: ReportError<S>,
}

/// Price of one second, exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price<S = String> {
    /// Per second of the call.
    pub per_second: Amount,
    /// ISO 4217 code, or `UNKNOWN` when nothing was charged.
    pub currency: S,
}

/// The status of a message, from the status table of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status<S = String> {
    /// Group id, such as 3.
    pub group_id: u32,
    /// Group name, such as `DELIVERED`.
    pub group_name: S,
    /// Status id, such as 5.
    pub id: u32,
    /// Status name, such as `DELIVERED_TO_HANDSET`.
    pub name: S,
    /// For people.
    pub description: S,
}

/// How the call ended, as the API tells it: an `error` also when nothing went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError<S = String> {
    /// Group id, such as 0.
    pub group_id: u32,
    /// Group name, such as `OK`.
    pub group_name: S,
    /// Error id, such as 5000.
    pub id: u32,
    /// Error name, such as `VOICE_ANSWERED`.
    pub name: S,
    /// For people.
    pub description: S,
    /// Whether a retry is pointless.
    pub permanent: bool,
}

impl<S: From<&'static str>> From<StatusRow> for Status<S> {
    fn from(row: StatusRow) -> Self {
        Self {
            group_id: row.group_id,
            group_name: row.group_name.into(),
            id: row.id,
            name: row.name.into(),
            description: row.description.into(),
        }
    }
}

impl<S: From<&'static str>> From<ErrorRow> for ReportError<S> {
    fn from(row: ErrorRow) -> Self {
        Self {
            group_id: row.group_id,
            group_name: row.group_name.into(),
            id: row.id,
            name: row.name.into(),
            description: row.description.into(),
            permanent: row.permanent,
        }
    }
}
