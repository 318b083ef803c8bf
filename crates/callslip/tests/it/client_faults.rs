//! The gate: everyday HTTP clients lose an answer, each in every way, and go on as they would.
//!
//! In the end the application has every report; none is silently lost, and none that it had whole
//! comes again.

mod node;

use std::fmt::Write as _;
use std::sync::{Condvar, Mutex, Once};
use std::thread;

use serde_json::Value;
use testkit::clients::{self, Answer, Client};
use testkit::wire::{Fault, Middle, Plan, Wire};

use crate::ledger::{self, Kind, on_both_engines};
use crate::server::TestDir;
use node::{Doomed, FED, Node, RUNTIME, Size};

/// Bytes that a cut keeps from the client: more than a last chunk, so that some are the body's.
const CUT: usize = 20;

const FAULTS: [(&str, Fault); 3] =
    [("closed", Fault::Close), ("stalled", Fault::Stall), ("cut", Fault::CutShort { bytes: CUT })];
const RESET: (&str, Fault) = ("reset", Fault::Reset);

/// One way to lose an answer.
#[derive(Clone, Copy)]
struct Cell {
    kind: Kind,
    client: Client,
    fault: (&'static str, Fault),
    middle: Middle,
    /// Whether the server is killed as well: between commit and answer, or, when the answer is
    /// cut, in the middle of it.
    killed: bool,
}

/// What became of it.
struct Outcome {
    cell: Cell,
    /// Requests that the client made for the one that the application asked for.
    requests: u64,
    /// What the application was told.
    told: Answer,
    /// The reports that the application has from it.
    first: Vec<String>,
    /// Those that came with later requests.
    later: Vec<String>,
}

/// What is left of the scene, in the order that it is cleared away.
struct Scene {
    _wire: Wire,
    node: Node,
    _place: ledger::Place,
    _dir: TestDir,
}

on_both_engines!(
    every_client_has_every_report_after_its_next_requests,
    with_a_key_every_client_gets_its_answer_again_byte_for_byte,
    behind_a_proxy_and_without_a_key_a_lost_answer_stays_lost,
    behind_a_proxy_a_key_gets_the_lost_answer_again,
);

fn every_client_has_every_report_after_its_next_requests(kind: Kind) {
    let mut cells = [cells(kind, Middle::Cable, false), cells(kind, Middle::Cable, true)].concat();
    cells.extend(cells_of(kind, Middle::Cable, false, &[RESET]));
    judge(each(cells, lose_and_go_on), "every report, once", |outcome| {
        sorted([&outcome.first[..], &outcome.later].concat()) == FED
    });
}

fn with_a_key_every_client_gets_its_answer_again_byte_for_byte(kind: Kind) {
    let cells = [cells(kind, Middle::Cable, false), cells(kind, Middle::Cable, true)].concat();
    judge(
        each(cells, lose_and_repeat),
        "the first two under the key, then the others",
        |outcome| outcome.first == FED[..2] && outcome.later == FED[2..],
    );
}

/// A proxy that has read the answer has received it, as far as the server can know. This, and the
/// next, is what `docs/one-time.md` says of proxies.
fn behind_a_proxy_and_without_a_key_a_lost_answer_stays_lost(kind: Kind) {
    let outcomes = each(cells(kind, Middle::Proxy, false), lose_and_go_on);
    judge(outcomes, "the first two lost and no more", |outcome| {
        sorted([&outcome.first[..], &outcome.later].concat()) == FED[2..]
    });
}

fn behind_a_proxy_a_key_gets_the_lost_answer_again(kind: Kind) {
    let outcomes = each(cells(kind, Middle::Proxy, false), lose_and_repeat);
    judge(outcomes, "the first two under the key, then the others", |outcome| {
        outcome.first == FED[..2] && outcome.later == FED[2..]
    });
}

fn cells(kind: Kind, middle: Middle, killed: bool) -> Vec<Cell> {
    cells_of(kind, middle, killed, &FAULTS)
}

fn cells_of(
    kind: Kind,
    middle: Middle,
    killed: bool,
    faults: &[(&'static str, Fault)],
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for client in clients::ALL {
        cells.extend(faults.iter().map(|&fault| Cell { kind, client, fault, middle, killed }));
    }
    cells
}

/// Prints the table, and fails if some row of it is not as expected.
fn judge(outcomes: Vec<Outcome>, expect: &str, is_expected: impl Fn(&Outcome) -> bool) {
    let mut wrong = String::new();
    for outcome in outcomes {
        let row = outcome.row();
        println!("{row}");
        if !is_expected(&outcome) {
            let _ = write!(wrong, "\n{row}");
        }
    }
    assert!(wrong.is_empty(), "not {expect}:{wrong}");
}

/// An ordinary request whose answer is lost, and then more of them.
fn lose_and_go_on(cell: Cell) -> Outcome {
    let (mut outcome, scene) = lose(cell, None);
    let next = ask_again(cell.client, &scene.node, None);
    outcome.later = ids(&next);
    outcome.later.extend(scene.node.drain(0));
    outcome
}

/// A request with a key whose answer is lost, and then the same again, and then others.
fn lose_and_repeat(cell: Cell) -> Outcome {
    let key = Some("monday 9:00");
    let (mut outcome, scene) = lose(cell, key);
    let node = &scene.node;
    let again = ask_again(cell.client, node, key);
    if outcome.told.ok && !outcome.first.is_empty() {
        assert_eq!(outcome.told.body, again.body, "{}", cell.name());
    }
    outcome.first = ids(&again);
    let reserved = outcome.first.len() as u64;
    outcome.later = node.drain(reserved);
    let once_more = node.get("/tts/3/reports?limit=2", key);
    assert_eq!(once_more.text(), again.body, "{}", cell.name());
    outcome
}

/// Makes the client's first request over the broken wire. Gives the server that is there after it.
/// A machine too busy to answer in the client's two seconds is no fault of either; then all of it is
/// done again.
fn lose(cell: Cell, key: Option<&str>) -> (Outcome, Scene) {
    let lost = (0..4).find_map(|_| try_to_lose(cell, key));
    lost.unwrap_or_else(|| panic!("{}: the fault struck", cell.name()))
}

/// None if the client gave up before there was an answer to lose.
fn try_to_lose(cell: Cell, key: Option<&str>) -> Option<(Outcome, Scene)> {
    let dir = TestDir::new();
    let place = ledger::Place::new(cell.kind, &dir.path().join("ledger"));
    let in_the_middle = cell.killed && matches!(cell.fault.1, Fault::CutShort { .. });
    let plan = Plan::new(cell.middle, [cell.fault.1]);
    let (wire, told, node);
    if cell.killed {
        let doomed = Doomed::start(&place, !in_the_middle);
        let plan = if in_the_middle {
            let killer = doomed.clone();
            let fault = Fault::CutAfter { bytes: 100 };
            Plan::new(cell.middle, [fault]).narrow().when_struck(move || killer.kill())
        } else {
            plan
        };
        wire = RUNTIME.block_on(Wire::between(doomed.address, plan)).unwrap();
        told = cell.client.ask(&wire.base_url(), key).unwrap();
        if in_the_middle && wire.faults() == 0 {
            return None;
        }
        doomed.buried();
        node = Node::open(&place, Size::Short);
    } else {
        node = Node::open(&place, Size::Short);
        wire = RUNTIME.block_on(Wire::between(node.address(), plan)).unwrap();
        told = cell.client.ask(&wire.base_url(), key).unwrap();
    }
    if wire.faults() == 0 {
        return None;
    }
    assert_eq!(wire.faults(), 1, "{}: the fault struck", cell.name());
    let first = ids(&told);
    let requests = wire.requests();
    let outcome = Outcome { cell, requests, told, first, later: Vec::new() };
    Some((outcome, Scene { _wire: wire, node, _place: place, _dir: dir }))
}

/// The client's next request, straight to the server. A machine too busy to answer it in the
/// client's two seconds is no fault of either, so it may be made again.
fn ask_again(client: Client, node: &Node, key: Option<&str>) -> Answer {
    let ask = || client.ask(&node.base_url(), key).unwrap();
    let answer = ask();
    if answer.ok { answer } else { ask() }
}

/// The message ids of a body that is whole; the application has nothing of any other.
fn ids(answer: &Answer) -> Vec<String> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let results = body["results"].as_array().filter(|_| answer.ok);
    let ids = results.into_iter().flatten().filter_map(|report| report["messageId"].as_str());
    ids.map(str::to_owned).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

impl Cell {
    fn name(&self) -> String {
        let server = if self.killed { "server killed" } else { "server stays" };
        format!("{:20} {:8} {server} {:?}", self.client.name, self.fault.0, self.middle)
    }
}

impl Outcome {
    fn row(&self) -> String {
        let told = match (self.told.ok, serde_json::from_str::<Value>(&self.told.body).is_ok()) {
            (true, true) => "success".to_owned(),
            (true, false) => "success, cut short".to_owned(),
            (false, _) => format!("error: {:.60}", self.told.error),
        };
        format!(
            "{} | {} request(s) | {told} | first {:?}, later {:?}",
            self.cell.name(),
            self.requests,
            self.first,
            self.later
        )
    }
}

/// Does the work for each cell, several at a time: most of them wait for a client to give up.
fn each(cells: Vec<Cell>, work: fn(Cell) -> Outcome) -> Vec<Outcome> {
    static COMPILED: Once = Once::new();
    COMPILED.call_once(|| clients::compile().unwrap());
    let work = |cell| {
        let _place = Place::take();
        work(cell)
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            cells.into_iter().map(|cell| scope.spawn(move || work(cell))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// One of the places for cells under way, shared by the tests that run at the same time.
struct Place;

static PLACES: (Mutex<usize>, Condvar) = (Mutex::new(8), Condvar::new());

impl Place {
    fn take() -> Self {
        let (free, freed) = &PLACES;
        *freed.wait_while(free.lock().unwrap(), |free| *free == 0).unwrap() -= 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *PLACES.0.lock().unwrap() += 1;
        PLACES.1.notify_one();
    }
}
