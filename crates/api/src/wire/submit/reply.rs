//! The answer to a submit: what became of each message.

use store::Answer;

use crate::negotiate::Format;
use crate::wire::report;
use crate::wire::writer::{self, List, Root, Shape, Writer};

/// The answer to a submit.
///
/// JSON: `{"bulkId":…,"messages":[{"to":…,"status":{…},"messageId":…}]}`. XML: the same under the
/// root `voiceResponse`, each message in a `messages/message`. An empty `to` is left out.
pub fn reply(format: Format, bulk_id: &str, messages: &[Answer]) -> Vec<u8> {
    writer::render(format, &Reply { bulk_id, messages })
}

struct Reply<'a> {
    bulk_id: &'a str,
    messages: &'a [Answer],
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
            report::status(to, &message.status);
            to.text("messageId", &message.message_id);
        });
    }
}
