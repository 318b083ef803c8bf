//! Taking: the oldest pending reports that fit leave pending and belong to the take.

use std::ops::Range;

use model::AccountId;

use super::command::{Assigned, Claim};
use super::feed::missing;
use super::group::Group;
use super::keys::{self, Table};
use super::state::Queue;
use super::writer::Writer;
use crate::record::TakeRecord;
use crate::{Filter, Result, StoreError, TakeAsk, TakeId, TakeState};

impl Writer {
    pub(super) fn take(
        &mut self,
        account: AccountId,
        ask: TakeAsk,
        group: &mut Group<'_>,
    ) -> Result<Assigned> {
        if let Some(earlier) = self.reserved(account, &ask)? {
            return self.replay(earlier, ask, group);
        }
        let queue = self.state.queue(account)?;
        let ranges = match &ask.filter {
            Filter { bulk_id: None, message_id: None } => front(queue, ask.limit),
            Filter { bulk_id: _, message_id: Some(message) } => {
                let seqs = named(account, message, ask.filter.bulk_id.as_deref(), group)?;
                one_of(queue, &seqs, ask.limit)
            }
            Filter { bulk_id: Some(bulk), message_id: None } => {
                of_bulk(queue, account, bulk, ask.limit, group)?
            }
        };
        if ranges.is_empty() {
            return Ok(Assigned::default());
        }
        let record = TakeRecord {
            account,
            at: self.clock.now(),
            by: ask.by,
            key: ask.key,
            ranges: ranges.clone(),
            state: TakeState::InFlight,
            acknowledged: false,
            settled_once: false,
            bytes_acknowledged: 0,
            replays: 0,
            ended_at: None,
        };
        let id = self.state.depart(group, record)?;
        let claim = Some(Claim::new(id, self.fates.clone()));
        Ok(Assigned { ranges, replayed: false, claim })
    }

    /// The take that the key is reserved for. A window that the clock has ended reserves nothing
    /// any more, even if no upkeep has ended the take.
    fn reserved(&mut self, account: AccountId, ask: &TakeAsk) -> Result<Option<TakeId>> {
        let queue = self.state.queue(account)?;
        let Some(key) = &ask.key else { return Ok(None) };
        let Some(id) = queue.keys.get(&key.value).copied() else { return Ok(None) };
        let now = self.clock.now();
        Ok(self.state.in_window(id, self.keeping.replay_window, now).then_some(id))
    }

    fn replay(&mut self, id: TakeId, ask: TakeAsk, group: &mut Group<'_>) -> Result<Assigned> {
        let Some(flight) = self.state.flights.get_mut(&id) else {
            unreachable!("a reserved key names a take in flight")
        };
        if flight.record.key.as_ref().map(|key| key.fingerprint)
            != ask.key.map(|key| key.fingerprint)
        {
            return Err(StoreError::KeyReused);
        }
        flight.open += 1;
        flight.record.replays += 1;
        flight.record.by = ask.by;
        group.put(Table::Take, keys::take(id.0), flight.record.write());
        let claim = Some(Claim::new(id, self.fates.clone()));
        Ok(Assigned { ranges: flight.record.ranges.clone(), replayed: true, claim })
    }
}

/// The oldest reports.
fn front(queue: &Queue, limit: usize) -> Vec<Range<u64>> {
    let mut chosen = Chosen::new(limit);
    for range in queue.pending_from(0) {
        if chosen.is_full() {
            break;
        }
        chosen.add(range);
    }
    chosen.ranges
}

/// The account's report of that name and, if one is given, of that bulk.
fn named(
    account: AccountId,
    message: &str,
    bulk: Option<&str>,
    group: &Group<'_>,
) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let seqs = group.get(Table::Message, keys::pair(account, keys::hash(message)))?;
    for seq in seqs.iter().flat_map(|seqs| keys::numbers(seqs)) {
        let record = group.record(account, seq)?.ok_or_else(|| missing(account, seq))?;
        let (its_bulk, its_message) = record.ids()?;
        if its_message == message && bulk.is_none_or(|bulk| bulk == its_bulk) {
            found.push(seq);
        }
    }
    Ok(found)
}

/// Those of the reports that are pending.
fn one_of(queue: &Queue, seqs: &[u64], limit: usize) -> Vec<Range<u64>> {
    let mut chosen = Chosen::new(limit);
    for seq in seqs.iter().filter(|seq| queue.pending.contains(**seq)) {
        chosen.add(*seq..*seq + 1);
    }
    chosen.ranges
}

/// The oldest reports of the bulk. The bulk's runs and the pending ranges leapfrog each other, so
/// that neither what was taken nor what is of other bulks is walked through.
fn of_bulk(
    queue: &Queue,
    account: AccountId,
    bulk: &str,
    limit: usize,
    group: &Group<'_>,
) -> Result<Vec<Range<u64>>> {
    let mut chosen = Chosen::new(limit);
    let mut at = 0;
    while !chosen.is_full() {
        let Some(pending) = queue.pending_from(at).next() else { break };
        let Some(run) = run_from(group, account, bulk, pending.start)? else { break };
        let both = pending.start.max(run.start)..pending.end.min(run.end);
        if both.start < both.end {
            chosen.add(both.clone());
        }
        at = pending.end.min(run.end);
    }
    Ok(chosen.ranges)
}

/// The first run of the bulk that ends after `from`.
fn run_from(
    group: &Group<'_>,
    account: AccountId,
    bulk: &str,
    from: u64,
) -> Result<Option<Range<u64>>> {
    let hash = keys::hash(bulk);
    let key = |first| keys::triple(account, hash, first);
    let mut entry = group.last(Table::Bulk, &key(0), &key(from))?;
    loop {
        if let Some((found, count)) = &entry {
            let first = keys::last_number(found);
            let run = first..first + keys::last_number(count);
            // Another bulk may share the hash. A run is of one bulk, so its first report tells.
            if run.end > from && is_of_bulk(group, account, first, bulk)? {
                return Ok(Some(run));
            }
        }
        let after = entry.map_or(from, |(found, _)| keys::last_number(&found)) + 1;
        entry = group.first(Table::Bulk, &key(after), &key(u64::MAX))?;
        if entry.is_none() {
            return Ok(None);
        }
    }
}

fn is_of_bulk(group: &Group<'_>, account: AccountId, seq: u64, bulk: &str) -> Result<bool> {
    let record = group.record(account, seq)?.ok_or_else(|| missing(account, seq))?;
    Ok(record.ids()?.0 == bulk)
}

/// Ranges, up to a number of reports; neighbours are joined.
struct Chosen {
    ranges: Vec<Range<u64>>,
    room: u64,
}

impl Chosen {
    const fn new(limit: usize) -> Self {
        Self { ranges: Vec::new(), room: limit as u64 }
    }

    const fn is_full(&self) -> bool {
        self.room == 0
    }

    fn add(&mut self, range: Range<u64>) {
        let end = range.end.min(range.start.saturating_add(self.room));
        self.room -= end - range.start;
        match self.ranges.last_mut() {
            _ if end == range.start => {}
            Some(last) if last.end == range.start => last.end = end,
            Some(_) | None => self.ranges.push(range.start..end),
        }
    }
}
