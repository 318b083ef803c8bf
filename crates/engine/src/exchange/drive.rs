//! Drives a call on a line: what the line tells and what time it is go into the call, what the
//! call wants goes to the line, until the call is over.

use std::future::poll_fn;

use model::cdr::LegRecord;
use model::{Cdr, Number, Outcome};
use tokio::sync::watch;

use super::notes::Notes;
use super::running::Told;
use super::{Phase, hear};
use crate::call::{Action, Call, Event};
use crate::carrier::{Leg, LegRemains, Line, Order, Progress, Remains, Signal};
use crate::time::Time;

/// What may end a call besides itself.
#[derive(Clone)]
pub(super) struct Ends {
    /// What it is told.
    pub(super) told: watch::Receiver<Told>,
    /// How far the exchange is.
    pub(super) phase: watch::Receiver<Phase>,
}

impl Ends {
    /// What the call is that ends before it was dialled; none if it may be.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        if *self.told.borrow() == Told::Cancelled {
            return Some(Outcome::Cancelled);
        }
        (*self.phase.borrow() == Phase::Ending).then_some(Outcome::Internal)
    }
}

/// A call that is over.
pub(super) struct Over {
    pub(super) cdr: Box<Cdr>,
    /// Whom it dialled as leg B.
    pub(super) second: Option<Number>,
    /// How many bytes were recorded of it.
    pub(super) recorded: u64,
}

/// Drives the call to its end. If it is dropped before, so is the line, and with it every leg; so
/// it is when its lease is lost, because somebody else reports it as over. None then.
pub(super) async fn drive(
    mut call: Call,
    mut line: Box<dyn Line>,
    time: &Time,
    mut ends: Ends,
    mut notes: Notes<'_>,
) -> Option<Over> {
    let (mut second, mut cancelled) = (None, ends.told.clone());
    let (mut is_cancelled, mut is_drained) = (false, false);
    loop {
        while let Some(action) = call.poll() {
            match action {
                Action::Order(order) => {
                    if let Order::Dial { leg: Leg::B, to, .. } = &order {
                        second = Some(to.clone());
                    }
                    line.order(order, time.now());
                }
                Action::Finished(cdr) => {
                    let cdr = with_remains(cdr, poll_fn(|cx| line.poll_remains(cx)).await);
                    notes.record(line.recorded());
                    let recorded = notes.write_all().await;
                    return Some(Over { cdr, second, recorded });
                }
            }
        }
        let deadline = call.deadline().into_iter().chain(line.deadline()).min();
        let signal = poll_fn(|cx| line.poll(time.now(), cx));
        tokio::select! {
            biased;
            signal = signal => {
                match signal {
                    Signal::Leg(leg, Progress::Answered) => notes.leg_up(leg, line.dialog(leg)),
                    Signal::Recorded => notes.record(line.recorded()),
                    _ => {}
                }
                call.handle(Event::Line(signal), time.now());
            }
            () = hear(&mut ends.told, |told| *told == Told::Lost) => return None,
            () = hear(&mut cancelled, |told| *told == Told::Cancelled), if !is_cancelled => {
                is_cancelled = true;
                call.handle(Event::Cancel, time.now());
            }
            () = hear(&mut ends.phase, |phase| *phase == Phase::Ending), if !is_drained => {
                is_drained = true;
                call.handle(Event::Drain, time.now());
            }
            _ = notes.write() => {}
            () = time.until_any(deadline) => call.tick(time.now()),
        }
    }
}

/// The record, with what the line knows beside what it has told.
fn with_remains(mut cdr: Box<Cdr>, remains: Remains) -> Box<Cdr> {
    let put = |record: &mut LegRecord, LegRemains { trunk, quality }: LegRemains| {
        (record.trunk, record.quality) = (trunk, quality);
    };
    put(&mut cdr.leg_a, remains.a);
    if let Some(leg_b) = &mut cdr.leg_b {
        put(leg_b, remains.b);
    }
    cdr.ladder = remains.ladder;
    cdr
}
