//! A request's body as a tree, whichever its format: what stood in it, not yet judged.
//!
//! The readers of the feed do the reading, with all that they refuse: names that occur twice,
//! document types, entities, deep nesting.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::negotiate::Format;
use crate::wire::feed::flat::Scalar;
use crate::wire::feed::{self, BodyFault, DEPTH_MAX, json, xml};

/// Values in one body: room for the most destinations with every field that there is.
const VALUES_MAX: usize = 1_000_000;

/// One value with all that is in it.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// A value without parts. That of an empty XML element is an empty text.
    Scalar(Scalar<'a>),
    /// A JSON object; each name occurs once.
    Object(Members<'a>),
    /// A JSON array.
    Array(Vec<Node<'a>>),
    /// The elements in an XML element: fields, or the items of a list.
    Elements(Members<'a>),
}

/// Values by their names, in their order.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// The body as a tree. The name of the root is XML's alone.
pub(super) fn read<'a>(format: Format, body: &'a [u8], root: &str) -> Result<Node<'a>, BodyFault> {
    let text = feed::text(body)?;
    let mut count = Count(0);
    match format {
        Format::Json => {
            let source = json::Source::of(text);
            let members = source.document()?;
            Ok(Node::Object(count.members(source, members, 1)?))
        }
        Format::Xml => {
            let mut source = xml::Source::inside(text, root)?;
            let node = count.element(&mut source)?;
            source.end()?;
            Ok(node)
        }
    }
}

/// How many values were read.
struct Count(usize);

impl Count {
    fn another(&mut self) -> Result<(), BodyFault> {
        self.0 += 1;
        if self.0 > VALUES_MAX {
            return Err(BodyFault {
                reason: format!("has more than {VALUES_MAX} values"),
                at: None,
            });
        }
        Ok(())
    }

    fn members<'a>(
        &mut self,
        source: json::Source<'a>,
        members: json::Members<'a>,
        depth: usize,
    ) -> Result<Members<'a>, BodyFault> {
        let read =
            |(name, value): (json::Text<'a>, _)| Ok((name.0, self.value(source, value, depth)?));
        members.into_iter().map(read).collect()
    }

    fn value<'a>(
        &mut self,
        source: json::Source<'a>,
        value: &'a RawValue,
        depth: usize,
    ) -> Result<Node<'a>, BodyFault> {
        self.another()?;
        let first = value.get().as_bytes().first();
        if matches!(first, Some(b'{' | b'[')) && depth == DEPTH_MAX {
            return Err(source.fault(value, format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        match first {
            Some(b'{') => {
                let members = source.members(value)?;
                self.members(source, members, depth + 1).map(Node::Object)
            }
            Some(b'[') => {
                let items: Vec<&'a RawValue> = source.read(value)?;
                let items = items.into_iter().map(|item| self.value(source, item, depth + 1));
                items.collect::<Result<_, _>>().map(Node::Array)
            }
            _ => source.scalar(value).map(Node::Scalar),
        }
    }

    /// What is in the element that was opened last, up to its end.
    fn element<'a>(&mut self, source: &mut xml::Source<'a>) -> Result<Node<'a>, BodyFault> {
        self.another()?;
        let mut whole = Cow::Borrowed("");
        let mut elements = Vec::new();
        loop {
            match source.next()? {
                xml::Node::Open(name) => {
                    let name = Cow::Owned(name.as_str().to_owned());
                    elements.push((name, self.element(source)?));
                }
                xml::Node::Text(text) if whole.is_empty() => whole = text,
                xml::Node::Text(text) => whole.to_mut().push_str(&text),
                xml::Node::Close if elements.is_empty() => {
                    return Ok(Node::Scalar(Scalar::Untyped(whole)));
                }
                xml::Node::Close if xml::is_blank(&whole) => return Ok(Node::Elements(elements)),
                xml::Node::Close => return Ok(Node::Scalar(Scalar::Nested)),
                xml::Node::End => return Err(source.cut_off()),
            }
        }
    }
}
