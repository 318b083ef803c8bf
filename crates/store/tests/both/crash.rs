//! The process dies: what was answered is there afterwards.
//!
//! Each test starts this same executable again as a child that works on a ledger and tells on its
//! standard output what the ledger has answered. Every child, and whoever checks, comes long after
//! the one before: what ends by the clock has ended.

mod calls;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{AccountId, ManualClock};
use store::{Fate, Health, Ledger, StoreError, conformance};

use super::drain;
use crate::support::{Home, ROUNDS, open_at, setting};

const CHILD_AT: &str = "CALLSLIP_TEST_CHILD_AT";
const CHILD_ROUND: &str = "CALLSLIP_TEST_CHILD_ROUND";
const CHILD_FIRST: &str = "CALLSLIP_TEST_CHILD_FIRST";
/// The name of the child among the tests.
pub(crate) const CHILD: &str = "both::crash::child";
/// From one child to the next: longer than a lease, and than a node may be silent.
const INTERVAL: Duration = Duration::from_secs(120);

/// The ledger at that word, in that round, and its account.
async fn open(at: &str, round: u64) -> (Arc<dyn Ledger>, ManualClock, AccountId) {
    let clock = ManualClock::at(conformance::START.plus(INTERVAL * round as u32));
    let ledger = open_at(at, clock.clone()).await;
    let account = match ledger.accounts().await.unwrap().first() {
        Some(account) => account.id,
        None => ledger.add_account(conformance::account("test")).await.unwrap().id,
    };
    (ledger, clock, account)
}

/// What the child is told: where, in which round, and the first of its numbers.
fn told() -> Option<(String, u64, u64)> {
    let at = std::env::var(CHILD_AT).ok()?;
    Some((at, setting(CHILD_ROUND).unwrap(), setting(CHILD_FIRST).unwrap()))
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "@{line}").unwrap();
    out.flush().unwrap();
}

/// Not a test of its own: what the child does, if it is told where.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some((at, round, first)) = told() else { return };
    let (ledger, _, account) = open(&at, round).await;
    for number in first.. {
        let message = format!("m{number}");
        let mut report = conformance::report("bulk", &message);
        report.text = Some("x".repeat(4_000));
        if let Err(error) = ledger.feed(account, vec![report]).await {
            assert!(matches!(error, StoreError::Poisoned(_)), "{error}");
            assert!(matches!(ledger.health(), Health::Poisoned(_)));
            let again = ledger.take(account, conformance::ask(1)).await;
            assert!(matches!(again, Err(StoreError::Poisoned(_))));
            assert!(error.to_string().contains("needs a restart"));
            tell("poisoned");
            return;
        }
        tell(&format!("fed {message}"));
        if number % 3 == 0 {
            let taken = ledger.take(account, conformance::ask(2)).await.unwrap();
            let take = taken.take.unwrap();
            for report in taken.reports().unwrap() {
                tell(&format!("took {}", report.message_id));
            }
            // Waiting makes sure that the fate is durable before it is told.
            ledger.resolve(take, Fate::Settled);
            ledger.waiting(account).await.unwrap();
            for report in taken.reports().unwrap() {
                tell(&format!("settled {}", report.message_id));
            }
        }
    }
}

/// What the children have told, of all rounds.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) fed: BTreeSet<u64>,
    took: BTreeSet<u64>,
    settled: BTreeSet<u64>,
    pub(crate) poisoned: bool,
}

impl Told {
    pub(crate) fn hear(&mut self, line: &str) {
        // The test harness talks too, and may have begun the line.
        let Some((_, said)) = line.split_once('@') else { return };
        let number = || said.split_once(" m").unwrap().1.parse().unwrap();
        match said.split(' ').next() {
            Some("fed") => _ = self.fed.insert(number()),
            Some("took") => _ = self.took.insert(number()),
            Some("settled") => _ = self.settled.insert(number()),
            Some("poisoned") => self.poisoned = true,
            Some(_) | None => panic!("{line}"),
        }
    }

    fn next(&self) -> u64 {
        // The one after the last may have been kept without an answer.
        self.fed.last().map_or(0, |last| last + 2)
    }
}

pub(crate) fn spawn(mut command: Command, at: &str, round: u64, first: u64) -> Child {
    command
        .env(CHILD_AT, at)
        .env(CHILD_ROUND, round.to_string())
        .env(CHILD_FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn this_executable(child: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", child, "--nocapture"]);
    command
}

/// The next line, unless it was cut short.
fn whole_line(out: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line.ends_with('\n').then(|| line.trim_end().to_owned())
}

/// Checks the ledger against everything that was told, and leaves it as it is.
pub(crate) async fn check(at: &str, round: u64, told: &Told) {
    let (ledger, ..) = open(at, round).await;
    for number in &told.fed {
        let audit = ledger.audit(&format!("m{number}")).await.unwrap();
        assert_eq!(audit.len(), 1, "m{number} was fed and is gone");
    }
    for number in &told.took {
        let audit = ledger.audit(&format!("m{number}")).await.unwrap().remove(0);
        assert!(!audit.takes.is_empty(), "m{number} was taken, and the ledger does not know");
    }
    for number in &told.settled {
        let audit = ledger.audit(&format!("m{number}")).await.unwrap().remove(0);
        assert_eq!(audit.report.state, store::ReportState::Settled, "m{number}");
    }
}

/// Lives until the dead are given up: nobody is missed before whoever misses has lived for as long.
async fn miss_the_dead(ledger: &dyn Ledger, clock: &ManualClock) {
    for _ in 0..12 {
        clock.advance(INTERVAL / 12);
        ledger.upkeep().await.unwrap();
    }
}

/// At the end everything comes once, but for what was settled.
pub(crate) async fn check_rest(at: &str, round: u64, told: &Told) {
    let (ledger, clock, account) = open(at, round).await;
    miss_the_dead(&*ledger, &clock).await;
    let waiting = ledger.waiting(account).await.unwrap();
    assert_eq!(waiting.in_flight, 0, "those who had it are dead");
    let rest = drain(&*ledger, account).await;
    let unique: BTreeSet<&String> = rest.iter().collect();
    assert_eq!(unique.len(), rest.len(), "each once");
    for number in told.fed.difference(&told.took) {
        assert!(
            unique.contains(&format!("m{number}")),
            "m{number} was never taken and is not there"
        );
    }
    for number in &told.settled {
        assert!(!unique.contains(&format!("m{number}")), "m{number} was settled and came again");
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let home = Home::new();
    let at = home.word();
    let seed = setting("CALLSLIP_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("CALLSLIP_SEED={seed}");
    let mut told = Told::default();
    for round in 0..ROUNDS {
        let mut child = spawn(this_executable(CHILD), &at, round, told.next());
        let lines = 1 + (seed.wrapping_mul(31).wrapping_add(round * 97)) % 400;
        let mut out = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            told.hear(&whole_line(&mut out).unwrap());
        }
        child.kill().unwrap();
        // What it said before it died counts as well, to the last line that is whole: it may have
        // settled what that line says it took.
        while let Some(line) = whole_line(&mut out) {
            told.hear(&line);
        }
        child.wait().unwrap();
        check(&at, round, &told).await;
    }
    assert!(!told.settled.is_empty());
    check_rest(&at, ROUNDS, &told).await;
}
