//! The small model of calls: what a ledger of one account must do with them, in memory and without
//! hurry. It keeps what a change of a bulk makes of each call, where an engine may keep the change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::model::{Amount, Timestamp};

use crate::{BulkChange, BulkState, Keeping, LeaseId, Submitted};

/// A call of the model that has no report.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) message: String,
    /// What it asks for: two messages with one variant ask the same.
    pub(super) variant: u64,
    /// Its place among the batches.
    pub(super) batch: usize,
    pub(super) due: Timestamp,
    /// How long after the time to send it.
    pub(super) valid: Option<Duration>,
    pub(super) valid_until: Option<Timestamp>,
    pub(super) started: bool,
    pub(super) attempts: u8,
    pub(super) cancelled: bool,
    pub(super) lease: Option<Held>,
}

/// A lease of the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) id: LeaseId,
    pub(super) until: Timestamp,
    pub(super) closing: bool,
}

/// Calls of the model that were submitted together.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) bulk: String,
    paused: bool,
    cancelled: bool,
    begun: bool,
}

/// What a submission with a key was answered.
pub(super) struct Answered {
    pub(super) at: Timestamp,
    pub(super) fingerprint: u64,
    pub(super) submitted: Submitted,
}

/// The calls of one account, in the order of their submission.
#[derive(Default)]
pub(super) struct Book {
    pub(super) calls: BTreeMap<usize, Call>,
    pub(super) batches: Vec<Batch>,
    pub(super) keys: BTreeMap<String, Answered>,
    pub(super) spent: BTreeMap<i32, Amount>,
    /// Leases that have ended.
    pub(super) lost: Vec<LeaseId>,
    /// Every lease there was.
    pub(super) leases: BTreeSet<LeaseId>,
    next: usize,
}

impl Call {
    const fn is_to_be_closed(&self) -> bool {
        self.started || self.cancelled
    }
}

impl Book {
    /// The call of that name.
    pub(super) fn named(&self, message: &str) -> Option<(usize, &Call)> {
        let found = self.calls.iter().find(|(_, call)| call.message == message);
        found.map(|(number, call)| (*number, call))
    }

    pub(super) fn bulk_of(&self, call: &Call) -> &str {
        &self.batches[call.batch].bulk
    }

    /// Calls that wait for their turn.
    pub(super) fn waiting(&self) -> u64 {
        self.count(|call| call.lease.is_none() && !call.is_to_be_closed())
    }

    pub(super) fn leased(&self) -> u64 {
        self.count(|call| call.lease.is_some())
    }

    fn count(&self, is: impl Fn(&Call) -> bool) -> u64 {
        self.calls.values().filter(|call| is(call)).count() as u64
    }

    /// Begins a batch. What is submitted into a paused bulk waits with it.
    pub(super) fn batch(&mut self, bulk: &str) -> usize {
        let paused = self.states(bulk).contains(&BulkState::Paused);
        let bulk = bulk.to_owned();
        self.batches.push(Batch { bulk, paused, cancelled: false, begun: false });
        self.batches.len() - 1
    }

    pub(super) fn add(&mut self, call: Call) {
        self.calls.insert(self.next, call);
        self.next += 1;
    }

    /// When the waiting calls will be due, the earliest first.
    pub(super) fn turns(&self) -> Vec<(Timestamp, usize)> {
        let waits = |call: &Call| call.lease.is_none() && !call.is_to_be_closed();
        let turn = |(number, call): (&usize, &Call)| {
            let paused = self.batches[call.batch].paused;
            let due = if paused { call.valid_until } else { Some(call.due) };
            due.filter(|_| waits(call)).map(|due| (due, *number))
        };
        let mut turns: Vec<_> = self.calls.iter().filter_map(turn).collect();
        turns.sort_unstable();
        turns
    }

    /// The calls that are to be closed, oldest first.
    pub(super) fn closing(&self) -> Vec<usize> {
        let closing = |call: &Call| call.lease.is_none() && call.is_to_be_closed();
        self.calls.iter().filter(|(_, call)| closing(call)).map(|(number, _)| *number).collect()
    }

    /// The calls that were cancelled while somebody had them to place.
    pub(super) fn cancelled(&self) -> Vec<LeaseId> {
        let told = |call: &&Call| call.cancelled && call.lease.is_some_and(|held| !held.closing);
        let ids = self.calls.values().filter(told).filter_map(|call| call.lease);
        ids.map(|held| held.id).collect()
    }

    pub(super) fn lease(&mut self, number: usize, held: Held) {
        assert!(self.leases.insert(held.id), "{:?} is a lease of before", held.id);
        let call = self.calls.get_mut(&number).expect("it is open");
        assert!(call.lease.replace(held).is_none(), "two leases on {call:?}");
    }

