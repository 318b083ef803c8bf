//! The scheduler: looks whenever there may be something to do, leases what is due, and owns the
//! tasks of what it has leased.
//!
//! It wakes when the ledger says that there is work or that settings have changed, when a call
//! leaves room, when the next call is due or a pace allows more, and when leases are to be renewed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::{AccountId, Timestamp};
use store::{Due, LeaseAsk, Leased, Share, StoreError, Work};
use tokio::sync::watch;

use super::close::close;
use super::drive::Ends;
use super::places::Places;
use super::running::Running;
use super::shares::{Want, shares, turns};
use super::task::Task;
use super::{Phase, Shared};

/// Calls that are closed at once.
const CLOSING_MAX: usize = 100;
/// How long it sleeps at most.
const LOOK_AT_LEAST: Duration = Duration::from_secs(60);
/// How long after the ledger could not say what is due it is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long calls that were ended have to say so, and the ledger to keep it.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Looks, leases, and owns what it has leased.
pub(super) struct Scheduler {
    shared: Arc<Shared>,
    places: Arc<Places>,
    running: Running,
    calls: watch::Receiver<u64>,
    settings: watch::Receiver<u64>,
    phase: watch::Receiver<Phase>,
    /// When the phase that it is in has lasted long enough, if it is bounded.
    phase_ends: Option<Timestamp>,
    /// Whether the tariffs may be older than the settings in the ledger.
    is_stale: bool,
    /// Whether the ledger takes nothing more until it is restarted.
    is_poisoned: bool,
    /// Who was given a call last.
    last_served: Option<AccountId>,
    renew_at: Timestamp,
    wake_at: Timestamp,
}

