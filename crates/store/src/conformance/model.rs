//! The small model: what a ledger of one account must answer, in memory and without hurry.

use std::collections::BTreeMap;
use std::time::Duration;

use ::model::Timestamp;

use crate::{Fate, Fed, Filter, InFlightAtStart, Keeping, ReturnReason, TakeId, Upkept};

/// Where a report of the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Pending,
    InFlight,
    Settled(Timestamp),
    Gone,
}

/// A report of the model; its number is its place in the list.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) bulk: String,
    pub(super) message: String,
    pub(super) seconds: u32,
    pub(super) fed_at: Timestamp,
    pub(super) place: Place,
    /// What its call asked for, if it is that of a call.
    pub(super) asked: Option<(u64, Option<Duration>)>,
}

/// A take of the model that is not final.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) items: Vec<usize>,
    pub(super) key: Option<(String, u64)>,
    at: Timestamp,
    /// The answers whose fate is open, and whether each was acknowledged.
    pub(super) answers: Vec<bool>,
    arrived: bool,
}

/// What a take of the model gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    Nothing,
    Reused,
    Replayed(TakeId, Vec<usize>),
    New(Vec<usize>),
}

/// A ledger of one account.
pub(super) struct Model {
    pub(super) items: Vec<Item>,
    pub(super) flights: BTreeMap<TakeId, Flight>,
    pub(super) keeping: Keeping,
}

impl Model {
    pub(super) const fn new(keeping: Keeping) -> Self {
        Self { items: Vec::new(), flights: BTreeMap::new(), keeping }
    }

    /// The report of that name that the ledger still knows.
    pub(super) fn known(&self, message: &str) -> Option<usize> {
        self.items.iter().rposition(|item| item.message == message && item.place != Place::Gone)
    }

    /// `said` is the engine's answer: when a settled report is dropped after its time is its own
    /// affair, and shows here.
    pub(super) fn feed(&mut self, item: Item, said: Fed) {
        if let Some(known) = self.known(&item.message) {
            let earlier = &mut self.items[known];
            let same = earlier.bulk == item.bulk && earlier.seconds == item.seconds;
            let expect = if same { Fed::Duplicate } else { Fed::Conflict };
            if said == expect {
                return;
            }
            assert!(self.may_be_dropped(known, item.fed_at), "{item:?} was fed before: {said:?}");
            self.items[known].place = Place::Gone;
        }
        assert_eq!(said, Fed::New, "{item:?}");
        self.items.push(item);
    }

    pub(super) fn may_be_dropped(&self, item: usize, now: Timestamp) -> bool {
        match self.items[item].place {
            Place::Settled(at) => at.plus(self.keeping.retention) <= now,
            Place::Gone => true,
            Place::Pending | Place::InFlight => false,
        }
    }

    pub(super) fn take(
        &mut self,
        filter: &Filter,
        limit: usize,
        key: Option<&(String, u64)>,
        now: Timestamp,
    ) -> Given {
        let window = self.keeping.replay_window;
        let reserved = key.and_then(|key| {
            let named = |flight: &Flight| flight.key.as_ref().is_some_and(|own| own.0 == key.0);
            self.flights.iter().find(|(_, flight)| named(flight) && now < flight.at.plus(window))
        });
        if let (Some((id, flight)), Some(key)) = (reserved, key) {
            if flight.key.as_ref() != Some(key) {
                return Given::Reused;
            }
            let (id, items) = (*id, flight.items.clone());
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.answers.push(false);
            }
            return Given::Replayed(id, items);
        }
        let fits = |item: &Item| {
            item.place == Place::Pending
                && filter.bulk_id.as_ref().is_none_or(|bulk| *bulk == item.bulk)
                && filter.message_id.as_ref().is_none_or(|message| *message == item.message)
        };
        let numbers = (0..self.items.len()).filter(|number| fits(&self.items[*number]));
        let items: Vec<usize> = numbers.take(limit).collect();
        if items.is_empty() { Given::Nothing } else { Given::New(items) }
    }

    /// Notes the id that the engine gave the new take.
    pub(super) fn depart(
        &mut self,
        id: TakeId,
        items: Vec<usize>,
        key: Option<(String, u64)>,
        at: Timestamp,
    ) {
        self.put(&items, Place::InFlight);
        let flight = Flight { items, key, at, answers: vec![false], arrived: false };
        self.flights.insert(id, flight);
    }

    pub(super) fn resolve(&mut self, id: TakeId, answer: usize, fate: Fate, now: Timestamp) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        match fate {
            Fate::Acknowledged { .. } => flight.answers[answer] = true,
            Fate::Settled => {
                flight.answers.remove(answer);
                flight.arrived = true;
            }
            Fate::Returned(reason) => {
                let acknowledged = flight.answers.remove(answer);
                flight.arrived |= acknowledged && reason != ReturnReason::Reset;
            }
        }
        match (flight.key.is_some(), fate) {
            (true, _) | (false, Fate::Acknowledged { .. }) => {}
            (false, Fate::Settled) => self.finish(id, true, now),
            (false, Fate::Returned(_)) => self.finish(id, false, now),
        }
    }

    fn finish(&mut self, id: TakeId, settled: bool, now: Timestamp) {
        let Some(flight) = self.flights.remove(&id) else { return };
        self.put(&flight.items, if settled { Place::Settled(now) } else { Place::Pending });
    }

    fn put(&mut self, items: &[usize], place: Place) {
        items.iter().for_each(|item| self.items[*item].place = place);
    }

    /// Ends the windows that are over.
    fn end_windows(&mut self, now: Timestamp) -> Upkept {
        let window = self.keeping.replay_window;
        let over = |flight: &Flight| {
            let answered = flight.key.is_some() && flight.answers.is_empty();
            answered && flight.at.plus(window) <= now
        };
        let ended: Vec<(TakeId, bool)> = self
            .flights
            .iter()
            .filter(|(_, flight)| over(flight))
            .map(|(id, flight)| (*id, flight.arrived))
            .collect();
        let mut upkept = Upkept::default();
        for (id, arrived) in ended {
            self.finish(id, arrived, now);
            upkept.windows_settled += u64::from(arrived);
            upkept.windows_returned += u64::from(!arrived);
        }
        upkept
    }

    pub(super) fn upkeep(&mut self, now: Timestamp) -> Upkept {
        let mut upkept = self.end_windows(now);
        let Some(age) = self.keeping.pending_max_age else { return upkept };
        for item in &mut self.items {
            if item.place == Place::Pending && item.fed_at.plus(age) <= now {
                item.place = Place::Gone;
                upkept.pending_dropped += 1;
            }
        }
        upkept
    }

    /// The process ends and another one begins.
    pub(super) fn restart(&mut self, now: Timestamp) {
        let keep = self.keeping.in_flight_at_start == InFlightAtStart::Keep;
        for id in self.flights.keys().copied().collect::<Vec<_>>() {
            let Some(flight) = self.flights.get_mut(&id) else { continue };
            flight.arrived |= flight.answers.drain(..).any(|acknowledged| acknowledged);
            if flight.key.is_none() {
                let settled = flight.arrived || keep;
                self.finish(id, settled, now);
            }
        }
    }

    pub(super) fn count(&self, place: Place) -> u64 {
        self.items.iter().filter(|item| item.place == place).count() as u64
    }
}
