//! Notes of a call while it lasts: which legs are up, and what was recorded. Written one after the
//! other, beside the call, which waits for none of them until it is over.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use model::cdr::Leg;
use model::limits::RECORDING_PART_BYTES_MAX;
use store::{LeaseId, Leased, LegUp};

use super::Parts;

/// Recorded parts that wait to be written; the ledger is about a minute behind each.
const PARTS_WAITING_MAX: usize = 16;
/// How long a call that is over waits for its last notes.
const LAST_NOTES: Duration = Duration::from_secs(10);

/// Takes and writes the notes of one call.
pub(super) struct Notes<'a> {
    parts: &'a Parts,
    lease: LeaseId,
    message_id: &'a str,
    waiting: VecDeque<Note>,
    writing: Option<Pin<Box<dyn Future<Output = store::Result<u64>> + Send + 'a>>>,
    recorded: u64,
}

enum Note {
    Up(LegUp),
    Recorded(Vec<u8>),
}

impl<'a> Notes<'a> {
    pub(super) fn new(parts: &'a Parts, leased: &'a Leased) -> Self {
        Self {
            parts,
            lease: leased.lease,
            message_id: &leased.call.message.message_id,
            waiting: VecDeque::new(),
            writing: None,
            recorded: 0,
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
            if self.waiting.len() >= PARTS_WAITING_MAX {
                tracing::warn!(message_id = self.message_id, "The ledger is too slow to record.");
                return;
            }
            self.waiting.push_back(Note::Recorded(part.to_vec()));
        }
    }

    /// Writes the next one; waits for ever if there is none. Cancel-safe.
    pub(super) async fn write(&mut self) {
        if self.writing.is_none() {
            self.writing = self.next();
        }
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let written = writing.await;
        self.writing = None;
        match written {
            Ok(bytes) => self.recorded += bytes,
            Err(error) => {
                tracing::warn!(message_id = self.message_id, %error, "A note of a call is lost.");
            }
        }
    }

    /// Writes what is left, within bounds, and says how many bytes were recorded in all.
    pub(super) async fn write_all(mut self) -> u64 {
        // Which legs are up no longer matters.
        self.waiting.retain(|note| matches!(note, Note::Recorded(_)));
        let time = &self.parts.time;
        let late = time.until(time.now().plus(LAST_NOTES));
        tokio::pin!(late);
        while self.writing.is_some() || !self.waiting.is_empty() {
            tokio::select! {
                biased;
                () = self.write() => {}
                () = &mut late => {
                    tracing::warn!(message_id = self.message_id, "A recording is incomplete.");
                    break;
                }
            }
        }
        self.recorded
    }

    fn next(&mut self) -> Option<Pin<Box<dyn Future<Output = store::Result<u64>> + Send + 'a>>> {
        let (ledger, lease) = (&self.parts.ledger, self.lease);
        Some(match self.waiting.pop_front()? {
            Note::Up(up) => Box::pin(async move { ledger.note(lease, up).await.map(|()| 0) }),
            Note::Recorded(part) => Box::pin(async move {
                let bytes = part.len() as u64;
                ledger.record(lease, part).await.map(|()| bytes)
            }),
        })
    }
}
