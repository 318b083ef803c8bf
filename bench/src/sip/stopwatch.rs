//! A carrier that notes how long its legs take, as the call sees them: from the order to dial until
//! the answer is told, and from the first dialling until the two are joined.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use async_trait::async_trait;
use engine::carrier::{Carrier, Leg, Line, Order, Progress, Remains, Signal};
use model::Timestamp;

use crate::table::quantile;

/// Microseconds.
#[derive(Default)]
pub(super) struct Times {
    answered: Vec<f64>,
    bridged: Vec<f64>,
}

/// The carrier.
pub(super) struct Stopwatch<C> {
    carrier: C,
    times: Arc<Mutex<Times>>,
}

struct Timed {
    line: Box<dyn Line>,
    times: Arc<Mutex<Times>>,
    dialled: [Option<Instant>; 2],
}

impl<C> Stopwatch<C> {
    pub(super) fn new(carrier: C) -> Self {
        Self { carrier, times: Arc::default() }
    }

    /// p50 and p99 until a leg is answered, and until a call is joined; and how many were.
    pub(super) fn read(&self) -> String {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let of =
            |samples: &[f64]| format!("{} {}", quantile(samples, 0.5), quantile(samples, 0.99));
        format!("{} {} {}", of(&times.answered), of(&times.bridged), times.bridged.len())
    }
}

#[async_trait]
impl<C: Carrier> Carrier for Stopwatch<C> {
    fn line(&self, message_id: &str, attempt: u8) -> Box<dyn Line> {
        let line = self.carrier.line(message_id, attempt);
        Box::new(Timed { line, times: Arc::clone(&self.times), dialled: [None; 2] })
    }

    async fn hang_up_left_behind(&self, dialog: &[u8]) {
        self.carrier.hang_up_left_behind(dialog).await;
    }
}

impl Timed {
    fn note(&self, leg: Leg, of: fn(&mut Times) -> &mut Vec<f64>) {
        let Some(dialled) = self.dialled[leg as usize] else { return };
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        of(&mut times).push(dialled.elapsed().as_secs_f64() * 1e6);
    }
}

impl Line for Timed {
    fn order(&mut self, order: Order, now: Timestamp) {
        match &order {
            Order::Dial { leg, .. } => self.dialled[*leg as usize] = Some(Instant::now()),
            Order::Bridge => self.note(Leg::A, |times| &mut times.bridged),
            _ => {}
        }
        self.line.order(order, now);
    }

    fn poll(&mut self, now: Timestamp, cx: &mut Context<'_>) -> Poll<Signal> {
        let signal = self.line.poll(now, cx);
        if let Poll::Ready(Signal::Leg(leg, Progress::Answered)) = signal {
            self.note(leg, |times| &mut times.answered);
        }
        signal
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.line.deadline()
    }

    fn dialog(&self, leg: Leg) -> Option<Vec<u8>> {
        self.line.dialog(leg)
    }

    fn recorded(&mut self) -> Option<Vec<u8>> {
        self.line.recorded()
    }

    fn poll_remains(&mut self, cx: &mut Context<'_>) -> Poll<Remains> {
        self.line.poll_remains(cx)
    }
}
