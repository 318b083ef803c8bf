//! A feed in XML 1.0, and what it takes to read any body in XML.
//!
//! Only elements and text. What could make a document mean something else than it shows is refused:
//! document types, entities of its own, attributes. The library checks that tags match; characters
//! that XML forbids, depth and what stands outside the root are checked here.

use std::borrow::Cow;

use model::limits::FEED_ITEMS_MAX;
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use super::flat::{Flat, Meaning, Scalar, meaning};
use super::{BodyFault, DEPTH_MAX};

/// The reports of `reportResponse/results`; nothing in the place of what holds no fields.
pub(super) fn results(body: &str) -> Result<Vec<Option<Flat<'_>>>, BodyFault> {
    let mut source = Source::inside(body, "reportResponse")?;
    let mut items = None;
    while let Some(element) = source.next_element("reportResponse")? {
        if !element.is("results") {
            return Err(source.fault("has an element beside `results`"));
        }
        if items.is_some() {
            return Err(source.fault("has `results` twice"));
        }
        items = Some(source.items()?);
    }
    source.end()?;
    items.ok_or_else(|| source.fault("has no `results`"))
}

/// What XML 1.0 §2.2 calls a character.
fn is_xml_char(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}

/// XML 1.0 §2.3: white space, which may stand between elements.
pub(in crate::wire) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The nodes of a document, one after the other.
pub(in crate::wire) struct Source<'a> {
    body: &'a str,
    reader: Reader<&'a [u8]>,
    depth: usize,
    started: bool,
}

pub(in crate::wire) enum Node<'a> {
    Open(Name<'a>),
    Text(Cow<'a, str>),
    Close,
    End,
}

/// An element's name, as it was written.
pub(in crate::wire) struct Name<'a>(BytesStart<'a>);

impl Name<'_> {
    fn is(&self, name: &str) -> bool {
        self.as_str() == name
    }

    pub(in crate::wire) fn as_str(&self) -> &str {
        self.0.name().into_inner()
    }
}

impl<'a> Source<'a> {
    /// The document, read up to the start of its root element.
    pub(in crate::wire) fn inside(body: &'a str, root: &str) -> Result<Self, BodyFault> {
        if let Some((offset, _)) = body.char_indices().find(|(_, char)| !is_xml_char(*char)) {
            return Err(BodyFault::at_offset("has a character that XML forbids", body, offset));
        }
        let mut reader = Reader::from_str(body);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        let mut source = Self { body, reader, depth: 0, started: false };
        match source.next_element("the document")? {
            Some(element) if element.is(root) => Ok(source),
            _ => Err(source.fault(format!("has no root element `{root}`"))),
        }
    }

