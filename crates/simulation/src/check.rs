//! What must hold when everything is over, for each customer and each message.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{AccountId, Amount, Report, Timestamp};
use store::{ArchiveQuery, ArchivedCall, CallEntry, Ledger};

use crate::price::{self, Leg, millionths};
use crate::sender::{Accepted, Sender};
use crate::taker::Taker;
use crate::witness::Seen;

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MILLIS: i64 = 86_400_000;

/// Errors that an end may have besides that of the number called.
const CANCELLED: u32 = 4100;
const EXPIRED: u32 = 4101;
const NOT_FETCHED: u32 = 5004;
const INTERNAL: u32 = 5500;

/// What was found with one customer.
#[derive(Default)]
pub(crate) struct Found {
    /// What is wrong.
    pub(crate) faults: Vec<String>,
    /// Reports that came twice, which may happen only when the server dies between an answer and
    /// its note.
    pub(crate) twice: usize,
}

/// Looks at everything that a customer sent and took.
pub(crate) async fn customer(
    ledger: &dyn Ledger,
    (sender, taker): (&Sender, &Taker),
    seen: &Seen,
    (began, ended): (Timestamp, Timestamp),
) -> Found {
    let accounts = ledger.accounts().await.expect("the accounts can be read");
    let account = accounts.iter().find(|account| account.name == sender.customer.name);
    let account = account.expect("the account is there");
    let faults = [sender.faults.clone(), taker.faults.clone()].concat();
    let mut found = Found { faults, ..Found::default() };
    reports(ledger, account.id, (sender, taker), &mut found).await;
    let mut totals = Amount::ZERO;
    for (id, accepted) in &sender.accepted {
        match ledger.call(account.id, id).await.expect("the call can be read") {
            Some(CallEntry::Finished(call)) => {
                totals = totals.plus(call.charged.total);
                let report = call.report.report().expect("the record is whole");
                Check { sender, id, accepted, call: &call, report, seen, found: &mut found }.all();
            }
            other => found.faults.push(format!("{id} was accepted, and is {other:?}")),
        }
    }
    let (first, last) = (account.zone.day(began), account.zone.day(ended));
    let mut spent = Amount::ZERO;
    for day in first..=last {
        spent = spent.plus(ledger.spent(account.id, day).await.expect("the spending can be read"));
    }
    if spent != totals {
        found.faults.push(format!("{} has spent {spent}, its calls cost {totals}", account.name));
    }
    found
}

/// One report each, and each received once.
async fn reports(
    ledger: &dyn Ledger,
    account: AccountId,
    (sender, taker): (&Sender, &Taker),
    found: &mut Found,
) {
    let query = ArchiveQuery { limit: usize::MAX, ..ArchiveQuery::default() };
    let records = ledger.list(account, query).await.expect("the archive can be read");
    let mut written: BTreeMap<String, u32> = BTreeMap::new();
    for record in &records {
        let report = record.report().expect("the record is whole");
        *written.entry(report.message_id.to_owned()).or_default() += 1;
    }
    for id in written.keys().filter(|id| !sender.accepted.contains_key(*id)) {
        found.faults.push(format!("{id} has a report, and was never accepted"));
    }
    for id in sender.accepted.keys() {
        let (written, received) = (written.get(id), taker.received.get(id).copied());
        let is_in_doubt = taker.in_doubt.contains(id);
        if written != Some(&1) {
            found.faults.push(format!("{id} was accepted, and has {written:?} reports"));
        }
        match received {
            Some(1) => {}
            Some(_) | None if is_in_doubt => found.twice += usize::from(received.is_some()),
            _ => found.faults.push(format!("the report of {id} was received {received:?} times")),
        }
    }
}

struct Check<'a> {
    sender: &'a Sender,
    id: &'a String,
    accepted: &'a Accepted,
    call: &'a ArchivedCall,
    report: Report<&'a str>,
    seen: &'a Seen,
    found: &'a mut Found,
}