    /// Nobody has the call any more.
    pub(super) fn give_back(&mut self, number: usize) {
        let held = self.calls.get_mut(&number).and_then(|call| call.lease.take());
        self.lost.extend(held.map(|held| held.id));
    }

    pub(super) fn release(&mut self, number: usize, due: Timestamp) {
        self.calls.get_mut(&number).expect("it is open").due = due;
        self.give_back(number);
    }

    pub(super) fn start(&mut self, number: usize) {
        let call = self.calls.get_mut(&number).expect("it is open");
        assert!(!call.started && !call.lease.expect("it is leased").closing);
        call.started = true;
        self.batches[call.batch].begun = true;
    }

    pub(super) fn retry(&mut self, number: usize, due: Timestamp) {
        let call = self.calls.get_mut(&number).expect("it is open");
        (call.started, call.due) = (false, due);
        call.attempts += 1;
        self.give_back(number);
    }

    pub(super) fn finish(&mut self, number: usize, day: i32, amount: Amount) -> Call {
        self.give_back(number);
        let spent = self.spent.entry(day).or_insert(Amount::ZERO);
        *spent = spent.plus(amount);
        self.calls.remove(&number).expect("it is open")
    }

    /// Whoever asks for leases has renewed those that it still has.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.expire_if(now, |_| true);
    }

    /// What upkeep ends: whoever has a call that has started may be about to renew.
    pub(super) fn expire_waiting(&mut self, now: Timestamp) {
        self.expire_if(now, |call| !call.started);
    }

    fn expire_if(&mut self, now: Timestamp, ends: impl Fn(&Call) -> bool) {
        let over = |call: &Call| call.lease.is_some_and(|held| held.until <= now) && ends(call);
        let over: Vec<usize> =
            self.calls.iter().filter(|(_, call)| over(call)).map(|(number, _)| *number).collect();
        over.into_iter().for_each(|number| self.give_back(number));
    }

    /// The process ends and another one begins.
    pub(super) fn restart(&mut self) {
        let all: Vec<usize> = self.calls.keys().copied().collect();
        all.into_iter().for_each(|number| self.give_back(number));
    }

    /// The states that the bulk may be told to be in. A batch of which every call has ended may be
    /// forgotten or not; that is the engine's own affair.
    pub(super) fn states(&self, bulk: &str) -> Vec<BulkState> {
        let of_bulk = |number: &usize| self.batches[*number].bulk == bulk;
        let all: Vec<usize> = (0..self.batches.len()).filter(of_bulk).collect();
        let is_open = |number: &usize| self.calls.values().any(|call| call.batch == *number);
        let open: Vec<usize> = all.iter().copied().filter(is_open).collect();
        let mut states = vec![self.state(&all, &open), self.state(&open, &open)];
        states.dedup();
        states
    }

    fn state(&self, known: &[usize], open: &[usize]) -> BulkState {
        let alive = |number: &&usize| !self.batches[**number].cancelled;
        if !known.is_empty() && !known.iter().any(|number| alive(&number)) {
            BulkState::Canceled
        } else if open.is_empty() {
            BulkState::Finished
        } else if open.iter().filter(alive).any(|number| self.batches[*number].paused) {
            BulkState::Paused
        } else if known.iter().filter(alive).any(|number| self.batches[*number].begun) {
            BulkState::Processing
        } else {
            BulkState::Pending
        }
    }

    pub(super) fn open_in(&self, bulk: &str) -> u64 {
        self.count(|call| self.batches[call.batch].bulk == bulk)
    }

    /// Changes a bulk that was to be sent at `was`.
    pub(super) fn change(&mut self, bulk: &str, change: BulkChange, was: Timestamp) {
        for (number, batch) in self.batches.iter_mut().enumerate() {
            if batch.bulk != bulk || batch.cancelled {
                continue;
            }
            let calls = self.calls.values_mut().filter(|call| call.batch == number);
            match change {
                BulkChange::Pause => batch.paused = true,
                BulkChange::Resume => batch.paused = false,
                BulkChange::Cancel => {
                    batch.cancelled = true;
                    calls.for_each(|call| call.cancelled = true);
                }
                BulkChange::SendAt(at) => calls.for_each(|call| {
                    call.due = moved(call.due, was, at);
                    call.valid_until = call.valid_until.map(|until| moved(until, was, at));
                }),
            }
        }
    }

    /// What the key was answered before, within the window.
    pub(super) fn answered(
        &self,
        key: &str,
        keeping: &Keeping,
        now: Timestamp,
    ) -> Option<&Answered> {
        let answered = self.keys.get(key);
        answered.filter(|answered| now < answered.at.plus(keeping.submit_window))
    }
}

/// The time, as long after `to` as it was after `from`.
const fn moved(time: Timestamp, from: Timestamp, to: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis() - from.as_millis() + to.as_millis())
}
