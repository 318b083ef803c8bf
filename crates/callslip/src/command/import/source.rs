//! A file of reports, cut into batches. The reports are passed on as they are written; whether
//! they make sense is for the feed to say.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::vec;

use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Reports in one request; few enough to see progress, enough to share an fsync.
const ITEMS_MAX: usize = 500;
/// Bytes of reports in one request, unless a single one is longer.
const BYTES_MAX: usize = 1 << 20;

/// A file of reports.
pub(super) struct Source {
    reports: Reports,
    bytes: u64,
    /// Reports and unreadable lines given so far.
    items: usize,
    /// Where the next report begins.
    offset: u64,
}

/// What the file holds. The first two are read as a whole.
enum Reports {
    Json(vec::IntoIter<String>),
    Xml(vec::IntoIter<String>),
    Lines(BufReader<File>),
}

/// Some reports, in the order of the file, each with its place in it, counted from 1.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) readable: Vec<(usize, String)>,
    /// What is no report at all, and why.
    pub(super) unreadable: Vec<(usize, String)>,
    /// Reports and unreadable lines of the file up to the end of the batch.
    pub(super) items: usize,
    /// Bytes of the file up to the end of the batch.
    pub(super) end: u64,
    /// The last line of the batch.
    pub(super) last: String,
}

#[derive(Deserialize)]
struct Document {
    results: Vec<Box<RawValue>>,
}

/// Any JSON object that fits on a line.
#[derive(Deserialize)]
struct Line {
    results: Option<IgnoredAny>,
}

impl Source {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let bytes = file.get_ref().metadata()?.len();
        let lines_by_name = path.extension().is_some_and(|ext| ext == "jsonl" || ext == "ndjson");
        let reports = if lines_by_name || is_lines(&mut file)? {
            file.rewind()?;
            Reports::Lines(file)
        } else {
            let text = std::fs::read_to_string(path)?;
            let text = text.trim_start_matches('\u{feff}');
            if text.trim_start().starts_with('<') {
                Reports::Xml(xml_reports(text)?.into_iter())
            } else {
                let document: Document = serde_json::from_str(text)?;
                let reports: Vec<String> =
                    document.results.into_iter().map(|report| report.get().to_owned()).collect();
                Reports::Json(reports.into_iter())
            }
        };
        Ok(Self { reports, bytes, items: 0, offset: 0 })
    }

    /// The file's length.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a place in the file can be gone to.
    pub(super) fn is_lines(&self) -> bool {
        matches!(self.reports, Reports::Lines(_))
    }

    /// Goes on at that byte, with so many reports before it.
    pub(super) fn skip_to(&mut self, offset: u64, items: usize) -> io::Result<()> {
        if let Reports::Lines(file) = &mut self.reports {
            file.seek(SeekFrom::Start(offset))?;
            (self.offset, self.items) = (offset, items);
        }
        Ok(())
    }

    /// The next batch; none at the end of the file.
    pub(super) fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        let start = self.items;
        while self.items - start < ITEMS_MAX && bytes < BYTES_MAX {
            let Some(item) = self.next_item(&mut batch.last)? else { break };
            self.items += 1;
            match item {
                Ok(report) => {
                    bytes += report.len();
                    batch.readable.push((self.items, report));
                }
                Err(reason) => batch.unreadable.push((self.items, reason)),
            }
        }
        (batch.items, batch.end) = (self.items, self.offset);
        Ok((self.items > start).then_some(batch))
    }

    /// The request body that a batch comes to.
    pub(super) fn body(&self, batch: &Batch) -> (&'static str, Vec<u8>) {
        let reports: Vec<&str> = batch.readable.iter().map(|(_, text)| text.as_str()).collect();
        match self.reports {
            Reports::Json(_) | Reports::Lines(_) => {
                let body = format!("{{\"results\":[{}]}}", reports.join(","));
                ("application/json", body.into_bytes())
            }
            Reports::Xml(_) => {
                let reports = reports.concat();
                let body = format!("<reportResponse><results>{reports}</results></reportResponse>");
                ("application/xml", body.into_bytes())
            }
        }
    }

    fn next_item(&mut self, last: &mut String) -> io::Result<Option<Result<String, String>>> {
        match &mut self.reports {
            Reports::Json(reports) | Reports::Xml(reports) => {
                let report = reports.next();
                self.offset += report.as_ref().map_or(0, |report| report.len() as u64);
                Ok(report.map(Ok))
            }
            Reports::Lines(file) => loop {
                let mut line = Vec::new();
                let read = file.read_until(b'\n', &mut line)?;
                if read == 0 {
                    return Ok(None);
                }
                self.offset += read as u64;
                if !line.trim_ascii().is_empty() {
                    *last = String::from_utf8_lossy(&line).into_owned();
                    return Ok(Some(json_line(line)));
                }
            },
        }
    }
}

/// Whether the file has one JSON object per line.
fn is_lines(file: &mut BufReader<File>) -> io::Result<bool> {
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(true);
        }
    }
    let first: Result<Line, _> = serde_json::from_slice(&line);
    Ok(first.is_ok_and(|line| line.results.is_none()))
}

fn json_line(line: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(line).map_err(|_| "is not UTF-8 text")?;
    let text = text.trim().trim_start_matches('\u{feff}');
    if !text.starts_with('{') {
        return Err("is not a JSON object".into());
    }
    let whole: Result<&RawValue, _> = serde_json::from_str(text);
    whole.map(|raw| raw.get().to_owned()).map_err(|error| format!("is not JSON: {error}"))
}

/// The elements below `results`, whatever their name, as they are written.
fn xml_reports(text: &str) -> io::Result<Vec<String>> {
    const REPORT_DEPTH: usize = 3; // reportResponse, results, result
    let wrong = |error: &dyn std::fmt::Display| io::Error::other(format!("is not XML: {error}"));
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut depth, mut start, mut reports) = (0_usize, 0, Vec::new());
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| wrong(&error))?;
        let after = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Event::Start(_) => {
                depth += 1;
                if depth == REPORT_DEPTH {
                    start = before;
                }
            }
            Event::End(_) => {
                if depth == REPORT_DEPTH {
                    reports.push(text[start..after].to_owned());
                }
                depth -= 1;
            }
            Event::Empty(_) if depth + 1 == REPORT_DEPTH => {
                reports.push(text[before..after].to_owned());
            }
            Event::Eof if depth == 0 => return Ok(reports),
            Event::Eof => return Err(wrong(&"it ends within an element")),
            // A document type can define entities; reports have no use for them.
            Event::DocType(_) => return Err(wrong(&"a document type is not taken")),
            _ => {}
        }
    }
}
