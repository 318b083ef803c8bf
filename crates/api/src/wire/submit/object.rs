//! One object of a request: its fields, read by name. What is wrong with one becomes a fault with
//! a path, and the reading goes on, so that all faults are named at once.
//!
//! Null and empty count as absent. Fields that nobody asks for are passed over: clients send more
//! than these endpoints know. Any fault refuses the request, so what stands in for a faulty value
//! is never used.

use std::borrow::Cow;
use std::cell::RefCell;

use super::tree::{Members, Node};
use crate::wire::Fault;
use crate::wire::feed::flat::Scalar;

/// Faults that are told of one request; who has made more has made one many times.
const FAULTS_MAX: usize = 100;

/// What is wrong with a request.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    fn add(&self, path: String, reason: impl Into<String>) {
        let mut faults = self.0.borrow_mut();
        let fault = Fault { path, reason: reason.into() };
        if faults.len() < FAULTS_MAX && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Fault> {
        self.0.into_inner()
    }
}

/// One object of a request.
pub(super) struct Object<'n> {
    members: &'n Members<'n>,
    path: String,
    faults: &'n Faults,
}

/// An object without fields.
static NOTHING: Members<'static> = Vec::new();

impl<'n> Object<'n> {
    /// The outermost object.
    pub(super) fn root(node: &'n Node<'n>, faults: &'n Faults) -> Self {
        let members = members(node).unwrap_or_else(|| {
            faults.add("request".into(), "is not an object");
            &NOTHING
        });
        Self { members, path: String::new(), faults }
    }

    /// Says what is wrong with a field.
    pub(super) fn fault(&self, name: &str, reason: impl Into<String>) {
        self.faults.add(self.path_of(name), reason);
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Whether there is anything in the field; says so if there must be and is not.
    pub(super) fn must_have(&self, name: &str) -> bool {
        let has = self.value(name).is_some();
        if !has {
            self.fault(name, "is missing");
        }
        has
    }

    /// A text of at most that many characters.
    pub(super) fn text(&self, name: &str, chars_max: usize) -> Option<&'n str> {
        let text = self.any_text(name)?;
        if text.chars().count() > chars_max {
            self.fault(name, format!("is longer than {chars_max} characters"));
        } else if text.contains('\0') {
            self.fault(name, "holds a NUL character");
        } else {
            return Some(text);
        }
        None
    }

