//! The feed: finished reports on their way in, in either format.
//!
//! A body is read into one flat list of fields per report, whatever its format; one function turns
//! such a list into a checked report. A report is judged alone, so one bad report does not stop the
//! others. A body that is no such thing, or could be read in two ways, is refused as a whole.

mod check;
pub(super) mod flat;
pub(super) mod json;
pub(super) mod xml;

use std::fmt;

use model::Report;
use model::limits::FEED_ITEMS_MAX;

use super::Fault;
use crate::negotiate::Format;

/// How deep fields may be nested; reports need three levels, submitted messages five.
pub(super) const DEPTH_MAX: usize = 16;

/// The reports of a feed, in their order, each with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Each report, or its faults.
    pub items: Vec<Result<Report, Vec<Fault>>>,
}

impl Feed {
    /// Each item judged alone; nothing stands in the place of one that is no object.
    fn judge(items: Vec<Option<flat::Flat<'_>>>) -> Self {
        let numbered = items.into_iter().enumerate();
        Self { items: numbered.map(|(index, item)| check::report(item, Some(index))).collect() }
    }
}

/// Why a body is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BodyFault {
    /// What is wrong with it.
    pub reason: String,
    /// Line and column, counted from 1, when known.
    pub at: Option<(usize, usize)>,
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.at {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

/// The reports of the body of a feed request.
///
/// JSON: `{"results":[…]}`. XML: `reportResponse/results` with `result` or `results` items. The
/// fields are those of `GET /tts/3/reports`, and optionally `from`, `text`, `callbackData`,
/// `startTime`, `answerTime`, `endTime`. The price may be `pricePerSecond` or `pricePerMessage`. An
/// optional field that is null or empty is absent.
///
/// # Errors
/// The body is refused as a whole.
pub fn parse(format: Format, body: &[u8]) -> Result<Feed, BodyFault> {
    let text = text(body)?;
    match format {
        Format::Json => json::results(text).map(Feed::judge),
        Format::Xml => xml::results(text).map(Feed::judge),
    }
}

/// The reports of one line of a JSON-lines import: one report object, or `{"results":[…]}`.
///
/// # Errors
/// The line is refused as a whole.
pub fn parse_one(json: &[u8]) -> Result<Feed, BodyFault> {
    let text = text(json)?;
    match json::results_or_report(text)? {
        json::Line::Results(items) => Ok(Feed::judge(items)),
        json::Line::Report(item) => Ok(Feed { items: vec![check::report(Some(item), None)] }),
    }
}

/// The body as text, without the byte order mark that some editors put before it.
pub(super) fn text(body: &[u8]) -> Result<&str, BodyFault> {
    let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
    std::str::from_utf8(body).map_err(|error| {
        let readable = String::from_utf8_lossy(&body[..error.valid_up_to()]);
        BodyFault::at_offset("is not UTF-8", &readable, readable.len())
    })
}

impl BodyFault {
    /// The fault, at that byte of the text.
    fn at_offset(reason: impl Into<String>, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Self { reason: reason.into(), at: Some((line, column)) }
    }

    fn too_many_items() -> Self {
        Self { reason: format!("has more than {FEED_ITEMS_MAX} reports"), at: None }
    }
}
