//! `POST /tts/3/single`, `/multi` and `/advanced`: one leg, and a message played to it.

use std::time::Duration;

use model::Message;
use model::catalogue::StatusRow;
use model::catalogue::status;
use model::limits::{
    CALL_SECONDS_MAX, CALLBACK_CHARS_MAX, DESTINATIONS_MAX, PAUSE_SECONDS_MAX,
    RING_TIMEOUT_SECONDS_MAX, VALIDITY_MINUTES_MAX,
};
use model::message::Prompt;

use super::call::{self, Call, Destination, Verdict};
use super::object::{List, Object};
use super::{Bulk, Draft, Terms, keys, parts};

/// The fields of a single message as a form.
pub(super) const FORM: [&str; 7] =
    ["text", "language", "voice.name", "voice.gender", "from", "to", "audioFileUrl"];
/// Shown to A when a message that need not say who calls does not.
const SENDER: &str = "12345";

const TO: List = List { name: "to", item: "to" };
const DESTINATIONS: List = List { name: "destinations", item: "destination" };

/// The one message of the request.
pub(super) fn single(request: &Object<'_>, bulk: &mut Bulk<'_, '_>) -> Vec<Draft> {
    request.must_have("from");
    let call = simple(request, bulk.terms);
    let to = Destination::of(request.any_text("to"));
    vec![unnamed(to, &call, bulk)]
}

/// A message for each destination of each message of the request.
pub(super) fn multi(request: &Object<'_>, bulk: &mut Bulk<'_, '_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for message in parts::messages(request) {
        let call = simple(&message, bulk.terms);
        let destinations = message.some_texts(TO);
        if !is_countable(&message, TO, drafts.len() + destinations.len()) {
            break;
        }
        let each = destinations.into_iter();
        drafts.extend(each.map(|to| unnamed(Destination::of(to), &call, bulk)));
    }
    drafts
}

/// The same, with everything that can be asked for.
pub(super) fn advanced(request: &Object<'_>, bulk: &mut Bulk<'_, '_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for message in parts::messages(request) {
        let call = complete(&message, bulk.terms);
        let gap = gap(&message);
        let destinations = message.some_objects(DESTINATIONS);
        if !is_countable(&message, DESTINATIONS, drafts.len() + destinations.len()) {
            break;
        }
        for (place, destination) in (0_u32..).zip(destinations) {
            let to = Destination::of(destination.any_text("to"));
            let message_id = call::message_id(&destination, bulk);
            let mut draft = one(message_id, to, &call, bulk);
            if let Ok(message) = &mut draft.verdict {
                delay(message, gap(place));
            }
            drafts.push(draft);
        }
    }
    drafts
}

/// Whether there are not too many destinations by now; says so if there are.
fn is_countable(message: &Object<'_>, list: List, by_now: usize) -> bool {
    if by_now > DESTINATIONS_MAX {
        message.fault(list.name, format!("makes more than {DESTINATIONS_MAX} destinations in all"));
    }
    by_now <= DESTINATIONS_MAX
}

fn unnamed(to: Destination, call: &Result<Call, StatusRow>, bulk: &mut Bulk<'_, '_>) -> Draft {
    let message_id = (bulk.terms.fresh_id)();
    one(message_id, to, call, bulk)
}

fn one(
    message_id: String,
    to: Destination,
    call: &Result<Call, StatusRow>,
    bulk: &Bulk<'_, '_>,
) -> Draft {
    let call = call.as_ref().map(|call| (call, None)).map_err(|row| *row);
    call::draft(bulk, message_id, to, call)
}

fn delay(message: &mut Message, span: Duration) {
    message.send_at = message.send_at.plus(span);
    message.valid_until = message.valid_until.map(|until| until.plus(span));
}

/// The call of a message that has few fields.
fn simple(message: &Object<'_>, terms: &Terms<'_>) -> Result<Call, StatusRow> {
    let mut verdict = Verdict::default();
    let call = Call { prompt: prompt(message, terms, &mut verdict), ..Call::plain(from(message)) };
    verdict.stands(Some(call))
}

/// The call of a message that has all of them.
fn complete(message: &Object<'_>, terms: &Terms<'_>) -> Result<Call, StatusRow> {
    let mut verdict = Verdict::default();
    let from = from(message);
    let mut prompt = prompt(message, terms, &mut verdict);
    if let (Some(Prompt::Text { rate_percent, .. }), Some(rate)) =
        (&mut prompt, parts::speech_rate_percent(message))
    {
        *rate_percent = rate;
    }
    let (keys, transfers) = keys::keys_and_transfers(message, &from, &mut verdict);
    let plain = Call::plain(from);
    let ring = (1, RING_TIMEOUT_SECONDS_MAX);
    let ring = parts::seconds_or(message, "ringTimeout", ring, || {
        verdict.refuse(status::REJECTED_INVALID_RING_TIMEOUT);
    });
    let call_timeout = parts::seconds_or(message, "callTimeout", (1, CALL_SECONDS_MAX), || {
        verdict.refuse(status::REJECTED_INVALID_CALL_TIMEOUT);
    });
    let minutes = message.whole_within("validityPeriod", (1, u32::MAX));
    let validity = minutes.map(|minutes| parts::minutes(minutes.min(VALIDITY_MINUTES_MAX)));
    let pause = parts::seconds_within(message, "pause", (0, PAUSE_SECONDS_MAX));
    let call = Call {
        transfers,
        pause: pause.unwrap_or_default(),
        prompt,
        keys,
        machine_detection: parts::machine_detection(message, terms, &mut verdict),
        ring_timeout: ring.unwrap_or(plain.ring_timeout),
        call_timeout,
        retry: parts::retry(message),
        window: parts::window(message, &mut verdict),
        send_at: parts::send_at(message),
        validity,
        notify: parts::notify(message, &mut verdict),
        callback_data: message.text("callbackData", CALLBACK_CHARS_MAX).map(str::to_owned),
        record: message.boolean("record").unwrap_or(false),
        ..plain
    };
    verdict.stands(Some(call))
}

fn from(message: &Object<'_>) -> String {
    parts::shown_number(message, "from").unwrap_or_else(|| SENDER.to_owned())
}

/// What is played; a message with nothing to play is refused.
fn prompt(message: &Object<'_>, terms: &Terms<'_>, verdict: &mut Verdict) -> Option<Prompt> {
    let prompt = parts::prompt(message, terms, verdict);
    if prompt.is_none() {
        verdict.refuse(status::REJECTED_MESSAGE_IS_EMPTY);
    }
    prompt
}

/// How long after the first call of the message the one in that place begins.
fn gap(message: &Object<'_>) -> impl Fn(u32) -> Duration + use<> {
    let speed = message.object("sendingSpeed").and_then(|speed| {
        speed.must_have("speed");
        let units = [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)];
        let unit = parts::choice(&speed, "timeUnit", &units);
        let seconds = unit.unwrap_or(60);
        Some((seconds, speed.whole_within("speed", (1, u32::MAX))?))
    });
    move |place| match speed {
        Some((seconds, speed)) => Duration::from_secs(seconds) * place / speed,
        None => Duration::ZERO,
    }
}
