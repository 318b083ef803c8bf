//! The record of one report: written once, read as a view.

use std::time::Duration;

use fjall::Slice;
use model::{Price, Report, ReportError, Status, Timestamp};

use super::bytes::{Damaged, Reader, put_text, put_time};
use crate::Result;

const VERSION: u8 = 1;
/// The same, and at its end the file duration. A report without one is written as ever, so that a
/// report that was fed to an older release is still known as the same.
const VERSION_WITH_FILE: u8 = 2;
/// The report of a call that was recorded. At its end whether there is a file duration, and it.
const VERSION_RECORDED: u8 = 3;
/// The version and the time of entry, which come before what makes two reports the same.
const HEAD_BYTES: usize = 9;
const WHAT: &str = "a report's record is not as it was written";

const FROM: u8 = 1;
const TEXT: u8 = 2;
const CALLBACK_DATA: u8 = 4;
const START_TIME: u8 = 8;
const ANSWER_TIME: u8 = 16;
const END_TIME: u8 = 32;
const MCC_MNC: u8 = 64;
const PERMANENT: u8 = 128;

/// One report as the ledger keeps it. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(Slice);

impl Record {
    /// The record of a report that enters the ledger at `fed_at`.
    pub fn new<S: AsRef<str>>(report: &Report<S>, fed_at: Timestamp) -> Self {
        let mut bytes = encode(report);
        stamp(&mut bytes, fed_at);
        Self(bytes.into())
    }

    /// A view of the report.
    ///
    /// # Errors
    /// The record is damaged.
    pub fn report(&self) -> Result<Report<&str>> {
        Ok(decode(&self.0)?)
    }

    /// When the report entered the ledger.
    ///
    /// # Errors
    /// The record is damaged.
    pub fn fed_at(&self) -> Result<Timestamp> {
        Ok(head(&self.0)?.1)
    }

    /// The `bulkId` and the `messageId`; cheaper than the whole view.
    pub(crate) fn ids(&self) -> Result<(&str, &str)> {
        let (mut reader, _) = head(&self.0)?;
        Ok((reader.text()?, reader.text()?))
    }

    /// Whether the call was recorded; at no cost.
    pub(crate) fn is_recorded(&self) -> bool {
        is_recorded(&self.0)
    }

    /// Whether the two tell the same; they may have entered at different times.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.0.get(HEAD_BYTES..) == other.0.get(HEAD_BYTES..)
    }

    pub(crate) const fn from_slice(bytes: Slice) -> Self {
        Self(bytes)
    }

    pub(crate) fn into_slice(self) -> Slice {
        self.0
    }
}

/// The record of a report that has not yet entered: [`stamp`] completes it.
pub(crate) fn encode<S: AsRef<str>>(report: &Report<S>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.push(match (report.recorded, report.file_duration) {
        (true, _) => VERSION_RECORDED,
        (false, Some(_)) => VERSION_WITH_FILE,
        (false, None) => VERSION,
    });
    out.extend_from_slice(&[0; 8]);
    put_text(&mut out, report.bulk_id.as_ref());
    put_text(&mut out, report.message_id.as_ref());
    out.push(presence(report));
    put_time(&mut out, report.sent_at);
    put_time(&mut out, report.done_at);
    for time in [report.start_time, report.answer_time, report.end_time].into_iter().flatten() {
        put_time(&mut out, time);
    }
    for number in [
        report.duration_seconds,
        report.status.group_id,
        report.status.id,
        report.error.group_id,
        report.error.id,
    ] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    put_text(&mut out, report.to.as_ref());
    for text in
        [&report.from, &report.text, &report.callback_data, &report.mcc_mnc].into_iter().flatten()
    {
        put_text(&mut out, text.as_ref());
    }
    put_text(&mut out, report.dtmf_codes.as_ref());
    put_text(&mut out, &report.price.per_second.to_string());
    put_text(&mut out, report.price.currency.as_ref());
    for text in [&report.status.group_name, &report.status.name, &report.status.description] {
        put_text(&mut out, text.as_ref());
    }
    for text in [&report.error.group_name, &report.error.name, &report.error.description] {
        put_text(&mut out, text.as_ref());
    }
    if report.recorded {
        out.push(u8::from(report.file_duration.is_some()));
    }
    if let Some(file_duration) = report.file_duration {
        let nanos = u64::try_from(file_duration.as_nanos()).unwrap_or(u64::MAX);
        out.extend_from_slice(&nanos.to_be_bytes());
    }
    out
}

/// Whether the report is of a call that was recorded.
pub(crate) fn is_recorded(encoded: &[u8]) -> bool {
    encoded.first() == Some(&VERSION_RECORDED)
}

/// Writes the time of entry into an encoded report.
pub(crate) fn stamp(encoded: &mut [u8], fed_at: Timestamp) {
    encoded[1..HEAD_BYTES].copy_from_slice(&fed_at.as_millis().to_be_bytes());
}

fn presence<S>(report: &Report<S>) -> u8 {
    let bit = |present: bool, bit: u8| if present { bit } else { 0 };
    bit(report.from.is_some(), FROM)
        | bit(report.text.is_some(), TEXT)
        | bit(report.callback_data.is_some(), CALLBACK_DATA)
        | bit(report.start_time.is_some(), START_TIME)
        | bit(report.answer_time.is_some(), ANSWER_TIME)
        | bit(report.end_time.is_some(), END_TIME)
        | bit(report.mcc_mnc.is_some(), MCC_MNC)
        | bit(report.error.permanent, PERMANENT)
}

