//! What the writer knows by heart: the accounts' pending ranges, the takes that are in flight, and
//! the calls that have no report.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{AccountId, Timestamp};

use super::calls::Calls;
use super::group::Group;
use super::keys::{self, TAKEN_SPAN_MAX, Table};
use super::ranges::{OPEN, Ranges};
use super::shared::Glance;
use crate::record::TakeRecord;
use crate::{Fate, Result, ReturnReason, StoreError, TakeId, TakeState};

/// What the writer knows by heart.
#[derive(Default)]
pub(super) struct State {
    pub(super) accounts: BTreeMap<AccountId, Queue>,
    /// The takes that are not final.
    pub(super) flights: BTreeMap<TakeId, Flight>,
    /// The calls that have no report.
    pub(super) calls: Calls,
    pub(super) next_take: u64,
    /// The flight floor as it is on disk.
    pub(super) floor: u64,
    /// No take below it is kept.
    pub(super) oldest_take: u64,
    /// Nothing below that key is left in `answered`.
    pub(super) oldest_answer: Vec<u8>,
    /// The day on which old days were dropped from `spent`.
    pub(super) spent_dropped_on: Option<i32>,
}

/// The queue of one account.
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) pending: Ranges,
    pub(super) next_seq: u64,
    pub(super) pending_count: u64,
    pub(super) in_flight_count: u64,
    /// The takes that are not final, by their keys.
    pub(super) keys: HashMap<String, TakeId>,
    pub(super) glance: Arc<Glance>,
    /// Changed since the callers were last shown it.
    pub(super) changed: bool,
    /// Something became pending since then.
    pub(super) woken: bool,
}

/// A take that is not final.
pub(super) struct Flight {
    pub(super) record: TakeRecord,
    /// Answers whose fate is not known. None survives a restart.
    pub(super) open: u32,
    /// Answers that were acknowledged and are not known to have been reset.
    pub(super) acknowledged: u32,
}

impl Queue {
    pub(super) fn new(name: String) -> Self {
        let mut pending = Ranges::default();
        pending.load(0, OPEN);
        Self {
            name,
            pending,
            next_seq: 0,
            pending_count: 0,
            in_flight_count: 0,
            keys: HashMap::new(),
            glance: Arc::default(),
            changed: true,
            woken: false,
        }
    }

    /// The pending ranges from `from` on, without the numbers that are not given out yet.
    pub(super) fn pending_from(&self, from: u64) -> impl Iterator<Item = Range<u64>> {
        let end = self.next_seq;
        self.pending
            .from(from)
            .map(move |range| range.start..range.end.min(end))
            .filter(|range| range.start < range.end)
    }

    /// Reports were appended.
    pub(super) const fn grew(&mut self, reports: u64) {
        self.pending_count += reports;
        self.changed |= reports > 0;
        self.woken |= reports > 0;
    }

    /// Shows the callers how things are.
    pub(super) fn show(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let oldest = self.pending_from(0).next().map_or(OPEN, |range| range.start);
        self.glance.oldest.store(oldest, Ordering::SeqCst);
        self.glance.in_flight.store(self.in_flight_count, Ordering::SeqCst);
        self.glance.keys.store(self.keys.len() as u64, Ordering::SeqCst);
        self.glance.pending.store(self.pending_count, Ordering::SeqCst);
        if std::mem::take(&mut self.woken) {
            self.glance.wake.send_modify(|changes| *changes += 1);
        }
    }
}

impl Flight {
    /// A take that has just been answered.
    pub(super) const fn new(record: TakeRecord) -> Self {
        Self { record, open: 1, acknowledged: 0 }
    }

    /// Whether some answer is known to have arrived.
    pub(super) const fn arrived(&self) -> bool {
        self.record.settled_once || self.acknowledged > 0
    }
}

impl State {
    pub(super) fn queue(&mut self, account: AccountId) -> Result<&mut Queue> {
        self.accounts.get_mut(&account).ok_or(StoreError::NoSuchAccount)
    }

    /// Removes the ranges from pending and notes who has them.
    pub(super) fn depart(&mut self, group: &mut Group<'_>, record: TakeRecord) -> Result<TakeId> {
        let id = TakeId(self.next_take);
        self.next_take += 1;
        let account = record.account;
        let queue = self.queue(account)?;
        for range in &record.ranges {
            queue.pending.remove(range.clone(), |edit| group.edit_pending(account, edit));
            note_taken(group, account, range, id);
        }
        queue.pending_count -= record.reports();
        queue.in_flight_count += record.reports();
        queue.changed = true;
        if let Some(key) = &record.key {
            queue.keys.insert(key.value.clone(), id);
        }
        group.put(Table::Take, keys::take(id.0), record.write());
        self.flights.insert(id, Flight::new(record));
        Ok(id)
    }

