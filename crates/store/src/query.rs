//! What fits a query of the archive, and what a call without a report is, in every engine.

use model::Report;
use model::catalogue::status::PENDING_ACCEPTED;

use crate::record::{CallRecord, ChangeRecord};
use crate::{ArchiveQuery, CallId, OpenCall, Result};

/// The call as it is, with what was changed of its batch.
pub(crate) fn open_call(id: CallId, bytes: &[u8], change: &ChangeRecord) -> Result<OpenCall> {
    let record = CallRecord::read(bytes)?;
    let mut message = record.message(id.account)?;
    message.send_at = change.moved(message.send_at);
    message.valid_until = message.valid_until.map(|until| change.moved(until));
    Ok(OpenCall {
        id,
        message,
        submitted_at: record.submitted_at,
        due: change.moved(record.due),
        started: record.started,
        cdrs: record.cdrs,
        cancelled_at: record.cancelled_at.or(change.cancelled_at),
        legs_up: record.legs_up,
        recording: record.recording,
    })
}

/// Whether the report has everything that is asked for. The ids are looked at again: the indexes
/// know only their hashes.
pub(crate) fn report_matches(query: &ArchiveQuery, report: &Report<&str>) -> bool {
    let any = |ids: &[String], id: &str| ids.is_empty() || ids.iter().any(|one| one == id);
    let same = |asked: &Option<String>, has: Option<&str>| {
        asked.as_deref().is_none_or(|asked| has == Some(asked))
    };
    // ITU-T E.212: the country code has three digits, the network code the rest.
    let codes = report.mcc_mnc.and_then(|codes| codes.split_at_checked(3));
    any(&query.bulk_ids, report.bulk_id)
        && any(&query.message_ids, report.message_id)
        && same(&query.from, report.from)
        && same(&query.to, Some(report.to))
        && same(&query.status_group, Some(report.status.group_name))
        && same(&query.mcc, codes.map(|(mcc, _)| mcc))
        && same(&query.mnc, codes.map(|(_, mnc)| mnc))
        && query.sent_since.is_none_or(|since| report.sent_at >= since)
        && query.sent_until.is_none_or(|until| report.sent_at <= until)
}

/// Whether the call has everything that is asked for.
pub(crate) fn call_matches(query: &ArchiveQuery, call: &OpenCall) -> bool {
    let message = &call.message;
    let any = |ids: &[String], id: &String| ids.is_empty() || ids.contains(id);
    let at = call.started.map_or(call.due, |started| started.at);
    any(&query.bulk_ids, &message.bulk_id)
        && any(&query.message_ids, &message.message_id)
        && query.from.as_ref().is_none_or(|from| *from == message.from)
        && query.to.as_ref().is_none_or(|to| to == message.destination_a.digits())
        && query.sent_since.is_none_or(|since| at >= since)
        && query.sent_until.is_none_or(|until| at <= until)
}

/// Whether a call without a report may fit at all.
pub(crate) fn may_be_open(query: &ArchiveQuery) -> bool {
    let group = query.status_group.as_deref();
    let is_pending = group.is_none_or(|group| group == PENDING_ACCEPTED.group_name);
    is_pending && query.mcc.is_none() && query.mnc.is_none()
}
