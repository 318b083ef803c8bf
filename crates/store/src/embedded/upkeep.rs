//! Upkeep: ends what the clock has ended, a bounded piece at a time.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use fjall::Slice;
use model::{AccountId, Timestamp};

use super::calls::Calls;
use super::command::UpkeepStep;
use super::group::Group;
use super::keys::{self, META_FLIGHT_FLOOR, Table};
use super::state::spans;
use super::writer::Writer;
use crate::record::{BatchRecord, EndedRecord, SubmitRecord, TakeRecord};
use crate::{Result, TakeId, TakeState, Upkept};

/// Reports that are dropped, or takes that are ended, in one step. Others wait while it is done.
const STEP: u64 = 1_000;
/// What was spent on a day is kept for that many days.
const SPENT_DAYS: i32 = 400;

impl Writer {
    /// One step.
    pub(super) fn upkeep(&mut self, group: &mut Group<'_>) -> Result<UpkeepStep> {
        let now = self.clock.now();
        let mut upkept = Upkept::default();
        self.state.calls.expire_waiting(now);
        let answers_dropped = self.drop_answers(group, now)?;
        self.drop_spent(group, now)?;
        self.end_windows(group, now, &mut upkept)?;
        self.raise_floor(group);
        self.retire(group, now, &mut upkept)?;
        self.expire_pending(group, now, &mut upkept)?;
        let done = upkept.windows_settled
            + upkept.windows_returned
            + upkept.reports_dropped
            + upkept.pending_dropped
            + answers_dropped;
        Ok(UpkeepStep { upkept, more: done >= STEP })
    }

    /// Ends the windows of keyed takes. Takes are in the order of their time.
    fn end_windows(
        &mut self,
        group: &mut Group<'_>,
        now: Timestamp,
        upkept: &mut Upkept,
    ) -> Result<()> {
        let window = self.keeping.replay_window;
        let ended: Vec<TakeId> = self
            .state
            .flights
            .iter()
            .take_while(|(_, flight)| flight.record.at.plus(window) <= now)
            .filter(|(_, flight)| flight.record.key.is_some() && flight.open == 0)
            .map(|(id, _)| *id)
            .take(STEP as usize)
            .collect();
        for id in ended {
            match self.state.end_window(group, id, now)? {
                Some(TakeState::Settled) => upkept.windows_settled += 1,
                Some(TakeState::Returned(_)) => upkept.windows_returned += 1,
                Some(TakeState::InFlight) | None => {}
            }
        }
        Ok(())
    }

    /// Every take below the floor is final, so the next start need not read it.
    fn raise_floor(&mut self, group: &mut Group<'_>) {
        let floor = self.state.flights.keys().next().map_or(self.state.next_take, |id| id.0);
        if floor > self.state.floor {
            self.state.floor = floor;
            group.put(Table::Meta, META_FLIGHT_FLOOR, floor.to_be_bytes());
        }
    }

    /// Drops takes that ended too long ago, and the reports that they settled. In the order of the
    /// takes: one that is not yet due holds up those after it, for as long as a window at most.
    fn retire(&mut self, group: &mut Group<'_>, now: Timestamp, upkept: &mut Upkept) -> Result<()> {
        let (oldest, floor) = (self.state.oldest_take, self.state.floor);
        let takes = self.files.view().range(Table::Take, &keys::take(oldest), &keys::take(floor));
        for entry in takes {
            let (key, _) = entry?;
            let id = keys::last_number(&key);
            if id >= floor || upkept.reports_dropped >= STEP {
                break;
            }
            let Some(bytes) = group.get(Table::Take, key.clone())? else { continue };
            let take = TakeRecord::read(&bytes)?;
            if take.ended_at.is_none_or(|ended| ended.plus(self.keeping.retention) > now) {
                break;
            }
            for range in &take.ranges {
                for (_, end) in spans(range) {
                    group.remove(Table::Taken, keys::triple(take.account, end, id));
                }
                if take.state == TakeState::Settled {
                    let calls = &mut self.state.calls;
                    drop_reports(group, calls, take.account, range.clone())?;
                    upkept.reports_dropped += range.end - range.start;
                }
            }
            group.remove(Table::Take, key);
            self.state.oldest_take = id + 1;
        }
        Ok(())
    }

    /// Drops what was answered to submissions whose window is over. Says how many.
    fn drop_answers(&mut self, group: &mut Group<'_>, now: Timestamp) -> Result<u64> {
        let last = now.minus(self.keeping.submit_window).plus(Duration::from_millis(1));
        let last = last.as_millis().to_be_bytes();
        if self.state.oldest_answer.as_slice() > last.as_slice() {
            return Ok(0);
        }
        let mut dropped = 0;
        for entry in self.files.view().range(Table::Answered, &self.state.oldest_answer, &last) {
            if dropped >= STEP {
                break;
            }
            let (key, _) = entry?;
            let (at, submit) = key.split_at(size_of::<i64>());
            // The key may have been used again since.
            if let Some(bytes) = group.get(Table::Submit, submit)?
                && SubmitRecord::head(&bytes)?.0.as_millis().to_be_bytes() == at
            {
                group.remove(Table::Submit, submit);
            }
            self.state.oldest_answer = key.to_vec();
            group.remove(Table::Answered, key);
            dropped += 1;
        }
        Ok(dropped)
    }

