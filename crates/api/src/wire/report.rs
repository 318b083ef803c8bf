//! `GET /tts/3/reports`: the classic report, and the parts that the newer shapes share with it.

use model::{Price, Report, ReportError, Status, Zone};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::date::Dates;
use super::writer::{List, Root, Shape, Writer};
use crate::negotiate::Format;

/// About what one report takes in JSON.
pub(super) const REPORT_BYTES: usize = 640;

/// Reports as the classic endpoint gives them.
pub(super) struct ClassicReports<'a, S> {
    pub(super) reports: &'a [Report<S>],
    pub(super) zone: &'a Zone,
}

impl<S: AsRef<str>> Shape for ClassicReports<'_, S> {
    const ROOT: Root = Root { name: "reportResponse", prolog: false };

    fn size_hint(&self) -> usize {
        64 + self.reports.len() * REPORT_BYTES
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        let mut dates = Dates::of(self.zone);
        to.list(List { name: "results", item: "result" }, self.reports, |to, report| {
            classic(to, report, &mut dates);
        });
    }
}

/// The fields of a classic report.
pub(super) fn classic<W: Writer, S: AsRef<str>>(
    to: &mut W,
    report: &Report<S>,
    dates: &mut Dates<'_>,
) {
    to.text("bulkId", report.bulk_id.as_ref());
    to.text("messageId", report.message_id.as_ref());
    to.text("to", report.to.as_ref());
    to.date("sentAt", report.sent_at, dates);
    to.date("doneAt", report.done_at, dates);
    to.raw("duration", report.duration_seconds);
    to.optional("mccMnc", report.mcc_mnc.as_ref());
    to.text("dtmfCodes", report.dtmf_codes.as_ref());
    if report.recorded {
        to.text("recordedAudioFileUrl", &recording_path(report));
    }
    // The documentation names the price differently in its two formats, and clients read it.
    let per_second = match W::FORMAT {
        Format::Json => "pricePerSecond",
        Format::Xml => "pricePerMessage",
    };
    price(to, per_second, &report.price);
    status(to, &report.status);
    error(to, &report.error);
}

/// Where the recording of the call is, relative to this server.
fn recording_path<S: AsRef<str>>(report: &Report<S>) -> String {
    let id = percent_encode(report.message_id.as_ref().as_bytes(), NON_ALPHANUMERIC);
    format!("/tts/3/files/{id}/{}", report.to.as_ref())
}

/// The `price` of a report.
pub(super) fn price<W: Writer, S: AsRef<str>>(to: &mut W, per_second: &str, price: &Price<S>) {
    to.object("price", |to| {
        to.raw(per_second, price.per_second);
        to.text("currency", price.currency.as_ref());
    });
}

/// The `status` of a report.
pub(super) fn status<W: Writer, S: AsRef<str>>(to: &mut W, status: &Status<S>) {
    to.object("status", |to| {
        to.raw("groupId", status.group_id);
        to.text("groupName", status.group_name.as_ref());
        to.raw("id", status.id);
        to.text("name", status.name.as_ref());
        to.text("description", status.description.as_ref());
    });
}

/// The `error` of a report.
pub(super) fn error<W: Writer, S: AsRef<str>>(to: &mut W, outcome: &ReportError<S>) {
    to.object("error", |to| {
        to.raw("groupId", outcome.group_id);
        to.text("groupName", outcome.group_name.as_ref());
        to.raw("id", outcome.id);
        to.text("name", outcome.name.as_ref());
        to.text("description", outcome.description.as_ref());
        to.raw("permanent", outcome.permanent);
    });
}
