//! Whether a text that claims to be SSML is well-formed.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Whether the text is meant as SSML: it begins as an XML document does, or with the element
/// `speak`.
pub(super) fn is_meant(text: &str) -> bool {
    let text = text.trim_start();
    let is_speak = text.strip_prefix("<speak").is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '/')) || rest.is_empty()
    });
    is_speak || text.starts_with("<?xml") || text.starts_with("<!DOCTYPE")
}

/// Whether it is one element `speak` with matching tags, readable attributes and XML's own entities
/// only. A document type could make the text mean something else than it shows.
pub(super) fn is_well_formed(text: &str) -> bool {
    let mut reader = Reader::from_str(text.trim());
    reader.config_mut().check_comments = true;
    let (mut depth, mut roots) = (0_usize, 0_usize);
    loop {
        let Ok(event) = reader.read_event() else { return false };
        let is_fine = match event {
            Event::Start(element) => {
                depth += 1;
                opens(&element, depth == 1, &mut roots)
            }
            Event::Empty(element) => opens(&element, depth == 0, &mut roots),
            Event::End(_) => {
                depth -= 1;
                true
            }
            Event::Text(text) => depth > 0 || text.trim_ascii().is_empty(),
            Event::CData(_) => depth > 0,
            Event::GeneralRef(reference) => {
                depth > 0
                    && match reference.resolve_char_ref() {
                        Ok(None) => quick_xml::escape::resolve_xml_entity(&reference).is_some(),
                        Ok(Some(_)) => true,
                        Err(_) => false,
                    }
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => true,
            Event::DocType(_) => false,
            Event::Eof => return depth == 0 && roots == 1,
        };
        if !is_fine {
            return false;
        }
    }
}

/// Whether an element may stand where it does.
fn opens(element: &BytesStart<'_>, is_root: bool, roots: &mut usize) -> bool {
    *roots += usize::from(is_root);
    let is_named = !is_root || element.name().into_inner() == "speak";
    is_named && element.attributes().all(|attribute| attribute.is_ok())
}
