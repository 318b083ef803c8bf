//! What a message says of its call, but for whom it calls; and the verdict on it.

use std::time::Duration;

use model::catalogue::{StatusRow, status};
use model::limits::ID_BYTES_MAX;
use model::message::{DeliveryWindow, Keys, Leg2, MachineDetection, Notify, Prompt, Retry};
use model::number::NumberError;
use model::{Message, Number, Timestamp};

use super::object::Object;
use super::{Bulk, Draft};

/// How long A may ring, if the request does not say.
const RING_TIMEOUT: Duration = Duration::from_secs(45);
/// What is kept of a destination that is no number, in characters.
const SHOWN_CHARS_MAX: usize = 64;

/// What a message says of its call, but for whom it calls.
pub(super) struct Call {
    pub(super) from: String,
    pub(super) transfers: Vec<Leg2>,
    pub(super) pause: Duration,
    pub(super) prompt: Option<Prompt>,
    pub(super) keys: Option<Keys>,
    pub(super) machine_detection: Option<MachineDetection>,
    pub(super) ring_timeout: Duration,
    pub(super) call_timeout: Option<Duration>,
    pub(super) retry: Option<Retry>,
    pub(super) window: Option<DeliveryWindow>,
    pub(super) send_at: Option<Timestamp>,
    pub(super) validity: Option<Duration>,
    pub(super) notify: Option<Notify>,
    pub(super) callback_data: Option<String>,
    pub(super) record: bool,
}

impl Call {
    /// A call from that number with nothing asked for.
    pub(super) fn plain(from: String) -> Self {
        Self {
            from,
            transfers: Vec::new(),
            pause: Duration::ZERO,
            prompt: None,
            keys: None,
            machine_detection: None,
            ring_timeout: RING_TIMEOUT,
            call_timeout: None,
            retry: None,
            window: None,
            send_at: None,
            validity: None,
            notify: None,
            callback_data: None,
            record: false,
        }
    }

    /// The message with that id for these destinations.
    pub(super) fn message(
        &self,
        bulk: &Bulk<'_, '_>,
        message_id: String,
        (destination_a, destination_b): (Number, Option<Leg2>),
    ) -> Message {
        let now = bulk.terms.now;
        // A time that has passed means at once.
        let send_at = self.send_at.map_or(now, |at| at.max(now));
        Message {
            account: bulk.terms.account,
            bulk_id: bulk.id.clone(),
            message_id,
            from: self.from.clone(),
            destination_a,
            destination_b,
            transfers: self.transfers.clone(),
            pause: self.pause,
            prompt: self.prompt.clone(),
            keys: self.keys.clone(),
            machine_detection: self.machine_detection,
            ring_timeout: self.ring_timeout,
            call_timeout: self.call_timeout,
            retry: self.retry,
            window: self.window,
            asked_send_at: self.send_at,
            send_at,
            valid_until: self.validity.map(|validity| send_at.plus(validity)),
            notify: self.notify.clone(),
            callback_data: self.callback_data.clone(),
            record: self.record,
        }
    }
}

/// Whether a message stands, or the status that refuses it.
#[derive(Clone, Copy, Default)]
pub(super) struct Verdict(Option<StatusRow>);

impl Verdict {
    /// Refuses the message. Of several reasons the one with the lowest id is told.
    pub(super) fn refuse(&mut self, row: StatusRow) {
        if self.0.is_none_or(|told| row.id < told.id) {
            self.0 = Some(row);
        }
    }

    /// The value, unless there is a reason against it.
    pub(super) fn stands<T>(self, value: Option<T>) -> Result<T, StatusRow> {
        match (self.0, value) {
            (None, Some(value)) => Ok(value),
            (Some(row), _) => Err(row),
            // What is not there has a fault, so nobody will see this.
            (None, None) => Err(status::REJECTED),
        }
    }
}

/// A destination as it was written, and the number that it is.
pub(super) struct Destination {
    pub(super) shown: String,
    pub(super) number: Result<Number, StatusRow>,
}

impl Destination {
    pub(super) fn of(text: Option<&str>) -> Self {
        let number = text.unwrap_or_default().parse::<Number>().map_err(|error| match error {
            NumberError::Empty => status::MISSING_TO,
            NumberError::Character | NumberError::Length => status::REJECTED_DESTINATION_INVALID,
        });
        let shown = match &number {
            Ok(number) => number.to_string(),
            Err(_) => text.unwrap_or_default().chars().take(SHOWN_CHARS_MAX).collect(),
        };
        Self { shown, number }
    }

    /// The number; what is none refuses the message.
    pub(super) fn judge(&self, verdict: &mut Verdict) -> Option<Number> {
        self.number.clone().map_err(|row| verdict.refuse(row)).ok()
    }
}

/// The message's own id, or a new one.
pub(super) fn message_id(object: &Object<'_>, bulk: &mut Bulk<'_, '_>) -> String {
    let own = object.line("messageId", ID_BYTES_MAX).map(str::to_owned);
    own.unwrap_or_else(|| (bulk.terms.fresh_id)())
}

/// The draft of one message.
pub(super) fn draft(
    bulk: &Bulk<'_, '_>,
    message_id: String,
    to: Destination,
    call: Result<(&Call, Option<Leg2>), StatusRow>,
) -> Draft {
    // The destination's own statuses are the lowest.
    let verdict = to.number.and_then(|a| {
        let (call, b) = call?;
        Ok(call.message(bulk, message_id.clone(), (a, b)))
    });
    Draft { message_id, to: to.shown, verdict }
}
