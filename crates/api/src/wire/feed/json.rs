//! A feed in JSON, and what it takes to read any body in JSON.
//!
//! Values are looked at as they stand in the text, which keeps the digits of a price and tells a
//! number from a string. Every object is checked for names that occur twice: which one counts is
//! anybody's guess, and two readers guess differently.

use std::borrow::Cow;
use std::fmt;

use model::limits::FEED_ITEMS_MAX;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::flat::{Flat, Meaning, Scalar, meaning};
use super::{BodyFault, DEPTH_MAX};

/// What one line of an import holds.
pub(super) enum Line<'a> {
    Results(Vec<Option<Flat<'a>>>),
    Report(Flat<'a>),
}

/// The reports of `{"results":[…]}`; nothing in the place of what is no object.
pub(super) fn results(body: &str) -> Result<Vec<Option<Flat<'_>>>, BodyFault> {
    let source = Source::of(body);
    let members = source.document()?;
    source.results(&members)
}

/// The reports of `{"results":[…]}`, or the report that the body is.
pub(super) fn results_or_report(body: &str) -> Result<Line<'_>, BodyFault> {
    let source = Source::of(body);
    let members = source.document()?;
    if members.iter().any(|(name, _)| name.0 == "results") {
        return source.results(&members).map(Line::Results);
    }
    source.report(members).map(Line::Report)
}

/// The members of an object, in their order.
pub(in crate::wire) type Members<'a> = Vec<(Text<'a>, &'a RawValue)>;

/// The text that every part is a slice of.
#[derive(Clone, Copy)]
pub(in crate::wire) struct Source<'a> {
    body: &'a str,
}

impl<'a> Source<'a> {
    pub(in crate::wire) fn of(body: &'a str) -> Self {
        Self { body }
    }

    /// The members of the outermost object. From here on the syntax is known to be right.
    pub(in crate::wire) fn document(self) -> Result<Members<'a>, BodyFault> {
        let object: Object<'a> = serde_json::from_str(self.body).map_err(|error| BodyFault {
            reason: format!("is not a JSON object: {}", without_place(&error)),
            at: Some((error.line(), error.column())),
        })?;
        self.without_duplicates(object.0)
    }

    fn results(self, members: &Members<'a>) -> Result<Vec<Option<Flat<'a>>>, BodyFault> {
        let Some((_, list)) = members.iter().find(|(name, _)| name.0 == "results") else {
            return Err(BodyFault { reason: "has no `results`".into(), at: None });
        };
        if let Some((name, value)) = members.iter().find(|(name, _)| name.0 != "results") {
            let name: String = name.0.chars().take(64).collect();
            return Err(self.fault(value, format!("has a field `{name}` beside `results`")));
        }
        if !list.get().starts_with('[') {
            return Err(self.fault(list, "has `results` that are no list"));
        }
        let items: Vec<&'a RawValue> = self.read(list)?;
        if items.len() > FEED_ITEMS_MAX {
            return Err(BodyFault::too_many_items());
        }
        items.into_iter().map(|item| self.item(item)).collect()
    }

    fn item(self, item: &'a RawValue) -> Result<Option<Flat<'a>>, BodyFault> {
        if item.get().starts_with('{') {
            return self.members(item).and_then(|members| self.report(members)).map(Some);
        }
        self.check_nested(item, 2)?;
        Ok(None)
    }

    fn report(self, members: Members<'a>) -> Result<Flat<'a>, BodyFault> {
        let mut flat = Flat::default();
        self.fill(&mut flat, "", members)?;
        Ok(flat)
    }

    /// Adds the members of the group to the flat report.
    fn fill(
        self,
        flat: &mut Flat<'a>,
        group: &'static str,
        members: Members<'a>,
    ) -> Result<(), BodyFault> {
        for (name, value) in members {
            match meaning(group, &name.0) {
                Meaning::Field(path) => flat.put(path, self.scalar(value)?),
                Meaning::Group(path) if value.get().starts_with('{') => {
                    flat.put_group(path);
                    self.fill(flat, path, self.members(value)?)?;
                }
                Meaning::Group(path) => flat.put(path, self.scalar(value)?),
                Meaning::Unknown => {
                    self.check_nested(value, 3)?;
                    flat.put_unknown(group, &name.0);
                }
            }
        }
        Ok(())
    }

    pub(in crate::wire) fn scalar(self, value: &'a RawValue) -> Result<Scalar<'a>, BodyFault> {
        Ok(match value.get().as_bytes().first() {
            Some(b'"') => Scalar::Text(self.read::<Text<'a>>(value)?.0),
            Some(b't') => Scalar::Boolean(true),
            Some(b'f') => Scalar::Boolean(false),
            Some(b'n') => Scalar::Null,
            Some(b'{' | b'[') => {
                self.check_nested(value, 3)?;
                Scalar::Nested
            }
            _ => Scalar::Number(value.get()),
        })
    }

    /// Looks for duplicates in what is otherwise of no interest.
    fn check_nested(self, value: &'a RawValue, depth: usize) -> Result<(), BodyFault> {
        if depth > DEPTH_MAX {
            return Err(self.fault(value, format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        match value.get().as_bytes().first() {
            Some(b'{') => {
                let members = self.members(value)?;
                members.into_iter().try_for_each(|(_, value)| self.check_nested(value, depth + 1))
            }
            Some(b'[') => {
                let items: Vec<&'a RawValue> = self.read(value)?;
                items.into_iter().try_for_each(|value| self.check_nested(value, depth + 1))
            }
            Some(b'"') => self.read::<Text<'a>>(value).map(|_| ()),
            _ => Ok(()),
        }
    }

    pub(in crate::wire) fn members(self, object: &'a RawValue) -> Result<Members<'a>, BodyFault> {
        let object: Object<'a> = self.read(object)?;
        self.without_duplicates(object.0)
    }

    fn without_duplicates(self, members: Members<'a>) -> Result<Members<'a>, BodyFault> {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_unstable_by(|a, b| members[*a].0.0.cmp(&members[*b].0.0).then(a.cmp(b)));
        let twice = order.windows(2).find(|pair| members[pair[0]].0.0 == members[pair[1]].0.0);
        match twice {
            None => Ok(members),
            Some(pair) => {
                let (name, value) = &members[pair[1]];
                let name: String = name.0.chars().take(64).collect();
                Err(self.fault(value, format!("has the field `{name}` twice in one object")))
            }
        }
    }

    /// Reads a part. Its syntax is right; only escapes in its strings may still be wrong.
    pub(in crate::wire) fn read<T: Deserialize<'a>>(
        self,
        part: &'a RawValue,
    ) -> Result<T, BodyFault> {
        serde_json::from_str(part.get())
            .map_err(|error| self.fault(part, format!("is not JSON: {}", without_place(&error))))
    }

    /// The fault, at the place of the part: a slice of the body, so its address says where.
    pub(in crate::wire) fn fault(self, part: &RawValue, reason: impl Into<String>) -> BodyFault {
        let offset = part.get().as_ptr().addr().saturating_sub(self.body.as_ptr().addr());
        BodyFault::at_offset(reason, self.body, offset)
    }
}

/// The library's words without the line and column that it ends them with.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(words, _)| words.to_owned())
}

/// A string, borrowed unless it has escapes.
#[derive(Deserialize)]
pub(in crate::wire) struct Text<'a>(#[serde(borrow)] pub(in crate::wire) Cow<'a, str>);

/// An object that keeps names that occur twice.
struct Object<'a>(Members<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor).map(Object)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}
