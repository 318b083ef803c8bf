//! Random walks: an engine and the models do the same, and must say the same.

mod calls;
mod submit;

use std::time::Duration;

use super::book::Book;
use super::model::{Flight, Given, Item, Model, Place};
use super::{Open, START, Stage, ask, messages, report};
use crate::{
    ArchiveQuery, Fate, Fed, Filter, InFlightAtStart, Keeping, ReplayKey, ReturnReason, StoreError,
    TakeAsk, TakeId,
};

/// Walks `steps` random steps. The same seed walks the same way.
pub async fn walk(open: &impl Open, seed: u64, steps: usize) {
    let mut dice = Dice(seed);
    let keeping = Keeping {
        retention: Duration::from_secs(200),
        pending_max_age: dice.one_in(3).then_some(Duration::from_secs(300)),
        replay_window: Duration::from_secs(60),
        in_flight_at_start: if dice.one_in(4) {
            InFlightAtStart::Keep
        } else {
            InFlightAtStart::Return
        },
        submit_window: Duration::from_secs(60),
        ..Keeping::default()
    };
    let stage = Stage::keeping(open, &format!("walk {seed}"), keeping.clone()).await;
    let mut walk = Walk {
        stage: Some(stage),
        model: Model::new(keeping),
        book: Book::default(),
        dice,
        last_take: None,
    };
    for step in 0..steps {
        walk.step().await;
        walk.check().await;
        tracing::trace!(seed, step, "The walk went on.");
    }
    walk.end_calls().await;
}

struct Walk<'a, O> {
    /// Away only while it is reopened.
    stage: Option<Stage<'a, O>>,
    model: Model,
    book: Book,
    dice: Dice,
    last_take: Option<TakeId>,
}

