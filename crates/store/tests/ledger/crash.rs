//! The process dies, or its disk does: what was answered is there afterwards.
//!
//! Each test starts this same executable again as a child that works on a ledger and tells on its
//! standard output what the ledger has answered.

mod calls;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{TestDir, account, drain, open, setting};
use store::{Fate, Health, Ledger, StoreError, conformance};

const CHILD_DIR: &str = "CALLSLIP_TEST_CHILD_DIR";
const CHILD_FIRST: &str = "CALLSLIP_TEST_CHILD_FIRST";
/// The name of the child among the tests.
const CHILD: &str = "crash::child";
const ROUNDS: u64 = 8;

/// Not a test of its own: what the child does, if there is a directory to do it in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let first = setting(CHILD_FIRST).unwrap();
    let ledger = open(Path::new(&dir));
    let account = account(&ledger).await;
    let tell = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "@{line}").unwrap();
        out.flush().unwrap();
    };
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
            tell("poisoned".into());
            return;
        }
        tell(format!("fed {message}"));
        if number % 3 == 0 {
            let taken = ledger.take(account, conformance::ask(2)).await.unwrap();
            let take = taken.take.unwrap();
            for report in taken.reports().unwrap() {
                tell(format!("took {}", report.message_id));
            }
            // Waiting makes sure that the fate is durable before it is told.
            ledger.resolve(take, Fate::Settled);
            ledger.waiting(account).await.unwrap();
            for report in taken.reports().unwrap() {
                tell(format!("settled {}", report.message_id));
            }
        }
    }
}

/// What the children have told, of all rounds.
#[derive(Default)]
struct Told {
    fed: BTreeSet<u64>,
    took: BTreeSet<u64>,
    settled: BTreeSet<u64>,
    poisoned: bool,
}

impl Told {
    fn hear(&mut self, line: &str) {
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

fn spawn(mut command: Command, dir: &Path, first: u64) -> Child {
    command
        .env(CHILD_DIR, dir)
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
async fn check(dir: &Path, told: &Told) {
    let ledger = open(dir);
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

/// At the end everything comes once, but for what was settled.
async fn check_rest(dir: &Path, told: &Told) {
    let ledger = open(dir);
    let account = account(&ledger).await;
    let rest = drain(&ledger, account).await;
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
    let dir = TestDir::new();
    let seed = setting("CALLSLIP_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("CALLSLIP_SEED={seed}");
    let mut told = Told::default();
    for round in 0..ROUNDS {
        let mut child = spawn(this_executable(CHILD), dir.path(), told.next());
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
        check(dir.path(), &told).await;
    }
    assert!(!told.settled.is_empty());
    check_rest(dir.path(), &told).await;
}

#[tokio::test]
async fn a_failed_write_poisons_and_loses_nothing() {
    let dir = TestDir::new();
    // Made beforehand: a journal begins with its full size, which the limit below would refuse.
    let ledger = open(dir.path());
    account(&ledger).await;
    drop(ledger);
    let mut told = Told::default();
    let mut shell = Command::new("sh");
    let limit = "trap '' XFSZ; ulimit -f 4000; exec \"$0\" --exact \"$1\" --nocapture";
    shell.args(["-c", limit]).arg(std::env::current_exe().unwrap()).arg(CHILD);
    let mut child = spawn(shell, dir.path(), 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        told.hear(&line.unwrap());
    }
    assert!(child.wait().unwrap().success());
    assert!(told.poisoned, "the write never failed; {} were fed", told.fed.len());
    assert!(told.fed.len() > 10);
    check(dir.path(), &told).await;
    check_rest(dir.path(), &told).await;
}
