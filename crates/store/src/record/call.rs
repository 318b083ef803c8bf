//! The records of calls: one that is rewritten at each step until there is a report, and one that
//! stays beside the report.

use model::cdr::{Cdr, Charged};
use model::{AccountId, Message, Timestamp};

use super::bytes::{Damaged, Reader, put_all, put_maybe, put_time};
use super::cdr::{cdr, charged, put_cdr, put_charged};
use super::message::{MessageHead, read_message, read_message_head};
use crate::Started;

const VERSION: u8 = 1;
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
    /// As `write_message` encodes it.
    pub(crate) message: &'a [u8],
}

/// A call with a report, beside the report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndedRecord<'a> {
    pub(crate) submitted_at: Timestamp,
    pub(crate) cdrs: Vec<Cdr>,
    pub(crate) charged: Charged,
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
        out.extend_from_slice(self.message);
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes, CALL);
        if from.u8()? != VERSION {
            return Err(Damaged("a call's record has a version that this release does not know"));
        }
        Ok(Self {
            submitted_at: from.time()?,
            due: from.time()?,
            batch: from.u64()?,
            started: from.maybe(|from| Ok(Started { attempt: from.u8()?, at: from.time()? }))?,
            cancelled_at: from.maybe(Reader::time)?,
            cdrs: from.all(cdr)?,
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
        out.extend_from_slice(self.message);
        out
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes, ENDED);
        if from.u8()? != VERSION {
            let newer = "an ended call's record has a version that this release does not know";
            return Err(Damaged(newer));
        }
        Ok(Self {
            submitted_at: from.time()?,
            cdrs: from.all(cdr)?,
            charged: charged(&mut from)?,
            message: from.rest(),
        })
    }

    pub(crate) fn message(&self, account: AccountId) -> Result<Message, Damaged> {
        read_message(account, self.message)
    }
}
