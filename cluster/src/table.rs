//! How long each fault took, and whose time that was.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAY_MS: u64 = 86_400_000;
/// What a server says when it takes writes, and when a standby is there that commits wait for.
const PROMOTED: &str = "database system is ready to accept connections";
const JOINED: &str = "is now a synchronous standby";

/// A moment by both clocks.
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    pub(crate) time: SystemTime,
}

impl Moment {
    #[allow(clippy::disallowed_methods, reason = "it is compared with the logs of servers")]
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), time: SystemTime::now() }
    }
}

/// When another one led.
pub(crate) struct Promotion {
    pub(crate) promoted: Instant,
    /// When a commit could be acknowledged: it had a synchronous standby.
    pub(crate) joined: Instant,
    /// When one was.
    pub(crate) written: Instant,
}

/// How long a fault took.
pub(crate) struct Recovery {
    pub(crate) fault: &'static str,
    pub(crate) open_calls: usize,
    /// The longest time without an acknowledged feed.
    pub(crate) away: Duration,
    pub(crate) promoted: Option<Duration>,
    pub(crate) joined: Option<Duration>,
    /// From then to the first acknowledged feed: the nodes' own share.
    pub(crate) own: Option<Duration>,
}

/// The first of the logs of servers that says that it leads after that moment, and when its standby
/// came that was there for the first write: one that has joined may leave again for some seconds.
pub(crate) fn promotion(
    logs: &[String],
    at: &Moment,
    first_write: impl Fn(Instant) -> Option<Instant>,
) -> Option<Promotion> {
    let said = |log: &str, what: &str| -> Vec<Instant> {
        let lines = log.lines().filter(|line| line.contains(what));
        lines.filter_map(|line| after(line, at)).map(|passed| at.instant + passed).collect()
    };
    let promoted = |log: &String| said(log, PROMOTED).into_iter().min();
    let leads = logs.iter().filter_map(|log| Some((promoted(log)?, log)));
    let (promoted, log) = leads.min_by_key(|(promoted, _)| *promoted)?;
    let written = first_write(promoted)?;
    let joined = said(log, JOINED).into_iter().filter(|at| (promoted..=written).contains(at)).max();
    Some(Promotion { promoted, joined: joined.unwrap_or(promoted), written })
}

/// How long after that moment a line was logged: less than half a day, and not before.
fn after(line: &str, at: &Moment) -> Option<Duration> {
    let time = line.split_whitespace().nth(1)?;
    let mut parts = time.split([':', '.']).map(str::parse::<u64>);
    let mut part = || parts.next()?.ok();
    let ms = ((part()? * 60 + part()?) * 60 + part()?) * 1_000 + part()?;
    let then = at.time.duration_since(UNIX_EPOCH).ok()?.as_millis() as u64 % DAY_MS;
    let passed = (ms + DAY_MS - then) % DAY_MS;
    (passed < DAY_MS / 2).then(|| Duration::from_millis(passed))
}

/// The head of the table.
pub(crate) const HEAD: &str = "\
fault                      no writes for  promoted after  standby after  nodes' own  calls open
-------------------------  -------------  --------------  -------------  ----------  ----------";

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Option<Duration>| match time {
            Some(time) => format!("{:.2} s", time.as_secs_f64()),
            None => "-".to_owned(),
        };
        let Self { fault, open_calls, away, promoted, joined, own } = self;
        let (away, promoted) = (seconds(Some(*away)), seconds(*promoted));
        let (joined, own) = (seconds(*joined), seconds(*own));
        write!(
            f,
            "{fault:<25}  {away:>13}  {promoted:>14}  {joined:>13}  {own:>10}  {open_calls:>10}"
        )
    }
}
