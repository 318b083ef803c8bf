//! Upkeep: ends what the clock has ended, a bounded piece at a time.

use std::ops::Range;

use fjall::Slice;
use model::{AccountId, Timestamp};

use super::command::UpkeepStep;
use super::group::Group;
use super::keys::{self, META_FLIGHT_FLOOR, Table};
use super::state::spans;
use super::writer::Writer;
use crate::record::TakeRecord;
use crate::{Result, TakeId, TakeState, Upkept};

/// Reports that are dropped, or takes that are ended, in one step. Others wait while it is done.
const STEP: u64 = 1_000;

impl Writer {
    /// One step.
    pub(super) fn upkeep(&mut self, group: &mut Group<'_>) -> Result<UpkeepStep> {
        let now = self.clock.now();
        let mut upkept = Upkept::default();
        self.end_windows(group, now, &mut upkept)?;
        self.raise_floor(group);
        self.retire(group, now, &mut upkept)?;
        self.expire_pending(group, now, &mut upkept)?;
        let done = upkept.windows_settled
            + upkept.windows_returned
            + upkept.reports_dropped
            + upkept.pending_dropped;
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
                    drop_reports(group, take.account, range.clone())?;
                    upkept.reports_dropped += range.end - range.start;
                }
            }
            group.remove(Table::Take, key);
            self.state.oldest_take = id + 1;
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
                drop_reports(group, *account, old)?;
            }
        }
        Ok(())
    }
}

fn is_older(
    group: &Group<'_>,
    account: AccountId,
    seq: u64,
    age: std::time::Duration,
    now: Timestamp,
) -> Result<bool> {
    let record = group.record(account, seq)?;
    record.map_or(Ok(true), |record| Ok(record.fed_at()?.plus(age) <= now))
}

/// Drops reports from the archive, with what points to them.
fn drop_reports(group: &mut Group<'_>, account: AccountId, reports: Range<u64>) -> Result<()> {
    let mut cut_until = reports.start;
    for seq in reports.clone() {
        let Some(record) = group.record(account, seq)? else { continue };
        let (bulk, message) = record.ids()?;
        if seq >= cut_until {
            cut_until = cut_run(group, account, keys::hash(bulk), seq..reports.end)?;
        }
        let key = keys::pair(account, keys::hash(message));
        if let Some(seqs) = group.get(Table::Message, key)? {
            match without_number(&seqs, seq) {
                rest if rest.is_empty() => group.remove(Table::Message, key),
                rest => group.put(Table::Message, key, rest),
            }
        }
        group.remove(Table::Report, keys::pair(account, seq));
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
