//! The answer to a submit: what became of each message.

use model::Status;
use model::catalogue::StatusRow;

use crate::negotiate::Format;
use crate::wire::report;
use crate::wire::writer::{self, List, Root, Shape, Writer};

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its destination; destination A of a click-to-call. Left out of the answer when empty.
    pub to: String,
    /// Accepted, or why not.
    pub status: StatusRow,
    /// Its id, the client's own or a new one.
    pub message_id: String,
}

/// The answer to a submit.
///
/// JSON: `{"bulkId":…,"messages":[{"to":…,"status":{…},"messageId":…}]}`. XML: the same under the
/// root `voiceResponse`, each message in a `messages/message`.
pub fn reply(format: Format, bulk_id: &str, messages: &[Answered]) -> Vec<u8> {
    writer::render(format, &Reply { bulk_id, messages })
}

struct Reply<'a> {
    bulk_id: &'a str,
    messages: &'a [Answered],
}

impl Shape for Reply<'_> {
    const ROOT: Root = Root { name: "voiceResponse", prolog: true };

    fn size_hint(&self) -> usize {
        128 + self.messages.len() * 256
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        to.text("bulkId", self.bulk_id);
        to.list(List { name: "messages", item: "message" }, self.messages, |to, message| {
            if !message.to.is_empty() {
                to.text("to", &message.to);
            }
            report::status(to, &status(message.status));
            to.text("messageId", &message.message_id);
        });
    }
}

fn status(row: StatusRow) -> Status<&'static str> {
    Status {
        group_id: row.group_id,
        group_name: row.group_name,
        id: row.id,
        name: row.name,
        description: row.description,
    }
}
