//! Notes of a call while it lasts: which legs are up, and what was recorded. Written one after the
//! other, beside the call, which waits for none of them until it is over. While the ledger is away
//! they wait, within bounds.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use model::cdr::Leg;
use model::limits::RECORDING_PART_BYTES_MAX;
use store::{LeaseId, Leased, LegUp, StoreError};
use tokio::sync::OwnedSemaphorePermit;

use super::{Parts, Shared};

/// Recorded parts that wait to be written, of about a minute each, of one call.
const PARTS_WAITING_MAX: usize = 16;
/// Of all calls together: a quarter of a GiB.
pub(super) const ALL_PARTS_WAITING_MAX: usize = 256;
/// How long a call that is over waits for its last notes, unless the ledger is away: what became of
/// the call has to wait as well then.
const LAST_NOTES: Duration = Duration::from_secs(10);
/// The first pause before the ledger is asked again; each one doubles.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Takes and writes the notes of one call.
pub(super) struct Notes<'a> {
    parts: &'a Parts,
    shared: &'a Shared,
    lease: LeaseId,
    message_id: &'a str,
    /// Bytes that earlier attempts recorded.
    before: u64,
    waiting: VecDeque<Note>,
    writing: Option<Writing<'a>>,
    recorded: u64,
    /// How long it waits before it tries again, and until when; nothing, if the last one was written.
    pause: Duration,
    again: Option<Timestamp>,
}

type Writing<'a> = Pin<Box<dyn Future<Output = (Note, store::Result<()>)> + Send + 'a>>;

enum Note {
    Up(LegUp),
    Recorded { part: Vec<u8>, _room: OwnedSemaphorePermit },
}

impl Note {
    fn recorded(&self) -> u64 {
        match self {
            Self::Up(_) => 0,
            Self::Recorded { part, .. } => part.len() as u64,
        }
    }
}

impl<'a> Notes<'a> {
    pub(super) fn new(shared: &'a Shared, leased: &'a Leased) -> Self {
        Self {
            parts: &shared.parts,
            shared,
            lease: leased.lease,
            message_id: &leased.call.message.message_id,
            before: leased.call.recording.bytes,
            waiting: VecDeque::new(),
            writing: None,
            recorded: 0,
            pause: Duration::ZERO,
            again: None,
        }
    }

    /// A leg was answered. Nothing is to be noted of one that ends with the process.
    pub(super) fn leg_up(&mut self, leg: Leg, dialog: Option<Vec<u8>>) {
        if let Some(dialog) = dialog {
            let at = self.parts.time.now();
            self.waiting.push_front(Note::Up(LegUp { leg, at, dialog }));
        }
    }

    /// Something was recorded.
    pub(super) fn record(&mut self, samples: Option<Vec<u8>>) {
        let Some(samples) = samples else { return };
        for part in samples.chunks(RECORDING_PART_BYTES_MAX) {
            let room = Arc::clone(&self.shared.recordings).try_acquire_owned();
            let Some(room) = room.ok().filter(|_| self.waiting.len() < PARTS_WAITING_MAX) else {
                let bytes = part.len();
                tracing::warn!(
                    message_id = self.message_id,
                    bytes,
                    "The ledger is too slow to record: a part of a recording is lost."
                );
                continue;
            };
            self.waiting.push_back(Note::Recorded { part: part.to_vec(), _room: room });
        }
    }

    /// Writes the next one; waits for ever if there is none. Says whether the ledger is away.
    /// Cancel-safe.
    pub(super) async fn write(&mut self) -> bool {
        if let Some(again) = self.again {
            self.parts.time.until(again).await;
            self.again = None;
        }
        if self.writing.is_none() {
            self.writing = self.next();
        }
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let (note, written) = writing.await;
        self.writing = None;
        let is_away = matches!(written, Err(StoreError::Unavailable(_)));
        match written {
            Ok(()) => {
                self.recorded += note.recorded();
                self.pause = Duration::ZERO;
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::Busy)) => {
                if self.pause.is_zero() {
                    let message_id = self.message_id;
                    tracing::warn!(message_id, %error, "A note of a call is not kept yet.");
                }
                self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
                self.again = Some(self.parts.time.now().plus(self.pause));
                self.waiting.push_front(note);
            }
            Err(error) => {
                tracing::warn!(message_id = self.message_id, %error, "A note of a call is lost.");
            }
        }
        is_away
    }

    /// Writes what is left, within bounds, and says how many bytes were recorded in all.
    pub(super) async fn write_all(mut self) -> u64 {
        // Which legs are up no longer matters.
        self.waiting.retain(|note| matches!(note, Note::Recorded { .. }));
        let time = &self.parts.time;
        let mut late = time.now().plus(LAST_NOTES);
        while self.writing.is_some() || !self.waiting.is_empty() {
            tokio::select! {
                biased;
                is_away = self.write() => if is_away {
                    late = time.now().plus(LAST_NOTES);
                },
                () = time.until(late) => {
                    tracing::warn!(message_id = self.message_id, "A recording is incomplete.");
                    break;
                }
            }
        }
        self.recorded
    }

    fn next(&mut self) -> Option<Writing<'a>> {
        let (ledger, lease) = (&self.parts.ledger, self.lease);
        let from = self.before + self.recorded;
        let note = self.waiting.pop_front()?;
        Some(Box::pin(async move {
            let written = match &note {
                Note::Up(up) => ledger.note(lease, up.clone()).await,
                Note::Recorded { part, .. } => ledger.record(lease, from, part.clone()).await,
            };
            (note, written)
        }))
    }
}
