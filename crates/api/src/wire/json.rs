//! JSON, compact.

use std::fmt::Display;
use std::io::Write;

use super::writer::{List, Shape, Writer};
use crate::negotiate::Format;

/// Every write goes to memory.
const INFALLIBLE: &str = "a Vec takes every write";

/// A JSON document that grows.
pub(super) struct Json {
    out: Vec<u8>,
}

impl Json {
    pub(super) fn document<S: Shape>(shape: &S) -> Vec<u8> {
        let mut json = Self { out: Vec::with_capacity(shape.size_hint()) };
        json.braced(|json| shape.fields(json));
        json.out
    }

    fn braced(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        fields(self);
        self.out.push(b'}');
    }

    fn bracketed<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.out.push(b'[');
        for item in items {
            self.comma();
            each(self, item);
        }
        self.out.push(b']');
    }

    /// No value ends with an opening bracket, so one at the end means that nothing was written yet.
    fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    /// A name of our own, which needs no escaping.
    fn name(&mut self, name: &str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Nearly every text is plain, and is copied; RFC 8259 §7 says which are not.
    fn string(&mut self, value: &str) {
        if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.quoted(value);
        } else {
            serde_json::to_writer(&mut self.out, value).expect(INFALLIBLE);
        }
    }

    fn quoted(&mut self, value: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
    }
}

impl Writer for Json {
    const FORMAT: Format = Format::Json;

    fn object(&mut self, name: &str, fields: impl FnOnce(&mut Self)) {
        self.name(name);
        self.braced(fields);
    }

    fn list<T>(&mut self, list: List, items: &[T], mut fields: impl FnMut(&mut Self, &T)) {
        self.name(list.name);
        self.bracketed(items, |json, item| json.braced(|json| fields(json, item)));
    }

    fn map(&mut self, list: List, entries: &[(String, Vec<String>)]) {
        self.name(list.name);
        self.braced(|json| {
            for (key, values) in entries {
                json.comma();
                json.string(key);
                json.out.push(b':');
                json.bracketed(values, |json, value| json.string(value));
            }
        });
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.string(value);
    }

    fn plain(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quoted(value);
    }

    fn raw(&mut self, name: &str, value: impl Display) {
        self.name(name);
        write!(self.out, "{value}").expect(INFALLIBLE);
    }
}
