//! The trunks that there are: what a leg is routed by, and what is told of how they fare. Can be
//! replaced while calls go through them; a leg keeps the trunk that it was dialled through.

mod figures;
mod way;

use std::net::IpAddr;
use std::sync::Arc;

use model::cdr::Release;
use model::{Number, Timestamp};
use tokio::sync::watch;

pub use figures::{DestinationFigures, TrunkFigures};
pub use way::Way;

use super::health::{Change, Health};
use super::load::Full;
use super::route::{Candidate, order};
use super::standing::{Known, Standing};
use super::trunk::{Destination, Trunk};
use super::{Hop, Network};

/// The trunks. Clones share them.
#[derive(Clone, Debug)]
pub struct Trunks(watch::Sender<Arc<[Entry]>>);

/// A trunk, and how it fares.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) trunk: Arc<Trunk>,
    pub(super) standing: Arc<Standing>,
}

/// Why a number cannot be dialled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWay {
    /// No trunk serves it.
    NotServed,
    /// The trunks that serve it are full.
    Full(Full),
    /// They have all asked to be left alone until then.
    Resting(Timestamp),
}

/// What a reload has changed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Trunks that are new.
    pub added: Vec<String>,
    /// Trunks with other settings than before.
    pub changed: Vec<String>,
    /// Trunks that are no more.
    pub removed: Vec<String>,
}

impl Trunks {
    /// Those trunks. No two have the same name.
    pub fn new(trunks: Vec<Trunk>, now: Timestamp) -> Self {
        let (entries, _) = watch::channel(Arc::from([]));
        let trunks_of_none = Self(entries);
        trunks_of_none.reload(trunks, now);
        trunks_of_none
    }

    /// Those trunks from now on. What is known of a trunk that stays is kept: its legs, the health of
    /// its destinations, its registration; legs under way go on.
    pub fn reload(&self, trunks: Vec<Trunk>, now: Timestamp) -> Reloaded {
        let mut reloaded = Reloaded::default();
        self.0.send_modify(|entries| {
            let mut former: Vec<Entry> = entries.to_vec();
            let settled = trunks.into_iter().map(|trunk| {
                let at = former.iter().position(|entry| entry.trunk.name == trunk.name);
                match at.map(|at| former.swap_remove(at)) {
                    Some(entry) if *entry.trunk == trunk => entry,
                    Some(entry) => {
                        reloaded.changed.push(trunk.name.clone());
                        entry.changed_to(trunk, now)
                    }
                    None => {
                        reloaded.added.push(trunk.name.clone());
                        Entry::new(trunk, now)
                    }
                }
            });
            *entries = settled.collect();
            reloaded.removed.extend(former.into_iter().map(|entry| entry.trunk.name.clone()));
        });
        reloaded
    }

    /// The ways that a leg to that number may go, in the order in which they are to be tried.
    ///
    /// # Errors
    /// There is none now.
    pub fn route(
        &self,
        number: &Number,
        now: Timestamp,
        chance: &mut fastrand::Rng,
    ) -> Result<Vec<Way>, NoWay> {
        self.ways(now, chance, |trunk| trunk.serves(number.digits()))
    }

    /// The same through the trunk of that name alone, whatever it serves.
    ///
    /// # Errors
    /// There is none now.
    pub fn route_through(
        &self,
        name: &str,
        now: Timestamp,
        chance: &mut fastrand::Rng,
    ) -> Result<Vec<Way>, NoWay> {
        self.ways(now, chance, |trunk| (trunk.name == name).then_some(0))
    }