fn head(bytes: &[u8]) -> std::result::Result<(Reader<'_>, Timestamp), Damaged> {
    let mut reader = Reader::new(bytes, WHAT);
    if !matches!(reader.u8()?, VERSION | VERSION_WITH_FILE | VERSION_RECORDED) {
        return Err(Damaged("a report's record has a version that this release does not know"));
    }
    let fed_at = reader.time()?;
    Ok((reader, fed_at))
}

fn decode(bytes: &[u8]) -> std::result::Result<Report<&str>, Damaged> {
    let (mut from, _) = head(bytes)?;
    let version = bytes[0];
    let (bulk_id, message_id) = (from.text()?, from.text()?);
    let bits = from.u8()?;
    let has = |bit: u8| bits & bit != 0;
    let (sent_at, done_at) = (from.time()?, from.time()?);
    let start_time = from.time_if(has(START_TIME))?;
    let answer_time = from.time_if(has(ANSWER_TIME))?;
    let end_time = from.time_if(has(END_TIME))?;
    let duration_seconds = from.u32()?;
    let (status_group_id, status_id) = (from.u32()?, from.u32()?);
    let (error_group_id, error_id) = (from.u32()?, from.u32()?);
    let report = Report {
        bulk_id,
        message_id,
        sent_at,
        done_at,
        start_time,
        answer_time,
        end_time,
        duration_seconds,
        to: from.text()?,
        from: from.text_if(has(FROM))?,
        text: from.text_if(has(TEXT))?,
        callback_data: from.text_if(has(CALLBACK_DATA))?,
        mcc_mnc: from.text_if(has(MCC_MNC))?,
        dtmf_codes: from.text()?,
        price: Price {
            per_second: from.text()?.parse().map_err(|_| Damaged(WHAT))?,
            currency: from.text()?,
        },
        status: Status {
            group_id: status_group_id,
            id: status_id,
            group_name: from.text()?,
            name: from.text()?,
            description: from.text()?,
        },
        error: ReportError {
            group_id: error_group_id,
            id: error_id,
            group_name: from.text()?,
            name: from.text()?,
            description: from.text()?,
            permanent: has(PERMANENT),
        },
        recorded: version == VERSION_RECORDED,
        file_duration: match version {
            VERSION_WITH_FILE => Some(Duration::from_nanos(from.u64()?)),
            VERSION_RECORDED => from.maybe(Reader::span)?,
            _ => None,
        },
    };
    from.end()?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    fn record() -> Record {
        Record::new(&conformance::report("bulk", "message"), conformance::START)
    }

    #[test]
    fn a_record_that_was_cut_or_grew_is_damaged() {
        let whole = record();
        assert!(whole.report().is_ok());
        for length in 0..whole.0.len() {
            let cut = Record::from_slice(whole.0[..length].into());
            assert!(cut.report().is_err(), "cut to {length}");
        }
        let grown = Record::from_slice([&whole.0[..], b"x"].concat().into());
        assert!(grown.report().is_err());
    }

    #[test]
    fn a_version_of_the_future_is_refused() {
        let mut bytes = record().0.to_vec();
        bytes[0] = 4;
        let newer = Record::from_slice(bytes.into());
        assert!(newer.report().is_err() && newer.fed_at().is_err() && newer.ids().is_err());
    }

    #[test]
    fn a_report_has_a_file_duration_or_is_written_as_ever() {
        assert_eq!(record().0[0], 1);
        let report = conformance::report("bulk", "message");
        let with = Report { file_duration: Some(Duration::from_micros(3_213_050)), ..report };
        let record = Record::new(&with, conformance::START);
        assert_eq!(record.0[0], 2);
        assert_eq!(record.report().unwrap().file_duration, with.file_duration);
        for length in 0..record.0.len() {
            assert!(Record::from_slice(record.0[..length].into()).report().is_err());
        }
    }

    #[test]
    fn a_report_of_a_recorded_call_says_so() {
        let report = conformance::report("bulk", "message");
        for file_duration in [None, Some(Duration::from_millis(3_213))] {
            let report = Report { recorded: true, file_duration, ..report.clone() };
            let record = Record::new(&report, conformance::START);
            assert!(record.is_recorded() && record.report().unwrap().recorded);
            assert_eq!(record.report().unwrap().file_duration, file_duration);
            for length in 0..record.0.len() {
                assert!(Record::from_slice(record.0[..length].into()).report().is_err());
            }
        }
        assert!(!record().is_recorded() && !record().report().unwrap().recorded);
    }

    #[test]
    fn the_time_of_entry_is_no_content() {
        let report = conformance::report("bulk", "message");
        let later = Record::new(&report, Timestamp::from_millis(7));
        assert!(later.same_content(&record()) && later != record());
        assert_eq!(later.fed_at().unwrap(), Timestamp::from_millis(7));
        let mut other = report;
        other.price.per_second = "0.01".parse().unwrap();
        assert!(!Record::new(&other, conformance::START).same_content(&record()), "digits count");
    }
}
