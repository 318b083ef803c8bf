//! Prompts that were made, for the next call that plays the same.
//!
//! A bulk to twenty thousand numbers plays one prompt: whoever asks first makes it, and whoever
//! asks meanwhile waits for it. A text sounds the same for ever and is kept for as long as there is
//! room. A file may change behind its address, and its owner wants the new one to be heard soon:
//! it is fetched again after a minute, so that a bulk fetches it once a minute however many numbers
//! it has. A failure is kept just long enough for those who wait for the same.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Timestamp};
use quick_cache::sync::{Cache as QuickCache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::PromptError;
use super::speech::Speech;
use crate::carrier::Audio;

const FILE_KEPT: Duration = Duration::from_secs(60);
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// What an entry takes beside its key and its sound.
const ENTRY_BYTES: u64 = 300;
/// Half a minute of sound; sizes the table, which grows.
const TYPICAL_BYTES: u64 = 240_000;

/// Everything that makes a sound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A text and how it is spoken.
    Speech(Speech),
    /// A file, by its URL.
    File(String),
}

/// What became of a prompt.
#[derive(Clone)]
struct Made {
    result: Result<Audio, PromptError>,
    at: Timestamp,
    kept: Option<Duration>,
}

impl Made {
    /// A clock that was set back makes it stale too.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.kept.is_none_or(|kept| self.at <= now && now.since(self.at) < kept)
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Made> for ByBytes {
    fn weight(&self, key: &Key, made: &Made) -> u64 {
        let key = match key {
            Key::Speech(speech) => speech.bytes(),
            Key::File(url) => url.len(),
        };
        let sound = made.result.as_ref().map_or(0, |audio| audio.samples().len());
        ENTRY_BYTES + (key + sound) as u64
    }
}

/// Sounds by what made them, as many as there is room for; those that are played again stay.
pub(super) struct Cache {
    made: QuickCache<Key, Made, ByBytes>,
    clock: Arc<dyn Clock>,
}

impl Cache {
    /// An empty one that holds that many bytes.
    pub(super) fn new(bytes: u64, clock: Arc<dyn Clock>) -> Self {
        let typical = usize::try_from(bytes / TYPICAL_BYTES).unwrap_or(usize::MAX);
        let mut options = OptionsBuilder::new();
        // One shard: a share of the room would be too small for the longest prompts.
        options.shards(1).weight_capacity(bytes).estimated_items_capacity(typical.max(1));
        let options = options.build().unwrap_or_else(|_| unreachable!("both capacities are given"));
        let (hash, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { made: QuickCache::with_options(options, ByBytes, hash, lifecycle), clock }
    }

    /// The sound of that key, made if it is not there. One makes it at a time; if that one is
    /// dropped, the next does.
    pub(super) async fn get_or_make(
        &self,
        key: &Key,
        make: impl Future<Output = Result<Audio, PromptError>>,
    ) -> Result<Audio, PromptError> {
        let now = self.clock.now();
        self.made.remove_if(key, |made| !made.is_fresh(now));
        let made = self.made.get_or_insert_async(key, async {
            let result = make.await;
            let kept = match (key, &result) {
                (_, Err(_)) => Some(FAILURE_KEPT),
                (Key::File(_), Ok(_)) => Some(FILE_KEPT),
                (Key::Speech(_), Ok(_)) => None,
            };
            Ok::<_, Infallible>(Made { result, at: now, kept })
        });
        match made.await {
            Ok(made) => made.result,
            Err(never) => match never {},
        }
    }
}