    /// Notes what became of an answer. A take that is final already stays as it is.
    pub(super) fn resolve(
        &mut self,
        group: &mut Group<'_>,
        id: TakeId,
        fate: Fate,
        now: Timestamp,
    ) -> Result<()> {
        let Some(flight) = self.flights.get_mut(&id) else { return Ok(()) };
        match fate {
            Fate::Acknowledged { bytes } => {
                flight.acknowledged += 1;
                flight.record.bytes_acknowledged = bytes;
            }
            Fate::Settled => {
                flight.open = flight.open.saturating_sub(1);
                flight.acknowledged = flight.acknowledged.saturating_sub(1);
                flight.record.settled_once = true;
            }
            Fate::Returned(reason) => {
                flight.open = flight.open.saturating_sub(1);
                // What was not written or not acknowledged never counted as acknowledged.
                if reason == ReturnReason::Reset {
                    flight.acknowledged = flight.acknowledged.saturating_sub(1);
                }
            }
        }
        flight.record.acknowledged = flight.acknowledged > 0;
        match (fate, &flight.record.key) {
            (Fate::Acknowledged { .. }, _) | (_, Some(_)) => {
                group.put(Table::Take, keys::take(id.0), flight.record.write());
                Ok(())
            }
            (Fate::Settled, None) => self.finish(group, id, TakeState::Settled, now),
            (Fate::Returned(reason), None) => {
                self.finish(group, id, TakeState::Returned(reason), now)
            }
        }
    }

    /// Ends the window of a keyed take, unless the fate of an answer is still open. Says what
    /// became of the take, if it ended.
    pub(super) fn end_window(
        &mut self,
        group: &mut Group<'_>,
        id: TakeId,
        now: Timestamp,
    ) -> Result<Option<TakeState>> {
        let Some(flight) = self.flights.get(&id).filter(|flight| flight.open == 0) else {
            return Ok(None);
        };
        let state = if flight.arrived() {
            TakeState::Settled
        } else {
            TakeState::Returned(ReturnReason::WindowEnded)
        };
        self.finish(group, id, state, now)?;
        Ok(Some(state))
    }

    /// Makes a take final. Returned reports are pending again, in their old place.
    pub(super) fn finish(
        &mut self,
        group: &mut Group<'_>,
        id: TakeId,
        state: TakeState,
        now: Timestamp,
    ) -> Result<()> {
        let Some(Flight { mut record, .. }) = self.flights.remove(&id) else { return Ok(()) };
        let account = record.account;
        let queue = self.queue(account)?;
        queue.changed = true;
        queue.in_flight_count -= record.reports();
        if let TakeState::Returned(_) = state {
            queue.pending_count += record.reports();
            queue.woken = true;
            for range in &record.ranges {
                queue.pending.insert(range.clone(), |edit| group.edit_pending(account, edit));
            }
        }
        if let Some(key) = &record.key
            && queue.keys.get(&key.value) == Some(&id)
        {
            queue.keys.remove(&key.value);
        }
        record.state = state;
        record.ended_at = Some(now);
        group.put(Table::Take, keys::take(id.0), record.write());
        Ok(())
    }

    /// Whether the take's key is still reserved for it.
    pub(super) fn in_window(&self, id: TakeId, window: Duration, now: Timestamp) -> bool {
        self.flights.get(&id).is_some_and(|flight| now < flight.record.at.plus(window))
    }
}

/// Notes that the take had the range, in pieces that an audit can find.
fn note_taken(group: &mut Group<'_>, account: AccountId, range: &Range<u64>, id: TakeId) {
    for (start, end) in spans(range) {
        group.put(Table::Taken, keys::triple(account, end, id.0), start.to_be_bytes());
    }
}

/// The range in pieces of at most [`TAKEN_SPAN_MAX`].
pub(super) fn spans(range: &Range<u64>) -> impl Iterator<Item = (u64, u64)> + use<> {
    let end = range.end;
    (range.start..end)
        .step_by(TAKEN_SPAN_MAX as usize)
        .map(move |start| (start, end.min(start + TAKEN_SPAN_MAX)))
}
