//! The records of calls: one that is rewritten at each step until there is a report, and one that
//! stays beside the report.

use model::cdr::{Cdr, Charged};
use model::{AccountId, Message, Timestamp};

use super::bytes::{Damaged, Reader, put_all, put_length, put_maybe, put_time};
use super::cdr::{cdr, cdr_1, charged, put_cdr, put_charged};
use super::ladder::{leg, leg_code};
use super::message::{MessageHead, read_message, read_message_head};
use crate::{LegUp, Recording, Started};

const VERSION: u8 = 2;
/// Before there were trunks: nothing was recorded, no leg outlived its process.
const VERSION_1: u8 = 1;
const CALL: &str = "a call's record is not as it was written";
const ENDED: &str = "an ended call's record is not as it was written";

/// A call without a report, as the ledger keeps it. What its bulk has been changed to since is kept
/// beside it, not in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallRecord<'a> {
    pub(crate) submitted_at: Timestamp,
    pub(crate) due: Timestamp,
    /// The number of the first call of its batch.
    pub(crate) batch: u64,
    pub(crate) started: Option<Started>,
    pub(crate) cancelled_at: Option<Timestamp>,
    pub(crate) cdrs: Vec<Cdr>,
    /// What is up of the attempt under way.
    pub(crate) legs_up: Vec<LegUp>,
    pub(crate) recording: Recording,
    /// As `write_message` encodes it.
    pub(crate) message: &'a [u8],
}

/// A call with a report, beside the report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndedRecord<'a> {
    pub(crate) submitted_at: Timestamp,
    pub(crate) cdrs: Vec<Cdr>,
    pub(crate) charged: Charged,
    /// The number that the call had, under which its recording is.
    pub(crate) number: u64,
    pub(crate) recording: Recording,
    /// As `write_message` encodes it.
    pub(crate) message: &'a [u8],
}

impl<'a> CallRecord<'a> {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 128 * self.cdrs.len() + self.message.len());
        out.push(VERSION);
        put_time(&mut out, self.submitted_at);
        put_time(&mut out, self.due);
        out.extend_from_slice(&self.batch.to_be_bytes());
        put_maybe(&mut out, self.started, |out, started| {
            out.push(started.attempt);
            put_time(out, started.at);
        });
        put_maybe(&mut out, self.cancelled_at, put_time);
        put_all(&mut out, &self.cdrs, put_cdr);
        put_all(&mut out, &self.legs_up, put_leg_up);
        put_recording(&mut out, self.recording);
        out.extend_from_slice(self.message);
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes, CALL);
        let version = from.u8()?;
        if !matches!(version, VERSION_1 | VERSION) {
            return Err(Damaged("a call's record has a version that this release does not know"));
        }
        Ok(Self {
            submitted_at: from.time()?,
            due: from.time()?,
            batch: from.u64()?,
            started: from.maybe(|from| Ok(Started { attempt: from.u8()?, at: from.time()? }))?,
            cancelled_at: from.maybe(Reader::time)?,
            cdrs: from.all(cdr_of(version))?,
            legs_up: if version == VERSION_1 { Vec::new() } else { from.all(leg_up)? },
            recording: recording(&mut from, version)?,
            message: from.rest(),
        })
    }

    pub(crate) fn head(&self) -> Result<MessageHead<'a>, Damaged> {
        read_message_head(self.message)
    }

    pub(crate) fn message(&self, account: AccountId) -> Result<Message, Damaged> {
        read_message(account, self.message)
    }
}

impl<'a> EndedRecord<'a> {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + 128 * self.cdrs.len() + self.message.len());
        out.push(VERSION);
        put_time(&mut out, self.submitted_at);
        put_all(&mut out, &self.cdrs, put_cdr);
        put_charged(&mut out, &self.charged);
        out.extend_from_slice(&self.number.to_be_bytes());
        put_recording(&mut out, self.recording);
        out.extend_from_slice(self.message);
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes, ENDED);
        let version = from.u8()?;
        if !matches!(version, VERSION_1 | VERSION) {
            let newer = "an ended call's record has a version that this release does not know";
            return Err(Damaged(newer));
        }
        Ok(Self {
            submitted_at: from.time()?,
            cdrs: from.all(cdr_of(version))?,
            charged: charged(&mut from)?,
            number: if version == VERSION_1 { 0 } else { from.u64()? },
            recording: recording(&mut from, version)?,
            message: from.rest(),
        })
    }

    pub(crate) fn message(&self, account: AccountId) -> Result<Message, Damaged> {
        read_message(account, self.message)
    }
}

fn cdr_of(version: u8) -> fn(&mut Reader<'_>) -> Result<Cdr, Damaged> {
    if version == VERSION_1 { cdr_1 } else { cdr }
}

fn put_leg_up(out: &mut Vec<u8>, up: &LegUp) {
    out.push(leg_code(up.leg));
    put_time(out, up.at);
    put_length(out, up.dialog.len());
    out.extend_from_slice(&up.dialog);
}

fn leg_up(from: &mut Reader<'_>) -> Result<LegUp, Damaged> {
    let (leg, at, length) = (leg(from)?, from.time()?, from.length()?);
    Ok(LegUp { leg, at, dialog: from.raw(length)?.to_vec() })
}

fn put_recording(out: &mut Vec<u8>, recording: Recording) {
    out.extend_from_slice(&recording.parts.to_be_bytes());
    out.extend_from_slice(&recording.bytes.to_be_bytes());
}

fn recording(from: &mut Reader<'_>, version: u8) -> Result<Recording, Damaged> {
    match version {
        VERSION_1 => Ok(Recording::default()),
        _ => Ok(Recording { parts: from.u32()?, bytes: from.u64()? }),
    }
}
