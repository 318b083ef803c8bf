//! The record of a submission with a key: what it was answered.

use model::{Status, Timestamp};

use super::bytes::{Damaged, Reader, put_all, put_text, put_time};
use crate::Answer;

const VERSION: u8 = 1;
const WHAT: &str = "a submission's record is not as it was written";

/// What a submission was answered, for whoever sends it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubmitRecord {
    pub(crate) at: Timestamp,
    pub(crate) fingerprint: u64,
    pub(crate) bulk_id: String,
    pub(crate) answers: Vec<Answer>,
}

impl SubmitRecord {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 160 * self.answers.len());
        out.push(VERSION);
        put_time(&mut out, self.at);
        out.extend_from_slice(&self.fingerprint.to_be_bytes());
        put_text(&mut out, &self.bulk_id);
        put_all(&mut out, &self.answers, |out, answer| {
            put_text(out, &answer.message_id);
            put_text(out, &answer.to);
            let status = &answer.status;
            out.extend_from_slice(&status.group_id.to_be_bytes());
            out.extend_from_slice(&status.id.to_be_bytes());
            for text in [&status.group_name, &status.name, &status.description] {
                put_text(out, text);
            }
        });
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let (at, fingerprint, mut from) = head(bytes)?;
        let record = Self { at, fingerprint, bulk_id: from.string()?, answers: from.all(answer)? };
        from.end()?;
        Ok(record)
    }

    /// When it was answered, and the fingerprint; cheaper than all of it.
    pub(crate) fn head(bytes: &[u8]) -> Result<(Timestamp, u64), Damaged> {
        head(bytes).map(|(at, fingerprint, _)| (at, fingerprint))
    }
}

fn head(bytes: &[u8]) -> Result<(Timestamp, u64, Reader<'_>), Damaged> {
    let mut from = Reader::new(bytes, WHAT);
    if from.u8()? != VERSION {
        return Err(Damaged("a submission's record has a version that this release does not know"));
    }
    Ok((from.time()?, from.u64()?, from))
}

fn answer(from: &mut Reader<'_>) -> Result<Answer, Damaged> {
    let (message_id, to) = (from.string()?, from.string()?);
    let (group_id, id) = (from.u32()?, from.u32()?);
    let status = Status {
        group_id,
        id,
        group_name: from.string()?,
        name: from.string()?,
        description: from.string()?,
    };
    Ok(Answer { message_id, to, status })
}
