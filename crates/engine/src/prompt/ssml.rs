//! SSML, reduced to what changes how words sound.
//!
//! The synthesizer would play any file of this machine that `<audio src>` names, and load any that
//! `<voice name>` names; what is not known here to be harmless does not reach it.

use quick_xml::Reader;
use quick_xml::escape::{partial_escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};

const ELEMENTS: [&str; 10] =
    ["speak", "p", "s", "break", "prosody", "emphasis", "say-as", "sub", "phoneme", "voice"];
const ATTRIBUTES: [&str; 16] = [
    "xml:lang",
    "time",
    "strength",
    "rate",
    "pitch",
    "range",
    "volume",
    "level",
    "interpret-as",
    "format",
    "detail",
    "alias",
    "alphabet",
    "ph",
    "gender",
    "variant",
];

/// The text with those elements and attributes only, the words in other elements left in; none if
/// it is no SSML, that is one element `speak` and well-formed.
pub(super) fn harmless(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text.trim());
    let (mut depth, mut made) = (0_usize, String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                if depth == 0 && (!made.is_empty() || element.name().into_inner() != "speak") {
                    return None;
                }
                depth += 1;
                open(&element, ">", &mut made)?;
            }
            Event::Empty(_) if depth == 0 => return None,
            Event::Empty(element) => open(&element, "/>", &mut made)?,
            Event::End(element) => {
                depth -= 1;
                let name = element.name();
                if ELEMENTS.contains(&name.into_inner()) {
                    made.extend(["</", name.into_inner(), ">"]);
                }
            }
            Event::Text(text) if depth == 0 && text.trim().is_empty() => {}
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if depth == 0 => return None,
            Event::Text(text) => made.push_str(&partial_escape(&*text)),
            Event::CData(text) => made.push_str(&partial_escape(&*text)),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(char) => made.push_str(&partial_escape(char.to_string())),
                None => made.push_str(&partial_escape(resolve_xml_entity(&reference)?)),
            },
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) => return None,
            Event::Eof => return (depth == 0 && !made.is_empty()).then_some(made),
        }
    }
}

/// Writes the beginning of an element. None if it cannot be read.
fn open(element: &BytesStart<'_>, end: &str, made: &mut String) -> Option<()> {
    let name = element.name();
    if !ELEMENTS.contains(&name.into_inner()) {
        return Some(());
    }
    made.extend(["<", name.into_inner()]);
    for attribute in element.attributes() {
        let attribute = attribute.ok()?;
        let key = attribute.key.into_inner();
        if ATTRIBUTES.contains(&key) {
            // To the synthesizer a tag ends at the first `>`, also within quotes.
            let value = attribute.value.replace('<', "&lt;").replace('>', "&gt;");
            let value = value.replace('"', "&quot;");
            made.extend([" ", key, "=\"", &value, "\""]);
        }
    }
    made.push_str(end);
    Some(())
}