impl<O: Open> Walk<'_, O> {
    fn stage(&self) -> &Stage<'_, O> {
        self.stage.as_ref().expect("it is open between steps")
    }

    fn now(&self) -> ::model::Timestamp {
        use ::model::Clock;
        self.stage().clock.now()
    }

    async fn step(&mut self) {
        if self.dice.one_in(2) {
            return self.step_of_calls().await;
        }
        match self.dice.below(100) {
            0..30 => self.feed().await,
            30..62 => self.take().await,
            62..88 => self.resolve(),
            88..96 => self.pass().await,
            96..98 => self.list().await,
            _ => self.reopen().await,
        }
    }

    async fn feed(&mut self) {
        let now = self.now();
        let items: Vec<Item> = (0..=self.dice.below(8))
            .map(|_| Item {
                bulk: format!("bulk {}", self.dice.below(4)),
                message: format!("message {}", self.dice.below(400)),
                seconds: u32::from(self.dice.one_in(10)),
                fed_at: now,
                place: Place::Pending,
                asked: None,
            })
            .collect();
        let reports = items.iter().map(|item| {
            let mut report = report(&item.bulk, &item.message);
            report.duration_seconds = item.seconds;
            report
        });
        let stage = self.stage();
        let fed = stage.ledger.feed(stage.account, reports.collect()).await.expect("a feed");
        assert_eq!(fed.len(), items.len());
        for (item, said) in items.into_iter().zip(fed) {
            if self.book.named(&item.message).is_some() {
                assert_eq!(said, Fed::Conflict, "the report of {} is to come", item.message);
            } else {
                self.model.feed(item, said);
            }
        }
    }

    async fn take(&mut self) {
        let filter = Filter {
            bulk_id: self.dice.one_in(4).then(|| format!("bulk {}", self.dice.below(5))),
            message_id: self.dice.one_in(5).then(|| format!("message {}", self.dice.below(400))),
        };
        let limit = self.dice.below(12) as usize;
        let key = self
            .dice
            .one_in(4)
            .then(|| (format!("key {}", self.dice.below(3)), u64::from(self.dice.one_in(8))));
        let replay = |(value, fingerprint): (String, u64)| ReplayKey { value, fingerprint };
        let ask = TakeAsk { filter, key: key.clone().map(replay), ..ask(limit) };
        let now = self.now();
        let given = self.model.take(&ask.filter, limit, key.as_ref(), now);
        let stage = self.stage();
        let said = stage.ledger.take(stage.account, ask.clone()).await;
        let (id, items) = match (said, given) {
            (Err(StoreError::KeyReused), Given::Reused) => return,
            (Ok(taken), Given::Nothing) if taken.take.is_none() && !taken.replayed => return,
            (Ok(taken), Given::Replayed(id, items)) if taken.replayed && taken.take == Some(id) => {
                self.same(&messages(&taken), &items);
                return;
            }
            (Ok(taken), Given::New(items)) if !taken.replayed => {
                self.same(&messages(&taken), &items);
                (taken.take.expect("something was taken"), items)
            }
            (said, given) => panic!("{ask:?} gave {said:?} and should have given {given:?}"),
        };
        assert!(Some(id) > self.last_take, "later takes have larger ids");
        self.last_take = Some(id);
        self.model.depart(id, items, key, now);
    }

    fn same(&self, messages: &[String], items: &[usize]) {
        let expect = items.iter().map(|item| &self.model.items[*item].message);
        assert!(messages.iter().eq(expect), "{messages:?} came in place of {items:?}");
    }

    fn resolve(&mut self) {
        let open: Vec<(TakeId, usize)> = self
            .model
            .flights
            .iter()
            .flat_map(|(id, flight)| (0..flight.answers.len()).map(|answer| (*id, answer)))
            .collect();
        if open.is_empty() {
            return;
        }
        let (id, answer) = open[self.dice.below(open.len() as u64) as usize];
        let fate = self.fate(&self.model.flights[&id].clone(), answer);
        self.stage().ledger.resolve(id, fate);
        let now = self.now();
        self.model.resolve(id, answer, fate, now);
    }

    /// What may become of the answer. A reset is not told apart from one of another answer to the
    /// same take, so it happens only where that makes no difference.
    fn fate(&mut self, flight: &Flight, answer: usize) -> Fate {
        let resettable = flight.answers[answer] || flight.key.is_none();
        match self.dice.below(5) {
            0 | 1 if !flight.answers[answer] => Fate::Acknowledged { bytes: 1 },
            0..=2 => Fate::Settled,
            3 if resettable => Fate::Returned(ReturnReason::Reset),
            _ if flight.answers[answer] => Fate::Settled,
            _ => Fate::Returned(ReturnReason::NotWritten),
        }
    }

    async fn pass(&mut self) {
        let span = Duration::from_secs(self.dice.below(60));
        let mut said = self.stage().pass(span).await;
        said.reports_dropped = 0;
        let now = self.now();
        self.book.expire_waiting(now);
        assert_eq!(said, self.model.upkeep(now), "after {span:?}");
    }

    async fn list(&mut self) {
        let bulk = self.dice.one_in(2).then(|| format!("bulk {}", self.dice.below(4)));
        let since =
            self.dice.one_in(2).then(|| START.plus(Duration::from_secs(self.dice.below(1_000))));
        let query = ArchiveQuery {
            bulk_ids: bulk.clone().into_iter().collect(),
            fed_since: since,
            ..ArchiveQuery::default()
        };
        let mut listed = self.stage().listed(query).await.into_iter().peekable();
        for (number, item) in self.model.items.iter().enumerate().rev() {
            let fits = bulk.as_ref().is_none_or(|bulk| *bulk == item.bulk)
                && since.is_none_or(|since| item.fed_at >= since);
            if !fits || item.place == Place::Gone {
                continue;
            }
            if listed.next_if(|message| *message == item.message).is_none() {
                assert!(self.model.may_be_dropped(number, self.now()), "{item:?} is not listed");
            }
        }
        assert_eq!(listed.next(), None, "more is listed than there is");
    }

    async fn reopen(&mut self) {
        if self.dice.one_in(2) {
            // A fate that is not yet noted may be lost with the process; one that is may not.
            self.stage().waiting().await;
        }
        let stage = self.stage.take().expect("it is open between steps");
        self.stage = Some(stage.reopen().await);
        let now = self.now();
        self.model.restart(now);
        self.book.restart();
    }

    async fn check(&self) {
        if self.model.items.len().is_multiple_of(3) {
            let expect = (self.model.count(Place::Pending), self.model.count(Place::InFlight));
            assert_eq!(self.stage().waiting().await, expect, "pending and in flight");
        }
        self.check_calls().await;
    }
}

/// A small generator (SplitMix64), so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
