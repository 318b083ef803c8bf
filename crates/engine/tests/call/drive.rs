//! A call on a line of the sandbox, run through in virtual time, and everything that was said.

use std::task::{Context, Poll, Waker};

use engine::call::timers::CALL_MAX;
use engine::call::{Action, Attempt, Call, Event};
use engine::carrier::{Audio, Carrier, Line, Order, Signal};
use engine::sandbox::Sandbox;
use model::cdr::Cdr;
use model::{Message, Timestamp};

use crate::script::NOON;

/// What was said between a call and its surroundings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Ordered(Order),
    Happened(Event),
    Finished,
}

/// A call that is over.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) record: Cdr,
    pub(crate) trace: Vec<(Timestamp, Said)>,
}

struct Drive {
    call: Call,
    line: Box<dyn Line>,
    now: Timestamp,
    trace: Vec<(Timestamp, Said)>,
    records: Vec<Cdr>,
}

/// Runs it to the end and beyond: `strays`, in order of time, happen besides what the line tells.
pub(crate) fn run(
    message: Message,
    prompt: Option<Audio>,
    sandbox: &Sandbox,
    strays: &[(Timestamp, Event)],
) -> Run {
    let line = sandbox.line(&message.message_id, 1);
    let call = Call::new(message, Attempt { number: 1, prompt }, NOON);
    let mut drive = Drive { call, line, now: NOON, trace: Vec::new(), records: Vec::new() };
    let mut strays = strays.iter().peekable();
    drive.drain();
    loop {
        let next_stray = strays.peek().map(|(at, _)| *at);
        let deadlines = [drive.line.deadline(), next_stray, drive.call.deadline()];
        let Some(next) = deadlines.into_iter().flatten().min() else { break };
        drive.now = drive.now.max(next);
        if let Some(signal) = drive.signal() {
            drive.happens(Event::Line(signal));
        } else if let Some((_, event)) = strays.next_if(|(at, _)| *at <= drive.now) {
            drive.happens(*event);
        } else {
            drive.call.tick(drive.now);
            drive.drain();
            let deadline = drive.call.deadline();
            assert!(deadline.is_none_or(|at| drive.now < at), "time does not pass at {deadline:?}");
        }
    }
    assert_eq!(drive.records.len(), 1, "one record for each call");
    Run { record: drive.records.remove(0), trace: drive.trace }
}

impl Drive {
    fn signal(&mut self) -> Option<Signal> {
        match self.line.poll(self.now, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(signal) => Some(signal),
            Poll::Pending => None,
        }
    }

    fn happens(&mut self, event: Event) {
        self.trace.push((self.now, Said::Happened(event)));
        self.call.handle(event, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.call.poll() {
            let said = match action {
                Action::Order(order) => {
                    self.line.order(order.clone(), self.now);
                    Said::Ordered(order)
                }
                Action::Finished(record) => {
                    self.records.push(*record);
                    Said::Finished
                }
            };
            self.trace.push((self.now, said));
        }
        let deadline = self.call.deadline();
        assert_eq!(deadline.is_none(), !self.records.is_empty(), "it waits until it is over");
        assert!(deadline <= Some(self.now.plus(CALL_MAX)), "it waits without a bound");
    }
}
