//! Calls to put on a stage: messages, attempts, ends, and the steps between them.

use std::time::Duration;

use ::model::ladder::{self, Ladder};
use ::model::message::{Draft, Leg2, Prompt};
use ::model::{AccountId, Cdr, Message, Outcome, Timestamp, cdr};

use super::{Open, START, Stage, report};
use crate::{Finished, LeaseAsk, Leased, Share, Started, Submission, Submitted, Work};

/// How long the leases of the scenarios last.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// The day of the scenarios.
pub(super) const DAY: i32 = 20_833;

/// A message to be placed at once, with almost everything in it.
pub fn message(bulk: &str, message: &str) -> Message {
    Message {
        account: AccountId(0),
        bulk_id: bulk.to_owned(),
        message_id: message.to_owned(),
        from: "385922222222".to_owned(),
        destination_a: "385911111111".parse().expect("a number"),
        destination_b: Some(Leg2 {
            number: "+00385".parse().expect("a number"),
            shown: "385922222222".to_owned(),
            max_duration: Some(Duration::from_secs(600)),
            warning_time: None,
            if_keys: Vec::new(),
        }),
        transfers: Vec::new(),
        pause: Duration::from_millis(1_500),
        prompt: Some(Prompt::Audio { url: "https://shop.example/hello.wav".to_owned() }),
        keys: None,
        machine_detection: None,
        ring_timeout: Duration::from_secs(45),
        call_timeout: None,
        retry: None,
        window: None,
        asked_send_at: None,
        send_at: START,
        valid_until: None,
        notify: None,
        record: false,
        callback_data: Some("order 7".to_owned()),
    }
}

/// The message, as a draft that is not refused.
pub fn draft(message: Message) -> Draft {
    Draft {
        message_id: message.message_id.clone(),
        to: message.destination_a.digits().to_owned(),
        verdict: Ok(message),
    }
}

/// The messages, without a key.
pub fn submission(bulk: &str, messages: Vec<Message>) -> Submission {
    Submission {
        bulk_id: bulk.to_owned(),
        drafts: messages.into_iter().map(draft).collect(),
        key: None,
        waiting_max: u64::MAX,
    }
}

/// An attempt that ended as `outcome`.
pub fn cdr(attempt: u8, outcome: Outcome) -> Cdr {
    let leg = cdr::LegRecord {
        ringing: Some(START),
        ended: Some(START.plus(Duration::from_secs(20))),
        release: cdr::Release { code: Some(486), cause: Some(17) },
        outcome,
        ..cdr::LegRecord::dialled(START)
    };
    Cdr {
        attempt,
        outcome,
        ending: cdr::Ending::NotReached,
        leg_a: leg,
        leg_b: None,
        keys: vec!['1', '#'],
        detection: None,
        prompt: Some(Duration::from_micros(1_234_567)),
        ladder: Ladder::default(),
    }
}

/// A ladder of two messages, and one that there was no room for.
pub(super) fn ladder() -> Ladder {
    let entry = |sent, text: &str| ladder::Entry {
        at: START,
        leg: cdr::Leg::B,
        sent,
        local: "192.0.2.1:5060".parse().expect("an address"),
        remote: "[2001:db8::1]:5061".parse().expect("an address"),
        transport: ladder::Transport::Tls,
        text: text.into(),
    };
    let entries = vec![entry(true, "INVITE sip:1@trunk SIP/2.0"), entry(false, "SIP/2.0 200 OK")];
    Ladder { entries, dropped: 1 }
}

/// The end of a call at that price.
pub fn finished(bulk: &str, message: &str, total: &str) -> Finished {
    let charged = cdr::Charged {
        deck: Some("retail".to_owned()),
        total: total.parse().expect("an amount"),
        billed_seconds: 60,
        line_a: Some(cdr::RateLine { line: 7, text: "385 0.010 60/60".to_owned() }),
        line_b: None,
    };
    Finished { report: report(bulk, message), cdr: Some(cdr(1, Outcome::Busy)), charged, day: DAY }
}

impl<O: Open> Stage<'_, O> {
    pub(super) async fn submit(&self, bulk: &str, messages: &[&str]) -> Submitted {
        let messages = messages.iter().map(|id| message(bulk, id)).collect();
        self.submit_as(submission(bulk, messages)).await
    }

    pub(super) async fn submit_as(&self, submission: Submission) -> Submitted {
        self.ledger.submit(self.account, submission).await.expect("a submission")
    }

    /// Leases everything there is.
    pub(super) async fn lease(&self) -> Work {
        self.lease_most(usize::MAX, u64::MAX).await
    }

    pub(super) async fn lease_most(&self, most: usize, under_way_max: u64) -> Work {
        let share = Share { account: self.account, most, under_way_max };
        let until = self.now().plus(LEASE);
        let ask = LeaseAsk { shares: vec![share], closing_max: usize::MAX, until };
        self.ledger.lease(ask).await.expect("leases")
    }

    pub(super) fn now(&self) -> Timestamp {
        use ::model::Clock;
        self.clock.now()
    }

    pub(super) async fn start(&self, leased: &Leased) -> crate::Result<()> {
        let attempt = leased.call.cdrs.len() as u8 + 1;
        self.ledger.start(leased.lease, Started { attempt, at: self.now() }).await
    }

    /// Gives it back as it was.
    pub(super) async fn release(&self, leased: &Leased) -> crate::Result<()> {
        self.ledger.release(leased.lease, leased.call.due).await
    }

    pub(super) async fn finish(&self, leased: &Leased) -> crate::Result<()> {
        let message = &leased.call.message;
        let finished = finished(&message.bulk_id, &message.message_id, "0.25");
        self.ledger.finish(leased.lease, finished).await
    }
}

/// The names of the calls.
pub(super) fn names(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|leased| leased.call.message.message_id.as_str()).collect()
}

/// Asks for the calls of nobody.
pub(super) fn nobody(until: Timestamp) -> LeaseAsk {
    LeaseAsk { shares: Vec::new(), closing_max: usize::MAX, until }
}
