//! The encoding of attempts that are over, and of what a call was charged. An attempt has no version
//! of its own: that of the record around it tells how it is written.

use std::time::Duration;

use model::Outcome;
use model::cdr::{Cdr, Charged, Clue, Detection, Ending, LegRecord, RateLine, Release, Verdict};
use model::ladder::Ladder;

use super::bytes::{Damaged, Reader, put_amount, put_maybe, put_span, put_text, put_time};
use super::ladder::{ladder, put_ladder};
use super::quality::{put_quality, quality};

pub(super) fn put_cdr(out: &mut Vec<u8>, cdr: &Cdr) {
    out.push(cdr.attempt);
    out.push(outcome_code(cdr.outcome));
    out.push(ending_code(cdr.ending));
    put_leg(out, &cdr.leg_a);
    put_maybe(out, cdr.leg_b.as_ref(), put_leg);
    let keys: String = cdr.keys.iter().collect();
    put_text(out, &keys);
    put_maybe(out, cdr.detection, put_detection);
    put_maybe(out, cdr.prompt, put_span);
    put_ladder(out, &cdr.ladder);
}

pub(super) fn cdr(from: &mut Reader<'_>) -> Result<Cdr, Damaged> {
    Ok(Cdr {
        attempt: from.u8()?,
        outcome: outcome(from)?,
        ending: ending(from)?,
        leg_a: leg(from)?,
        leg_b: from.maybe(leg)?,
        keys: from.text()?.chars().collect(),
        detection: from.maybe(detection)?,
        prompt: from.maybe(Reader::span)?,
        ladder: ladder(from)?,
    })
}

/// An attempt in a record of version 1: it was one of the sandbox, which detects in one way.
pub(super) fn cdr_1(from: &mut Reader<'_>) -> Result<Cdr, Damaged> {
    Ok(Cdr {
        attempt: from.u8()?,
        outcome: outcome(from)?,
        ending: ending(from)?,
        leg_a: leg_1(from)?,
        leg_b: from.maybe(leg_1)?,
        keys: from.text()?.chars().collect(),
        detection: from.maybe(detection_1)?,
        prompt: from.maybe(Reader::span)?,
        ladder: Ladder::default(),
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
    put_maybe(out, leg.trunk.as_deref(), put_text);
    put_maybe(out, leg.quality.as_ref(), put_quality);
}

fn leg(from: &mut Reader<'_>) -> Result<LegRecord, Damaged> {
    let leg = leg_1(from)?;
    let (trunk, quality) = (from.maybe(Reader::string)?, from.maybe(quality)?);
    Ok(LegRecord { trunk, quality, ..leg })
}

fn leg_1(from: &mut Reader<'_>) -> Result<LegRecord, Damaged> {
    Ok(LegRecord {
        invite: from.time()?,
        ringing: from.maybe(Reader::time)?,
        answered: from.maybe(Reader::time)?,
        ended: from.maybe(Reader::time)?,
        release: Release { code: from.maybe(Reader::u16)?, cause: from.maybe(Reader::u8)? },
        outcome: outcome(from)?,
        trunk: None,
        quality: None,
    })
}

fn put_detection(out: &mut Vec<u8>, detection: Detection) {
    out.push(match detection.verdict {
        Verdict::Human => 0,
        Verdict::Machine => 1,
    });
    out.push(match detection.clue {
        Clue::InitialSilence => 0,
        Clue::LongGreeting => 1,
        Clue::ManyWords => 2,
        Clue::LongWord => 3,
        Clue::ShortGreeting => 4,
        Clue::TimeOut => 5,
    });
    put_span(out, detection.after);
}

fn detection(from: &mut Reader<'_>) -> Result<Detection, Damaged> {
    Ok(Detection { verdict: verdict(from)?, clue: clue(from)?, after: from.span()? })
}

fn detection_1(from: &mut Reader<'_>) -> Result<Detection, Damaged> {
    let verdict = verdict(from)?;
    let clue = match verdict {
        Verdict::Human => Clue::ShortGreeting,
        Verdict::Machine => Clue::LongGreeting,
    };
    Ok(Detection { verdict, clue, after: Duration::from_millis(1_500) })
}

fn clue(from: &mut Reader<'_>) -> Result<Clue, Damaged> {
    Ok(match from.u8()? {
        0 => Clue::InitialSilence,
        1 => Clue::LongGreeting,
        2 => Clue::ManyWords,
        3 => Clue::LongWord,
        4 => Clue::ShortGreeting,
        5 => Clue::TimeOut,
        _ => return Err(from.damaged()),
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
        Ending::LeftBehind => 11,
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
        11 => Ending::LeftBehind,
        _ => return Err(from.damaged()),
    })
}
