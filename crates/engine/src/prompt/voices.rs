//! Which voice speaks which language: the table that `espeak-ng --voices` prints, read once.

use std::collections::HashMap;

/// Voices by language tag, in lower case.
#[derive(Debug, Default)]
pub(super) struct Voices(HashMap<String, Voice>);

#[derive(Debug)]
struct Voice {
    file: String,
    /// The lower, the better it suits the tag.
    priority: u8,
}

impl Voices {
    /// Reads the table:
    ///
    /// ```text
    /// Pty Language       Age/Gender VoiceName          File                 Other Languages
    ///  5  pt-br           --/M      Portuguese_(Brazil) roa/pt-BR            (pt 6)
    /// ```
    ///
    /// Voices of another synthesizer (`mb/`) are left out: they are listed whether or not their
    /// data are installed.
    pub(super) fn read(table: &str) -> Self {
        let mut voices = Self::default();
        for line in table.lines().skip(1) {
            let mut columns = line.split_whitespace();
            let mut column = || columns.next();
            let (priority, tag, file) = (column(), column(), column().and(column()).and(column()));
            let (Some(priority), Some(tag), Some(file)) = (priority, tag, file) else { continue };
            if file.starts_with("mb/") {
                continue;
            }
            voices.add(tag, priority, file);
            let others = line.split('(').skip(1).filter_map(|rest| rest.split_once(')'));
            for (tag, priority) in others.filter_map(|(other, _)| other.split_once(' ')) {
                voices.add(tag, priority, file);
            }
        }
        voices
    }

    fn add(&mut self, tag: &str, priority: &str, file: &str) {
        let Ok(priority) = priority.parse() else { return };
        let tag = tag.to_ascii_lowercase();
        if self.0.get(&tag).is_none_or(|known| priority < known.priority) {
            self.0.insert(tag, Voice { file: file.to_owned(), priority });
        }
    }

    /// The voice for a tag such as `en`, `pt-br` or `en_US`; if there is none for all of it, for
    /// its beginning.
    pub(super) fn find(&self, language: &str) -> Option<&str> {
        let tag = language.to_ascii_lowercase().replace('_', "-");
        let mut part = Some(tag.as_str());
        while let Some(tag) = part {
            if let Some(voice) = self.0.get(tag) {
                return Some(&voice.file);
            }
            part = tag.rsplit_once('-').map(|(beginning, _)| beginning);
        }
        None
    }

    /// How many tags there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The voice that was asked for, as far as there is one. The API's names (`Joanna`) are another
/// vendor's voices, which callers carry over from there: refusing them would refuse the call for
/// its accent, so they get the language's own voice.
pub(super) fn variant(file: &str, asked: Option<&str>) -> String {
    match asked {
        Some(gender) if gender.eq_ignore_ascii_case("female") => format!("{file}+f3"),
        Some(gender) if gender.eq_ignore_ascii_case("male") => format!("{file}+m3"),
        Some(_) | None => file.to_owned(),
    }
}