impl Scheduler {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let now = shared.parts.time.now();
        Self {
            places: Arc::new(Places::new(shared.settings.trunk)),
            running: Running::default(),
            calls: shared.parts.ledger.watch_calls(),
            settings: shared.parts.ledger.watch_settings(),
            phase: shared.phase.subscribe(),
            phase_ends: None,
            is_stale: true,
            is_poisoned: false,
            last_served: None,
            renew_at: now.plus(shared.settings.lease / 3),
            wake_at: now,
            shared,
        }
    }

    /// Works until the exchange stops and all that it had taken on is done.
    pub(super) async fn run(mut self) {
        loop {
            self.mind_the_end();
            if self.phase() > Phase::Working && self.running.is_empty() {
                return;
            }
            self.wake_at = self.now().plus(LOOK_AT_LEAST);
            self.wake_by(self.phase_ends);
            match self.look().await {
                Ok(()) => {}
                Err(error @ StoreError::Poisoned(_)) => {
                    tracing::error!(%error, "No more calls are placed.");
                    self.is_poisoned = true;
                }
                Err(error) => {
                    tracing::warn!(%error, "What is due is not known yet.");
                    self.wake_by(Some(self.now().plus(LOOK_AGAIN)));
                }
            }
            self.wait().await;
        }
    }

    async fn look(&mut self) -> store::Result<()> {
        if self.is_poisoned {
            return Ok(());
        }
        self.calls.mark_unchanged();
        self.renew().await?;
        self.wake_by(Some(self.renew_at));
        self.refresh().await?;
        let due = self.shared.parts.ledger.due().await?;
        let now = self.now();
        let mut turns = Vec::new();
        let mut ask = LeaseAsk::default();
        // Once it stops nothing is taken on, but what is cancelled is still heard of.
        if self.phase() == Phase::Working {
            (turns, ask.shares) = self.round(&due, now);
            ask.closing_max = CLOSING_MAX.saturating_sub(self.running.closing());
            ask.until = now.plus(self.shared.settings.lease);
        }
        let work = self.shared.parts.ledger.lease(ask).await?;
        self.last_served = turns.last().copied().or(self.last_served);
        if work.due.len() < turns.len() {
            // What was due has been cancelled, or taken by another.
            self.wake_by(Some(now.plus(LOOK_AGAIN)));
        }
        self.take_on(work, &turns);
        Ok(())
    }

    async fn refresh(&mut self) -> store::Result<()> {
        self.is_stale |= self.settings.has_changed().unwrap_or(false);
        self.settings.mark_unchanged();
        if self.is_stale {
            let parts = &self.shared.parts;
            parts.tariffs.refresh(&*parts.ledger).await?;
            self.is_stale = false;
        }
        Ok(())
    }

    /// Fair shares of what is due. If something is left, there may be room for it in a second.
    fn round(&mut self, due: &[Due], now: Timestamp) -> (Vec<AccountId>, Vec<Share>) {
        let (room, until) = self.places.room(now);
        let wants: Vec<Want> = due.iter().filter_map(|due| self.want(due, now)).collect();
        let turns = turns(&wants, room, self.last_served);
        if (turns.len() as u64) < wants.iter().map(|want| want.calls).sum() {
            self.wake_by(Some(until.unwrap_or(now.plus(LOOK_AGAIN))));
        }
        let shares = shares(&wants, &turns);
        (turns, shares)
    }

    /// What an account could be given; nothing while it is disabled, or its deck is missing.
    fn want(&mut self, due: &Due, now: Timestamp) -> Option<Want> {
        let Shared { parts, settings, .. } = &*self.shared;
        let tariff = parts.tariffs.of(due.account)?;
        if tariff.account.disabled || !tariff.is_ready() {
            return None;
        }
        let caps = settings.caps(&tariff.account.calling);
        let (room, until) = self.places.room_of(due.account, caps.calls_per_second, now);
        let under_way_max = u64::from(caps.concurrent_calls);
        let calls = due.due.min(room).min(under_way_max.saturating_sub(due.under_way));
        self.wake_by(due.next);
        if calls < due.due {
            self.wake_by(Some(until.unwrap_or(now.plus(LOOK_AGAIN))));
        }
        Some(Want { account: due.account, calls, under_way_max })
    }

    /// Begins what was leased, in the order of its turns.
    fn take_on(&mut self, work: Work, turns: &[AccountId]) {
        let mut of_account: HashMap<AccountId, VecDeque<Leased>> = HashMap::new();
        for leased in work.due {
            of_account.entry(leased.call.id.account).or_default().push_back(leased);
        }
        for account in turns {
            if let Some(leased) = of_account.get_mut(account).and_then(VecDeque::pop_front) {
                self.place(leased);
            }
        }
        for leased in work.closing {
            let account = leased.call.id.account;
            // Of an account that was added just now; its lease ends, and it comes again.
            let Some(tariff) = self.shared.parts.tariffs.of(account) else { continue };
            let lease = leased.lease;
            let task = close(Arc::clone(&self.shared), leased, tariff);
            self.running.close(lease, task);
        }
        for call in work.cancelled {
            self.running.cancel(call);
        }
        self.count();
    }

    fn place(&mut self, leased: Leased) {
        let account = leased.call.id.account;
        let Some(tariff) = self.shared.parts.tariffs.of(account) else { return };
        let place = self.places.take(account);
        let lease = leased.lease;
        let (shared, phase) = (Arc::clone(&self.shared), self.shared.phase.subscribe());
        self.running.place(lease, |told| {
            let ends = Ends { told, phase };
            Task { shared, leased, tariff, place, ends }.run()
        });
    }

    /// Puts the end of every lease off, in time, before any are asked for.
    async fn renew(&mut self) -> store::Result<()> {
        let now = self.now();
        if now < self.renew_at {
            return Ok(());
        }
        let lease = self.shared.settings.lease;
        let leases = self.running.leases();
        if !leases.is_empty() {
            let lost = self.shared.parts.ledger.renew(leases, now.plus(lease)).await?;
            lost.into_iter().for_each(|lease| self.running.lose(lease));
        }
        self.renew_at = now.plus(lease / 3);
        Ok(())
    }

    async fn wait(&mut self) {
        self.wake_by(self.phase_ends);
        let Shared { parts, .. } = &*self.shared;
        // Biased, so that the same seed makes the same run.
        tokio::select! {
            biased;
            () = self.running.ended() => {}
            Ok(()) = self.settings.changed() => self.is_stale = true,
            Ok(()) = self.calls.changed() => {}
            Ok(()) = self.phase.changed() => {}
            () = self.places.stepped_aside() => {}
            () = parts.time.until(self.wake_at) => {}
        }
        self.running.reap();
        self.count();
    }

    /// Moves on from a phase that has lasted long enough.
    fn mind_the_end(&mut self) {
        let now = self.now();
        match (self.phase(), self.phase_ends) {
            (Phase::Working, _) => {}
            (Phase::Draining, None) => {
                self.phase_ends = Some(now.plus(self.shared.settings.drain));
            }
            (Phase::Draining, Some(ends)) if ends <= now => {
                self.shared.advance(Phase::Ending);
                self.phase_ends = Some(now.plus(LAST_WORDS));
            }
            (Phase::Ending, Some(ends)) if ends <= now => {
                self.running.abandon();
                self.phase_ends = None;
            }
            (Phase::Draining | Phase::Ending, _) => {}
        }
    }

    fn wake_by(&mut self, at: Option<Timestamp>) {
        self.wake_at = self.wake_at.min(at.unwrap_or(self.wake_at));
    }

    fn count(&self) {
        let counters = &self.shared.counters;
        counters.hold(self.running.placing(), self.running.closing());
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    fn now(&self) -> Timestamp {
        self.shared.parts.time.now()
    }
}
