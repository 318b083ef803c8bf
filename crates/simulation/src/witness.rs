//! The telephone network, as a witness: the sandbox, and a note of everything that was dialled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use engine::carrier::{Carrier, Leg, Line, Order, Signal};
use engine::exchange::Caps;
use engine::sandbox::Sandbox;
use model::{Clock, Timestamp};
use testkit::VirtualClock;

/// The sandbox, watched: all of it, or what one house makes of it.
#[derive(Clone)]
pub(crate) struct Witness {
    house: u64,
    sandbox: Sandbox,
    clock: Arc<VirtualClock>,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// When A was dialled, for each message and attempt.
    pub(crate) dials: BTreeMap<String, BTreeMap<u8, Timestamp>>,
    /// From which number A was dialled, and when, in order.
    pub(crate) sequence: Vec<(Timestamp, String)>,
    /// Messages with a line when the process died.
    pub(crate) interrupted: BTreeSet<String>,
    /// When the last line of each message was let go of.
    pub(crate) over: BTreeMap<String, Timestamp>,
    /// When somebody died.
    pub(crate) deaths: BTreeSet<Timestamp>,
    /// How often one of them was dialled again. Each death may cause one: an attempt that was over,
    /// and its line not yet gone.
    pub(crate) dialled_again: usize,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    caps: BTreeMap<String, Caps>,
    trunk: Option<Caps>,
    houses: u64,
    lines: BTreeMap<u64, Live>,
    lines_made: u64,
    /// A pace is kept by each house for itself.
    lately: BTreeMap<(u64, String), VecDeque<Timestamp>>,
}

struct Live {
    house: u64,
    message_id: String,
    from: String,
}

struct WatchedLine {
    line: Box<dyn Line>,
    house: u64,
    number: u64,
    clock: Arc<VirtualClock>,
    message_id: String,
    attempt: u8,
    seen: Arc<Mutex<Seen>>,
}

/// The name of the trunk among the senders.
const TRUNK: &str = "";

impl Witness {
    pub(crate) fn new(sandbox: Sandbox, clock: Arc<VirtualClock>) -> Self {
        Self { house: 0, sandbox, clock, seen: Arc::default() }
    }

    /// The same for a house that is new.
    pub(crate) fn of_house(&self) -> Self {
        let mut seen = self.seen();
        seen.houses += 1;
        Self { house: seen.houses, ..self.clone() }
    }

    /// What the calls from a number are bound by; of all numbers together if none is given.
    pub(crate) fn bound(&self, from: Option<&str>, caps: Caps) {
        let mut seen = self.seen();
        match from {
            Some(from) => drop(seen.caps.insert(from.to_owned(), caps)),
            None => seen.trunk = Some(caps),
        }
    }

    /// The house has died, and its lines with it.
    pub(crate) fn house_died(&self) {
        let now = self.now();
        let mut seen = self.seen();
        seen.deaths.insert(now);
        let (its, others) = std::mem::take(&mut seen.lines)
            .into_iter()
            .partition(|(_, line)| line.house == self.house);
        seen.lines = others;
        let its: BTreeMap<u64, Live> = its;
        seen.interrupted.extend(its.into_values().map(|line| line.message_id));
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carrier for Witness {
    fn line(&self, message_id: &str, attempt: u8) -> Box<dyn Line> {
        let mut seen = self.seen();
        seen.lines_made += 1;
        Box::new(WatchedLine {
            line: self.sandbox.line(message_id, attempt),
            house: self.house,
            clock: Arc::clone(&self.clock),
            number: seen.lines_made,
            message_id: message_id.to_owned(),
            attempt,
            seen: Arc::clone(&self.seen),
        })
    }
}

impl Line for WatchedLine {
    fn order(&mut self, order: Order, now: Timestamp) {
        if let Order::Dial { leg: Leg::A, from, .. } = &order {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let line = (self.house, self.number);
            seen.dialled(line, (&self.message_id, self.attempt), from, now);
        }
        self.line.order(order, now);
    }

    fn poll(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Signal> {
        self.line.poll(now, cx)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.line.deadline()
    }
}

impl Drop for WatchedLine {
    fn drop(&mut self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.lines.remove(&self.number);
        seen.over.insert(self.message_id.clone(), self.clock.now());
    }
}

impl Seen {
    fn dialled(
        &mut self,
        (house, line): (u64, u64),
        (message, attempt): (&str, u8),
        from: &str,
        now: Timestamp,
    ) {
        let attempts = self.dials.entry(message.to_owned()).or_default();
        if let Some(before) = attempts.insert(attempt, now) {
            let fault =
                format!("{message} is dialled twice for attempt {attempt}: {before:?} {now:?}");
            self.faults.push(fault);
        }
        self.dialled_again += usize::from(self.interrupted.contains(message));
        self.sequence.push((now, from.to_owned()));
        let live = Live { house, message_id: message.to_owned(), from: from.to_owned() };
        self.lines.insert(line, live);
        for name in [TRUNK, from] {
            self.is_within_caps(house, name, now);
        }
    }

    /// The calls of an account at once are counted over all houses; what a trunk bears, and a pace,
    /// each house counts for itself.
    fn is_within_caps(&mut self, house: u64, name: &str, now: Timestamp) {
        let caps = if name == TRUNK { self.trunk } else { self.caps.get(name).copied() };
        let Some(caps) = caps else { return };
        let is_its = |line: &&Live| match name {
            TRUNK => line.house == house,
            name => line.from == name,
        };
        let at_once = self.lines.values().filter(is_its).count();
        if at_once > caps.concurrent_calls as usize {
            self.faults.push(format!("{at_once} calls at once from `{name}`: {caps:?}"));
        }
        let lately = self.lately.entry((house, name.to_owned())).or_default();
        while lately.front().is_some_and(|at| at.plus(Duration::from_secs(1)) <= now) {
            lately.pop_front();
        }
        lately.push_back(now);
        if lately.len() > caps.calls_per_second as usize {
            self.faults.push(format!("{} calls in a second from `{name}`: {caps:?}", lately.len()));
        }
    }
}

impl Witness {
    /// The instant it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
