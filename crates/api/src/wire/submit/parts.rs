//! The parts that messages of several endpoints have in common.

use std::time::Duration;

use http::Uri;
use model::catalogue::status;
use model::limits::{
    DESTINATIONS_MAX, ID_BYTES_MAX, RETRIES_MAX, SPOKEN_CHARS_MAX, URL_BYTES_MAX,
    WINDOW_MINUTES_MIN,
};
use model::message::{DeliveryWindow, MachineDetection, Notify, Prompt, Retry};
use model::{Number, Timestamp};

use super::call::Verdict;
use super::object::{List, Object, bounded};
use super::{Terms, ssml};
use crate::wire::date;

const MESSAGES: List = List { name: "messages", item: "message" };
const DAYS: List = List { name: "days", item: "day" };
const LANGUAGE: &str = "en";
const RATE_PERCENT: u16 = 100;
const WEEK: [&str; 7] =
    ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/// The messages of a request; at least one.
pub(super) fn messages<'n>(request: &Object<'n>) -> Vec<Object<'n>> {
    let messages = request.some_objects(MESSAGES);
    if messages.len() > DESTINATIONS_MAX {
        request.fault(MESSAGES.name, format!("has more than {DESTINATIONS_MAX} items"));
        return Vec::new();
    }
    messages
}

/// The digits of a number to be shown. There is no status for a wrong one.
pub(super) fn shown_number(object: &Object<'_>, name: &str) -> Option<String> {
    let number = object.any_text(name)?.parse::<Number>();
    let number = number.map_err(|error| object.fault(name, error.to_string()));
    number.ok().map(|number| number.to_string())
}

/// One of the choices, in any case.
pub(super) fn choice<T: Copy>(object: &Object<'_>, name: &str, choices: &[(&str, T)]) -> Option<T> {
    let text = object.any_text(name)?;
    let chosen = choices.iter().find(|(known, _)| text.eq_ignore_ascii_case(known));
    if chosen.is_none() {
        let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        object.fault(name, format!("is none of {}", known.join(", ")));
    }
    chosen.map(|(_, value)| *value)
}

/// Seconds within those bounds; others are a fault.
pub(super) fn seconds_within(
    object: &Object<'_>,
    name: &str,
    bounds: (u32, u32),
) -> Option<Duration> {
    object.whole_within(name, bounds).map(|seconds| Duration::from_secs(seconds.into()))
}

/// Seconds within those bounds; on others it does what is asked.
pub(super) fn seconds_or(
    object: &Object<'_>,
    name: &str,
    bounds: (u32, u32),
    otherwise: impl FnOnce(),
) -> Option<Duration> {
    let seconds = bounded(object.whole(name)?, bounds);
    if seconds.is_none() {
        otherwise();
    }
    seconds.map(|seconds| Duration::from_secs(seconds.into()))
}

/// That many minutes.
pub(super) fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

/// The time that the message asks for.
pub(super) fn send_at(message: &Object<'_>) -> Option<Timestamp> {
    let at = date::parse(message.any_text("sendAt")?);
    at.map_err(|error| message.fault("sendAt", error.to_string())).ok()
}

/// What is played: the audio file, or else the text. Whether the file is there is seen when it is
/// fetched.
pub(super) fn prompt(
    message: &Object<'_>,
    terms: &Terms<'_>,
    verdict: &mut Verdict,
) -> Option<Prompt> {
    let text = message.text("text", SPOKEN_CHARS_MAX);
    // Neither white space nor punctuation can be heard.
    let text = text.filter(|text| text.contains(char::is_alphanumeric));
    let language = message.any_text("language");
    let voice = voice(message);
    if language.or(text.map(|_| LANGUAGE)).is_some_and(|tag| !(terms.speaks)(tag)) {
        verdict.refuse(status::REJECTED_UNSUPPORTED_LANGUAGE);
    }
    if text.is_some_and(|text| ssml::is_meant(text) && !ssml::is_well_formed(text)) {
        verdict.refuse(status::REJECTED_INVALID_SSML);
    }
    if let Some(url) = message.any_text("audioFileUrl") {
        if !is_web_address(url) {
            verdict.refuse(status::REJECTED_INVALID_AUDIO_FILE_URL);
        }
        return Some(Prompt::Audio { url: url.to_owned() });
    }
    text.map(|text| Prompt::Text {
        text: text.to_owned(),
        language: language.unwrap_or(LANGUAGE).to_owned(),
        voice,
        rate_percent: RATE_PERCENT,
    })
}

/// A voice's name, or else its gender.
fn voice(message: &Object<'_>) -> Option<String> {
    let voice = message.object("voice")?;
    let gender = choice(&voice, "gender", &[("female", "female"), ("male", "male")]);
    voice.line("name", ID_BYTES_MAX).or(gender).map(str::to_owned)
}

/// How fast the text is spoken: between half and twice as fast as usual, whatever is asked.
pub(super) fn speech_rate_percent(message: &Object<'_>) -> Option<u16> {
    let rate = message.fraction("speechRate")?.clamp(0.5, 2.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "50 to 200")]
    Some((rate * 100.0).round() as u16)
}