    /// The reports up to the end of `results`.
    fn items(&mut self) -> Result<Vec<Option<Flat<'a>>>, BodyFault> {
        let mut items = Vec::new();
        while let Some(element) = self.next_element("results")? {
            if !element.is("result") && !element.is("results") {
                return Err(self.fault("has an element in `results` that is no `result`"));
            }
            if items.len() == FEED_ITEMS_MAX {
                return Err(BodyFault::too_many_items());
            }
            let mut flat = Flat::default();
            let has_fields = self.fill(&mut flat, "")?;
            items.push(has_fields.then_some(flat));
        }
        Ok(items)
    }

    /// Adds the elements of the group to the flat report. False if there is text between them.
    fn fill(&mut self, flat: &mut Flat<'a>, group: &'static str) -> Result<bool, BodyFault> {
        let mut has_text = false;
        loop {
            let element = match self.next()? {
                Node::Open(element) => element,
                Node::Text(text) => {
                    has_text |= !is_blank(&text);
                    continue;
                }
                Node::Close => return Ok(!has_text),
                Node::End => return Err(self.cut_off()),
            };
            match meaning(group, element.as_str()) {
                Meaning::Field(path) | Meaning::Group(path) if flat.has(path) => {
                    return Err(self.fault(format!("has the element `{path}` twice in one report")));
                }
                Meaning::Field(path) => {
                    let value = self.leaf()?;
                    flat.put(path, value);
                }
                Meaning::Group(path) => {
                    flat.put_group(path);
                    if !self.fill(flat, path)? {
                        flat.put(path, Scalar::Nested);
                    }
                }
                Meaning::Unknown => {
                    flat.put_unknown(group, element.as_str());
                    self.skip()?;
                }
            }
        }
    }

    /// The text up to the end of the element.
    fn leaf(&mut self) -> Result<Scalar<'a>, BodyFault> {
        let mut whole = Cow::Borrowed("");
        let mut is_nested = false;
        loop {
            match self.next()? {
                Node::Text(text) if whole.is_empty() => whole = text,
                Node::Text(text) => whole.to_mut().push_str(&text),
                Node::Open(_) => {
                    is_nested = true;
                    self.skip()?;
                }
                Node::Close if is_nested => return Ok(Scalar::Nested),
                Node::Close => return Ok(Scalar::Untyped(whole)),
                Node::End => return Err(self.cut_off()),
            }
        }
    }

    /// Passes over everything up to the end of the element.
    fn skip(&mut self) -> Result<(), BodyFault> {
        let outside = self.depth - 1;
        while self.depth > outside {
            if let Node::End = self.next()? {
                return Err(self.cut_off());
            }
        }
        Ok(())
    }

    /// The next element inside this one; nothing at its end.
    fn next_element(&mut self, inside: &str) -> Result<Option<Name<'a>>, BodyFault> {
        loop {
            match self.next()? {
                Node::Open(element) => return Ok(Some(element)),
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(_) => return Err(self.fault(format!("has text in {inside}"))),
                Node::Close => return Ok(None),
                Node::End => return Err(self.cut_off()),
            }
        }
    }

    /// Makes sure that nothing follows the root.
    pub(in crate::wire) fn end(&mut self) -> Result<(), BodyFault> {
        loop {
            match self.next()? {
                Node::End => return Ok(()),
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(_) | Node::Open(_) | Node::Close => {
                    return Err(self.fault("has something after its root element"));
                }
            }
        }
    }

    pub(in crate::wire) fn next(&mut self) -> Result<Node<'a>, BodyFault> {
        loop {
            let event = self.reader.read_event().map_err(|error| {
                BodyFault::at_offset(
                    format!("is not XML: {error}"),
                    self.body,
                    usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX),
                )
            })?;
            let is_first = !std::mem::replace(&mut self.started, true);
            match event {
                Event::Start(element) => return self.open(element),
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(Node::Close);
                }
                Event::Text(text) => return Ok(Node::Text(text.xml10_content())),
                Event::CData(text) if self.depth > 0 => {
                    return Ok(Node::Text(text.xml10_content()));
                }
                Event::GeneralRef(reference) if self.depth > 0 => {
                    return self.reference(&reference);
                }
                Event::Decl(declaration) if is_first => self.declaration(&declaration)?,
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.depth == 0 => return Ok(Node::End),
                Event::Eof => return Err(self.cut_off()),
                Event::DocType(_) => return Err(self.fault("has a document type")),
                Event::Empty(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Decl(_) => {
                    return Err(self.fault("has something outside its root element"));
                }
            }
        }
    }

    fn open(&mut self, element: BytesStart<'a>) -> Result<Node<'a>, BodyFault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault(format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        for attribute in element.attributes() {
            let attribute =
                attribute.map_err(|error| self.fault(format!("is not XML: {error}")))?;
            let name = attribute.key.into_inner();
            // Serializers declare their name spaces on the root; that says nothing.
            let is_name_space = name == "xmlns" || name.starts_with("xmlns:");
            if self.depth > 1 || !(is_name_space || name.starts_with("xsi:")) {
                return Err(self.fault("has an attribute, where none has a meaning"));
            }
        }
        Ok(Node::Open(Name(element)))
    }

    /// The character that a reference stands for: one of XML's own five, or one by its number.
    fn reference(&self, reference: &BytesRef<'_>) -> Result<Node<'a>, BodyFault> {
        let by_number = reference.resolve_char_ref();
        let by_number = by_number.map_err(|error| self.fault(format!("is not XML: {error}")))?;
        if let Some(char) = by_number {
            if !is_xml_char(char) {
                return Err(self.fault("has a reference to a character that XML forbids"));
            }
            return Ok(Node::Text(Cow::Owned(char.to_string())));
        }
        match quick_xml::escape::resolve_xml_entity(reference) {
            Some(text) => Ok(Node::Text(Cow::Borrowed(text))),
            None => Err(self.fault("has an entity that is not one of XML's own")),
        }
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), BodyFault> {
        let version = declaration.version();
        if !version.is_ok_and(|version| version == "1.0") {
            return Err(self.fault("is not XML 1.0"));
        }
        let encoding = declaration.encoding().transpose();
        let is_utf8 = encoding.is_ok_and(|name| {
            name.is_none_or(|name| {
                name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii")
            })
        });
        if is_utf8 { Ok(()) } else { Err(self.fault("declares another encoding than UTF-8")) }
    }

    pub(in crate::wire) fn cut_off(&self) -> BodyFault {
        self.fault("ends before its elements do")
    }

    pub(in crate::wire) fn fault(&self, reason: impl Into<String>) -> BodyFault {
        let offset = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        BodyFault::at_offset(reason, self.body, offset)
    }
}
