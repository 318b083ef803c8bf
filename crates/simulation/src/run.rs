//! One run: lives of the server that follow each other, customers that outlive them, and the check.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use engine::exchange::{Caps, ExchangeSettings};
use engine::sandbox::Sandbox;
use fastrand::Rng;
use futures_util::future::{join_all, select_all};
use model::Timestamp;
use store::Ledger;
use testkit::{Death, VirtualClock};
use tokio::runtime::{Builder, Runtime};

use crate::check;
use crate::customer::{self, Customer};
use crate::front::Front;
use crate::house::{House, UPKEEP, World};
use crate::place::{Place, SILENCE_MAX};
use crate::sender::Sender;
use crate::taker::Taker;
use crate::witness::Witness;

/// Monday 2026-11-23, 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);
/// How long a call is leased for: a scheduler with nothing to do still looks three times meanwhile.
const LEASE: Duration = UPKEEP.saturating_mul(3);
/// Durable steps that a message takes, roughly: its share of a submit, a start, a finish, a take.
const STEPS_PER_MESSAGE: u64 = 4;

/// What the ledger is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A directory. A life begins where the one before it ended.
    Embedded,
    /// A PostgreSQL that the run starts by itself, with two nodes at work on it. When one dies the
    /// other goes on, and a third joins: what the dead one had leased ends by the clock, and what it
    /// had in flight comes back once it is missed.
    Shared,
}

impl Engine {
    /// Houses that stand at once.
    fn houses(self) -> usize {
        match self {
            Self::Embedded => 1,
            Self::Shared => 2,
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What the ledger is in.
    pub engine: Engine,
    /// What chance is made from.
    pub seed: u64,
    /// Messages to submit, over all customers.
    pub messages: u64,
    /// Deaths of the server on the way.
    pub deaths: u32,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages that were accepted, each with one report.
    pub accepted: usize,
    /// Times that A was dialled.
    pub dialled: usize,
    /// Deaths of the server.
    pub deaths: u32,
    /// Calls that a death interrupted.
    pub interrupted: usize,
    /// Reports that came twice: the server died between the answer and its note.
    pub twice: usize,
    /// Virtual time that passed.
    pub passed: Duration,
    /// Digest of what was dialled, when and in which order.
    pub trace: u64,
}

impl Plan {
    /// How the next house dies: at some step, so that all of the deaths fit into the run.
    fn death(&self, rng: &mut Rng) -> Death {
        let spread = 2 + 2 * STEPS_PER_MESSAGE * self.messages / (u64::from(self.deaths) + 1);
        let step = rng.u64(1..spread);
        if rng.bool() { Death::Before(step) } else { Death::After(step) }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, seed, messages, deaths } = self;
        let shared = if *engine == Engine::Shared { " --shared" } else { "" };
        write!(f, "simulation: --seed {seed} --messages {messages} --deaths {deaths}{shared}")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.passed.as_secs() / 3_600;
        write!(
            f,
            "{} messages accepted, one report each; {} dialled in {hours} hours, {} deaths, {} \
             calls interrupted, {} reports came twice; trace {:016x}",
            self.accepted, self.dialled, self.deaths, self.interrupted, self.twice, self.trace
        )
    }
}

/// Runs it.
///
/// # Panics
/// Something that was promised does not hold.
pub fn run(plan: &Plan) -> Summary {
    let place = Place::new(plan.engine);
    runtime().block_on(live(plan, &place))
}

/// A runtime whose clock moves only when nothing else does, and whose tasks take their turns in the
/// same order whatever the real time.
pub(crate) fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        // What the ledger's thread wakes comes first: otherwise it depends on how many turns were
        // taken while some thread was waited for.
        .global_queue_interval(1)
        .build();
    runtime.expect("a runtime of one thread can be made")
}

