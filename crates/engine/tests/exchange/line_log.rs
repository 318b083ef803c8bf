//! The sandbox, and a log of every line and of what was dialled on it. Its legs outlive their process,
//! and its people can be recorded.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use engine::carrier::{Carrier, Leg, LegRemains, Line, Order, Remains, Signal};
use engine::sandbox::Sandbox;
use model::ladder::Ladder;
use model::{Clock, Timestamp};
use testkit::VirtualClock;

/// A line, from its making to its end.
#[derive(Clone, Debug)]
pub(crate) struct Lined {
    pub(crate) message_id: String,
    pub(crate) attempt: u8,
    pub(crate) dialled: Vec<(Leg, String, Timestamp)>,
    pub(crate) from: Timestamp,
    pub(crate) to: Option<Timestamp>,
}

/// The sandbox, watched.
pub(crate) struct LineLog {
    sandbox: Sandbox,
    clock: Arc<VirtualClock>,
    lines: Arc<Mutex<Vec<Lined>>>,
    cleared: Mutex<Vec<String>>,
}

struct Watched {
    line: Box<dyn Line>,
    clock: Arc<VirtualClock>,
    place: usize,
    name: String,
    /// What was recorded and is to be told, and the last of it.
    recorded: Option<&'static str>,
    last: Option<&'static str>,
    is_told: bool,
    lines: Arc<Mutex<Vec<Lined>>>,
}

impl LineLog {
    pub(crate) fn new(sandbox: Sandbox, clock: Arc<VirtualClock>) -> Self {
        Self { sandbox, clock, lines: Arc::default(), cleared: Mutex::default() }
    }

    /// Every line so far.
    pub(crate) fn lines(&self) -> Vec<Lined> {
        self.lines.lock().unwrap().clone()
    }

    /// The legs of former processes that were hung up.
    pub(crate) fn cleared(&self) -> Vec<String> {
        self.cleared.lock().unwrap().clone()
    }

    /// When A was dialled, for every attempt at every message.
    pub(crate) fn dialled_a(&self) -> Vec<(String, Timestamp)> {
        let lines = self.lines();
        let of_a = |line: &Lined| {
            let dials = line.dialled.iter().filter(|(leg, ..)| *leg == Leg::A);
            dials.map(|(_, _, at)| (line.message_id.clone(), *at)).collect::<Vec<_>>()
        };
        lines.iter().flat_map(of_a).collect()
    }

    /// The most lines that there were at once.
    pub(crate) fn most_at_once(&self, is_counted: impl Fn(&Lined) -> bool) -> usize {
        let lines: Vec<Lined> = self.lines().into_iter().filter(is_counted).collect();
        let is_up =
            |line: &&Lined, at: Timestamp| line.from <= at && line.to.is_none_or(|to| at < to);
        lines
            .iter()
            .map(|at| lines.iter().filter(|line| is_up(line, at.from)).count())
            .max()
            .unwrap_or(0)
    }

    /// The most calls whose A was dialled within one second.
    pub(crate) fn most_in_a_second(&self, is_counted: impl Fn(&str) -> bool) -> usize {
        let dialled = self.dialled_a();
        let times: Vec<Timestamp> =
            dialled.iter().filter(|(id, _)| is_counted(id)).map(|(_, at)| *at).collect();
        let within = |from: Timestamp| {
            times.iter().filter(|at| from <= **at && at.since(from).as_millis() < 1_000).count()
        };
        times.iter().map(|from| within(*from)).max().unwrap_or(0)
    }
}

#[async_trait]
impl Carrier for LineLog {
    fn line(&self, message_id: &str, attempt: u8) -> Box<dyn Line> {
        let line = self.sandbox.line(message_id, attempt);
        let mut lines = self.lines.lock().unwrap();
        let name = format!("{message_id}/{attempt}");
        let (message_id, from) = (message_id.to_owned(), self.clock.now());
        lines.push(Lined { message_id, attempt, dialled: Vec::new(), from, to: None });
        let (clock, place) = (Arc::clone(&self.clock), lines.len() - 1);
        let lines = Arc::clone(&self.lines);
        let (recorded, last, is_told) = (None, None, false);
        Box::new(Watched { line, clock, place, name, recorded, last, is_told, lines })
    }

    async fn hang_up_left_behind(&self, dialog: &[u8]) {
        self.cleared.lock().unwrap().push(String::from_utf8(dialog.to_vec()).unwrap());
    }
}

impl Line for Watched {
    fn order(&mut self, order: Order, now: Timestamp) {
        if let Order::Dial { leg, to, .. } = &order {
            let dial = (*leg, to.to_string(), now);
            self.lines.lock().unwrap()[self.place].dialled.push(dial);
        }
        if let Order::Record = order {
            (self.recorded, self.last) = (Some("first"), Some("last"));
        }
        self.line.order(order, now);
    }

    fn poll(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Signal> {
        if self.recorded.is_some() && !self.is_told {
            self.is_told = true;
            return Poll::Ready(Signal::Recorded);
        }
        self.line.poll(now, cx)
    }

    fn dialog(&self, leg: Leg) -> Option<Vec<u8>> {
        Some(format!("{}/{leg:?}", self.name).into_bytes())
    }

    fn recorded(&mut self) -> Option<Vec<u8>> {
        self.recorded.take().map(|recorded| recorded.as_bytes().to_vec())
    }

    fn poll_remains(&mut self, _: &mut Context<'_>) -> Poll<Remains> {
        self.recorded = self.last.take();
        let leg = |trunk: &str| LegRemains { trunk: Some(trunk.into()), quality: None };
        Poll::Ready(Remains { a: leg("north"), b: leg("south"), ladder: Ladder::default() })
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.line.deadline()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.lines.lock().unwrap()[self.place].to = Some(self.clock.now());
    }
}
