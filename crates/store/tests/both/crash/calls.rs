//! The process dies between the steps of calls: none is lost, none is placed twice for one attempt.

use std::collections::BTreeSet;
use std::io::BufReader;

use model::{AccountId, Amount, Clock, ManualClock, Outcome};
use store::{ArchiveQuery, CallEntry, LeaseAsk, Leased, Ledger, Share, Started, Work, conformance};

use super::{INTERVAL, miss_the_dead, open, spawn, tell, this_executable, told, whole_line};
use crate::both::drain;
use crate::support::{Home, ROUNDS, setting};

/// The name of the child among the tests.
const CHILD: &str = "both::crash::calls::child";
const DAY: i32 = 20_833;

async fn lease(ledger: &dyn Ledger, clock: &ManualClock, account: AccountId) -> Work {
    let share = Share { account, most: usize::MAX, under_way_max: u64::MAX };
    let until = clock.now().plus(INTERVAL / 2);
    let ask = LeaseAsk { shares: vec![share], closing_max: usize::MAX, until };
    ledger.lease(ask).await.unwrap()
}

async fn finish(ledger: &dyn Ledger, leased: &Leased) {
    let message = &leased.call.message;
    let finished = conformance::finished(&message.bulk_id, &message.message_id, "0.25");
    ledger.finish(leased.lease, finished).await.unwrap();
}

/// Not a test of its own: what the child does, if it is told where. Every third attempt is tried again, every seventh is left under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some((at, round, first)) = told() else { return };
    let (ledger, clock, account) = open(&at, round).await;
    let ledger = &*ledger;
    let mut attempts = first;
    for number in first.. {
        let names = [format!("m{number}"), format!("n{number}")];
        let messages = names.iter().map(|name| conformance::message("bulk", name)).collect();
        ledger.submit(account, conformance::submission("bulk", messages)).await.unwrap();
        tell(&format!("submitted {number}"));
        let work = lease(ledger, &clock, account).await;
        for leased in &work.closing {
            finish(ledger, leased).await;
            tell(&format!("ended {}", leased.call.message.message_id));
        }
        for leased in &work.due {
            let attempt = leased.call.cdrs.len() as u8 + 1;
            let started = Started { attempt, at: conformance::START };
            ledger.start(leased.lease, started).await.unwrap();
            tell(&format!("started {} {attempt}", leased.call.message.message_id));
            attempts += 1;
            if attempts.is_multiple_of(7) {
                continue;
            }
            if attempts.is_multiple_of(3) {
                let cdr = conformance::cdr(attempt, Outcome::Busy);
                ledger.retry(leased.lease, cdr, conformance::START).await.unwrap();
            } else {
                finish(ledger, leased).await;
                tell(&format!("ended {}", leased.call.message.message_id));
            }
        }
    }
}

/// What the children have told, of all rounds.
#[derive(Default)]
struct Told {
    submitted: BTreeSet<u64>,
    started: BTreeSet<(String, usize)>,
    ended: BTreeSet<String>,
}

impl Told {
    fn hear(&mut self, line: &str) {
        // The test harness talks too, and may have begun the line.
        let Some((_, said)) = line.split_once('@') else { return };
        let words: Vec<&str> = said.split(' ').collect();
        match words[..] {
            ["submitted", number] => _ = self.submitted.insert(number.parse().unwrap()),
            ["started", name, attempt] => {
                let attempt = (name.to_owned(), attempt.parse().unwrap());
                assert!(self.started.insert(attempt.clone()), "{attempt:?} was started twice");
            }
            ["ended", name] => assert!(self.ended.insert(name.to_owned()), "{name} ended twice"),
            _ => panic!("{line}"),
        }
    }
}

/// Checks the ledger against everything that was told, and leaves it as it is.
async fn check(at: &str, round: u64, told: &Told) {
    let (ledger, _, account) = open(at, round).await;
    let entry = async |name: &str| ledger.call(account, name).await.unwrap();
    for number in &told.submitted {
        for name in [format!("m{number}"), format!("n{number}")] {
            assert!(entry(&name).await.is_some(), "{name} was accepted and is gone");
        }
    }
    for name in &told.ended {
        assert!(matches!(entry(name).await, Some(CallEntry::Finished(_))), "{name} had ended");
    }
    for (name, attempt) in &told.started {
        if let Some(CallEntry::Open(call)) = entry(name).await {
            let begun = call.cdrs.len() + usize::from(call.started.is_some());
            assert!(begun >= *attempt, "{name} had started its attempt {attempt}");
        }
    }
}

/// Closes and finishes what is left; then each message that was accepted has one report.
async fn check_rest(at: &str, round: u64, told: &Told) {
    let (ledger, clock, account) = open(at, round).await;
    let ledger = &*ledger;
    miss_the_dead(ledger, &clock).await;
    let work = lease(ledger, &clock, account).await;
    for leased in &work.due {
        let next = (leased.call.message.message_id.clone(), leased.call.cdrs.len() + 1);
        assert!(!told.started.contains(&next), "{next:?} would be started again");
    }
    for leased in work.due.iter().chain(&work.closing) {
        finish(ledger, leased).await;
    }
    assert!(ledger.open_calls(account, ArchiveQuery::default()).await.unwrap().is_empty());
    let reports = drain(ledger, account).await;
    let unique: BTreeSet<&String> = reports.iter().collect();
    assert_eq!(unique.len(), reports.len(), "each once");
    for number in &told.submitted {
        assert!(unique.contains(&format!("m{number}")) && unique.contains(&format!("n{number}")));
    }
    let quarter: Amount = "0.25".parse().unwrap();
    let charged = reports.iter().fold(Amount::ZERO, |sum, _| sum.plus(quarter));
    assert_eq!(ledger.spent(account, DAY).await.unwrap(), charged, "each is charged once");
}

#[tokio::test]
async fn calls_survive_a_kill() {
    let home = Home::new();
    let at = home.word();
    let seed = setting("CALLSLIP_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("CALLSLIP_SEED={seed}");
    let mut told = Told::default();
    for round in 0..ROUNDS {
        // The one after the last may have been kept without an answer.
        let first = told.submitted.last().map_or(0, |last| last + 2);
        let mut child = spawn(this_executable(CHILD), &at, round, first);
        let lines = 1 + (seed.wrapping_mul(31).wrapping_add(round * 97)) % 300;
        let mut out = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            told.hear(&whole_line(&mut out).unwrap());
        }
        child.kill().unwrap();
        while let Some(line) = whole_line(&mut out) {
            told.hear(&line);
        }
        child.wait().unwrap();
        check(&at, round, &told).await;
    }
    assert!(!told.ended.is_empty() && told.started.len() > told.ended.len());
    check_rest(&at, ROUNDS, &told).await;
}