    /// Drops what was spent on days long gone, once a day.
    fn drop_spent(&mut self, group: &mut Group<'_>, now: Timestamp) -> Result<()> {
        let today = i32::try_from(now.as_millis() / 86_400_000).unwrap_or(i32::MAX);
        if self.state.spent_dropped_on == Some(today) {
            return Ok(());
        }
        self.state.spent_dropped_on = Some(today);
        let view = self.files.view();
        for account in self.state.accounts.keys() {
            let last = keys::spent(*account, today.saturating_sub(SPENT_DAYS).max(0));
            for entry in view.range(Table::Spent, &keys::spent(*account, 0), &last) {
                group.remove(Table::Spent, entry?.0);
            }
        }
        Ok(())
    }

    /// Drops reports that have been pending for too long, if that is wanted.
    fn expire_pending(
        &mut self,
        group: &mut Group<'_>,
        now: Timestamp,
        upkept: &mut Upkept,
    ) -> Result<()> {
        let Some(age) = self.keeping.pending_max_age else { return Ok(()) };
        for (account, queue) in &mut self.state.accounts {
            while upkept.pending_dropped < STEP {
                let Some(front) = queue.pending_from(0).next() else { break };
                let most = front.start.saturating_add(STEP - upkept.pending_dropped);
                let mut end = front.start;
                while end < front.end.min(most) && is_older(group, *account, end, age, now)? {
                    end += 1;
                }
                if end == front.start {
                    break;
                }
                let old = front.start..end;
                queue.pending.remove(old.clone(), |edit| group.edit_pending(*account, edit));
                queue.pending_count -= end - front.start;
                queue.changed = true;
                upkept.pending_dropped += end - front.start;
                drop_reports(group, &mut self.state.calls, *account, old)?;
            }
        }
        Ok(())
    }
}

fn is_older(
    group: &Group<'_>,
    account: AccountId,
    seq: u64,
    age: Duration,
    now: Timestamp,
) -> Result<bool> {
    let record = group.record(account, seq)?;
    record.map_or(Ok(true), |record| Ok(record.fed_at()?.plus(age) <= now))
}

/// Drops reports from the archive, with what points to them and what is beside them.
fn drop_reports(
    group: &mut Group<'_>,
    calls: &mut Calls,
    account: AccountId,
    reports: Range<u64>,
) -> Result<()> {
    let has_calls = calls.book(account)?.next() > 0;
    let mut cut_until = reports.start;
    let mut bulks = BTreeSet::new();
    for seq in reports.clone() {
        let Some(record) = group.record(account, seq)? else { continue };
        let (bulk, message) = record.ids()?;
        if seq >= cut_until {
            let bulk = keys::hash(bulk);
            cut_until = cut_run(group, account, bulk, seq..reports.end)?;
            bulks.insert(bulk);
        }
        let key = keys::pair(account, keys::hash(message));
        if let Some(seqs) = group.get(Table::Message, key)? {
            match without_number(&seqs, seq) {
                rest if rest.is_empty() => group.remove(Table::Message, key),
                rest => group.put(Table::Message, key, rest),
            }
        }
        group.remove(Table::Report, keys::pair(account, seq));
        if has_calls {
            let cdr = keys::pair(account, seq);
            if record.is_recorded() {
                drop_recording(group, account, cdr)?;
            }
            group.remove(Table::Cdr, cdr);
        }
    }
    if has_calls {
        for bulk in bulks {
            drop_batches(group, calls, account, bulk)?;
        }
    }
    Ok(())
}

/// Drops what was recorded of the call.
fn drop_recording(group: &mut Group<'_>, account: AccountId, cdr: [u8; 12]) -> Result<()> {
    let Some(bytes) = group.get(Table::Cdr, cdr)? else { return Ok(()) };
    let EndedRecord { number, recording, .. } = EndedRecord::read(&bytes)?;
    for part in 0..u64::from(recording.parts) {
        group.remove(Table::Recording, keys::triple(account, number, part));
    }
    Ok(())
}

/// Drops the batches of a bulk of which no report is left, but for those with calls.
fn drop_batches(
    group: &mut Group<'_>,
    calls: &mut Calls,
    account: AccountId,
    bulk: u64,
) -> Result<()> {
    let key = |first| keys::triple(account, bulk, first);
    if group.first(Table::Bulk, &key(0), &key(u64::MAX))?.is_some() {
        return Ok(());
    }
    let mut from = 0;
    while let Some((found, bytes)) = group.first(Table::Batch, &key(from), &key(u64::MAX))? {
        let first = keys::last_number(&found);
        from = first + 1;
        let count = BatchRecord::read(&bytes)?.calls;
        if calls.book(account)?.open(first..first + count) == 0 {
            group.remove(Table::Batch, found);
            group.remove(Table::Change, keys::pair(account, first));
            calls.forget_batch(account, first);
        }
    }
    Ok(())
}

/// Cuts the reports out of the bulk's run that has the first of them. Says where the cut ends.
fn cut_run(
    group: &mut Group<'_>,
    account: AccountId,
    hash: u64,
    reports: Range<u64>,
) -> Result<u64> {
    let key = |first| keys::triple(account, hash, first);
    let Some((found, count)) = group.last(Table::Bulk, &key(0), &key(reports.start))? else {
        return Ok(reports.start + 1);
    };
    let first = keys::last_number(&found);
    let end = first + keys::last_number(&count);
    let cut = reports.start..reports.end.min(end);
    if cut.start >= end {
        return Ok(reports.start + 1);
    }
    group.remove(Table::Bulk, found);
    if first < cut.start {
        group.put(Table::Bulk, key(first), (cut.start - first).to_be_bytes());
    }
    if cut.end < end {
        group.put(Table::Bulk, key(cut.end), (end - cut.end).to_be_bytes());
    }
    Ok(cut.end)
}

fn without_number(seqs: &Slice, seq: u64) -> Vec<u8> {
    keys::numbers(seqs).filter(|other| *other != seq).flat_map(u64::to_be_bytes).collect()
}
