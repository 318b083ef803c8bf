//! XML 1.0, compact.

use std::fmt::Display;
use std::io::Write;

use super::writer::{List, Shape, Writer};
use crate::negotiate::Format;

/// An XML document that grows.
pub(super) struct Xml {
    out: Vec<u8>,
}

impl Xml {
    pub(super) fn document<S: Shape>(shape: &S) -> Vec<u8> {
        let mut xml = Self { out: Vec::with_capacity(shape.size_hint() * 3 / 2) };
        if S::ROOT.prolog {
            xml.out.extend_from_slice(br#"<?xml version="1.0" encoding="UTF-8"?>"#);
        }
        xml.object(S::ROOT.name, |xml| shape.fields(xml));
        xml.out
    }

    fn open(&mut self, name: &str) {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn close(&mut self, name: &str) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn void(&mut self, name: &str) {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"/>");
    }

    fn escape(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| SUSPECT[usize::from(*byte)]) {
            let (before, from) = rest.split_at(at);
            let (length, instead) = replacement(from).unwrap_or((1, &from[..1]));
            self.out.extend_from_slice(before);
            self.out.extend_from_slice(instead);
            rest = &from[length..];
        }
        self.out.extend_from_slice(rest);
    }
}

/// Bytes that [`replacement`] has to look at; a table, because nearly every byte is none.
const SUSPECT: [bool; 256] = {
    let mut suspect = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        suspect[control] = true;
        control += 1;
    }
    suspect[b'&' as usize] = true;
    suspect[b'<' as usize] = true;
    suspect[b'>' as usize] = true;
    suspect[0xEF] = true;
    suspect
};

const REPLACEMENT_CHARACTER: &[u8] = "\u{FFFD}".as_bytes();

/// What must not stand at the start of these bytes: its length, and what to write instead.
fn replacement(bytes: &[u8]) -> Option<(usize, &'static [u8])> {
    match bytes[0] {
        b'&' => Some((1, b"&amp;")),
        b'<' => Some((1, b"&lt;")),
        b'>' => Some((1, b"&gt;")),
        // XML 1.0 §2.11: a bare carriage return would be read as a line feed.
        b'\r' => Some((1, b"&#13;")),
        b'\t' | b'\n' => None,
        // XML 1.0 §2.2: these may not appear, not even as references.
        0..0x20 => Some((1, REPLACEMENT_CHARACTER)),
        0xEF if matches!(bytes, [_, 0xBF, 0xBE | 0xBF, ..]) => Some((3, REPLACEMENT_CHARACTER)),
        _ => None,
    }
}

impl Writer for Xml {
    const FORMAT: Format = Format::Xml;

    fn object(&mut self, name: &str, fields: impl FnOnce(&mut Self)) {
        self.open(name);
        fields(self);
        self.close(name);
    }

    fn list<T>(&mut self, list: List, items: &[T], mut fields: impl FnMut(&mut Self, &T)) {
        if items.is_empty() {
            return self.void(list.name);
        }
        self.object(list.name, |xml| {
            for item in items {
                xml.object(list.item, |xml| fields(xml, item));
            }
        });
    }

    fn map(&mut self, list: List, entries: &[(String, Vec<String>)]) {
        self.list(list, entries, |xml, (path, messages)| {
            xml.text("path", path);
            for message in messages {
                xml.text("message", message);
            }
        });
    }

    fn text(&mut self, name: &str, value: &str) {
        self.open(name);
        self.escape(value);
        self.close(name);
    }

    fn plain(&mut self, name: &str, value: &str) {
        self.open(name);
        self.out.extend_from_slice(value.as_bytes());
        self.close(name);
    }

    fn raw(&mut self, name: &str, value: impl Display) {
        self.open(name);
        write!(self.out, "{value}").expect("a Vec takes every write");
        self.close(name);
    }
}
