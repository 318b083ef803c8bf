//! The standing of a trunk: what is known of how it fares, as long as there is a trunk of that name.
//! Legs under way share it with the legs that come after a reload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Timestamp;

use super::Hop;
use super::health::{Change, Health};
use super::load::{Full, Load};
use super::registrar::Registrar;
use super::route::Fitness;
use super::trunk::Trunk;

/// What is known of a trunk.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Known>);

/// The same, to be looked at.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) load: Load,
    pub(super) health: HashMap<Hop, Health>,
    /// None: it is not registered with.
    pub(super) registrar: Option<Registrar>,
    pub(super) answered: u64,
    pub(super) failures: Failures,
}

/// Legs that came to nothing, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// By the class of the code: 3xx, 4xx, 5xx, 6xx.
    pub by_class: [u64; 4],
    /// Nothing came back.
    pub nothing: u64,
}

/// What a leg takes up of a trunk, until it is dropped.
#[derive(Debug)]
pub struct Place(Arc<Standing>);

impl Standing {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the health of a destination. One that a reload has taken away has none.
    pub(super) fn change(
        &self,
        hop: &Hop,
        change: impl FnOnce(&mut Health) -> Option<Change>,
    ) -> Option<Change> {
        self.known().health.get_mut(hop).and_then(change)
    }

    /// Takes a place for a leg that is dialled now.
    pub(super) fn take(self: &Arc<Self>, now: Timestamp) -> Result<Place, Full> {
        self.known().load.take(now)?;
        Ok(Place(Arc::clone(self)))
    }
}

impl Known {
    /// Takes the trunk's settings over. What they do not change stays: legs, the health of the
    /// destinations that it still has, and its registration unless who is to be registered has
    /// changed.
    pub(super) fn settle(&mut self, trunk: &Trunk, former: Option<&Trunk>, now: Timestamp) {
        self.load.limit(trunk.caps);
        self.health.retain(|hop, _| trunk.destinations.iter().any(|there| there.hop == *hop));
        for there in &trunk.destinations {
            self.health.entry(there.hop.clone()).or_default();
        }
        if !former.is_some_and(|former| former.registers_like(trunk)) {
            self.registrar = trunk.register.map(|expires| Registrar::new(expires, now));
        }
    }

    /// When the first of its destinations that rest will take calls again.
    pub(super) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.health.values().filter_map(|health| health.rests_until(now)).min()
    }

    /// How a destination of the trunk is.
    pub(super) fn fitness(&self, trunk: &Trunk, hop: &Hop, now: Timestamp) -> Fitness {
        let health = self.health.get(hop).copied().unwrap_or_default();
        let is_registered = self.registrar.as_ref().is_none_or(|one| one.is_registered(now));
        match health.fitness(trunk.ping.is_some(), now) {
            Fitness::Up if !is_registered => Fitness::Down,
            fitness => fitness,
        }
    }
}

impl Failures {
    pub(super) fn count(&mut self, code: Option<u16>) {
        match code {
            Some(code @ 300..=699) => self.by_class[usize::from(code / 100 - 3)] += 1,
            Some(_) | None => self.nothing += 1,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.known().load.give_back();
    }
}
