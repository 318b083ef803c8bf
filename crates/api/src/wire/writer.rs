//! The one vocabulary that shapes are written in, whichever the format.

use std::fmt::Display;

use model::Timestamp;

use super::date::Dates;
use super::json::Json;
use super::xml::Xml;
use crate::negotiate::Format;

/// A document that can be written in either format.
pub(super) trait Shape {
    /// What only XML needs to know of it.
    const ROOT: Root;

    /// About how many bytes it takes; too few costs a copy, too many costs memory.
    fn size_hint(&self) -> usize;

    /// Writes the fields of the outermost object.
    fn fields<W: Writer>(&self, to: &mut W);
}

/// The outermost element of an XML document.
#[derive(Clone, Copy)]
pub(super) struct Root {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether an XML declaration comes before it.
    pub(super) prolog: bool,
}

/// The names of a list; JSON has no use for that of its items.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) name: &'static str,
    pub(super) item: &'static str,
}

/// Writes fields in the order in which it is called.
pub(super) trait Writer: Sized {
    /// What is written.
    const FORMAT: Format;

    /// A field that holds fields.
    fn object(&mut self, name: &str, fields: impl FnOnce(&mut Self));

    /// A field that holds objects.
    fn list<T>(&mut self, list: List, items: &[T], fields: impl FnMut(&mut Self, &T));

    /// A field that holds texts by texts: an object of arrays in JSON; in XML, where a text is no
    /// name, a list of the given item with a `path` and its `message`s.
    fn map(&mut self, list: List, entries: &[(String, Vec<String>)]);

    /// A text.
    fn text(&mut self, name: &str, value: &str);

    /// A text that needs no escaping in either format.
    fn plain(&mut self, name: &str, value: &str);

    /// A number or a boolean.
    fn raw(&mut self, name: &str, value: impl Display);

    /// A text that may be absent, and is then left out.
    fn optional<S: AsRef<str>>(&mut self, name: &str, value: Option<&S>) {
        if let Some(value) = value {
            self.text(name, value.as_ref());
        }
    }

    /// An instant.
    fn date(&mut self, name: &str, at: Timestamp, dates: &mut Dates<'_>) {
        self.plain(name, dates.show(at).as_str());
    }
}

/// The document in that format.
pub(super) fn render<S: Shape>(format: Format, shape: &S) -> Vec<u8> {
    match format {
        Format::Json => Json::document(shape),
        Format::Xml => Xml::document(shape),
    }
}
