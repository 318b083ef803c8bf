//! The keys that A may press: what they are collected for, and whom they lead to.

use std::time::Duration;

use model::catalogue::status;
use model::limits::{
    CALL_SECONDS_MAX, DTMF_TIMEOUT_SECONDS_MAX, KEYS_MAX, REPEATS_MAX, TRANSFERS_MAX,
};
use model::message::{Keys, Leg2};

use super::call::{Destination, Verdict};
use super::object::{List, Object};
use super::parts;

/// How long a key may take, if the request does not say.
const TIMEOUT: Duration = Duration::from_secs(10);
const TRANSFERS: List = List { name: "callTransfers", item: "callTransfer" };

/// The keys to be collected, and the legs that they lead to. Keys are collected when the message
/// says how many, or gives them a meaning.
pub(super) fn keys_and_transfers(
    message: &Object<'_>,
    from: &str,
    verdict: &mut Verdict,
) -> (Option<Keys>, Vec<Leg2>) {
    let timeout = parts::seconds_or(message, "dtmfTimeout", (1, DTMF_TIMEOUT_SECONDS_MAX), || {
        verdict.refuse(status::REJECTED_INVALID_DTMF_TIMEOUT);
    });
    let max = message.whole_within("maxDtmf", (0, u32::from(KEYS_MAX))).filter(|max| *max > 0);
    // `#` ends what A enters, so it cannot be asked for.
    let repeat_on = pressed(message, "repeatDtmf", verdict).filter(|keys| {
        let is_free = !keys.contains('#');
        if !is_free {
            verdict.refuse(status::REJECTED_INVALID_DTMF_SIGN);
        }
        is_free
    });
    let transfers = transfers(message, from, verdict);
    if contradict(&transfers, repeat_on.as_deref()) {
        verdict.refuse(status::REJECTED_INVALID_ACTION_GROUPS);
    }
    if max.is_none() && repeat_on.is_none() && transfers.is_empty() {
        return (None, transfers);
    }
    let meant = transfers.iter().flat_map(|leg| &leg.if_keys).chain(&repeat_on);
    let longest = meant.map(|keys| keys.len()).max().unwrap_or(1);
    let max = max.and_then(|max| u16::try_from(max).ok());
    let keys = Keys {
        max: max.unwrap_or_else(|| u16::try_from(longest).unwrap_or(KEYS_MAX)),
        timeout: timeout.unwrap_or(TIMEOUT),
        repeats: if repeat_on.is_some() { REPEATS_MAX } else { 0 },
        repeat_on,
    };
    (Some(keys), transfers)
}

/// The text, which names keys; what is no key refuses the message.
fn pressed(object: &Object<'_>, name: &str, verdict: &mut Verdict) -> Option<String> {
    let keys = object.any_text(name)?;
    let are_keys = keys.bytes().all(|key| matches!(key, b'0'..=b'9' | b'*' | b'#'));
    if !are_keys || keys.len() > usize::from(KEYS_MAX) {
        verdict.refuse(status::REJECTED_INVALID_DTMF_SIGN);
        return None;
    }
    Some(keys.to_owned())
}

fn transfers(message: &Object<'_>, from: &str, verdict: &mut Verdict) -> Vec<Leg2> {
    let transfers = message.objects(TRANSFERS);
    if transfers.len() > TRANSFERS_MAX {
        message.fault(TRANSFERS.name, format!("has more than {TRANSFERS_MAX} items"));
        return Vec::new();
    }
    let usable = |transfer: &Object<'_>| {
        let leg = leg(transfer, from, verdict);
        if leg.is_none() {
            verdict.refuse(status::REJECTED_INVALID_ACTIONS);
        }
        leg
    };
    transfers.iter().filter_map(usable).collect()
}

/// The leg that the transfer leads to; nothing if the transfer is not usable.
fn leg(transfer: &Object<'_>, from: &str, verdict: &mut Verdict) -> Option<Leg2> {
    let number = Destination::of(transfer.any_text("transferTo")).number;
    let equals = pressed(transfer, "equals", verdict);
    let if_keys = match transfer.any_text("if") {
        Some("dtmf") => equals.map(|keys| vec![keys]),
        Some("anyDtmf") => Some(Vec::new()),
        Some(_) | None => None,
    };
    let mut is_bounded = true;
    let name = "callTransferMaxDuration";
    let max_duration =
        parts::seconds_or(transfer, name, (1, CALL_SECONDS_MAX), || is_bounded = false);
    Some(Leg2 {
        number: number.ok()?,
        shown: from.to_owned(),
        max_duration: max_duration.filter(|_| is_bounded),
        warning_time: None,
        if_keys: if_keys.filter(|_| is_bounded)?,
    })
}

/// Whether the same keys lead to two legs, or to a leg and to the prompt.
fn contradict(transfers: &[Leg2], repeat_on: Option<&str>) -> bool {
    let meanings = transfers.iter().map(|leg| leg.if_keys.first().map(String::as_str));
    let mut meanings: Vec<Option<&str>> = meanings.collect();
    meanings.extend(repeat_on.map(Some));
    meanings.sort_unstable();
    meanings.windows(2).any(|pair| pair[0] == pair[1])
}