    /// The ways through the trunks that serve, and how many digits of the number they name.
    fn ways(
        &self,
        now: Timestamp,
        chance: &mut fastrand::Rng,
        serves: impl Fn(&Trunk) -> Option<usize>,
    ) -> Result<Vec<Way>, NoWay> {
        let entries = self.entries();
        let serving =
            entries.iter().filter_map(|entry| serves(&entry.trunk).map(|digits| (entry, digits)));
        let mut full: Option<Full> = None;
        let mut until: Option<Timestamp> = None;
        let mut candidates = Vec::new();
        for (entry, digits) in serving {
            let mut known = entry.standing.known();
            match known.load.room(now) {
                Ok(()) => {
                    let candidate = entry.candidate(digits, &known, now);
                    until = earlier(until, known.rests_until(now));
                    candidates.push(candidate);
                }
                Err(theirs) => full = Some(full.map_or(theirs, |ours| ours.or(theirs))),
            }
        }
        let ways = order(candidates, chance);
        if !ways.is_empty() {
            return Ok(ways.into_iter().map(|(entry, at)| Way::new(entry, at)).collect());
        }
        Err(match (full, until) {
            (Some(full), _) => NoWay::Full(full),
            (None, Some(until)) => NoWay::Resting(until),
            (None, None) => NoWay::NotServed,
        })
    }

    /// How the trunks fare, in the order of the settings.
    pub fn figures(&self, now: Timestamp) -> Vec<TrunkFigures> {
        self.entries().iter().map(|entry| TrunkFigures::of(entry, now)).collect()
    }

    /// The trunk of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Trunk>> {
        self.entry(name).map(|entry| entry.trunk)
    }

    /// The trunk of that name, and how it fares.
    pub(super) fn entry(&self, name: &str) -> Option<Entry> {
        self.entries().iter().find(|entry| entry.trunk.name == name).cloned()
    }

    /// Who may send us requests: the networks that the trunks name, and their destinations that are
    /// given as addresses.
    pub fn sources(&self) -> Vec<Network> {
        let entries = self.entries();
        let of = |entry: &Entry| {
            let hosts = entry.trunk.destinations.iter().map(|there| &there.hop.host);
            let bare = hosts.map(|host| host.trim_matches(['[', ']']));
            let addresses = bare.filter_map(|host| host.parse::<IpAddr>().ok()).map(Network::from);
            addresses.chain(entry.trunk.sources.iter().copied()).collect::<Vec<_>>()
        };
        entries.iter().flat_map(of).collect()
    }

    /// Tells of each reload.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<[Entry]>> {
        self.0.subscribe()
    }

    pub(super) fn entries(&self) -> Arc<[Entry]> {
        Arc::clone(&self.0.borrow())
    }
}

impl Entry {
    fn new(trunk: Trunk, now: Timestamp) -> Self {
        let standing = Standing::default();
        standing.known().settle(&trunk, None, now);
        Self { trunk: Arc::new(trunk), standing: Arc::new(standing) }
    }

    fn changed_to(self, trunk: Trunk, now: Timestamp) -> Self {
        self.standing.known().settle(&trunk, Some(&self.trunk), now);
        Self { trunk: Arc::new(trunk), standing: self.standing }
    }

    /// Notes how a destination fares, and says so when that has changed.
    pub(super) fn note(&self, hop: &Hop, change: impl FnOnce(&mut Health) -> Option<Change>) {
        let trunk = &self.trunk.name;
        match self.standing.change(hop, change) {
            Some(Change::Up) => tracing::info!(trunk, %hop, "A trunk answers again."),
            Some(Change::Down) => tracing::warn!(trunk, %hop, "A trunk does not answer any more."),
            None => {}
        }
    }

    fn candidate(&self, digits: usize, known: &Known, now: Timestamp) -> Candidate<Self> {
        let fitness =
            |there: &Destination| (there.rank, known.fitness(&self.trunk, &there.hop, now));
        let destinations = self.trunk.destinations.iter().map(fitness).collect();
        Candidate { trunk: self.clone(), digits, rank: self.trunk.rank, destinations }
    }
}

impl NoWay {
    /// What a leg that was not dialled for it has come to.
    pub fn release(self) -> Release {
        // Q.850: network out of order, no circuit available.
        let cause = match self {
            Self::NotServed => 38,
            Self::Full(_) | Self::Resting(_) => 34,
        };
        Release { code: None, cause: Some(cause) }
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}
