//! How calls are made: who carries them, how many, and what is played.

use std::path::PathBuf;
use std::time::Duration;

use engine::exchange::{Caps, ExchangeSettings};
use engine::prompt::PromptSettings;
use engine::sandbox::Sandbox;
use serde::{Deserialize, Serialize};

use super::bounds;

/// `[calls]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calls {
    /// Who carries them.
    pub carrier: Carrier,
    /// Calls begun within a second, of all accounts.
    #[serde(deserialize_with = "bounds::between::<1, 10_000, _, _>")]
    pub calls_per_second: u32,
    /// Calls under way at once, of all accounts.
    #[serde(deserialize_with = "bounds::between::<1, 100_000, _, _>")]
    pub concurrent_calls: u32,
    /// Calls begun within a second, of an account that has no bound of its own.
    #[serde(deserialize_with = "bounds::between::<1, 10_000, _, _>")]
    pub account_calls_per_second: u32,
    /// Calls under way at once, of an account that has no bound of its own.
    #[serde(deserialize_with = "bounds::between::<1, 100_000, _, _>")]
    pub account_concurrent_calls: u32,
    /// Calls waiting to be begun, of an account that has no bound of its own.
    #[serde(deserialize_with = "bounds::between::<1, 10_000_000, _, _>")]
    pub account_waiting_calls: u32,
    /// Submit requests of an account within a second.
    #[serde(deserialize_with = "bounds::between::<1, 1_000_000, _, _>")]
    pub account_submits_per_second: u32,
    /// Seconds that a claim on a call holds unless it is renewed.
    #[serde(deserialize_with = "bounds::between::<5, 3600, _, _>")]
    pub lease_s: u64,
    /// Seconds for calls under way to end when stopping.
    #[serde(deserialize_with = "bounds::between::<0, 14_400, _, _>")]
    pub drain_s: u64,
    /// Seconds that the sandbox's people talk.
    #[serde(deserialize_with = "bounds::between::<0, 3600, _, _>")]
    pub sandbox_talk_s: u64,
}

/// Who carries calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// Nobody.
    None,
    /// The built-in sandbox: no telephone rings.
    Sandbox,
    /// The trunks.
    Sip,
}

/// `[prompts]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// The program that speaks texts.
    #[serde(deserialize_with = "bounds::path")]
    pub speech_program: PathBuf,
    /// Seconds for it to speak one text.
    #[serde(deserialize_with = "bounds::between::<1, 120, _, _>")]
    pub speech_timeout_s: u64,
    /// How many of it run at once.
    #[serde(deserialize_with = "bounds::between::<1, 64, _, _>")]
    pub speech_at_once: usize,
    /// Bytes of an audio file.
    #[serde(deserialize_with = "bounds::between::<1024, 104_857_600, _, _>")]
    pub fetch_bytes_max: usize,
    /// Seconds to fetch an audio file in.
    #[serde(deserialize_with = "bounds::between::<1, 120, _, _>")]
    pub fetch_timeout_s: u64,
    /// How many files are fetched at once.
    #[serde(deserialize_with = "bounds::between::<1, 1024, _, _>")]
    pub fetch_at_once: usize,
    /// Where files may be fetched from although it is not the public internet.
    #[serde(deserialize_with = "bounds::networks")]
    pub private_networks: Vec<String>,
    /// Bytes of prompts kept for calls to come.
    #[serde(deserialize_with = "bounds::between::<0, 4_294_967_296, _, _>")]
    pub cache_bytes_max: u64,
}

impl Default for Calls {
    fn default() -> Self {
        let (exchange, edge) = (ExchangeSettings::default(), api::Settings::default());
        Self {
            carrier: Carrier::None,
            calls_per_second: exchange.trunk.calls_per_second,
            concurrent_calls: exchange.trunk.concurrent_calls,
            account_calls_per_second: exchange.account.calls_per_second,
            account_concurrent_calls: exchange.account.concurrent_calls,
            account_waiting_calls: edge.waiting_calls_max,
            account_submits_per_second: edge.submits_per_second,
            lease_s: exchange.lease.as_secs(),
            drain_s: exchange.drain.as_secs(),
            sandbox_talk_s: Sandbox::default().talk.as_secs(),
        }
    }
}

impl Calls {
    /// How the exchange works. Without a carrier, what waits goes on waiting.
    pub fn exchange(&self) -> ExchangeSettings {
        let concurrent_calls = match self.carrier {
            Carrier::None => 0,
            Carrier::Sandbox | Carrier::Sip => self.concurrent_calls,
        };
        ExchangeSettings {
            account: Caps {
                calls_per_second: self.account_calls_per_second,
                concurrent_calls: self.account_concurrent_calls,
            },
            trunk: Caps { calls_per_second: self.calls_per_second, concurrent_calls },
            lease: Duration::from_secs(self.lease_s),
            drain: Duration::from_secs(self.drain_s),
            ..ExchangeSettings::default()
        }
    }

    /// The sandbox, as it is to behave.
    pub fn sandbox(&self) -> Sandbox {
        Sandbox { talk: Duration::from_secs(self.sandbox_talk_s), ..Sandbox::default() }
    }
}

impl Default for Prompts {
    fn default() -> Self {
        let prompts = PromptSettings::default();
        Self {
            speech_program: prompts.speech_program,
            speech_timeout_s: prompts.speech_timeout.as_secs(),
            speech_at_once: prompts.speech_at_once,
            fetch_bytes_max: prompts.fetch_bytes_max,
            fetch_timeout_s: prompts.fetch_timeout.as_secs(),
            fetch_at_once: prompts.fetch_at_once,
            private_networks: Vec::new(),
            cache_bytes_max: prompts.cache_bytes,
        }
    }
}

impl Prompts {
    /// How prompts are made.
    pub fn engine(&self) -> PromptSettings {
        PromptSettings {
            speech_program: self.speech_program.clone(),
            speech_timeout: Duration::from_secs(self.speech_timeout_s),
            speech_at_once: self.speech_at_once,
            fetch_bytes_max: self.fetch_bytes_max,
            fetch_timeout: Duration::from_secs(self.fetch_timeout_s),
            fetch_at_once: self.fetch_at_once,
            // They were parsed when the settings were read.
            private_networks: self.private_networks.iter().filter_map(|n| n.parse().ok()).collect(),
            cache_bytes: self.cache_bytes_max,
        }
    }
}