/// Where the report is pushed.
pub(super) fn notify(message: &Object<'_>, verdict: &mut Verdict) -> Option<Notify> {
    let url = message.any_text("notifyUrl");
    if url.is_some_and(|url| !is_web_address(url)) {
        verdict.refuse(status::REJECTED_INVALID_NOTIFY_URL);
    }
    let xml = message.any_text("notifyContentType").map(|media_type| {
        let is = |known: &str| media_type.eq_ignore_ascii_case(known);
        if !is("application/json") && !is("application/xml") {
            verdict.refuse(status::REJECTED_INVALID_NOTIFY_CONTENT_TYPE);
        }
        is("application/xml")
    });
    let version = message.whole_within("notifyContentVersion", (1, 2));
    url.map(|url| Notify {
        url: url.to_owned(),
        xml: xml.unwrap_or(false),
        version_1: version == Some(1),
    })
}

/// Whether that is the shape of an `http` or `https` URL with a host.
fn is_web_address(text: &str) -> bool {
    let is_plain = text.is_ascii() && text.len() <= URL_BYTES_MAX;
    let Some(uri) = text.parse::<Uri>().ok().filter(|_| is_plain) else { return false };
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    is_web && uri.host().is_some_and(|host| !host.is_empty())
}

/// What to do when a machine answers.
pub(super) fn machine_detection(
    message: &Object<'_>,
    terms: &Terms<'_>,
    verdict: &mut Verdict,
) -> Option<MachineDetection> {
    let what = message.any_text("machineDetection")?;
    if !terms.machine_detection {
        verdict.refuse(status::REJECTED_MACHINE_DETECTION_DISABLED);
    }
    if what.eq_ignore_ascii_case("hangup") {
        return Some(MachineDetection::Hangup);
    }
    if !what.eq_ignore_ascii_case("continue") {
        verdict.refuse(status::REJECTED_INVALID_MACHINE_DETECTION);
    }
    Some(MachineDetection::Continue)
}

/// The same, where a person is to be joined to A: nothing but hanging up makes sense.
pub(super) fn only_hangup(what: MachineDetection, verdict: &mut Verdict) -> MachineDetection {
    if what != MachineDetection::Hangup {
        verdict.refuse(status::REJECTED_INVALID_MACHINE_DETECTION);
    }
    what
}

/// The retry ladder. Its rungs are the engine's business; more retries than there may be are cut.
pub(super) fn retry(message: &Object<'_>) -> Option<Retry> {
    let retry = message.object("retry")?;
    let whole = |name| {
        let is_there = retry.must_have(name);
        is_there.then(|| retry.whole_within(name, (0, i32::MAX.unsigned_abs()))).flatten()
    };
    let (min, max, count) = (whole("minPeriod"), whole("maxPeriod"), whole("maxCount"));
    let min_period = minutes(min?);
    let count = count?.min(RETRIES_MAX.into());
    Some(Retry {
        min_period,
        max_period: minutes(max?).max(min_period),
        max_count: u8::try_from(count).unwrap_or(RETRIES_MAX),
    })
}

/// When the call may be placed. What is no window refuses the message.
pub(super) fn window(message: &Object<'_>, verdict: &mut Verdict) -> Option<DeliveryWindow> {
    let window = message.object("deliveryTimeWindow")?;
    let days = days(&window);
    let from = window.object("from").map(|time| minute_of_day(&time));
    let to = window.object("to").map(|time| minute_of_day(&time));
    let minutes = match (from, to) {
        (None, None) => Some(None),
        (Some(from), Some(to)) => from.zip(to).filter(|span| is_long_enough(*span)).map(Some),
        (Some(_), None) | (None, Some(_)) => None,
    };
    let window = days.zip(minutes).map(|(days, minutes)| DeliveryWindow { days, minutes });
    if window.is_none() {
        verdict.refuse(status::REJECTED_INVALID_DELIVERY_TIME_WINDOW);
    }
    window
}

/// Bit 0 is Monday. Nothing if there is no day, or something that is none.
fn days(window: &Object<'_>) -> Option<u8> {
    let bit = |text: Option<&str>| {
        let day = WEEK.iter().position(|day| text.is_some_and(|t| t.eq_ignore_ascii_case(day)))?;
        Some(1_u8 << day)
    };
    let mut days = window.texts(DAYS).into_iter().map(bit);
    let days = days.try_fold(0, |days, day| Some(days | day?))?;
    (days != 0).then_some(days)
}

fn minute_of_day(time: &Object<'_>) -> Option<u16> {
    let (hour, minute) = (time.whole("hour"), time.whole("minute"));
    let minute = bounded(hour?, (0, 23))? * 60 + bounded(minute?, (0, 59))?;
    u16::try_from(minute).ok()
}

/// From an hour on, also past midnight.
fn is_long_enough((from, to): (u16, u16)) -> bool {
    const DAY: u16 = 24 * 60;
    (to + DAY - from) % DAY >= WINDOW_MINUTES_MIN
}
