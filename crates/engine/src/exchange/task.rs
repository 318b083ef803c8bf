//! A call task: one leased call, from its lease to what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use model::message::Prompt;
use model::{Message, Outcome, Timestamp};
use store::{LeaseId, Leased, Started, StoreError};

use super::drive::{Ends, Over, drive};
use super::insist::{Became, insist};
use super::notes::Notes;
use super::places::Place;
use super::running::Told;
use super::{Phase, Shared, hear};
use crate::call::{Attempt, Call};
use crate::carrier::Audio;
use crate::report::{End, Last, finished, left_behind};
use crate::retry::{first_attempt, next_attempt};
use crate::tariff::Tariff;

/// How long a call is put off when the ledger cannot say whether it may begin.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A leased call that is to be placed.
pub(super) struct Task {
    pub(super) shared: Arc<Shared>,
    pub(super) leased: Leased,
    pub(super) tariff: Tariff,
    pub(super) place: Place,
    pub(super) ends: Ends,
}

/// Why a call is not placed.
enum Unplaced {
    /// It is to be placed then.
    Later(Timestamp),
    /// Never: that is its outcome.
    Never(Outcome),
    /// Not by this process: its lease is lost.
    Lost,
}

impl Task {
    /// Runs it. If it is dropped on the way, nothing is left up; what had started is closed once
    /// its lease has ended.
    pub(super) async fn run(mut self) {
        let called_off = called_off(self.ends.clone(), self.leased.call.due);
        let ready = tokio::select! {
            biased;
            why_not = called_off => Err(why_not),
            ready = self.prepare() => ready,
        };
        match ready {
            Ok(prompt) => self.begin(prompt).await,
            Err(Unplaced::Later(due)) => self.put_off(due).await,
            Err(Unplaced::Lost) => self.say_that_it_is_lost(),
            Err(Unplaced::Never(outcome)) => {
                let call = &self.leased.call;
                let last = call.cdrs.last().cloned().map(Box::new).map(Last::Kept);
                let last = last.unwrap_or(Last::None { due: call.due });
                self.finish(outcome, last, self.now()).await;
            }
        }
    }

    /// Everything that may be in the way of the call, and its prompt.
    async fn prepare(&mut self) -> Result<Option<Audio>, Unplaced> {
        self.is_in_time()?;
        self.has_credit().await?;
        if !self.tariff.is_rated(&self.leased.call.message, self.now()) {
            return Err(Unplaced::Never(Outcome::NoRate));
        }
        let prompt = self.prompt().await?;
        while let Err(again) = self.place.begin(self.now()) {
            self.shared.parts.time.until(again).await;
        }
        // All of this has taken its time.
        self.is_in_time()?;
        Ok(prompt)
    }

    fn is_in_time(&self) -> Result<(), Unplaced> {
        let (call, now) = (&self.leased.call, self.now());
        match first_attempt(&call.message, now) {
            Some(at) if at <= now => Ok(()),
            Some(at) => Err(Unplaced::Later(at)),
            // An attempt that came too late is none: the last one stands.
            None => {
                let tried = call.cdrs.last().map(|cdr| cdr.outcome);
                Err(Unplaced::Never(tried.unwrap_or(Outcome::Expired)))
            }
        }
    }

    async fn has_credit(&self) -> Result<(), Unplaced> {
        let account = &self.tariff.account;
        let Some(limit) = self.shared.settings.daily_spend(&account.calling) else {
            return Ok(());
        };
        let day = self.tariff.day(self.now());
        match self.shared.parts.ledger.spent(account.id, day).await {
            Ok(spent) if spent < limit => Ok(()),
            Ok(_) => Err(Unplaced::Never(Outcome::OutOfCredit)),
            Err(error) => {
                tracing::warn!(message_id = self.name(), %error, "A call cannot begin yet.");
                Err(Unplaced::Later(self.now().plus(TRY_AGAIN)))
            }
        }
    }

    async fn prompt(&mut self) -> Result<Option<Audio>, Unplaced> {
        let Some(prompt) = &self.leased.call.message.prompt else { return Ok(None) };
        self.place.step_aside();
        let prepared = self.shared.parts.prompter.prepare(prompt).await;
        self.place.come_back();
        prepared.map(Some).map_err(|error| {
            let kind = match prompt {
                Prompt::Text { .. } => "text",
                Prompt::Audio { .. } => "audio",
            };
            tracing::info!(message_id = self.name(), kind, %error, "A call has no prompt.");
            Unplaced::Never(error.outcome())
        })
    }

