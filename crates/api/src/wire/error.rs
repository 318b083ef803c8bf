//! The body of every refusal: `requestError`.

use super::writer::{self, List, Root, Shape, Writer};
use crate::negotiate::Format;

/// The body of a refusal.
///
/// JSON: `{"requestError":{"serviceException":{"messageId":…,"text":…,"validationErrors":{path:
/// [message, …]}}}}`. XML: the same under the root `ApiException`, where `validationErrors` holds a
/// `validationError` per path, with a `path` and its `message`s. `validationErrors` is left out when
/// there are none.
pub fn error_body(
    format: Format,
    message_id: &str,
    text: &str,
    validation_errors: &[(String, Vec<String>)],
) -> Vec<u8> {
    writer::render(format, &RequestError { message_id, text, validation_errors })
}

struct RequestError<'a> {
    message_id: &'a str,
    text: &'a str,
    validation_errors: &'a [(String, Vec<String>)],
}

impl Shape for RequestError<'_> {
    const ROOT: Root = Root { name: "ApiException", prolog: true };

    fn size_hint(&self) -> usize {
        160 + self.message_id.len() + self.text.len() + 128 * self.validation_errors.len()
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        to.object("requestError", |to| {
            to.object("serviceException", |to| {
                to.text("messageId", self.message_id);
                to.text("text", self.text);
                if !self.validation_errors.is_empty() {
                    let list = List { name: "validationErrors", item: "validationError" };
                    to.map(list, self.validation_errors);
                }
            });
        });
    }
}
