//! The outside shapes: bytes to words and back, as pure functions.
//!
//! Every outside name and quirk lives here and nowhere else. A shape is written once, over a
//! `Writer` that is JSON or XML; both formats of a feed are read into one flat list of
//! fields and checked once.

pub mod call;
pub mod date;
pub mod error;
pub mod feed;
mod json;
mod logs;
pub(crate) mod outcome;
pub mod params;
pub mod query;
pub mod receipt;
mod report;
mod seconds;
pub mod submit;
mod voice;
pub mod wav;
mod writer;
mod xml;

use model::{Report, Zone};
use store::OpenCall;

pub use crate::negotiate::Format;

/// The `Content-Type` of an answer in that format: bare, as the API's documentation shows it.
pub const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Xml => "application/xml",
    }
}

/// The answer of `GET /tts/3/reports`.
pub fn reports<S: AsRef<str>>(format: Format, reports: &[Report<S>], zone: &Zone) -> Vec<u8> {
    writer::render(format, &report::ClassicReports { reports, zone })
}

/// The answer of `GET /voice/1/reports`.
pub fn voice_reports<S: AsRef<str>>(format: Format, reports: &[Report<S>], zone: &Zone) -> Vec<u8> {
    writer::render(format, &voice::VoiceReports { reports, zone })
}

/// The answer of `GET /tts/3/logs`: calls that have no report yet, then reports.
pub fn logs<S: AsRef<str>>(
    format: Format,
    open: &[OpenCall],
    reports: &[Report<S>],
    zone: &Zone,
) -> Vec<u8> {
    writer::render(format, &logs::Logs { open, reports, zone })
}

/// What is wrong with one field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {reason}")]
pub struct Fault {
    /// Where it is, such as `results[2].status.groupId`.
    pub path: String,
    /// What is wrong, as the rest of a sentence that begins with the path: `is missing`.
    pub reason: String,
}
