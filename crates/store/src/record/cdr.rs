//! The encoding of attempts that are over, and of what a call was charged.

use model::Outcome;
use model::cdr::{Cdr, Charged, Ending, LegRecord, RateLine, Release, Verdict};

use super::bytes::{Damaged, Reader, put_amount, put_maybe, put_span, put_text, put_time};

pub(super) fn put_cdr(out: &mut Vec<u8>, cdr: &Cdr) {
    out.push(cdr.attempt);
    out.push(outcome_code(cdr.outcome));
    out.push(ending_code(cdr.ending));
    put_leg(out, &cdr.leg_a);
    put_maybe(out, cdr.leg_b.as_ref(), put_leg);
    let keys: String = cdr.keys.iter().collect();
    put_text(out, &keys);
    put_maybe(out, cdr.verdict, |out, verdict| {
        out.push(match verdict {
            Verdict::Human => 0,
            Verdict::Machine => 1,
        });
    });
    put_maybe(out, cdr.prompt, put_span);
}

pub(super) fn cdr(from: &mut Reader<'_>) -> Result<Cdr, Damaged> {
    Ok(Cdr {
        attempt: from.u8()?,
        outcome: outcome(from)?,
        ending: ending(from)?,
        leg_a: leg(from)?,
        leg_b: from.maybe(leg)?,
        keys: from.text()?.chars().collect(),
        verdict: from.maybe(verdict)?,
        prompt: from.maybe(Reader::span)?,
    })
}

pub(super) fn put_charged(out: &mut Vec<u8>, charged: &Charged) {
    put_maybe(out, charged.deck.as_deref(), put_text);
    put_amount(out, charged.total);
    out.extend_from_slice(&charged.billed_seconds.to_be_bytes());
    put_maybe(out, charged.line_a.as_ref(), put_line);
    put_maybe(out, charged.line_b.as_ref(), put_line);
}

pub(super) fn charged(from: &mut Reader<'_>) -> Result<Charged, Damaged> {
    Ok(Charged {
        deck: from.maybe(Reader::string)?,
        total: from.amount()?,
        billed_seconds: from.u64()?,
        line_a: from.maybe(line)?,
        line_b: from.maybe(line)?,
    })
}

fn put_line(out: &mut Vec<u8>, line: &RateLine) {
    out.extend_from_slice(&line.line.to_be_bytes());
    put_text(out, &line.text);
}

fn line(from: &mut Reader<'_>) -> Result<RateLine, Damaged> {
    Ok(RateLine { line: from.u64()?, text: from.string()? })
}

fn put_leg(out: &mut Vec<u8>, leg: &LegRecord) {
    put_time(out, leg.invite);
    for time in [leg.ringing, leg.answered, leg.ended] {
        put_maybe(out, time, put_time);
    }
    put_maybe(out, leg.release.code, |out, code| out.extend_from_slice(&code.to_be_bytes()));
    put_maybe(out, leg.release.cause, Vec::push);
    out.push(outcome_code(leg.outcome));
}

fn leg(from: &mut Reader<'_>) -> Result<LegRecord, Damaged> {
    Ok(LegRecord {
        invite: from.time()?,
        ringing: from.maybe(Reader::time)?,
        answered: from.maybe(Reader::time)?,
        ended: from.maybe(Reader::time)?,
        release: Release { code: from.maybe(Reader::u16)?, cause: from.maybe(Reader::u8)? },
        outcome: outcome(from)?,
    })
}

fn verdict(from: &mut Reader<'_>) -> Result<Verdict, Damaged> {
    match from.u8()? {
        0 => Ok(Verdict::Human),
        1 => Ok(Verdict::Machine),
        _ => Err(from.damaged()),
    }
}

fn outcome(from: &mut Reader<'_>) -> Result<Outcome, Damaged> {
    let code = from.u8()?;
    let found = Outcome::ALL.into_iter().find(|outcome| outcome_code(*outcome) == code);
    found.ok_or(from.damaged())
}

/// The codes are the disk's own: the order of an outcome in memory may change, its code may not.
const fn outcome_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Answered => 0,
        Outcome::AnsweredByMachine => 1,
        Outcome::Busy => 2,
        Outcome::NoAnswer => 3,
        Outcome::Unavailable => 4,
        Outcome::Declined => 5,
        Outcome::Forbidden => 6,
        Outcome::NoSuchNumber => 7,
        Outcome::IncompleteNumber => 8,
        Outcome::NumberChanged => 9,
        Outcome::TrunkRefused => 10,
        Outcome::NetworkError => 11,
        Outcome::MediaMismatch => 12,
        Outcome::Congestion => 13,
        Outcome::Terminated => 14,
        Outcome::Cancelled => 15,
        Outcome::Expired => 16,
        Outcome::AudioNotFetched => 17,
        Outcome::AudioUnsupported => 18,
        Outcome::OutOfCredit => 19,
        Outcome::NoRate => 20,
        Outcome::Internal => 21,
    }
}

const fn ending_code(ending: Ending) -> u8 {
    match ending {
        Ending::NotReached => 0,
        Ending::Machine => 1,
        Ending::Completed => 2,
        Ending::BNotReached => 3,
        Ending::ByA => 4,
        Ending::ByB => 5,
        Ending::MaxDuration => 6,
        Ending::CallTimeout => 7,
        Ending::Silence => 8,
        Ending::Cancelled => 9,
        Ending::Drained => 10,
    }
}

fn ending(from: &mut Reader<'_>) -> Result<Ending, Damaged> {
    Ok(match from.u8()? {
        0 => Ending::NotReached,
        1 => Ending::Machine,
        2 => Ending::Completed,
        3 => Ending::BNotReached,
        4 => Ending::ByA,
        5 => Ending::ByB,
        6 => Ending::MaxDuration,
        7 => Ending::CallTimeout,
        8 => Ending::Silence,
        9 => Ending::Cancelled,
        10 => Ending::Drained,
        _ => return Err(from.damaged()),
    })
}
