//! What the verbs are asked, encoded by the caller, so that the engine has less to do.

use model::catalogue::StatusRow;
use model::cdr::Charged;
use model::message::Draft;
use model::{Cdr, Report};

use crate::hash::hash;
use crate::record::{encode, is_recorded, write_message};
use crate::{Finished, ReplayKey, Submission};

/// One report of a feed, encoded by the caller so that the writer has less to do.
pub(crate) struct FeedItem {
    pub(crate) encoded: Vec<u8>,
    pub(crate) message_hash: u64,
    pub(crate) bulk_hash: u64,
}

impl FeedItem {
    /// Whether it is of a call that was recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        is_recorded(&self.encoded)
    }
}

impl From<&Report> for FeedItem {
    fn from(report: &Report) -> Self {
        Self {
            encoded: encode(report),
            message_hash: hash(&report.message_id),
            bulk_hash: hash(&report.bulk_id),
        }
    }
}

/// A submission, encoded by the caller so that the writer has less to do.
pub(crate) struct SubmitOrder {
    pub(crate) bulk_id: String,
    pub(crate) bulk_hash: u64,
    pub(crate) drafts: Vec<DraftItem>,
    pub(crate) key: Option<ReplayKey>,
    pub(crate) waiting_max: u64,
}

/// One message of a submission.
pub(crate) struct DraftItem {
    pub(crate) message_id: String,
    pub(crate) message_hash: u64,
    pub(crate) to: String,
    /// The message, encoded, or why there is none.
    pub(crate) message: std::result::Result<Vec<u8>, StatusRow>,
}

impl From<Submission> for SubmitOrder {
    fn from(submission: Submission) -> Self {
        let Submission { bulk_id, drafts, key, waiting_max } = submission;
        let item = |draft: Draft| DraftItem {
            message_hash: hash(&draft.message_id),
            message: draft.verdict.map(|message| write_message(&message, &bulk_id)),
            message_id: draft.message_id,
            to: draft.to,
        };
        let drafts = drafts.into_iter().map(item).collect();
        Self { bulk_hash: hash(&bulk_id), drafts, key, waiting_max, bulk_id }
    }
}

impl SubmitOrder {
    /// Bytes that will be written of it.
    pub(crate) fn bytes(&self) -> usize {
        let messages = self.drafts.iter().filter_map(|draft| draft.message.as_ref().ok());
        messages.map(Vec::len).sum()
    }
}

/// The end of a call.
pub(crate) struct Ending {
    pub(crate) report: FeedItem,
    pub(crate) cdr: Option<Cdr>,
    pub(crate) charged: Charged,
    pub(crate) day: i32,
}

impl From<Finished> for Ending {
    fn from(finished: Finished) -> Self {
        let Finished { report, cdr, charged, day } = finished;
        Self { report: FeedItem::from(&report), cdr, charged, day }
    }
}