    /// A text of at most that many bytes and without control characters, to be kept as it is.
    pub(super) fn line(&self, name: &str, bytes_max: usize) -> Option<&'n str> {
        let text = self.any_text(name)?;
        if text.len() > bytes_max {
            self.fault(name, format!("is longer than {bytes_max} bytes"));
        } else if text.contains(char::is_control) {
            self.fault(name, "holds a control character");
        } else {
            return Some(text);
        }
        None
    }

    /// A text that something else judges.
    pub(super) fn any_text(&self, name: &str) -> Option<&'n str> {
        let value = self.value(name)?;
        self.text_at(value, || self.path_of(name))
    }

    fn text_at(&self, value: &'n Node<'n>, path: impl FnOnce() -> String) -> Option<&'n str> {
        let text = match value {
            Node::Scalar(scalar) => scalar.as_text(),
            Node::Object(_) | Node::Array(_) | Node::Elements(_) => None,
        };
        if text.is_none() {
            self.faults.add(path(), "is not a text");
        }
        text
    }

    /// A whole number, maybe negative; one with too many digits is as large as can be.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        let digits = self.number(name)?;
        let (is_negative, magnitude) = match digits.strip_prefix('-') {
            Some(magnitude) => (true, magnitude),
            None => (false, digits),
        };
        if magnitude.is_empty() || !magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
            self.fault(name, "is not a whole number");
            return None;
        }
        let magnitude = magnitude.parse().unwrap_or(i64::MAX);
        Some(if is_negative { -magnitude } else { magnitude })
    }

    /// A whole number within those bounds.
    pub(super) fn whole_within(&self, name: &str, (least, most): (u32, u32)) -> Option<u32> {
        let within = bounded(self.whole(name)?, (least, most));
        if within.is_none() {
            self.fault(name, format!("is not between {least} and {most}"));
        }
        within
    }

    /// A number with a fraction, as near as can be.
    pub(super) fn fraction(&self, name: &str) -> Option<f64> {
        let digits = self.number(name)?;
        // Only what JSON calls a number: not `NaN`, not `inf`.
        let is_number =
            digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        let number = digits.parse().ok().filter(|_| is_number);
        if number.is_none() {
            self.fault(name, "is not a number");
        }
        number
    }

    fn number(&self, name: &str) -> Option<&'n str> {
        let digits = match self.value(name)? {
            Node::Scalar(scalar) => scalar.as_number(),
            Node::Object(_) | Node::Array(_) | Node::Elements(_) => None,
        };
        if digits.is_none() {
            self.fault(name, "is not a number");
        }
        digits
    }

    /// True or false.
    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        let truth = match self.value(name)? {
            Node::Scalar(scalar) => scalar.as_boolean(),
            Node::Object(_) | Node::Array(_) | Node::Elements(_) => None,
        };
        if truth.is_none() {
            self.fault(name, "is not true or false");
        }
        truth
    }

    /// The object in the field.
    pub(super) fn object(&self, name: &str) -> Option<Self> {
        let value = self.value(name)?;
        self.object_at(value, self.path_of(name))
    }

    fn object_at(&self, value: &'n Node<'n>, path: String) -> Option<Self> {
        let Some(members) = members(value) else {
            self.faults.add(path, "is not an object");
            return None;
        };
        Some(Self { members, path, faults: self.faults })
    }

    /// The objects of a list, none if there is no list.
    pub(super) fn objects(&self, list: List) -> Vec<Self> {
        self.objects_of(list, self.items(list))
    }

    /// The objects of a list that must have some.
    pub(super) fn some_objects(&self, list: List) -> Vec<Self> {
        self.objects_of(list, self.some_items(list))
    }

    fn objects_of(&self, list: List, items: Option<Vec<&'n Node<'n>>>) -> Vec<Self> {
        let items = items.into_iter().flatten().enumerate();
        items.filter_map(|(i, item)| self.object_at(item, self.path_at(list, i))).collect()
    }

    /// The texts of a list; nothing in the place of one that is null or empty.
    pub(super) fn texts(&self, list: List) -> Vec<Option<&'n str>> {
        self.texts_of(list, self.items(list))
    }

    /// The texts of a list that must have some.
    pub(super) fn some_texts(&self, list: List) -> Vec<Option<&'n str>> {
        self.texts_of(list, self.some_items(list))
    }

    fn texts_of(&self, list: List, items: Option<Vec<&'n Node<'n>>>) -> Vec<Option<&'n str>> {
        let items = items.into_iter().flatten().enumerate();
        let text = |(i, item)| match item {
            item if is_absent(item) => None,
            item => self.text_at(item, || self.path_at(list, i)),
        };
        items.map(text).collect()
    }

    fn path_at(&self, list: List, index: usize) -> String {
        format!("{}[{index}]", self.path_of(list.name))
    }

    fn some_items(&self, list: List) -> Option<Vec<&'n Node<'n>>> {
        if !self.must_have(list.name) {
            return None;
        }
        let items = self.items(list);
        if items.as_ref().is_some_and(Vec::is_empty) {
            self.fault(list.name, "is empty");
        }
        items
    }

    fn items(&self, list: List) -> Option<Vec<&'n Node<'n>>> {
        let is_item = |name: &str| name == list.name || name == list.item;
        match self.value(list.name)? {
            Node::Array(items) => Some(items.iter().collect()),
            Node::Elements(items) if items.iter().all(|(name, _)| is_item(name)) => {
                Some(items.iter().map(|(_, item)| item).collect())
            }
            Node::Scalar(Scalar::Untyped(text)) if text.trim_ascii().is_empty() => Some(Vec::new()),
            _ => {
                self.fault(list.name, "is not a list");
                None
            }
        }
    }

    /// What stands under that name, unless it is null or empty.
    fn value(&self, name: &str) -> Option<&'n Node<'n>> {
        let mut named = self.members.iter().filter(|(known, _)| known == name);
        let value = named.next().map(|(_, value)| value);
        if named.next().is_some() {
            self.fault(name, "is there twice");
        }
        value.filter(|value| !is_absent(value))
    }
}

/// The names of a list, and of its items in XML: its own, as the API writes them, or the singular.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) name: &'static str,
    pub(super) item: &'static str,
}

/// The number, if it is within those bounds.
pub(super) fn bounded(number: i64, (least, most): (u32, u32)) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| (least..=most).contains(number))
}

fn is_absent(node: &Node<'_>) -> bool {
    match node {
        Node::Scalar(Scalar::Null) => true,
        Node::Scalar(Scalar::Text(text) | Scalar::Untyped(text)) => text.is_empty(),
        Node::Scalar(_) | Node::Object(_) | Node::Array(_) | Node::Elements(_) => false,
    }
}

fn members<'n>(node: &'n Node<'n>) -> Option<&'n Members<'n>> {
    match node {
        Node::Object(members) | Node::Elements(members) => Some(members),
        // An element that could hold elements, and holds white space.
        Node::Scalar(Scalar::Untyped(text)) if text.trim_ascii().is_empty() => Some(&NOTHING),
        Node::Scalar(_) | Node::Array(_) => None,
    }
}

/// A form as the object that it stands for; a dot in a name divides an object from its field.
pub(super) fn form<'a>(fields: Vec<(&'static str, &'a str)>) -> Node<'a> {
    let mut members: Members<'a> = Vec::new();
    for (name, value) in fields {
        let value = Node::Scalar(Scalar::Untyped(Cow::Borrowed(value)));
        let Some((group, field)) = name.split_once('.') else {
            members.push((name.into(), value));
            continue;
        };
        match members.iter_mut().find(|(known, _)| known == group) {
            Some((_, Node::Object(fields))) => fields.push((field.into(), value)),
            _ => members.push((group.into(), Node::Object(vec![(field.into(), value)]))),
        }
    }
    Node::Object(members)
}
