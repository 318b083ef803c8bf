//! `POST /voice/ctc/1/send`: A is called first; once A has answered, B is called and joined.

use model::limits::CALL_SECONDS_MAX;
use model::message::Leg2;

use super::call::{self, Call, Destination, Verdict};
use super::object::Object;
use super::{Bulk, Draft, parts};

/// The messages of the request.
pub(super) fn drafts(request: &Object<'_>, bulk: &mut Bulk<'_, '_>) -> Vec<Draft> {
    let messages = parts::messages(request);
    messages.iter().map(|message| draft(message, bulk)).collect()
}

fn draft(message: &Object<'_>, bulk: &mut Bulk<'_, '_>) -> Draft {
    let mut verdict = Verdict::default();
    message.must_have("from");
    let from = parts::shown_number(message, "from");
    let a = Destination::of(message.any_text("destinationA"));
    let b = leg_b(message, &a, from.as_deref(), &mut verdict);
    let prompt = parts::prompt(message, bulk.terms, &mut verdict);
    let notify = parts::notify(message, &mut verdict);
    let machine_detection = parts::machine_detection(message, bulk.terms, &mut verdict)
        .map(|what| parts::only_hangup(what, &mut verdict));
    let retry = parts::retry(message);
    let window = parts::window(message, &mut verdict);
    let call = from.map(|from| Call {
        prompt,
        notify,
        machine_detection,
        retry,
        window,
        record: message.boolean("record").unwrap_or(false),
        ..Call::plain(from)
    });
    let message_id = call::message_id(message, bulk);
    let planned = verdict.stands(call.as_ref().zip(b)).map(|(call, b)| (call, Some(b)));
    call::draft(bulk, message_id, a, planned)
}

/// Leg B. It is shown `fromB` if that is given, else who calls whom: A's number, or, to keep that
/// from B, the sender's.
fn leg_b(
    message: &Object<'_>,
    a: &Destination,
    from: Option<&str>,
    verdict: &mut Verdict,
) -> Option<Leg2> {
    let number = Destination::of(message.any_text("destinationB")).judge(verdict);
    let from_b = parts::shown_number(message, "fromB");
    let is_anonymous = message.boolean("anonymization").unwrap_or(false);
    let shown = from_b.or_else(|| match is_anonymous {
        true => from.map(str::to_owned),
        false => Some(a.shown.clone()),
    });
    let seconds = |name| parts::seconds_within(message, name, (1, CALL_SECONDS_MAX));
    let (max_duration, warning_time) = (seconds("maxDuration"), seconds("warningTime"));
    Some(Leg2 { number: number?, shown: shown?, max_duration, warning_time, if_keys: Vec::new() })
}
