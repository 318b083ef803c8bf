//! One report as it was written: a flat list of the fields that stood in it, not yet judged.

use std::borrow::Cow;

/// Every field that a report may have; a dot divides a group from its field.
const FIELDS: [&str; 29] = [
    "bulkId",
    "messageId",
    "to",
    "from",
    "text",
    "callbackData",
    "sentAt",
    "doneAt",
    "startTime",
    "answerTime",
    "endTime",
    "duration",
    "fileDuration",
    "mccMnc",
    "dtmfCodes",
    "price.pricePerSecond",
    "price.pricePerMessage",
    "price.currency",
    "status.groupId",
    "status.groupName",
    "status.id",
    "status.name",
    "status.description",
    "error.groupId",
    "error.groupName",
    "error.id",
    "error.name",
    "error.description",
    "error.permanent",
];
/// The groups of fields; each must be there.
pub(super) const GROUPS: [&str; 3] = ["price", "status", "error"];
/// Unknown names that are remembered of one report, and how much of each.
const UNKNOWN_MAX: usize = 8;
const UNKNOWN_NAME_CHARS_MAX: usize = 64;

/// One value, as it was written.
#[derive(Debug)]
pub(in crate::wire) enum Scalar<'a> {
    /// A JSON string.
    Text(Cow<'a, str>),
    /// A JSON number, with its digits.
    Number(&'a str),
    /// A JSON boolean.
    Boolean(bool),
    /// A JSON null.
    Null,
    /// The text of an XML element, which may stand for any of these.
    Untyped(Cow<'a, str>),
    /// Fields or a list.
    Nested,
}

impl Scalar<'_> {
    /// The text that it is.
    pub(in crate::wire) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Untyped(text) => Some(text),
            Self::Number(_) | Self::Boolean(_) | Self::Null | Self::Nested => None,
        }
    }

    /// The digits of the number that it is; those of an XML element may be anything.
    pub(in crate::wire) fn as_number(&self) -> Option<&str> {
        match self {
            Self::Number(digits) => Some(digits),
            Self::Untyped(text) => Some(text),
            Self::Text(_) | Self::Boolean(_) | Self::Null | Self::Nested => None,
        }
    }

    /// The truth value that it is.
    pub(in crate::wire) fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Untyped(text) if text == "true" => Some(true),
            Self::Untyped(text) if text == "false" => Some(false),
            _ => None,
        }
    }
}

/// What a name means where it stands.
pub(super) enum Meaning {
    Field(&'static str),
    Group(&'static str),
    Unknown,
}

/// What the name means inside that group; the report itself is the group `""`.
pub(super) fn meaning(group: &str, name: &str) -> Meaning {
    let is_meant = |path: &str| match path.split_once('.') {
        Some((of, field)) => of == group && field == name,
        None => group.is_empty() && path == name,
    };
    if let Some(path) = FIELDS.into_iter().find(|path| is_meant(path)) {
        return Meaning::Field(path);
    }
    match GROUPS.into_iter().find(|path| is_meant(path)) {
        Some(path) => Meaning::Group(path),
        None => Meaning::Unknown,
    }
}

/// One report as it was written.
#[derive(Debug, Default)]
pub(super) struct Flat<'a> {
    fields: Vec<(&'static str, Scalar<'a>)>,
    groups: Vec<&'static str>,
    unknown: Vec<String>,
}

impl<'a> Flat<'a> {
    /// Keeps a value. One that stands where a group should is kept under the group's name.
    pub(super) fn put(&mut self, path: &'static str, value: Scalar<'a>) {
        self.fields.push((path, value));
    }

    /// Notes that the group is there.
    pub(super) fn put_group(&mut self, group: &'static str) {
        self.groups.push(group);
    }

    /// Notes a name that means nothing. A few are enough to refuse the report.
    pub(super) fn put_unknown(&mut self, group: &str, name: &str) {
        if self.unknown.len() < UNKNOWN_MAX {
            let name = name.chars().take(UNKNOWN_NAME_CHARS_MAX);
            let dot = if group.is_empty() { "" } else { "." };
            self.unknown.push([group, dot].into_iter().flat_map(str::chars).chain(name).collect());
        }
    }

    /// Whether the field or the group was there already.
    pub(super) fn has(&self, path: &str) -> bool {
        self.groups.contains(&path) || self.fields.iter().any(|(known, _)| *known == path)
    }

    /// Whether the group is there, as a group.
    pub(super) fn has_group(&self, group: &str) -> bool {
        self.groups.contains(&group)
    }

    /// Removes the value and gives it back.
    pub(super) fn take(&mut self, path: &str) -> Option<Scalar<'a>> {
        let index = self.fields.iter().position(|(known, _)| *known == path)?;
        Some(self.fields.swap_remove(index).1)
    }

    /// The names that mean nothing.
    pub(super) fn unknown(&self) -> &[String] {
        &self.unknown
    }
}
