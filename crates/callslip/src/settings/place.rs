//! Where a key is in the file: what is wrong with how keys go together is shown there, as the parser
//! shows what is wrong with one.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The text with the place of the key that it begins with, such as `data.role: …`; none if the file
/// does not give it.
pub(super) fn shown(file: &str, text: &str) -> Option<String> {
    let word = text.split([' ', ':']).next()?;
    let (section, key) = word.split_once('.')?;
    let parsed = toml::de::Deserializer::parse(file).ok()?;
    let wrong = Wrong { path: &[section, key], text };
    Some(wrong.deserialize(parsed).err()?.to_string().trim_end().to_owned())
}

/// Refuses whatever value the path leads to.
struct Wrong<'a> {
    path: &'a [&'a str],
    text: &'a str,
}

impl<'de> DeserializeSeed<'de> for Wrong<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        match self.path {
            [] => Err(D::Error::custom(self.text)),
            [_, ..] => value.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Wrong<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<(), A::Error> {
        while let Some(key) = table.next_key::<String>()? {
            match self.path.split_first() {
                Some((first, path)) if key == *first => {
                    table.next_value_seed(Wrong { path, text: self.text })?;
                }
                Some(_) | None => _ = table.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_where_it_is() {
        let file = "[http]\nlisten = \"x\"\n\n[data]\ndir = \"d\"\nrole = \"api\" # here\n";
        let text = shown(file, "data.role: needs more").unwrap();
        assert!(text.contains("line 6, column 8"), "{text}");
        assert!(text.contains("6 | role = \"api\" # here\n  |        ^^^^^\n"), "{text}");
        assert!(text.ends_with("data.role: needs more"), "{text}");
        assert_eq!(shown(file, "data.url is not given"), None);
        assert_eq!(shown(file, "trunk north: none"), None);
    }
}
