//! `/callslip/1/calls/{messageId}`: everything known of a call, and what a cancellation found.

use model::cdr::{Cdr, Charged, LegRecord, Quality, RateLine};
use model::{Message, Report, Timestamp, Zone};
use store::{ArchivedCall, CallEntry, Cancelled, OpenCall};

use super::date::Dates;
use super::seconds::Seconds;
use super::writer::{self, List, Root, Shape, Writer};
use super::{outcome, report};
use crate::negotiate::Format;

/// Everything known of the call: what was submitted, each attempt with its legs, and once it has
/// its report, that and what was charged. What is not known, or not yet, is left out.
///
/// # Errors
/// The record of its report is damaged.
pub fn call(format: Format, entry: &CallEntry, zone: &Zone) -> store::Result<Vec<u8>> {
    let known = match entry {
        CallEntry::Open(call) => Known::Open(call),
        CallEntry::Finished(call) => Known::Finished(call, Box::new(call.report.report()?)),
    };
    Ok(writer::render(format, &Call { known, zone }))
}

/// What the call was when it was cancelled: `{"messageId":…,"was":…}`, or the root
/// `cancelResponse`. It was `waiting`, and will not be placed; or `underWay`, and is ended; or
/// `finished`, and nothing has changed.
pub fn cancelled(format: Format, message_id: &str, was: Cancelled) -> Vec<u8> {
    writer::render(format, &CancelReply { message_id, was })
}

enum Known<'a> {
    Open(&'a OpenCall),
    Finished(&'a ArchivedCall, Box<Report<&'a str>>),
}

struct Call<'a> {
    known: Known<'a>,
    zone: &'a Zone,
}

impl Shape for Call<'_> {
    const ROOT: Root = Root { name: "callResponse", prolog: true };

    fn size_hint(&self) -> usize {
        4_096
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        let dates = &mut Dates::of(self.zone);
        match &self.known {
            Known::Open(call) => {
                submitted(to, &call.message, state(call), call.submitted_at, dates);
                to.date("due", call.due, dates);
                date_if_known(to, "cancelledAt", call.cancelled_at, dates);
                if let Some(started) = call.started {
                    to.object("started", |to| {
                        to.raw("attempt", started.attempt);
                        to.date("at", started.at, dates);
                    });
                }
                attempts(to, &call.cdrs, dates);
            }
            Known::Finished(call, report) => {
                submitted(to, &call.message, "finished", call.submitted_at, dates);
                attempts(to, &call.cdrs, dates);
                to.object("charged", |to| charged(to, &call.charged));
                to.object("report", |to| report::classic(to, report.as_ref(), dates));
            }
        }
    }
}

fn state(call: &OpenCall) -> &'static str {
    if call.started.is_some() { "underWay" } else { "waiting" }
}

fn submitted<W: Writer>(
    to: &mut W,
    message: &Message,
    state: &str,
    at: Timestamp,
    dates: &mut Dates<'_>,
) {
    to.text("bulkId", &message.bulk_id);
    to.text("messageId", &message.message_id);
    to.plain("state", state);
    to.text("from", &message.from);
    to.plain("to", message.destination_a.digits());
    if let Some(b) = &message.destination_b {
        to.plain("destinationB", b.number.digits());
    }
    to.optional("callbackData", message.callback_data.as_ref());
    to.date("submittedAt", at, dates);
    to.date("sendAt", message.send_at, dates);
    date_if_known(to, "validUntil", message.valid_until, dates);
}

fn attempts<W: Writer>(to: &mut W, cdrs: &[Cdr], dates: &mut Dates<'_>) {
    to.list(List { name: "attempts", item: "attempt" }, cdrs, |to, cdr| {
        to.raw("attempt", cdr.attempt);
        to.plain("outcome", outcome::outcome(cdr.outcome));
        to.plain("ending", outcome::ending(cdr.ending));
        if let Some(detection) = cdr.detection {
            to.plain("verdict", outcome::verdict(detection.verdict));
            to.plain("verdictBy", outcome::clue(detection.clue));
            to.raw("verdictAfterSeconds", Seconds(detection.after));
        }
        let keys: Vec<String> = cdr.keys.iter().map(char::to_string).collect();
        to.text("keys", &keys.join(","));
        if let Some(prompt) = cdr.prompt {
            to.raw("promptSeconds", Seconds(prompt));
        }
        to.object("legA", |to| leg(to, &cdr.leg_a, dates));
        if let Some(b) = &cdr.leg_b {
            to.object("legB", |to| leg(to, b, dates));
        }
    });
}

fn leg<W: Writer>(to: &mut W, leg: &LegRecord, dates: &mut Dates<'_>) {
    to.plain("outcome", outcome::outcome(leg.outcome));
    to.date("dialledAt", leg.invite, dates);
    date_if_known(to, "ringingAt", leg.ringing, dates);
    date_if_known(to, "answeredAt", leg.answered, dates);
    date_if_known(to, "endedAt", leg.ended, dates);
    if let Some(code) = leg.release.code {
        to.raw("sipCode", code);
    }
    if let Some(cause) = leg.release.cause {
        to.raw("q850Cause", cause);
    }
    to.optional("trunk", leg.trunk.as_ref());
    if let Some(media) = &leg.quality {
        to.object("media", |to| quality(to, media));
    }
}

/// How the leg's RTP came through, at our end and at the far one (RFC 3550).
fn quality<W: Writer>(to: &mut W, media: &Quality) {
    to.raw("packetsSent", media.sent);
    to.raw("packetsReceived", media.received);
    to.raw("packetsLost", media.lost);
    to.raw("jitterSeconds", Seconds(media.jitter));
    if let Some(far_end) = media.far_end {
        to.raw("farEndPacketsLost", far_end.lost);
        to.raw("farEndJitterSeconds", Seconds(far_end.jitter));
        if let Some(round_trip) = far_end.round_trip {
            to.raw("roundTripSeconds", Seconds(round_trip));
        }
    }
}

fn charged<W: Writer>(to: &mut W, charged: &Charged) {
    to.optional("deck", charged.deck.as_ref());
    to.raw("total", charged.total);
    to.raw("billedSeconds", charged.billed_seconds);
    for (name, line) in [("lineA", &charged.line_a), ("lineB", &charged.line_b)] {
        if let Some(RateLine { line, text }) = line {
            to.object(name, |to| {
                to.raw("line", line);
                to.text("text", text);
            });
        }
    }
}

fn date_if_known<W: Writer>(to: &mut W, name: &str, at: Option<Timestamp>, dates: &mut Dates<'_>) {
    if let Some(at) = at {
        to.date(name, at, dates);
    }
}

struct CancelReply<'a> {
    message_id: &'a str,
    was: Cancelled,
}

impl Shape for CancelReply<'_> {
    const ROOT: Root = Root { name: "cancelResponse", prolog: true };

    fn size_hint(&self) -> usize {
        128 + self.message_id.len()
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        to.text("messageId", self.message_id);
        to.plain(
            "was",
            match self.was {
                Cancelled::Waiting => "waiting",
                Cancelled::UnderWay => "underWay",
                Cancelled::Finished => "finished",
            },
        );
    }
}
