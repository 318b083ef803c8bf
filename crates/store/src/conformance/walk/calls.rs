//! The steps of the walk that are about calls.

use std::time::Duration;

use ::model::{Amount, Outcome, Timestamp};

use super::super::book::{Call, Held};
use super::super::message::{DAY, LEASE, cdr, finished};
use super::super::model::{Item, Place};
use super::{Open, Walk};
use crate::{
    ArchiveQuery, BulkChange, BulkState, Cancelled, Finished, LeaseAsk, Leased, Share, Started,
    StoreError,
};

/// Rounds in which every call can end: a lease is of at most six that are to be closed, and half of
/// them of at most a dozen.
const ROUNDS_TO_END: usize = 300;

impl<O: Open> Walk<'_, O> {
    pub(super) async fn step_of_calls(&mut self) {
        match self.dice.below(100) {
            0..22 => self.submit().await,
            22..48 => self.lease(12).await,
            48..60 => self.start().await,
            60..78 => self.end_attempt().await,
            78..82 => self.renew().await,
            82..88 => self.cancel().await,
            88..96 => self.change_bulk().await,
            _ => self.look().await,
        }
    }

    pub(super) fn bulk_name(&mut self) -> String {
        format!("bulk {}", self.dice.below(4))
    }

    async fn lease(&mut self, most: u64) {
        let now = self.now();
        let until = now.plus(Duration::from_secs(self.dice.below(100)) + LEASE);
        let most = self.dice.below(most + 1) as usize;
        let under_way_max = if self.dice.one_in(2) { self.dice.below(12) } else { u64::MAX };
        let closing_max = self.dice.below(6) as usize;
        let share = Share { account: self.stage().account, most, under_way_max };
        let ask = LeaseAsk { shares: vec![share], closing_max, until };
        self.book.expire(now);
        let work = self.stage().ledger.lease(ask).await.expect("leases");
        let room = under_way_max.saturating_sub(self.book.leased());
        let turns = self.book.turns().into_iter().filter(|(due, _)| *due <= now);
        let due: Vec<usize> =
            turns.map(|(_, number)| number).take(most.min(room as usize)).collect();
        let mut closing = self.book.closing();
        closing.truncate(closing_max);
        self.leased(&work.due, &due, until, false);
        self.leased(&work.closing, &closing, until, true);
        let cancelled: Vec<_> = self.book.cancelled().iter().map(|lease| lease.call).collect();
        assert_eq!(work.cancelled, cancelled);
    }

    fn leased(&mut self, said: &[Leased], expect: &[usize], until: Timestamp, closing: bool) {
        let names = |leased: &[Leased]| -> Vec<String> {
            leased.iter().map(|leased| leased.call.message.message_id.clone()).collect()
        };
        let expect_names: Vec<_> =
            expect.iter().map(|number| self.book.calls[number].message.clone()).collect();
        assert_eq!(names(said), expect_names, "to be closed: {closing}");
        for (leased, number) in said.iter().zip(expect) {
            let call = &self.book.calls[number];
            assert_eq!(leased.call.due, call.due);
            assert_eq!(leased.call.message.valid_until, call.valid_until);
            assert_eq!(leased.call.started.is_some(), call.started);
            assert_eq!(leased.call.cancelled_at.is_some(), call.cancelled);
            assert_eq!(leased.call.cdrs.len(), usize::from(call.attempts));
            self.book.lease(*number, Held { id: leased.lease, until, closing });
        }
    }

    /// Somebody's lease, or none if nobody has one.
    fn held(&mut self) -> Option<(usize, Held)> {
        let held: Vec<(usize, Held)> = self
            .book
            .calls
            .iter()
            .filter_map(|(number, call)| Some((*number, call.lease?)))
            .collect();
        let one = self.dice.below(held.len().max(1) as u64) as usize;
        held.get(one).copied()
    }

    async fn start(&mut self) {
        let Some((number, held)) = self.held() else { return };
        let call = &self.book.calls[&number];
        let started = Started { attempt: call.attempts + 1, at: self.now() };
        let may = !held.closing && !call.started;
        let said = self.stage().ledger.start(held.id, started).await;
        match said {
            Ok(()) if may => self.book.start(number),
            Err(StoreError::LeaseLost) if !may => {}
            said => panic!("{said:?} for {held:?}"),
        }
    }

    /// An attempt, or a call, is over; or it is given back; or somebody tries with an old lease.
    async fn end_attempt(&mut self) {
        if self.dice.one_in(5) {
            return self.try_lost().await;
        }
        let Some((number, held)) = self.held() else { return };
        match self.dice.below(4) {
            0 => {
                let was = self.book.calls[&number].due;
                let later = self.now().plus(Duration::from_secs(self.dice.below(60)));
                let due = if self.dice.one_in(2) { was } else { later };
                self.stage().ledger.release(held.id, due).await.expect("it is leased");
                self.book.release(number, due);
            }
            1 => {
                let due = self.now().plus(Duration::from_secs(self.dice.below(60)));
                let cdr = cdr(1, Outcome::Busy);
                self.stage().ledger.retry(held.id, cdr, due).await.expect("it is leased");
                self.book.retry(number, due);
            }
            _ => self.finish(number, held).await,
        }
    }

    async fn finish(&mut self, number: usize, held: Held) {
        let call = self.book.calls[&number].clone();
        let bulk = self.book.bulk_of(&call).to_owned();
        let price = format!("0.{}", self.dice.below(1_000));
        let day = DAY + i32::from(self.dice.one_in(3));
        let mut end = finished(&bulk, &call.message, &price);
        end.report.duration_seconds = 0;
        let end = Finished { day, ..end };
        self.stage().ledger.finish(held.id, end).await.expect("it is leased");
        let amount: Amount = price.parse().expect("an amount");
        let Call { message, variant, valid, .. } = self.book.finish(number, day, amount);
        assert!(self.model.known(&message).is_none(), "{message} has two reports");
        let (fed_at, place) = (self.now(), Place::Pending);
        let asked = Some((variant, valid));
        self.model.items.push(Item { bulk, message, seconds: 0, fed_at, place, asked });
    }

    async fn try_lost(&mut self) {
        if self.book.lost.is_empty() {
            return;
        }
        let lost = self.dice.below(self.book.lost.len() as u64) as usize;
        let lease = self.book.lost[lost];
        let started = Started { attempt: 1, at: self.now() };
        let ledger = &self.stage().ledger;
        let said = [
            ledger.start(lease, started).await,
            ledger.release(lease, started.at).await,
            ledger.retry(lease, cdr(1, Outcome::Busy), started.at).await,
            ledger.finish(lease, finished("bulk 0", "message 0", "1")).await,
        ];
        let is_lost = |said: &crate::Result<()>| matches!(said, Err(StoreError::LeaseLost));
        assert!(said.iter().all(is_lost), "{said:?} for {lease:?}");
    }

    async fn renew(&mut self) {
        let Some((number, held)) = self.held() else { return };
        let until = self.now().plus(Duration::from_secs(self.dice.below(100)));
        let lost: Vec<_> = self.book.lost.last().copied().into_iter().collect();
        let leases = lost.iter().copied().chain([held.id]).collect();
        let told = self.stage().ledger.renew(leases, until).await.expect("a renewal");
        assert_eq!(told, lost, "those that have been lost are told");
        let held = Held { until: held.until.max(until), ..held };
        if let Some(call) = self.book.calls.get_mut(&number) {
            call.lease = Some(held);
        }
    }

    async fn cancel(&mut self) {
        let open: Vec<String> = self.book.calls.values().map(|call| call.message.clone()).collect();
        let message = match open.get(self.dice.below(open.len().max(1) as u64) as usize) {
            Some(message) if !self.dice.one_in(4) => message.clone(),
            Some(_) | None => format!("message {}", self.dice.below(400)),
        };
        let stage = self.stage();
        let said = stage.ledger.cancel(stage.account, &message).await.expect("a cancellation");
        if let Some((number, call)) = self.book.named(&message) {
            let under_way = call.started || call.lease.is_some();
            let expect = if under_way { Cancelled::UnderWay } else { Cancelled::Waiting };
            assert_eq!(said, Some(expect));
            self.book.calls.get_mut(&number).expect("it is open").cancelled = true;
            return;
        }
        let known = self.model.known(&message);
        match (said, known) {
            (None, None) | (Some(Cancelled::Finished), Some(_)) => {}
            (None, Some(known)) => assert!(self.model.may_be_dropped(known, self.now())),
            (said, None) => panic!("{said:?} for {message}, which is not there"),
            (said, Some(_)) => panic!("{said:?} for {message}, which has its report"),
        }
    }

    async fn change_bulk(&mut self) {
        let (bulk, now) = (self.bulk_name(), self.now());
        let stage = self.stage();
        let told = stage.ledger.bulk(stage.account, &bulk).await.expect("a look");
        let later = now.plus(Duration::from_secs(self.dice.below(120)));
        let change = match self.dice.below(8) {
            0 | 1 => BulkChange::SendAt(later),
            2..=4 => BulkChange::Pause,
            5 | 6 => BulkChange::Resume,
            _ => BulkChange::Cancel,
        };
        let stage = self.stage();
        let said = stage.ledger.change_bulk(stage.account, &bulk, change).await;
        let Some(told) = told else {
            assert_eq!(self.book.open_in(&bulk), 0, "{bulk} is there");
            assert!(matches!(said, Ok(None)), "{said:?}");
            return;
        };
        assert_eq!(told.open, self.book.open_in(&bulk));
        let states = self.book.states(&bulk);
        assert!(states.contains(&told.state), "{told:?} is none of {states:?}");
        let may = match change {
            BulkChange::SendAt(_) | BulkChange::Resume => told.state == BulkState::Paused,
            BulkChange::Pause => {
                matches!(told.state, BulkState::Pending | BulkState::Processing)
            }
            BulkChange::Cancel => told.state != BulkState::Finished,
        };
        match said {
            Ok(Some(now)) if may => {
                self.book.change(&bulk, change, told.send_at);
                assert!(self.book.states(&bulk).contains(&now.state), "{now:?} after {change:?}");
                assert!(!matches!(change, BulkChange::SendAt(at) if at != now.send_at));
            }
            Err(StoreError::BulkState(state)) if !may && state == told.state => {}
            said => panic!("{said:?} for {change:?} of {told:?}"),
        }
    }

    /// Every call that has no report is found, the newest first.
    async fn look(&mut self) {
        let bulk = self.dice.one_in(2).then(|| self.bulk_name());
        let query = ArchiveQuery {
            bulk_ids: bulk.clone().into_iter().collect(),
            limit: 1_000,
            ..ArchiveQuery::default()
        };
        let stage = self.stage();
        let calls = stage.ledger.open_calls(stage.account, query).await.expect("a look");
        let fits = |call: &&Call| bulk.as_ref().is_none_or(|bulk| bulk == self.book.bulk_of(call));
        let expect: Vec<&Call> = self.book.calls.values().rev().filter(fits).collect();
        assert_eq!(calls.len(), expect.len());
        for (said, call) in calls.iter().zip(expect) {
            assert_eq!(said.message.message_id, call.message);
            assert_eq!((said.due, said.started.is_some()), (call.due, call.started));
            assert_eq!(said.cancelled_at.is_some(), call.cancelled);
        }
    }

    pub(super) async fn check_calls(&self) {
        let now = self.now();
        let due = self.stage().ledger.due().await.expect("who is due");
        let turns = self.book.turns();
        let ready = turns.iter().filter(|(due, _)| *due <= now).count();
        let next = turns.get(ready).map(|(due, _)| *due);
        let expect = (ready as u64, self.book.leased(), next);
        let said = due.first().map(|due| (due.due, due.under_way, due.next));
        assert_eq!(said, (!self.book.calls.is_empty()).then_some(expect));
        for (day, amount) in &self.book.spent {
            let stage = self.stage();
            let spent = stage.ledger.spent(stage.account, *day).await.expect("what was spent");
            assert_eq!(spent, *amount, "on day {day}");
        }
    }

    /// Every call that was accepted ends.
    pub(super) async fn end_calls(&mut self) {
        for _ in 0..ROUNDS_TO_END {
            self.stage().clock.advance(Duration::from_secs(1_000));
            self.lease(1_000).await;
            while let Some((number, held)) = self.held() {
                self.finish(number, held).await;
            }
            for bulk in 0..4 {
                self.resume(&format!("bulk {bulk}")).await;
            }
        }
        assert!(self.book.calls.is_empty(), "these never end: {:?}", self.book.calls);
        self.check_calls().await;
    }

    async fn resume(&mut self, bulk: &str) {
        if self.book.states(bulk) == [BulkState::Paused] {
            let (stage, change) = (self.stage(), BulkChange::Resume);
            let said = stage.ledger.change_bulk(stage.account, bulk, change).await;
            let told = said.expect("it is paused").expect("it is there");
            self.book.change(bulk, change, told.send_at);
        }
    }
}
