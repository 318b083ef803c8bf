//! The start: what the writer knows by heart is read back from the files.

use std::sync::Arc;

use model::{AccountId, Timestamp};

use super::calls::{Call, Calls};
use super::files::{Files, View};
use super::group::Group;
use super::keys::{self, META_FLIGHT_FLOOR, META_NEXT_TAKE, META_STARTS, Table};
use super::ranges::{OPEN, Ranges};
use super::shared::Shared;
use super::state::{Flight, Queue, State};
use crate::record::{CallRecord, ChangeRecord, TakeRecord, read_account};
use crate::{CallId, InFlightAtStart, Keeping, Result, ReturnReason, TakeId, TakeState};

/// Reads the state, and ends the takes that the last process left in flight.
pub(super) fn load(
    files: &Files,
    shared: &Shared,
    keeping: &Keeping,
    now: Timestamp,
) -> Result<State> {
    let view = files.view();
    let starts = view.get(Table::Meta, META_STARTS)?;
    let starts = starts.map_or(0, |bytes| keys::last_number(&bytes)) + 1;
    let mut state = State { calls: Calls::new(starts), ..State::default() };
    for entry in view.prefix(Table::Account, &[]) {
        let (key, bytes) = entry?;
        let id = account_of(&key);
        let queue = load_queue(&view, id, read_account(id, &bytes)?.name)?;
        shared.add_account(id, Arc::clone(&queue.glance));
        state.calls.add_account(id, Arc::clone(&queue.glance));
        state.accounts.insert(id, queue);
    }
    load_takes(&view, &mut state)?;
    load_calls(&view, &mut state)?;
    drop(view);
    let mut group = Group::new(files);
    end_flights(&mut state, &mut group, keeping.in_flight_at_start, now)?;
    group.put(Table::Meta, META_STARTS, starts.to_be_bytes());
    group.commit()?;
    state.accounts.values_mut().for_each(Queue::show);
    Ok(state)
}

pub(super) fn load_queue(view: &View<'_>, account: AccountId, name: String) -> Result<Queue> {
    let mut queue = Queue::new(name);
    let (mut ranges, mut closed_count) = (Ranges::default(), 0);
    ranges.load(0, OPEN);
    for entry in view.prefix(Table::Pending, &keys::account(account)) {
        let (key, start) = entry?;
        let (start, end) = (keys::last_number(&start), keys::last_number(&key));
        ranges.load(start, end);
        if end != OPEN {
            closed_count += end - start;
        }
    }
    let open_start = ranges.open_start().unwrap_or(0);
    let last = view.prefix(Table::Report, &keys::account(account)).next_back().transpose()?;
    let after_last = last.map_or(0, |(key, _)| keys::last_number(&key) + 1);
    // With the archive empty, the cursor alone knows how far the numbers have come.
    queue.next_seq = after_last.max(open_start);
    queue.pending_count = closed_count + (queue.next_seq - open_start);
    queue.pending = ranges;
    Ok(queue)
}

fn load_takes(view: &View<'_>, state: &mut State) -> Result<()> {
    let floor = view.get(Table::Meta, META_FLIGHT_FLOOR)?;
    state.floor = floor.map_or(0, |bytes| keys::last_number(&bytes));
    let least = view.get(Table::Meta, META_NEXT_TAKE)?;
    state.next_take = least.map_or(0, |bytes| keys::last_number(&bytes)).max(state.floor);
    for entry in view.range(Table::Take, &keys::take(state.floor), &keys::take(u64::MAX)) {
        let (key, bytes) = entry?;
        let id = TakeId(keys::last_number(&key));
        state.next_take = state.next_take.max(id.0 + 1);
        let record = TakeRecord::read(&bytes)?;
        if record.state != TakeState::InFlight {
            continue;
        }
        let queue = state.queue(record.account)?;
        queue.in_flight_count += record.reports();
        if let Some(key) = &record.key {
            queue.keys.insert(key.value.clone(), id);
        }
        // The answers that were open died with their process.
        let acknowledged = u32::from(record.acknowledged);
        state.flights.insert(id, Flight { record, open: 0, acknowledged });
    }
    Ok(())
}

/// Nobody has a call any more: each waits, or is to be closed.
fn load_calls(view: &View<'_>, state: &mut State) -> Result<()> {
    for account in state.accounts.keys() {
        let next = view.get(Table::Meta, &keys::next_call(*account))?;
        state.calls.count_on(*account, next.map_or(0, |bytes| keys::last_number(&bytes)))?;
    }
    for entry in view.prefix(Table::Change, &[]) {
        let (key, bytes) = entry?;
        let change = ChangeRecord::read(&bytes)?;
        state.calls.change_batch(account_of(&key), keys::last_number(&key), change);
    }
    for entry in view.prefix(Table::Call, &[]) {
        let (key, bytes) = entry?;
        let record = CallRecord::read(&bytes)?;
        let head = record.head()?;
        let id = CallId { account: account_of(&key), number: keys::last_number(&key) };
        let change = state.calls.book(id.account)?.change_of(id.number);
        let call = Call {
            due: record.due,
            valid_until: head.valid_until,
            started: record.started.is_some(),
            cancelled: record.cancelled_at.or(change.cancelled_at).is_some(),
        };
        state.calls.add(id, keys::hash(head.message_id), call)?;
    }
    Ok(())
}

/// A take without a key ends here; one with a key waits for its window.
fn end_flights(
    state: &mut State,
    group: &mut Group<'_>,
    at_start: InFlightAtStart,
    now: Timestamp,
) -> Result<()> {
    let left: Vec<(TakeId, bool)> = state
        .flights
        .iter()
        .filter(|(_, flight)| flight.record.key.is_none())
        .map(|(id, flight)| (*id, flight.arrived()))
        .collect();
    for (id, arrived) in left {
        let end = match at_start {
            InFlightAtStart::Return if !arrived => TakeState::Returned(ReturnReason::Crash),
            InFlightAtStart::Return | InFlightAtStart::Keep => TakeState::Settled,
        };
        state.finish(group, id, end, now)?;
    }
    Ok(())
}

fn account_of(key: &[u8]) -> AccountId {
    AccountId(key.first_chunk().copied().map_or(0, u32::from_be_bytes))
}
