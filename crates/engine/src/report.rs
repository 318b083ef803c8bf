//! The report of a call, and what is kept beside it: made from its message, its last attempt, its
//! outcome and its tariff. Pure.

use model::cdr::{Ending, Leg, LegRecord};
use model::ladder::Ladder;
use model::message::Prompt;
use model::{Cdr, Message, Number, Outcome, Report, Timestamp};
use store::{Finished, LegUp};

use crate::rating::{Billed, BilledLeg};
use crate::tariff::Tariff;

/// How a call ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Whose doing it was.
    pub outcome: Outcome,
    /// Its last attempt.
    pub last: Last,
    /// When the outcome was known.
    pub done_at: Timestamp,
    /// Something was recorded of it.
    pub recorded: bool,
}

/// The last attempt at a message.
#[derive(Clone, Debug)]
pub enum Last {
    /// There was none. It was to be placed then.
    None {
        /// When it was due.
        due: Timestamp,
    },
    /// It had started, and its process died before it was over.
    LeftBehind(Box<Cdr>),
    /// It was over before, and is kept in the ledger already.
    Kept(Box<Cdr>),
    /// It is over.
    Over {
        /// Its record.
        cdr: Box<Cdr>,
        /// Whom it dialled as leg B.
        second: Option<Number>,
    },
}

/// The end of the call, as the ledger keeps it.
///
/// A call that was not answered has no times but when it was sent and done, costs nothing, and
/// says its rate. It is charged to the day of the account on which A answered, or it was sent.
pub fn finished(message: &Message, end: End, tariff: &Tariff) -> Finished {
    let cdr = end.last.cdr();
    let answered = cdr.map(|cdr| &cdr.leg_a).filter(|a| a.answered.is_some());
    let sent_at = end.last.sent_at().min(end.done_at);
    let at = answered.and_then(|a| a.answered).unwrap_or(sent_at);
    let a = BilledLeg {
        number: &message.destination_a,
        talked_seconds: cdr.filter(|_| answered.is_some()).map(Cdr::connected_seconds),
    };
    let priced = tariff.price(&Billed { a, b: end.last.second_leg(message), at });
    let (status, error) = end.outcome.rows(tariff.account.calling.generation);
    let report = Report {
        bulk_id: message.bulk_id.clone(),
        message_id: message.message_id.clone(),
        to: message.destination_a.to_string(),
        from: Some(message.from.clone()).filter(|from| !from.is_empty()),
        text: match &message.prompt {
            Some(Prompt::Text { text, .. }) => Some(text.clone()),
            Some(Prompt::Audio { .. }) | None => None,
        },
        callback_data: message.callback_data.clone(),
        sent_at,
        done_at: end.done_at,
        // An answer without ringing before it was the first sign of a telephone.
        start_time: answered.and_then(|a| a.ringing.or(a.answered)),
        answer_time: answered.and_then(|a| a.answered),
        end_time: answered.and_then(|a| a.ended),
        duration_seconds: a.talked_seconds.unwrap_or(0),
        file_duration: cdr.and_then(|cdr| cdr.prompt),
        mcc_mnc: priced.mcc_mnc,
        dtmf_codes: cdr.map(|cdr| commas(&cdr.keys)).unwrap_or_default(),
        recorded: end.recorded,
        price: priced.price,
        status: status.into(),
        error: error.into(),
    };
    Finished { report, cdr: end.last.into_new(), charged: priced.charged, day: tariff.day(at) }
}

impl Last {
    fn cdr(&self) -> Option<&Cdr> {
        match self {
            Self::Kept(cdr) => Some(cdr),
            Self::Over { cdr, .. } => Some(cdr),
            // How long it was answered for, nobody knows.
            Self::None { .. } | Self::LeftBehind(_) => None,
        }
    }

    fn sent_at(&self) -> Timestamp {
        match self {
            Self::None { due } => *due,
            Self::Kept(cdr) => cdr.leg_a.invite,
            Self::LeftBehind(cdr) | Self::Over { cdr, .. } => cdr.leg_a.invite,
        }
    }

    /// The leg B that it had, or would have had.
    fn second_leg<'m>(&'m self, message: &'m Message) -> Option<BilledLeg<'m>> {
        let planned = message.destination_b.as_ref().map(|b| &b.number);
        match self {
            Self::Over { cdr, second } => {
                let talked = |b: &LegRecord| b.answered.map(|_| whole_seconds(b));
                let talked_seconds = cdr.leg_b.as_ref().and_then(talked);
                let number = second.as_ref().or(planned)?;
                Some(BilledLeg { number, talked_seconds })
            }
            Self::None { .. } | Self::LeftBehind(_) | Self::Kept(_) => {
                Some(BilledLeg { number: planned?, talked_seconds: None })
            }
        }
    }

    /// The record that the ledger does not have yet.
    fn into_new(self) -> Option<Cdr> {
        match self {
            Self::Over { cdr, .. } | Self::LeftBehind(cdr) => Some(*cdr),
            Self::None { .. } | Self::Kept(_) => None,
        }
    }
}

fn whole_seconds(leg: &LegRecord) -> u32 {
    u32::try_from(leg.connected().as_secs()).unwrap_or(u32::MAX)
}

fn commas(keys: &[char]) -> String {
    let keys: Vec<String> = keys.iter().map(char::to_string).collect();
    keys.join(",")
}

/// The record of an attempt whose process died: nobody knows when its legs ended, but that they are
/// let go of now.
pub fn left_behind(attempt: u8, started_at: Timestamp, up: &[LegUp], now: Timestamp) -> Cdr {
    let leg = |which| {
        let up = up.iter().find(|up| up.leg == which);
        let answered = up.map(|up| up.at);
        LegRecord { answered, ended: Some(now), ..LegRecord::dialled(started_at) }
    };
    let has_b = up.iter().any(|up| up.leg == Leg::B);
    Cdr {
        attempt,
        outcome: Outcome::Internal,
        ending: Ending::LeftBehind,
        leg_a: leg(Leg::A),
        leg_b: has_b.then(|| leg(Leg::B)),
        keys: Vec::new(),
        detection: None,
        prompt: None,
        ladder: Ladder::default(),
    }
}
