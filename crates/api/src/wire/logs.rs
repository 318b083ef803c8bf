//! `GET /tts/3/logs`: reports looked at, not taken.

use model::{Report, Zone};

use super::date::Dates;
use super::report::{self, REPORT_BYTES};
use super::writer::{List, Root, Shape, Writer};

/// Reports as the logs endpoint gives them.
pub(super) struct Logs<'a, S> {
    pub(super) reports: &'a [Report<S>],
    pub(super) zone: &'a Zone,
}

impl<S: AsRef<str>> Shape for Logs<'_, S> {
    const ROOT: Root = Root { name: "voiceLogsResponse", prolog: true };

    fn size_hint(&self) -> usize {
        let texts = self.reports.iter().filter_map(|report| report.text.as_ref());
        let text_bytes: usize = texts.map(|text| text.as_ref().len()).sum();
        128 + self.reports.len() * (REPORT_BYTES + 64) + text_bytes
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        let mut dates = Dates::of(self.zone);
        to.list(List { name: "results", item: "results" }, self.reports, |to, report| {
            to.text("bulkId", report.bulk_id.as_ref());
            to.text("messageId", report.message_id.as_ref());
            to.text("to", report.to.as_ref());
            to.optional("from", report.from.as_ref());
            to.optional("text", report.text.as_ref());
            to.date("sentAt", report.sent_at, &mut dates);
            to.date("doneAt", report.done_at, &mut dates);
            to.raw("duration", report.duration_seconds);
            to.optional("mccMnc", report.mcc_mnc.as_ref());
            report::price(to, "pricePerSecond", &report.price);
            report::status(to, &report.status);
            report::error(to, &report.error);
        });
    }
}
