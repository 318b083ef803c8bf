//! The carrier of SIP: calls go through its trunks, and their media through its plane.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::Clock;

use super::keeper::Keeper;
use super::line::SipLine;
use super::{Counts, Reason, Reloaded, Stack, StackSettings, Trunk, TrunkFigures, Trunks};
use crate::carrier::{Carrier, Line};
use crate::media::{Latching, MediaSettings, Plane};
use crate::time::Time;

/// How long legs that were let go of may take to be confirmed when the carrier stops.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How often it looks whether they are.
const LOOK: Duration = Duration::from_millis(20);
/// Q.850: temporary failure; what a leg is told whose server died.
const TEMPORARY_FAILURE: u8 = 41;

/// What the carrier is made of.
#[derive(Clone, Debug)]
pub struct SipSettings {
    /// Where and as whom it speaks SIP. Who may speak to it follows from the trunks.
    pub stack: StackSettings,
    /// Where and how media goes.
    pub media: MediaSettings,
    /// Whose packets are taken for a leg's.
    pub latching: Latching,
    /// What is recorded.
    pub recording: Recording,
    /// What chance is made from.
    pub seed: u64,
}

/// What is recorded of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// Nothing.
    None,
    /// What is asked for.
    #[default]
    Asked,
    /// Everything that A and B say to each other.
    All,
}

/// The carrier. Clones share it.
#[derive(Clone)]
pub struct SipCarrier(pub(super) Arc<Shared>);

/// What its lines share.
pub(super) struct Shared {
    pub(super) stack: Stack,
    pub(super) plane: Plane,
    pub(super) trunks: Trunks,
    pub(super) domain: String,
    pub(super) latching: Latching,
    pub(super) recording: Recording,
    seed: u64,
    pub(super) time: Time,
    keeper: Mutex<Option<Keeper>>,
}

impl SipCarrier {
    /// Opens its sockets, and begins to register with its trunks and to ask whether they live.
    ///
    /// # Errors
    /// An address that cannot be listened on, or settings that make no sense.
    pub async fn start(
        settings: SipSettings,
        trunks: Vec<Trunk>,
        clock: Arc<dyn Clock>,
        time: Time,
    ) -> io::Result<Self> {
        let trunks = Trunks::new(trunks, time.now());
        let mut stack = settings.stack;
        stack.sources = trunks.sources();
        let domain = stack.domain.clone();
        let plane = Plane::start(settings.media)?;
        let stack = Stack::start(stack, clock).await?;
        let (latching, recording, seed) = (settings.latching, settings.recording, settings.seed);
        let chance = fastrand::Rng::with_seed(seed);
        let keeper = Keeper::start(stack.clone(), &trunks, time.clone(), &domain, chance);
        let keeper = Mutex::new(Some(keeper));
        let shared =
            Shared { stack, plane, trunks, domain, latching, recording, seed, time, keeper };
        Ok(Self(Arc::new(shared)))
    }

    /// Those trunks from now on; legs under way go on.
    pub fn reload(&self, trunks: Vec<Trunk>) -> Reloaded {
        self.0.trunks.reload(trunks, self.0.time.now())
    }

    /// Its trunks.
    pub fn trunks(&self) -> &Trunks {
        &self.0.trunks
    }

    /// How its trunks fare.
    pub fn figures(&self) -> Vec<TrunkFigures> {
        self.0.trunks.figures(self.0.time.now())
    }

    /// Its endpoint.
    pub fn stack(&self) -> &Stack {
        &self.0.stack
    }

    /// How much SIP is going on.
    pub fn counts(&self) -> Counts {
        self.0.stack.counts()
    }

    /// What the media plane has done.
    pub fn media(&self) -> crate::media::Counts {
        self.0.plane.counts()
    }

    /// Stops, once its lines are gone: lets legs be confirmed that were let go of, and unregisters.
    pub async fn stop(&self) {
        let keeper = self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            keeper.stop().await;
        }
        let time = &self.0.time;
        let ends = time.now().plus(LAST_WORDS);
        while self.counts().legs > 0 && time.now() < ends {
            time.until(time.now().plus(LOOK)).await;
        }
        self.0.stack.stop().await;
    }
}

#[async_trait]
impl Carrier for SipCarrier {
    fn line(&self, message_id: &str, attempt: u8) -> Box<dyn Line> {
        let mut hasher = DefaultHasher::new();
        (self.0.seed, message_id, attempt).hash(&mut hasher);
        Box::new(SipLine::new(Arc::clone(&self.0), hasher.finish()))
    }

    async fn hang_up_left_behind(&self, dialog: &[u8]) {
        let Some((trunk, dialog)) = read_note(dialog) else {
            return tracing::error!("What was noted of a leg cannot be read.");
        };
        let credentials = self.0.trunks.get(trunk).and_then(|trunk| trunk.credentials.clone());
        let reason = Reason::q850(TEMPORARY_FAILURE);
        match self.0.stack.hang_up_left_behind(dialog, reason, credentials).await {
            Ok(what) => tracing::info!(trunk, ?what, "A leg that was left behind is hung up."),
            Err(error) => {
                tracing::warn!(trunk, ?error, "A leg that was left behind may still be up.");
            }
        }
    }
}

/// What is noted of a leg: its trunk, and its dialog.
pub(super) fn write_note(trunk: &str, dialog: &[u8]) -> Vec<u8> {
    let length = u8::try_from(trunk.len()).expect("names of trunks are short");
    [&[length], trunk.as_bytes(), dialog].concat()
}

fn read_note(note: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = note.split_first()?;
    let (trunk, dialog) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(trunk).ok()?, dialog))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = write_note("north", b"dialog");
        assert_eq!(read_note(&note), Some(("north", b"dialog".as_slice())));
        assert_eq!(read_note(&note[..3]), None);
        assert_eq!(read_note(b""), None);
    }
}
