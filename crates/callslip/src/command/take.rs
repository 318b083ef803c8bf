//! `callslip take`: takes reports from a server into a file; none lost, none twice.
//!
//! Each batch has a key of its own. The key is on disk before the request, the batch is on disk
//! before the next key: whatever breaks in between, the same key brings the same batch again.

mod outfile;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::client::{Ask, Client, ClientError, escaped, secret_from};
use outfile::{OutFile, Pending};

/// Without --follow, how often a request is tried before the command gives up: two minutes.
const TRIES_MAX: u32 = 10;
/// How long the server may hold an empty answer open.
const FOLLOW: [(&str, &str); 1] = [("prefer", "wait=20")];

/// The flags of `take`.
#[derive(Args, Debug)]
#[command(after_help = "\
FILE.key remembers the batch under way, so that the same command, started again after a crash,\n\
goes on where it was; within the server's replay window (15 minutes, unless set otherwise)\n\
nothing is lost and nothing is written twice.")]
pub(crate) struct Take {
    /// The server's public API.
    #[arg(long, value_name = "URL", env = "CALLSLIP_URL")]
    url: String,
    /// File with an API key of role read; else the variable CALLSLIP_KEY holds the key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File to append to, one JSON object per line; else standard output, which cannot be resumed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Reports per batch.
    #[arg(long, value_name = "N", default_value_t = 500,
          value_parser = clap::value_parser!(u32).range(1..=20_000))]
    limit: u32,
    /// Keep waiting for more.
    #[arg(long)]
    follow: bool,
    /// Reports of that bulk only.
    #[arg(long, value_name = "ID")]
    bulk_id: Option<String>,
    /// The report of that message only.
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
}

/// One answer; each report as it was written, so that no digit of a price changes.
#[derive(Deserialize)]
struct Answer {
    results: Vec<Box<RawValue>>,
}

impl Take {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let key = match &self.key_file {
            Some(file) => secret_from(file)?,
            None => std::env::var("CALLSLIP_KEY")
                .context("no key: give --key-file, or set the variable CALLSLIP_KEY")?,
        };
        let client = Client::new(&self.url, Some(key.trim()));
        let taken = match &self.out {
            Some(file) => self.append(&client, &mut OutFile::open(file)?),
            None => self.pass_on(&client),
        }?;
        eprintln!("Reports taken: {taken}.");
        Ok(())
    }

    /// Appends to the file until nothing is left, and gives the number of reports appended.
    fn append(&self, client: &Client, out: &mut OutFile) -> anyhow::Result<usize> {
        let mut taken = 0;
        loop {
            let (pending, resumed) = match out.pending()? {
                Some(pending) => (pending, true),
                None => (out.begin(new_key(), self.query())?, false),
            };
            let batch = self.batch(client, &pending)?;
            taken += if resumed {
                out.finish(&pending, &batch)?
            } else {
                out.append(&batch)?;
                batch.len()
            };
            if batch.is_empty() && !resumed && !self.follow {
                out.close()?;
                return Ok(taken);
            }
        }
    }

    fn pass_on(&self, client: &Client) -> anyhow::Result<usize> {
        let mut taken = 0;
        loop {
            let batch = self.batch(client, &Pending::new(new_key(), self.query()))?;
            // A reader that has gone is no success here: what it did not read was taken.
            print(&batch).map_err(|error| {
                anyhow!("{error}; the batch under way was taken, GET /tts/3/logs still lists it")
            })?;
            taken += batch.len();
            if batch.is_empty() && !self.follow {
                return Ok(taken);
            }
        }
    }

    fn query(&self) -> String {
        let mut query = format!("limit={}", self.limit);
        for (name, value) in [("bulkId", &self.bulk_id), ("messageId", &self.message_id)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", escaped(value)));
            }
        }
        query
    }

    /// The reports of a batch, one line each; asked for until they come.
    fn batch(&self, client: &Client, pending: &Pending) -> anyhow::Result<Vec<String>> {
        let path = format!("/tts/3/reports?{}", pending.query);
        let mut headers = vec![("idempotency-key", pending.key.as_str())];
        if self.follow {
            headers.extend(FOLLOW);
        }
        let ask = Ask { path: &path, headers: &headers, timeout: Duration::from_secs(120) };
        let mut backoff = Backoff::default();
        let bytes = loop {
            let error = match client.get_bytes(&ask) {
                Ok(bytes) => break bytes,
                Err(error) => error,
            };
            let give_up = !self.follow && backoff.tries() + 1 >= TRIES_MAX;
            if give_up || !error.may_pass() {
                let advice = "the batch under way is kept; the same command goes on with it";
                return Err(anyhow::Error::new(error).context(advice));
            }
            let wait = backoff.next(error.retry_after());
            eprintln!("callslip: {error}; trying again in {:.1} s", wait.as_secs_f32());
            std::thread::sleep(wait);
        };
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|error| ClientError::Stranger {
                url: format!("{}{path}", client.base()),
                reason: error.to_string(),
            })?;
        // Line breaks within JSON stand between tokens only: inside texts they are escaped.
        let lines = answer.results.iter().map(|report| report.get().replace(['\n', '\r'], " "));
        Ok(lines.collect())
    }
}

fn print(batch: &[String]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for report in batch {
        writeln!(output, "{report}")?;
    }
    output.flush()
}

fn new_key() -> String {
    Uuid::new_v4().to_string()
}
