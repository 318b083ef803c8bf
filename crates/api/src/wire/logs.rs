//! `GET /tts/3/logs`: calls looked at, under way or over; nothing is taken.

use model::catalogue::{error, status};
use model::message::Prompt;
use model::{Amount, Price, Report, ReportError, Status, Zone};
use store::OpenCall;

use super::date::Dates;
use super::report::{self, REPORT_BYTES};
use super::writer::{List, Root, Shape, Writer};

/// Calls as the logs endpoint gives them.
pub(super) struct Logs<'a, S> {
    pub(super) open: &'a [OpenCall],
    pub(super) reports: &'a [Report<S>],
    pub(super) zone: &'a Zone,
}

/// One of them.
enum Entry<'a, S> {
    Open(&'a OpenCall),
    Finished(&'a Report<S>),
}

impl<S: AsRef<str>> Shape for Logs<'_, S> {
    const ROOT: Root = Root { name: "voiceLogsResponse", prolog: true };

    fn size_hint(&self) -> usize {
        let texts = self.reports.iter().filter_map(|report| report.text.as_ref());
        let text_bytes: usize = texts.map(|text| text.as_ref().len()).sum();
        128 + (self.open.len() + self.reports.len()) * (REPORT_BYTES + 64) + text_bytes
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        let mut dates = Dates::of(self.zone);
        let finished = self.reports.iter().map(Entry::Finished);
        let entries: Vec<Entry<'_, S>> =
            self.open.iter().map(Entry::Open).chain(finished).collect();
        to.list(List { name: "results", item: "results" }, &entries, |to, entry| match entry {
            Entry::Open(call) => open(to, call, &mut dates),
            Entry::Finished(report) => finished_call(to, report, &mut dates),
        });
    }
}

fn finished_call<W: Writer, S: AsRef<str>>(to: &mut W, report: &Report<S>, dates: &mut Dates<'_>) {
    to.text("bulkId", report.bulk_id.as_ref());
    to.text("messageId", report.message_id.as_ref());
    to.text("to", report.to.as_ref());
    to.optional("from", report.from.as_ref());
    to.optional("text", report.text.as_ref());
    to.date("sentAt", report.sent_at, dates);
    to.date("doneAt", report.done_at, dates);
    to.raw("duration", report.duration_seconds);
    to.optional("mccMnc", report.mcc_mnc.as_ref());
    report::price(to, "pricePerSecond", &report.price);
    report::status(to, &report.status);
    report::error(to, &report.error);
}

/// The same of a call that has no report yet, as far as it is known. It is sent when it began, or
/// will begin next; it has no `doneAt`, and its error is none: clients ask again until there is one.
fn open<W: Writer>(to: &mut W, call: &OpenCall, dates: &mut Dates<'_>) {
    let message = &call.message;
    to.text("bulkId", &message.bulk_id);
    to.text("messageId", &message.message_id);
    to.text("to", message.destination_a.digits());
    to.text("from", &message.from);
    if let Some(Prompt::Text { text, .. }) = &message.prompt {
        to.text("text", text);
    }
    to.date("sentAt", call.started.map_or(call.due, |started| started.at), dates);
    to.raw("duration", 0);
    let price = Price { per_second: Amount::ZERO, currency: "UNKNOWN" };
    report::price(to, "pricePerSecond", &price);
    let is_begun = call.started.is_some() || !call.cdrs.is_empty();
    let row = if is_begun { status::PENDING_ENROUTE } else { status::PENDING_ACCEPTED };
    report::status(to, &Status::<&str>::from(row));
    report::error(to, &ReportError::<&str>::from(error::NO_ERROR));
}
