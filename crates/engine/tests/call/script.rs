//! What calls are made of in these tests, and a call whose far end is played by hand.

use std::time::Duration;

use engine::call::{Action, Attempt, Call, Event};
use engine::carrier::{Audio, Leg, Order, Progress, Signal};
use model::cdr::Release;
use model::cdr::{Cdr, Clue, Detection, Verdict};
use model::message::Leg2;
use model::{AccountId, Message, Timestamp};

/// Monday 2026-11-23, 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A click-to-call from A to B with nothing else about it.
pub(crate) fn message(a: &str, b: &str) -> Message {
    let b = Leg2 {
        number: b.parse().unwrap(),
        shown: "38598000".into(),
        max_duration: None,
        warning_time: None,
        if_keys: Vec::new(),
    };
    Message {
        account: AccountId(1),
        bulk_id: "bulk".into(),
        message_id: "message".into(),
        asked_send_at: None,
        from: "38598000".into(),
        destination_a: a.parse().unwrap(),
        destination_b: Some(b),
        transfers: Vec::new(),
        pause: Duration::ZERO,
        prompt: None,
        keys: None,
        machine_detection: None,
        ring_timeout: secs(45),
        call_timeout: None,
        retry: None,
        window: None,
        send_at: NOON,
        valid_until: None,
        notify: None,
        callback_data: None,
        record: false,
    }
}

/// A click-to-call between two persons.
pub(crate) fn persons() -> Message {
    message("385981001", "385981002")
}

/// The same to A alone.
pub(crate) fn voice(message: Message) -> Message {
    Message { destination_b: None, ..message }
}

/// Silence of that length.
pub(crate) fn audio(seconds: u64) -> Audio {
    Audio::new(vec![0xff; usize::try_from(seconds).unwrap() * 8_000])
}

/// That was told of whoever answered.
pub(crate) fn detected(verdict: Verdict) -> Signal {
    let (clue, after) = (Clue::LongGreeting, secs(2));
    Signal::Detected(Detection { verdict, clue, after })
}

pub(crate) fn failed(code: u16) -> Progress {
    Progress::Failed(Release { code: Some(code), cause: None })
}

pub(crate) const RINGING: Progress = Progress::Ringing { early_media: false };
pub(crate) const ENDED: Progress = Progress::Ended(Release { code: None, cause: Some(16) });

/// A call, what it has ordered, and the time.
pub(crate) struct Script {
    pub(crate) now: Timestamp,
    call: Call,
    record: Option<Cdr>,
}

impl Script {
    /// Dials A.
    pub(crate) fn new(message: Message, prompt: Option<Audio>) -> Self {
        let dial = Order::Dial {
            leg: Leg::A,
            from: message.from.clone(),
            to: message.destination_a.clone(),
        };
        let call = Call::new(message, Attempt { number: 1, prompt }, NOON);
        let mut script = Self { now: NOON, call, record: None };
        assert_eq!(script.orders(), [dial]);
        script
    }

    /// A has answered; the orders that this makes.
    pub(crate) fn answered(message: Message, prompt: Option<Audio>) -> (Self, Vec<Order>) {
        let mut script = Self::new(message, prompt);
        assert_eq!(script.leg(Leg::A, RINGING), []);
        let orders = script.leg(Leg::A, Progress::Answered);
        (script, orders)
    }

    /// A and B talk.
    pub(crate) fn bridged(message: Message) -> Self {
        let (mut script, _) = Self::answered(message, None);
        assert_eq!(script.leg(Leg::B, RINGING), [Order::Ringback]);
        assert_eq!(script.leg(Leg::B, Progress::Answered), [Order::Bridge]);
        script
    }

    pub(crate) fn leg(&mut self, leg: Leg, progress: Progress) -> Vec<Order> {
        self.line(Signal::Leg(leg, progress))
    }

    pub(crate) fn line(&mut self, signal: Signal) -> Vec<Order> {
        self.event(Event::Line(signal))
    }

    pub(crate) fn event(&mut self, event: Event) -> Vec<Order> {
        self.call.handle(event, self.now);
        self.orders()
    }

    /// Moves on by `span`, minding every deadline on the way.
    pub(crate) fn wait(&mut self, span: Duration) -> Vec<Order> {
        let until = self.now.plus(span);
        let mut orders = Vec::new();
        while let Some(deadline) = self.call.deadline().filter(|at| *at <= until) {
            self.now = deadline;
            self.call.tick(deadline);
            orders.extend(self.orders());
        }
        self.now = until;
        orders
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.record.is_some()
    }

    /// Its record; it must be over.
    #[track_caller]
    pub(crate) fn record(self) -> Cdr {
        assert_eq!(self.call.deadline(), None, "a call that is over waits for nothing");
        self.record.expect("the call is over")
    }

    fn orders(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        while let Some(action) = self.call.poll() {
            assert!(self.record.is_none(), "{action:?} after the record");
            match action {
                Action::Order(order) => orders.push(order),
                Action::Finished(record) => self.record = Some(*record),
            }
        }
        orders
    }
}
