//! Figures of an exchange, for the metrics and the health page.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use model::Outcome;

/// Figures of an exchange since it started.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ExchangeFigures {
    /// Calls leased to be placed, from then to their record.
    pub under_way: u64,
    /// Calls leased to be closed.
    pub closing: u64,
    /// Attempts started.
    pub started_total: u64,
    /// Attempts that are followed by another.
    pub retried_total: u64,
    /// Calls given back to be placed later.
    pub put_off_total: u64,
    /// Reports made, by outcome.
    pub finished_total: Vec<(Outcome, u64)>,
}

/// The same, counting.
#[derive(Default)]
pub(super) struct Counters {
    under_way: AtomicU64,
    closing: AtomicU64,
    started: AtomicU64,
    retried: AtomicU64,
    put_off: AtomicU64,
    finished: [AtomicU64; Outcome::ALL.len()],
}

impl Counters {
    pub(super) fn hold(&self, under_way: usize, closing: usize) {
        self.under_way.store(under_way as u64, Relaxed);
        self.closing.store(closing as u64, Relaxed);
    }

    pub(super) fn started(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    pub(super) fn put_off(&self) {
        self.put_off.fetch_add(1, Relaxed);
    }

    pub(super) fn finished(&self, outcome: Outcome) {
        let counters = Outcome::ALL.into_iter().zip(&self.finished);
        for (_, counter) in counters.filter(|(of, _)| *of == outcome) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn read(&self) -> ExchangeFigures {
        let finished = Outcome::ALL.into_iter().zip(&self.finished);
        ExchangeFigures {
            under_way: self.under_way.load(Relaxed),
            closing: self.closing.load(Relaxed),
            started_total: self.started.load(Relaxed),
            retried_total: self.retried.load(Relaxed),
            put_off_total: self.put_off.load(Relaxed),
            finished_total: finished.map(|(of, counter)| (of, counter.load(Relaxed))).collect(),
        }
    }
}
