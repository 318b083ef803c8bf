//! The parameters of the report endpoints.
//!
//! Real clients send `bulkId=null` and `limit=`: both count as absent, for every parameter here.

use model::Timestamp;
use model::limits::{ID_BYTES_MAX, TEXT_BYTES_MAX};
use store::ArchiveQuery;

use super::query::{Query, fault};
use super::{Fault, date};

/// Reports in an answer when the client does not say how many.
pub const LIMIT_DEFAULT: usize = 50;
/// The groups that a status can be in.
const STATUS_GROUPS: [&str; 6] =
    ["ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"];

/// The parameters of a take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeParams {
    /// Only reports of that bulk.
    pub bulk_id: Option<String>,
    /// Only the report of that message.
    pub message_id: Option<String>,
    /// At most that many.
    pub limit: usize,
}

impl TakeParams {
    /// The parameters that the query gives. Unknown ones are ignored.
    ///
    /// # Errors
    /// One of them is given twice, or is no id or number that can be.
    pub fn parse(query: &Query<'_>, limit_max: usize) -> Result<Self, Fault> {
        Ok(Self {
            bulk_id: text(query, "bulkId", ID_BYTES_MAX)?,
            message_id: text(query, "messageId", ID_BYTES_MAX)?,
            limit: limit(query, limit_max)?,
        })
    }
}

/// The archive query that the parameters of the logs endpoint ask for. Unknown ones are ignored.
///
/// # Errors
/// One of them is given twice and may not be, or is not what it should be.
pub fn archive_query(query: &Query<'_>, limit_max: usize) -> Result<ArchiveQuery, Fault> {
    Ok(ArchiveQuery {
        bulk_ids: texts(query, "bulkId")?,
        message_ids: texts(query, "messageId")?,
        from: text(query, "from", TEXT_BYTES_MAX)?,
        to: text(query, "to", TEXT_BYTES_MAX)?,
        status_group: status_group(query)?,
        sent_since: instant(query, "sentSince")?,
        sent_until: instant(query, "sentUntil")?,
        mcc: network_code(query, "mcc", 3..=3)?,
        mnc: network_code(query, "mnc", 2..=3)?,
        fed_since: None,
        limit: limit(query, limit_max)?,
    })
}

fn text(query: &Query<'_>, name: &str, bytes_max: usize) -> Result<Option<String>, Fault> {
    let value = present(query, name)?;
    value.map(|value| bounded(name, value, bytes_max)).transpose()
}

fn texts(query: &Query<'_>, name: &str) -> Result<Vec<String>, Fault> {
    let values = query.many(name).filter(|value| !is_absent(value));
    values.map(|value| bounded(name, value, ID_BYTES_MAX)).collect()
}

fn bounded(name: &str, value: &str, bytes_max: usize) -> Result<String, Fault> {
    if value.len() > bytes_max {
        return Err(fault(name, format!("is longer than {bytes_max} bytes")));
    }
    Ok(value.to_owned())
}

/// A number above the maximum means the maximum, however many digits it has.
fn limit(query: &Query<'_>, limit_max: usize) -> Result<usize, Fault> {
    let Some(value) = present(query, "limit")? else {
        return Ok(LIMIT_DEFAULT.min(limit_max));
    };
    let is_positive = value.bytes().all(|b| b.is_ascii_digit()) && value.bytes().any(|b| b != b'0');
    if !is_positive {
        return Err(fault("limit", "is not a whole number above 0"));
    }
    Ok(value.parse().map_or(limit_max, |limit: usize| limit.min(limit_max)))
}

fn status_group(query: &Query<'_>) -> Result<Option<String>, Fault> {
    let value = present(query, "generalStatus")?;
    match value {
        Some(group) if !STATUS_GROUPS.contains(&group) => {
            Err(fault("generalStatus", format!("is none of {}", STATUS_GROUPS.join(", "))))
        }
        group => Ok(group.map(str::to_owned)),
    }
}

fn instant(query: &Query<'_>, name: &str) -> Result<Option<Timestamp>, Fault> {
    let value = present(query, name)?;
    value.map(|value| date::parse(value).map_err(|e| fault(name, e.to_string()))).transpose()
}

fn network_code(
    query: &Query<'_>,
    name: &str,
    digits: std::ops::RangeInclusive<usize>,
) -> Result<Option<String>, Fault> {
    match present(query, name)? {
        Some(code)
            if !digits.contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Err(fault(name, "is not a mobile country or network code"))
        }
        code => Ok(code.map(str::to_owned)),
    }
}

fn present<'a>(query: &'a Query<'_>, name: &str) -> Result<Option<&'a str>, Fault> {
    Ok(query.one(name)?.filter(|value| !is_absent(value)))
}

fn is_absent(value: &str) -> bool {
    value.is_empty() || value == "null"
}