impl Check<'_> {
    fn all(mut self) {
        self.dials();
        self.outcome();
        self.price();
        let connected = self.call.cdrs.last().map_or(0, |cdr| cdr.connected_seconds());
        if self.report.duration_seconds != connected && self.report.error.id != INTERNAL {
            self.wrong(&format!("A was connected for {connected} s"));
        }
        if self.report.to != self.accepted.asked.a || self.report.done_at < self.report.sent_at {
            self.wrong("it is of another call");
        }
    }

    /// Dialled for attempts that follow each other, each when it might be.
    fn dials(&mut self) {
        let Some(dials) = self.seen.dials.get(self.id) else { return };
        let asked = &self.accepted.asked;
        if dials.len() > asked.attempts_max || !dials.keys().copied().eq((1..).take(dials.len())) {
            self.wrong(&format!("it was dialled {dials:?}"));
        }
        for at in dials.values() {
            let minute = at.as_millis().rem_euclid(DAY_MILLIS) / MINUTE_MILLIS;
            let is_open = asked.window.is_none_or(|(from, to)| match from < to {
                true => (from..to).contains(&minute),
                false => minute >= from || minute < to,
            });
            let is_early = asked.send_at.is_some_and(|send_at| *at < send_at);
            // The server's time of submission lies before the answer.
            let begins = asked.send_at.map_or(self.accepted.at, |at| at.max(self.accepted.at));
            let is_late = asked.validity_minutes.is_some_and(|minutes| {
                let span =
                    Duration::from_millis(u64::try_from(minutes * MINUTE_MILLIS).unwrap_or(0));
                *at >= begins.plus(span)
            });
            let is_off = self.accepted.called_off_at.is_some_and(|off| off < *at);
            if !is_open || is_early || is_late || is_off {
                let why = format!("open {is_open}, early {is_early}, late {is_late}, off {is_off}");
                self.wrong(&format!("it was dialled at {at:?}: {why}"));
            }
        }
    }

    /// The end that the number called has, or one that something else explains.
    fn outcome(&mut self) {
        let asked = &self.accepted.asked;
        let is_dialled = self.seen.dials.contains_key(self.id);
        let error = self.report.error.id;
        let is_explained = match error {
            CANCELLED => self.accepted.is_cancelled,
            EXPIRED => asked.validity_minutes.is_some() || asked.window.is_some(),
            NOT_FETCHED => asked.audio_is_missing && !is_dialled,
            INTERNAL => self.is_cut_off(),
            _ => is_dialled && of_number(&asked.a).contains(&error),
        };
        if !is_explained {
            self.wrong("nothing explains its error");
        }
    }

    /// A death interrupted it; or met it between a durable step and what was to follow, which takes
    /// no time: started and not yet dialled, or over and not yet finished.
    fn is_cut_off(&self) -> bool {
        let died_at = |at: &Timestamp| self.seen.deaths.contains(at);
        self.seen.interrupted.contains(self.id)
            || self.seen.over.get(self.id).is_some_and(died_at)
            || died_at(&self.report.sent_at)
    }

    fn price(&mut self) {
        let asked = &self.accepted.asked;
        let last = self.call.cdrs.last().filter(|_| self.report.error.id != INTERNAL);
        let seconds = |leg: &model::cdr::LegRecord| {
            leg.answered.map(|_| i128::from(leg.connected().as_secs()))
        };
        let a = Leg { number: &asked.a, seconds: last.and_then(|cdr| seconds(&cdr.leg_a)) };
        let b = asked.b.as_deref().map(|number| Leg {
            number,
            seconds: last.and_then(|cdr| cdr.leg_b.as_ref()).and_then(seconds),
        });
        let expected = price::expected(a, b).filter(|_| self.sender.customer.is_rated);
        let per_second = millionths(&self.report.price.per_second.to_string());
        let total = millionths(&self.call.charged.total.to_string());
        let is_right = match expected {
            Some(expected) => {
                (per_second, total) == (expected.per_second, expected.total)
                    && self.report.price.currency == "EUR"
            }
            None => (per_second, total) == (0, 0) && self.report.price.currency == "UNKNOWN",
        };
        if !is_right {
            self.wrong(&format!("its price should be {expected:?}"));
        }
    }

    fn wrong(&mut self, what: &str) {
        let Self { id, accepted, call, report, found, .. } = self;
        found.faults.push(format!("{id}: {what}: {report:?} of {accepted:?}, {:?}", call.cdrs));
    }
}

/// The errors with which a call to the number may end, by the sandbox's table.
fn of_number(number: &str) -> &'static [u32] {
    match &number[number.len() - 3..] {
        "486" => &[5002],
        "603" => &[5603],
        "480" => &[5480],
        "180" => &[5003],
        "404" => &[5404],
        "484" => &[5484],
        "503" => &[5503],
        "408" => &[5408],
        "210" => &[5000, 5001],
        _ => &[5000],
    }
}
