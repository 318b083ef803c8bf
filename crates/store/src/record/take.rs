//! The record of one take: rewritten at each step of its life.

use std::ops::Range;

use model::{AccountId, Timestamp};

use super::bytes::{Damaged, Reader, put_length, put_text, put_time};
use crate::{ReplayKey, ReturnReason, TakeState, TakenBy};

const VERSION: u8 = 1;
const WHAT: &str = "a take's record is not as it was written";

const KEYED: u8 = 1;
const ENDED: u8 = 2;
const ACKNOWLEDGED: u8 = 4;
const SETTLED_ONCE: u8 = 8;

/// One take as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TakeRecord {
    pub(crate) account: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) by: TakenBy,
    pub(crate) key: Option<ReplayKey>,
    /// Sequence numbers of its reports, ascending, each range without its end.
    pub(crate) ranges: Vec<Range<u64>>,
    pub(crate) state: TakeState,
    /// The kernel of some answer's client has every byte, and no reset has followed.
    pub(crate) acknowledged: bool,
    /// Some answer settled; nothing clears it.
    pub(crate) settled_once: bool,
    pub(crate) bytes_acknowledged: u64,
    pub(crate) replays: u32,
    pub(crate) ended_at: Option<Timestamp>,
}

impl TakeRecord {
    /// Reports in it.
    pub(crate) fn reports(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        out.push(VERSION);
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        out.push(
            bit(self.key.is_some(), KEYED)
                | bit(self.ended_at.is_some(), ENDED)
                | bit(self.acknowledged, ACKNOWLEDGED)
                | bit(self.settled_once, SETTLED_ONCE),
        );
        out.push(state_code(self.state));
        out.extend_from_slice(&self.account.0.to_be_bytes());
        put_time(&mut out, self.at);
        if let Some(ended_at) = self.ended_at {
            put_time(&mut out, ended_at);
        }
        out.extend_from_slice(&self.bytes_acknowledged.to_be_bytes());
        out.extend_from_slice(&self.replays.to_be_bytes());
        if let Some(key) = &self.key {
            put_text(&mut out, &key.value);
            out.extend_from_slice(&key.fingerprint.to_be_bytes());
        }
        for text in [&self.by.credential, &self.by.peer, &self.by.request_id] {
            put_text(&mut out, text);
        }
        put_length(&mut out, self.ranges.len());
        for range in &self.ranges {
            out.extend_from_slice(&range.start.to_be_bytes());
            out.extend_from_slice(&range.end.to_be_bytes());
        }
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut from = Reader::new(bytes, WHAT);
        if from.u8()? != VERSION {
            return Err(Damaged("a take's record has a version that this release does not know"));
        }
        let bits = from.u8()?;
        let has = |bit: u8| bits & bit != 0;
        let state = state_of(from.u8()?)?;
        let account = AccountId(from.u32()?);
        let at = from.time()?;
        let ended_at = from.time_if(has(ENDED))?;
        let bytes_acknowledged = from.u64()?;
        let replays = from.u32()?;
        let key = if has(KEYED) {
            Some(ReplayKey { value: from.text()?.to_owned(), fingerprint: from.u64()? })
        } else {
            None
        };
        let by = TakenBy {
            credential: from.text()?.to_owned(),
            peer: from.text()?.to_owned(),
            request_id: from.text()?.to_owned(),
        };
        let count = from.length()?;
        let ranges = (0..count)
            .map(|_| Ok(from.u64()?..from.u64()?))
            .collect::<Result<Vec<_>, Damaged>>()?;
        from.end()?;
        Ok(Self {
            account,
            at,
            by,
            key,
            ranges,
            state,
            acknowledged: has(ACKNOWLEDGED),
            settled_once: has(SETTLED_ONCE),
            bytes_acknowledged,
            replays,
            ended_at,
        })
    }
}

const fn state_code(state: TakeState) -> u8 {
    match state {
        TakeState::InFlight => 0,
        TakeState::Settled => 1,
        TakeState::Returned(ReturnReason::NotWritten) => 2,
        TakeState::Returned(ReturnReason::Reset) => 3,
        TakeState::Returned(ReturnReason::NotAcknowledged) => 4,
        TakeState::Returned(ReturnReason::Crash) => 5,
        TakeState::Returned(ReturnReason::WindowEnded) => 6,
    }
}

const fn state_of(code: u8) -> Result<TakeState, Damaged> {
    Ok(match code {
        0 => TakeState::InFlight,
        1 => TakeState::Settled,
        2 => TakeState::Returned(ReturnReason::NotWritten),
        3 => TakeState::Returned(ReturnReason::Reset),
        4 => TakeState::Returned(ReturnReason::NotAcknowledged),
        5 => TakeState::Returned(ReturnReason::Crash),
        6 => TakeState::Returned(ReturnReason::WindowEnded),
        _ => return Err(Damaged(WHAT)),
    })
}
