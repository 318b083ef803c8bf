//! `GET /voice/1/reports`: the newer report, with the call in an object of its own.
//!
//! What Callslip does not know of a call (charged duration, recordings, IVR) is left
//! out, never null: a client with non-nullable numbers reads it either way.

use std::borrow::Cow;

use model::{Report, Zone};

use super::date::Dates;
use super::report::{self, REPORT_BYTES};
use super::seconds::Seconds;
use super::writer::{List, Root, Shape, Writer};

/// The value of `voiceCall.feature`. No source gives the one of click-to-call; this is ours, in the
/// spelling of the known ones (`Voice-message`, `Text-to-Speech`).
const FEATURE: &str = "Click-to-call";
/// Error id of a call that a person answered, and of one that a machine did.
const ANSWERED_BY_HUMAN: u32 = 5000;
const ANSWERED_BY_MACHINE: u32 = 5001;

/// Reports as the newer endpoint gives them.
pub(super) struct VoiceReports<'a, S> {
    pub(super) reports: &'a [Report<S>],
    pub(super) zone: &'a Zone,
}

impl<S: AsRef<str>> Shape for VoiceReports<'_, S> {
    const ROOT: Root = Root { name: "reportResponse", prolog: true };

    fn size_hint(&self) -> usize {
        128 + self.reports.len() * (REPORT_BYTES + 128)
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        let mut dates = Dates::of(self.zone);
        to.list(List { name: "results", item: "results" }, self.reports, |to, report| {
            to.text("bulkId", report.bulk_id.as_ref());
            to.text("messageId", report.message_id.as_ref());
            to.optional("from", report.from.as_ref());
            to.text("to", report.to.as_ref());
            to.date("sentAt", report.sent_at, &mut dates);
            to.optional("mccMnc", report.mcc_mnc.as_ref());
            to.optional("callbackData", report.callback_data.as_ref());
            voice_call(to, report, &mut dates);
            report::price(to, "pricePerSecond", &report.price);
            report::status(to, &report.status);
            report::error(to, &report.error);
        });
    }
}

fn voice_call<W: Writer, S: AsRef<str>>(to: &mut W, report: &Report<S>, dates: &mut Dates<'_>) {
    to.object("voiceCall", |to| {
        to.plain("feature", FEATURE);
        let times = [
            ("startTime", report.start_time),
            ("answerTime", report.answer_time),
            ("endTime", report.end_time),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                to.date(name, time, dates);
            }
        }
        to.raw("duration", report.duration_seconds);
        if let Some(file_duration) = report.file_duration {
            to.raw("fileDuration", Seconds(file_duration));
        }
        to.text("dtmfCodes", &spaced(report.dtmf_codes.as_ref()));
        if report.recorded {
            to.text("callRecordingFileId", report.message_id.as_ref());
        }
        match report.error.id {
            ANSWERED_BY_HUMAN => to.plain("answeredBy", "HUMAN"),
            ANSWERED_BY_MACHINE => to.plain("answeredBy", "MACHINE"),
            _ => {}
        }
    });
}

/// Key presses as the newer shape separates them: comma and space.
fn spaced(codes: &str) -> Cow<'_, str> {
    if !codes.contains(',') {
        return Cow::Borrowed(codes);
    }
    Cow::Owned(codes.split(',').map(str::trim).collect::<Vec<_>>().join(", "))
}
