//! How the trunks fare, in numbers.

use model::Timestamp;

use super::super::route::Fitness;
use super::super::standing::Failures;
use super::Entry;
use crate::exchange::Caps;

/// How a trunk fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkFigures {
    /// Its name.
    pub name: String,
    /// Its destinations.
    pub destinations: Vec<DestinationFigures>,
    /// Whether we are registered; none if we do not register.
    pub registered: Option<bool>,
    /// Legs that go through it.
    pub legs: u32,
    /// Legs that were dialled through it within the last second.
    pub last_second: u64,
    /// How many of the two there may be.
    pub caps: Caps,
    /// Legs that were answered, since the start.
    pub answered: u64,
    /// Legs that were not.
    pub failures: Failures,
}

/// How a destination fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationFigures {
    /// Where it is: `sip:host:port`.
    pub address: String,
    /// How likely it is to take a call.
    pub fitness: Fitness,
}

impl TrunkFigures {
    pub(super) fn of(entry: &Entry, now: Timestamp) -> Self {
        let trunk = &entry.trunk;
        let mut known = entry.standing.known();
        let destinations = trunk.destinations.iter().map(|there| DestinationFigures {
            address: there.hop.to_string(),
            fitness: known.fitness(trunk, &there.hop, now),
        });
        let destinations = destinations.collect();
        let registered = known.registrar.as_ref().map(|one| one.is_registered(now));
        Self {
            name: trunk.name.clone(),
            destinations,
            registered,
            legs: known.load.legs(),
            last_second: known.load.last_second(now),
            caps: trunk.caps,
            answered: known.answered,
            failures: known.failures,
        }
    }

    /// Whether any of its destinations should take a call.
    pub fn is_up(&self) -> bool {
        self.destinations.iter().any(|there| there.fitness == Fitness::Up)
    }
}
