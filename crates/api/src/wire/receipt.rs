//! The answer to a feed: what became of each report.

use super::Fault;
use super::writer::{self, List, Root, Shape, Writer};
use crate::negotiate::Format;

/// What became of the reports of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Reports that are pending now.
    pub accepted: usize,
    /// Reports that the account had already, with the same content.
    pub duplicates: usize,
    /// Why others were not kept; several entries for a report with several faults.
    pub refused: Vec<Refusal>,
}

/// One reason why a report was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which report of the feed, counted from 0.
    pub index: usize,
    /// Its `messageId`, when it could be read.
    pub message_id: Option<String>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The answer to a feed.
///
/// JSON: `{"accepted":2,"duplicates":0,"refused":[{"index":3,"path":"results[3].to",
/// "messageId":"…","reason":"is missing"}]}`; `messageId` may be left out. XML: the same under the
/// root `feedResponse`, each reason in a `refused/refusal`.
pub fn feed_reply(format: Format, receipt: &Receipt) -> Vec<u8> {
    writer::render(format, receipt)
}

impl Shape for Receipt {
    const ROOT: Root = Root { name: "feedResponse", prolog: true };

    fn size_hint(&self) -> usize {
        128 + self.refused.len() * 160
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        to.raw("accepted", self.accepted);
        to.raw("duplicates", self.duplicates);
        let list = List { name: "refused", item: "refusal" };
        to.list(list, &self.refused, |to, refusal| {
            to.raw("index", refusal.index);
            to.text("path", &refusal.fault.path);
            to.optional("messageId", refusal.message_id.as_ref());
            to.text("reason", &refusal.fault.reason);
        });
    }
}
