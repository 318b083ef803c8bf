//! The encoding of a message, as it is in the records of its call: written once, copied as it is.

use model::message::{
    DeliveryWindow, Keys, Leg2, MachineDetection, Message, Notify, Prompt, Retry,
};
use model::{AccountId, Timestamp};

use super::bytes::{Damaged, Reader, put_all, put_maybe, put_span, put_text, put_time};

const VERSION: u8 = 2;
/// The same without the last field: nothing was recorded then.
const VERSION_1: u8 = 1;
const WHAT: &str = "a message is not as it was written";

/// What comes first in a message, and is cheap to read.
pub(crate) struct MessageHead<'a> {
    pub(crate) bulk_id: &'a str,
    pub(crate) message_id: &'a str,
    pub(crate) send_at: Timestamp,
    pub(crate) valid_until: Option<Timestamp>,
}

/// Encodes the message as one of the bulk, whatever bulk it names.
pub(crate) fn write_message(message: &Message, bulk_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(VERSION);
    put_text(&mut out, bulk_id);
    put_text(&mut out, &message.message_id);
    put_time(&mut out, message.send_at);
    put_maybe(&mut out, message.valid_until, put_time);
    put_text(&mut out, &message.from);
    put_text(&mut out, message.destination_a.digits());
    put_maybe(&mut out, message.destination_b.as_ref(), put_leg);
    put_all(&mut out, &message.transfers, put_leg);
    put_span(&mut out, message.pause);
    put_maybe(&mut out, message.prompt.as_ref(), put_prompt);
    put_maybe(&mut out, message.keys.as_ref(), put_keys);
    put_maybe(&mut out, message.machine_detection, |out, detection| {
        out.push(match detection {
            MachineDetection::Hangup => 0,
            MachineDetection::Continue => 1,
        });
    });
    put_span(&mut out, message.ring_timeout);
    put_maybe(&mut out, message.call_timeout, put_span);
    put_maybe(&mut out, message.retry, |out, retry| {
        put_span(out, retry.min_period);
        put_span(out, retry.max_period);
        out.push(retry.max_count);
    });
    put_maybe(&mut out, message.window, |out, window| {
        out.push(window.days);
        put_maybe(out, window.minutes, |out, (from, to)| {
            out.extend_from_slice(&from.to_be_bytes());
            out.extend_from_slice(&to.to_be_bytes());
        });
    });
    put_maybe(&mut out, message.asked_send_at, put_time);
    put_maybe(&mut out, message.notify.as_ref(), |out, notify| {
        put_text(out, &notify.url);
        out.push(u8::from(notify.xml));
        out.push(u8::from(notify.version_1));
    });
    put_maybe(&mut out, message.callback_data.as_deref(), put_text);
    out.push(u8::from(message.record));
    out
}

pub(crate) fn read_message_head(bytes: &[u8]) -> Result<MessageHead<'_>, Damaged> {
    head(&mut Reader::new(bytes, WHAT))
}

pub(crate) fn read_message(account: AccountId, bytes: &[u8]) -> Result<Message, Damaged> {
    let mut from = Reader::new(bytes, WHAT);
    let version = bytes.first().copied().unwrap_or_default();
    let MessageHead { bulk_id, message_id, send_at, valid_until } = head(&mut from)?;
    let message = Message {
        account,
        bulk_id: bulk_id.to_owned(),
        message_id: message_id.to_owned(),
        send_at,
        valid_until,
        from: from.string()?,
        destination_a: from.number()?,
        destination_b: from.maybe(leg)?,
        transfers: from.all(leg)?,
        pause: from.span()?,
        prompt: from.maybe(prompt)?,
        keys: from.maybe(keys)?,
        machine_detection: from.maybe(machine_detection)?,
        ring_timeout: from.span()?,
        call_timeout: from.maybe(Reader::span)?,
        retry: from.maybe(retry)?,
        window: from.maybe(window)?,
        asked_send_at: from.maybe(Reader::time)?,
        notify: from.maybe(notify)?,
        callback_data: from.maybe(Reader::string)?,
        record: version != VERSION_1 && from.bool()?,
    };
    from.end()?;
    Ok(message)
}

fn head<'a>(from: &mut Reader<'a>) -> Result<MessageHead<'a>, Damaged> {
    if !matches!(from.u8()?, VERSION_1 | VERSION) {
        return Err(Damaged("a message has a version that this release does not know"));
    }
    Ok(MessageHead {
        bulk_id: from.text()?,
        message_id: from.text()?,
        send_at: from.time()?,
        valid_until: from.maybe(Reader::time)?,
    })
}

fn put_leg(out: &mut Vec<u8>, leg: &Leg2) {
    put_text(out, leg.number.digits());
    put_text(out, &leg.shown);
    put_maybe(out, leg.max_duration, put_span);
    put_maybe(out, leg.warning_time, put_span);
    put_all(out, &leg.if_keys, |out, keys| put_text(out, keys));
}

fn leg(from: &mut Reader<'_>) -> Result<Leg2, Damaged> {
    Ok(Leg2 {
        number: from.number()?,
        shown: from.string()?,
        max_duration: from.maybe(Reader::span)?,
        warning_time: from.maybe(Reader::span)?,
        if_keys: from.all(Reader::string)?,
    })
}

fn put_prompt(out: &mut Vec<u8>, prompt: &Prompt) {
    match prompt {
        Prompt::Text { text, language, voice, rate_percent } => {
            out.push(0);
            put_text(out, text);
            put_text(out, language);
            put_maybe(out, voice.as_deref(), put_text);
            out.extend_from_slice(&rate_percent.to_be_bytes());
        }
        Prompt::Audio { url } => {
            out.push(1);
            put_text(out, url);
        }
    }
}

fn prompt(from: &mut Reader<'_>) -> Result<Prompt, Damaged> {
    Ok(match from.u8()? {
        0 => Prompt::Text {
            text: from.string()?,
            language: from.string()?,
            voice: from.maybe(Reader::string)?,
            rate_percent: from.u16()?,
        },
        1 => Prompt::Audio { url: from.string()? },
        _ => return Err(from.damaged()),
    })
}

fn put_keys(out: &mut Vec<u8>, keys: &Keys) {
    out.extend_from_slice(&keys.max.to_be_bytes());
    put_span(out, keys.timeout);
    out.extend_from_slice(&keys.repeats.to_be_bytes());
    put_maybe(out, keys.repeat_on.as_deref(), put_text);
}

fn keys(from: &mut Reader<'_>) -> Result<Keys, Damaged> {
    Ok(Keys {
        max: from.u16()?,
        timeout: from.span()?,
        repeats: from.u16()?,
        repeat_on: from.maybe(Reader::string)?,
    })
}

fn machine_detection(from: &mut Reader<'_>) -> Result<MachineDetection, Damaged> {
    match from.u8()? {
        0 => Ok(MachineDetection::Hangup),
        1 => Ok(MachineDetection::Continue),
        _ => Err(from.damaged()),
    }
}

fn retry(from: &mut Reader<'_>) -> Result<Retry, Damaged> {
    Ok(Retry { min_period: from.span()?, max_period: from.span()?, max_count: from.u8()? })
}

fn window(from: &mut Reader<'_>) -> Result<DeliveryWindow, Damaged> {
    Ok(DeliveryWindow {
        days: from.u8()?,
        minutes: from.maybe(|from| Ok((from.u16()?, from.u16()?)))?,
    })
}

fn notify(from: &mut Reader<'_>) -> Result<Notify, Damaged> {
    Ok(Notify { url: from.string()?, xml: from.bool()?, version_1: from.bool()? })
}
