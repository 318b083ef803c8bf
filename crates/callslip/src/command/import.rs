//! `callslip reports import`: reports from files, through the feed.
//!
//! Safe to repeat: a report that the account has already is counted as a duplicate.

mod bookmark;
mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use ureq::http::Method;

use super::say;
use crate::backoff::Backoff;
use crate::client::{ClientError, escaped};
use crate::door::{Door, Missing, Whose};
use bookmark::Bookmark;
use source::{Batch, Source};

/// How often a batch is tried before the command gives up: two minutes.
const TRIES_MAX: u32 = 10;

/// The flags of `reports import`.
#[derive(Args, Debug)]
#[command(after_help = "\
A file is JSON ({\"results\":[...]}), XML (as GET /tts/3/reports gives either), or one JSON object\n\
per line, the form for large files: it is read as it goes, and an import that was stopped goes on\n\
where it was. Refused reports are listed with their place and reason; the exit code is then 1.")]
pub(crate) struct Import {
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The account that the reports are for.
    #[arg(long, value_name = "NAME")]
    account: String,
    #[command(flatten)]
    whose: Whose,
}

/// What became of the reports of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

/// The feed's answer.
#[derive(Debug, Deserialize)]
struct Receipt {
    accepted: u64,
    duplicates: u64,
    refused: Vec<Refusal>,
}

/// One reason why a report was refused; a report may have several.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    index: usize,
    #[serde(default)]
    path: String,
    message_id: Option<String>,
    reason: String,
}

impl Import {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let door = self.whose.open(Missing::Refuse)?;
        let mut refused = 0;
        for file in &self.files {
            let tally = self.file(&door, file)?;
            say(format!(
                "{}: {} accepted, {} duplicates, {} refused",
                file.display(),
                tally.accepted,
                tally.duplicates,
                tally.refused
            ))?;
            refused += tally.refused;
        }
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn file(&self, door: &Door, file: &Path) -> anyhow::Result<Tally> {
        let cannot = || format!("cannot read {}", file.display());
        let mut source = Source::open(file).with_context(cannot)?;
        let mut bookmark = Bookmark::of(file, &self.account);
        let mut tally = Tally::default();
        if let Some(place) = bookmark.place()? {
            source.skip_to(place.offset, place.items).with_context(cannot)?;
            tally = place.tally;
            eprintln!("{}: going on after {} reports", file.display(), place.items);
        }
        let bar = progress_bar(source.bytes());
        while let Some(batch) = source.next_batch().with_context(cannot)? {
            let refusals = self.feed(door, &source, &batch, &mut tally)?;
            bar.suspend(|| {
                refusals.iter().for_each(|text| eprintln!("{}: {text}", file.display()));
            });
            bar.set_position(batch.end);
            if source.is_lines() {
                bookmark.put(&batch, tally)?;
            }
        }
        bar.finish_and_clear();
        bookmark.remove()?;
        Ok(tally)
    }

    /// Feeds one batch; gives what is to be said of refused reports.
    fn feed(
        &self,
        door: &Door,
        source: &Source,
        batch: &Batch,
        tally: &mut Tally,
    ) -> anyhow::Result<Vec<String>> {
        let mut places: Vec<usize> = batch.unreadable.iter().map(|(place, _)| *place).collect();
        let mut refusals: Vec<(usize, String)> = batch
            .unreadable
            .iter()
            .map(|(place, reason)| (*place, format!("report {place}: {reason}")))
            .collect();
        if !batch.readable.is_empty() {
            let receipt = self.post(door, source, batch)?;
            tally.accepted += receipt.accepted;
            tally.duplicates += receipt.duplicates;
            for refusal in receipt.refused {
                let place = batch.readable.get(refusal.index).map_or(0, |(place, _)| *place);
                refusals.push((place, refusal.told_of(place)));
                places.push(place);
            }
        }
        places.sort_unstable();
        places.dedup();
        tally.refused += places.len() as u64;
        refusals.sort_by_key(|(place, _)| *place);
        Ok(refusals.into_iter().map(|(_, text)| text).collect())
    }

    /// Posts until there is an answer: what was fed already is a duplicate the second time.
    fn post(&self, door: &Door, source: &Source, batch: &Batch) -> anyhow::Result<Receipt> {
        let path = format!("/callslip/1/admin/accounts/{}/reports", escaped(&self.account));
        let (content_type, body) = source.body(batch);
        let mut backoff = Backoff::default();
        loop {
            let sent = door.post_bytes(Method::POST, &path, content_type, body.clone());
            let error = match sent {
                Ok(answer) => {
                    return serde_json::from_value(answer).context("the feed's answer is odd");
                }
                Err(error) => error,
            };
            if matches!(&error, ClientError::Refused { status, .. } if status.as_u16() == 413)
                && batch.readable.len() == 1
            {
                return Ok(Receipt::all_refused("is longer than the server takes"));
            }
            if !error.may_pass() || backoff.tries() + 1 >= TRIES_MAX {
                return Err(anyhow::Error::new(error)
                    .context("not all was imported; the same command goes on from here"));
            }
            std::thread::sleep(backoff.next(error.retry_after()));
        }
    }
}

impl Receipt {
    fn all_refused(reason: &str) -> Self {
        let refusal =
            Refusal { index: 0, path: String::new(), message_id: None, reason: reason.into() };
        Self { accepted: 0, duplicates: 0, refused: vec![refusal] }
    }
}

impl Refusal {
    /// The refusal with the report's place in the file; the feed knows only that in the batch.
    fn told_of(&self, place: usize) -> String {
        let field = self.path.split_once("].").map_or("", |(_, field)| field);
        let id = self.message_id.as_ref().map_or(String::new(), |id| format!(" ({id})"));
        let space = if field.is_empty() { "" } else { " " };
        format!("report {place}{id}: {field}{space}{}", self.reason)
    }
}

/// On standard error, and only if that is a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {eta} left");
    let bar = ProgressBar::new(bytes);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