async fn live(plan: &Plan, place: &Place) -> Summary {
    let mut rng = Rng::with_seed(plan.seed);
    let clock = Arc::new(VirtualClock::at(NOON));
    let sandbox = Sandbox { seed: rng.u64(..), ..Sandbox::default() };
    let witness = Witness::new(sandbox, Arc::clone(&clock));
    let trunk = Caps { calls_per_second: rng.u32(5..30), concurrent_calls: rng.u32(10..60) };
    let settings = ExchangeSettings { trunk, lease: LEASE, ..ExchangeSettings::default() };
    witness.bound(None, trunk);
    let world = World { place, clock, witness, settings };
    let mut town = Town::new(plan, &world, &mut rng).await;
    let mut deaths = 0;
    let (mut houses, mut vanished) = (Vec::new(), Vec::new());
    loop {
        while houses.len() < plan.engine.houses() {
            let is_mortal = deaths + (houses.len() as u32) < plan.deaths;
            let death = is_mortal.then(|| plan.death(&mut rng));
            houses.push(House::open(&world, rng.u64(..), death).await);
        }
        let Some(died) = town.live(&houses, &world, rng.u64(..)).await else { break };
        deaths += 1;
        town.takers.iter_mut().for_each(Taker::server_died);
        vanished.extend(houses.remove(died).vanish().await);
    }
    for house in houses {
        house.stop().await;
    }
    let summary = town.check(&world, rng.u64(..), deaths).await;
    for vanished in vanished {
        vanished.join().expect("a ledger that reaches nobody leaves");
    }
    summary
}

/// Every customer, both sides of it.
struct Town {
    senders: Vec<Sender>,
    takers: Vec<Taker>,
}

impl Town {
    async fn new(plan: &Plan, world: &World<'_>, rng: &mut Rng) -> Self {
        let house = House::open(world, rng.u64(..), None).await;
        customer::import_deck(&house).await;
        let (mut senders, mut takers) = (Vec::new(), Vec::new());
        let count = rng.usize(2..6);
        for number in 1..=count {
            let customer = Customer::new(number, rng, &house).await;
            world.witness.bound(Some(&customer.from), customer.caps);
            takers.push(Taker::new(customer.clone(), rng.fork()));
            senders.push(Sender::new(customer, plan.messages / count as u64, rng.fork()));
        }
        house.stop().await;
        Self { senders, takers }
    }

    /// Lives until everything was sent and every call is over; or until one of the houses dies,
    /// whose place it gives.
    async fn live(&mut self, houses: &[House], world: &World<'_>, seed: u64) -> Option<usize> {
        let front = Front::of(houses, seed);
        let sending = async {
            join_all(self.senders.iter_mut().map(|one| one.live(&front, &world.witness))).await;
            while !houses[0].ledger.due().await.expect("the ledger can be asked").is_empty() {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
        };
        let taking = join_all(self.takers.iter_mut().map(|one| one.live(&front)));
        let died = select_all(houses.iter().map(|house| Box::pin(house.ledger.died())));
        tokio::select! {
            biased;
            ((), place, _) = died => Some(place),
            () = sending => None,
            _ = taking => unreachable!("takers take for ever"),
            _ = join_all(houses.iter().map(House::upkeep)) => {
                unreachable!("upkeep goes on for ever")
            }
        }
    }

    async fn check(&mut self, world: &World<'_>, seed: u64, deaths: u32) -> Summary {
        // Every window of a key has ended by then.
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let house = House::open(world, seed, None).await;
        // What died last may not be missed yet.
        let missed = tokio::time::sleep(SILENCE_MAX + UPKEEP);
        tokio::select! {
            () = house.upkeep() => unreachable!("upkeep goes on for ever"),
            () = missed => {}
        }
        let houses = [house];
        let front = Front::of(&houses, seed);
        let [house] = houses;
        for taker in &mut self.takers {
            taker.take_rest(&front).await;
        }
        drop(front);
        let ended = world.witness.now();
        let passed = ended.since(NOON);
        let mut summary = Summary { deaths, passed, ..Summary::default() };
        let mut faults = world.witness.seen().faults.clone();
        for (sender, taker) in self.senders.iter().zip(&self.takers) {
            let seen = std::mem::take(&mut *world.witness.seen());
            let of_one = (sender, taker);
            let found = check::customer(&*house.ledger, of_one, &seen, (NOON, ended)).await;
            *world.witness.seen() = seen;
            faults.extend(found.faults);
            summary.twice += found.twice;
            summary.accepted += sender.accepted.len();
        }
        let seen = std::mem::take(&mut *world.witness.seen());
        summary.dialled = seen.sequence.len();
        summary.interrupted = seen.interrupted.len();
        let mut trace = DefaultHasher::new();
        seen.sequence.hash(&mut trace);
        summary.trace = trace.finish();
        house.stop().await;
        if seen.dialled_again > deaths as usize {
            faults.push(format!("{deaths} deaths do not explain {} redials", seen.dialled_again));
        }
        let shown = faults.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
        assert!(faults.is_empty(), "{} faults, the first of them:\n{shown}", faults.len());
        summary
    }
}