    /// Notes that the attempt starts, places it, and keeps what became of it.
    async fn begin(mut self, prompt: Option<Audio>) {
        let before = self.leased.call.cdrs.len();
        let number = u8::try_from(before + 1).expect("the retry ladder has few rungs");
        let at = self.now();
        let started = self.shared.parts.ledger.start(self.lease(), Started { attempt: number, at });
        match started.await {
            Ok(()) => self.shared.counters.started(),
            Err(error @ StoreError::LeaseLost) => {
                tracing::warn!(message_id = self.name(), %error, "A call is not placed.");
                return;
            }
            Err(error) => {
                tracing::warn!(message_id = self.name(), %error, "A call cannot start yet.");
                return self.put_off(at.plus(TRY_AGAIN)).await;
            }
        }
        if let Some(outcome) = self.ends.outcome() {
            let last = Last::LeftBehind(Box::new(left_behind(number, at, &[], self.now())));
            return self.finish(outcome, last, self.now()).await;
        }
        let message = self.leased.call.message.clone();
        let line = self.shared.parts.carrier.line(&message.message_id, number);
        let now = self.now();
        self.place.dial(now);
        let call = Call::new(message, Attempt { number, prompt }, now);
        let notes = Notes::new(&self.shared, &self.leased);
        match drive(call, line, &self.shared.parts.time, self.ends.clone(), notes).await {
            Some(over) => self.keep(over).await,
            None => self.say_that_it_is_lost(),
        }
    }

    fn say_that_it_is_lost(&self) {
        let message_id = self.name();
        tracing::warn!(
            message_id,
            "A call has lost its lease and is hung up: this node was given up as dead."
        );
    }

    async fn keep(mut self, Over { cdr, second, recorded }: Over) {
        self.leased.call.recording.bytes += recorded;
        let done_at = cdr.done_at();
        match next_attempt(self.message(), cdr.attempt, cdr.outcome, done_at) {
            Some(due) => {
                let retried = Became::Retried(cdr, due);
                if insist(&self.shared.parts, &self.leased, &retried).await {
                    self.shared.counters.retried();
                }
            }
            None => self.finish(cdr.outcome, Last::Over { cdr, second }, done_at).await,
        }
    }

    async fn finish(&self, outcome: Outcome, last: Last, done_at: Timestamp) {
        let recorded = self.leased.call.recording.bytes > 0;
        let end = End { outcome, last, done_at, recorded };
        finish(&self.shared, &self.leased, end, &self.tariff).await;
    }

    async fn put_off(&self, due: Timestamp) {
        match self.shared.parts.ledger.release(self.lease(), due).await {
            Ok(()) => self.shared.counters.put_off(),
            Err(error) => {
                let message_id = self.name();
                tracing::warn!(message_id, %error, "A call waits until its lease ends.");
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.parts.time.now()
    }

    fn lease(&self) -> LeaseId {
        self.leased.lease
    }

    fn message(&self) -> &Message {
        &self.leased.call.message
    }

    fn name(&self) -> &str {
        &self.message().message_id
    }
}

/// Keeps the end of a call.
pub(super) async fn finish(shared: &Shared, leased: &Leased, end: End, tariff: &Tariff) {
    let message = &leased.call.message;
    let outcome = end.outcome;
    let finished = Became::Finished(Box::new(finished(message, end, tariff)));
    if insist(&shared.parts, leased, &finished).await {
        shared.counters.finished(outcome);
        let (message_id, account) = (message.message_id.as_str(), message.account.0);
        tracing::debug!(message_id, account, ?outcome, "A call has its report.");
    }
}

/// Waits until there is a reason not to begin a call that has not begun.
async fn called_off(mut ends: Ends, due: Timestamp) -> Unplaced {
    tokio::select! {
        biased;
        () = hear(&mut ends.told, |told| *told > Told::Nothing) => match *ends.told.borrow() {
            Told::Lost => Unplaced::Lost,
            Told::Nothing | Told::Cancelled => Unplaced::Never(Outcome::Cancelled),
        },
        () = hear(&mut ends.phase, |phase| *phase > Phase::Working) => Unplaced::Later(due),
    }
}
