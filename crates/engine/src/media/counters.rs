//! What the plane counts. A thread counts for itself and adds it up at every tick, so that threads
//! do not quarrel over it packet by packet.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What has happened in all calls since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// RTP packets that came from a leg.
    pub received: u64,
    /// RTP packets that we sent.
    pub sent: u64,
    /// Packets from strangers, dropped.
    pub foreign: u64,
    /// Packets from a leg that were none, or of nothing agreed, or had been here before; dropped.
    pub unfit: u64,
    /// Packets that the system did not take.
    pub unsent: u64,
    /// Ticks that came late by a whole one or more.
    pub late_ticks: u64,
    /// Events that a line was too slow to hear.
    pub unheard: u64,
    /// Calls whose media was given up because of a defect of ours.
    pub broken: u64,
    /// Pairs of ports in use, now.
    pub ports: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    received: AtomicU64,
    sent: AtomicU64,
    foreign: AtomicU64,
    unfit: AtomicU64,
    unsent: AtomicU64,
    late_ticks: AtomicU64,
    unheard: AtomicU64,
    broken: AtomicU64,
}

impl Counters {
    /// Adds up what a thread has counted, and lets it begin anew.
    pub(super) fn add(&self, counts: &mut Counts) {
        let counts = std::mem::take(counts);
        for (counter, count) in [
            (&self.received, counts.received),
            (&self.sent, counts.sent),
            (&self.foreign, counts.foreign),
            (&self.unfit, counts.unfit),
            (&self.unsent, counts.unsent),
            (&self.late_ticks, counts.late_ticks),
            (&self.unheard, counts.unheard),
            (&self.broken, counts.broken),
        ] {
            if count > 0 {
                counter.fetch_add(count, Relaxed);
            }
        }
    }

    pub(super) fn counts(&self, ports: u64) -> Counts {
        Counts {
            received: self.received.load(Relaxed),
            sent: self.sent.load(Relaxed),
            foreign: self.foreign.load(Relaxed),
            unfit: self.unfit.load(Relaxed),
            unsent: self.unsent.load(Relaxed),
            late_ticks: self.late_ticks.load(Relaxed),
            unheard: self.unheard.load(Relaxed),
            broken: self.broken.load(Relaxed),
            ports,
        }
    }
}
