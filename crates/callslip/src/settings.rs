//! The settings: what they are, their bounds, and what the edge and the ledger make of them.
//!
//! Where they come from is in `layers`; what each means is told in `config.default.toml`.

mod bounds;
mod calls;
mod carrier;
mod layers;
mod place;
mod sip;
mod trunk;

use std::path::PathBuf;
use std::time::Duration;

use engine::sip::{Network, StackSettings};
use serde::{Deserialize, Serialize};

pub(crate) use bounds::{database, resolve};
pub use calls::{Calls, Carrier, Prompts};
pub use layers::{BadSettings, Flags};
pub use sip::{Amd, Media, Recording, Sip, Who};
pub use trunk::Trunk;

/// The commented default file.
pub const DEFAULT_FILE: &str = include_str!("../config.default.toml");

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the ledger is.
    pub data: Data,
    /// The public API.
    pub http: Http,
    /// The admin API.
    pub admin: Admin,
    /// How reports are returned and kept.
    pub reports: Reports,
    /// How calls are made.
    pub calls: Calls,
    /// What is played in them.
    pub prompts: Prompts,
    /// How we speak SIP.
    pub sip: Sip,
    /// What becomes of the media.
    pub media: Media,
    /// What tells a person from a machine.
    pub amd: Amd,
    /// Logging in.
    pub auth: Auth,
    /// The log.
    pub log: Log,
    /// Who takes our calls.
    pub trunk: Vec<Trunk>,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The ledger's directory; with a shared ledger, this node's own.
    #[serde(deserialize_with = "bounds::path")]
    pub dir: PathBuf,
    /// The database that several nodes share.
    #[serde(deserialize_with = "bounds::database_if_given")]
    pub url: Option<String>,
    /// A file with its password.
    #[serde(deserialize_with = "bounds::path_if_given")]
    pub password_file: Option<PathBuf>,
    /// PEM of the authorities that its certificate is verified with.
    #[serde(deserialize_with = "bounds::path_if_given")]
    pub ca_file: Option<PathBuf>,
    /// Connections to it.
    #[serde(deserialize_with = "bounds::between::<2, 1000, _, _>")]
    pub connections: usize,
    /// Seconds that a request waits for it.
    #[serde(deserialize_with = "bounds::between::<1, 300, _, _>")]
    pub patience_s: u64,
    /// Seconds of silence after which a node counts as dead.
    #[serde(deserialize_with = "bounds::between::<5, 3600, _, _>")]
    pub silence_s: u64,
    /// What this node does.
    pub role: Role,
}

/// What a node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It answers requests; other nodes place the calls.
    Api,
    /// It places calls; other nodes answer requests.
    Engine,
    /// Both.
    #[default]
    All,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    #[serde(deserialize_with = "bounds::address")]
    pub listen: String,
    /// PEM certificate chain.
    #[serde(deserialize_with = "bounds::path_if_given")]
    pub tls_cert: Option<PathBuf>,
    /// PEM private key.
    #[serde(deserialize_with = "bounds::path_if_given")]
    pub tls_key: Option<PathBuf>,
    /// Origins that may call with credentials.
    #[serde(deserialize_with = "bounds::origins")]
    pub cors_origins: Vec<String>,
    /// Open connections of each API.
    #[serde(deserialize_with = "bounds::between::<1, 1_000_000, _, _>")]
    pub connections_max: usize,
    /// Bytes of a request's headers.
    #[serde(deserialize_with = "bounds::between::<8192, 1_048_576, _, _>")]
    pub header_bytes_max: usize,
    /// Bytes of a request's body.
    #[serde(deserialize_with = "bounds::between::<1024, 1_073_741_824, _, _>")]
    pub body_bytes_max: usize,
    /// Seconds for a request's body.
    #[serde(deserialize_with = "bounds::between::<1, 3600, _, _>")]
    pub body_timeout_s: u64,
    /// Seconds for a request's headers, and for a connection to idle.
    #[serde(deserialize_with = "bounds::between::<1, 3600, _, _>")]
    pub header_timeout_s: u64,
    /// Seconds that an empty answer may be held open.
    #[serde(deserialize_with = "bounds::between::<0, 600, _, _>")]
    pub wait_max_s: u64,
    /// Seconds to finish in when stopping.
    #[serde(deserialize_with = "bounds::between::<0, 600, _, _>")]
    pub drain_s: u64,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port.
    #[serde(deserialize_with = "bounds::address")]
    pub listen: String,
}

/// `[reports]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// Reports in one answer at most.
    #[serde(deserialize_with = "bounds::between::<1, 20_000, _, _>")]
    pub limit_max: usize,
    /// Seconds for the acknowledgement of an answer.
    #[serde(deserialize_with = "bounds::between::<1, 3600, _, _>")]
    pub ack_timeout_s: u64,
    /// Seconds of quiet until settled.
    #[serde(deserialize_with = "bounds::between::<0, 3600, _, _>")]
    pub settle_after_s: u64,
    /// What a late reset means.
    pub reset_means: ResetMeans,
    /// Seconds that a key is remembered.
    #[serde(deserialize_with = "bounds::between::<1, 604_800, _, _>")]
    pub replay_window_s: u64,
    /// What becomes of takes in flight at a crash.
    pub in_flight_at_start: InFlightAtStart,
    /// Hours in the archive after the return.
    #[serde(deserialize_with = "bounds::between::<1, 876_000, _, _>")]
    pub retention_hours: u64,
    /// Hours that a report may wait.
    #[serde(deserialize_with = "bounds::between_if_given::<1, 876_000, _, _>")]
    pub pending_max_age_hours: Option<u64>,
    /// Hours that the logs look back.
    #[serde(deserialize_with = "bounds::between::<1, 876_000, _, _>")]
    pub logs_window_hours: u64,
    /// Log listings per account and minute.
    #[serde(deserialize_with = "bounds::between::<1, 1_000_000, _, _>")]
    pub logs_per_minute: u32,
}

/// What a reset after the acknowledgement means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetMeans {
    /// The client never read the answer.
    Unread,
    /// The client read it, and resets by habit.
    Read,
}

/// What becomes of a take that was in flight when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InFlightAtStart {
    /// Its reports are pending again.
    Return,
    /// It counts as returned.
    Keep,
}

/// `[auth]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Failed logins per peer, user name and minute.
    #[serde(deserialize_with = "bounds::between::<1, 1_000_000, _, _>")]
    pub failures_per_minute: u32,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Level, or levels per part.
    #[serde(deserialize_with = "bounds::log_level")]
    pub level: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for Data {
    fn default() -> Self {
        let shared = store::PostgresSettings::at("");
        Self {
            dir: "callslip-data".into(),
            url: None,
            password_file: None,
            ca_file: None,
            connections: shared.connections,
            patience_s: shared.patience.as_secs(),
            silence_s: shared.silence_max.as_secs(),
            role: Role::All,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        let edge = api::Settings::default();
        Self {
            listen: "127.0.0.1:8080".into(),
            tls_cert: None,
            tls_key: None,
            cors_origins: edge.cors_origins,
            connections_max: edge.connections_max,
            header_bytes_max: edge.header_bytes_max,
            body_bytes_max: edge.body_bytes_max,
            body_timeout_s: edge.body_timeout.as_secs(),
            header_timeout_s: edge.header_timeout.as_secs(),
            wait_max_s: edge.wait_max.as_secs(),
            drain_s: edge.drain.as_secs(),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8081".into() }
    }
}

impl Default for Reports {
    fn default() -> Self {
        let edge = api::Settings::default();
        let keeping = store::Keeping::default();
        Self {
            limit_max: edge.limit_max,
            ack_timeout_s: edge.ack_timeout.as_secs(),
            settle_after_s: edge.settle_after.as_secs(),
            reset_means: match edge.reset_means {
                api::ResetMeans::Unread => ResetMeans::Unread,
                api::ResetMeans::Read => ResetMeans::Read,
            },
            replay_window_s: keeping.replay_window.as_secs(),
            in_flight_at_start: match keeping.in_flight_at_start {
                store::InFlightAtStart::Return => InFlightAtStart::Return,
                store::InFlightAtStart::Keep => InFlightAtStart::Keep,
            },
            retention_hours: keeping.retention.as_secs() / 3600,
            pending_max_age_hours: keeping.pending_max_age.map(|age| age.as_secs() / 3600),
            logs_window_hours: edge.logs_window.as_secs() / 3600,
            logs_per_minute: edge.logs_per_minute,
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self { failures_per_minute: api::Settings::default().auth_failures_per_minute }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Data {
    /// How the shared ledger is reached, if there is one.
    pub fn shared(&self) -> Option<store::PostgresSettings> {
        Some(store::PostgresSettings {
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            connections: self.connections,
            patience: Duration::from_secs(self.patience_s),
            silence_max: Duration::from_secs(self.silence_s),
            ..store::PostgresSettings::at(self.url.clone()?)
        })
    }

    fn check_together(&self) -> Result<(), String> {
        if self.url.is_none() && self.role != Role::All {
            return Err("data.role: a node of one kind needs a shared ledger, data.url".into());
        }
        Ok(())
    }
}

impl Role {
    /// Whether it answers the requests of accounts.
    pub fn answers(self) -> bool {
        matches!(self, Self::Api | Self::All)
    }

    /// Whether it places calls.
    pub fn calls(self) -> bool {
        matches!(self, Self::Engine | Self::All)
    }
}

impl Settings {
    /// The settings of the HTTP edge.
    pub fn edge(&self) -> api::Settings {
        let (http, reports, auth) = (&self.http, &self.reports, &self.auth);
        api::Settings {
            limit_max: reports.limit_max,
            ack_timeout: Duration::from_secs(reports.ack_timeout_s),
            settle_after: Duration::from_secs(reports.settle_after_s),
            reset_means: match reports.reset_means {
                ResetMeans::Unread => api::ResetMeans::Unread,
                ResetMeans::Read => api::ResetMeans::Read,
            },
            wait_max: Duration::from_secs(http.wait_max_s),
            body_bytes_max: http.body_bytes_max,
            header_bytes_max: http.header_bytes_max,
            body_timeout: Duration::from_secs(http.body_timeout_s),
            header_timeout: Duration::from_secs(http.header_timeout_s),
            connections_max: http.connections_max,
            logs_per_minute: reports.logs_per_minute,
            logs_window: hours(reports.logs_window_hours),
            auth_failures_per_minute: auth.failures_per_minute,
            cors_origins: http.cors_origins.clone(),
            drain: Duration::from_secs(http.drain_s),
            submits_per_second: self.calls.account_submits_per_second,
            waiting_calls_max: self.calls.account_waiting_calls,
        }
    }

    /// How the ledger keeps what it has.
    pub fn keeping(&self) -> store::Keeping {
        let reports = &self.reports;
        store::Keeping {
            retention: hours(reports.retention_hours),
            pending_max_age: reports.pending_max_age_hours.map(hours),
            replay_window: Duration::from_secs(reports.replay_window_s),
            in_flight_at_start: match reports.in_flight_at_start {
                InFlightAtStart::Return => store::InFlightAtStart::Return,
                InFlightAtStart::Keep => store::InFlightAtStart::Keep,
            },
            ..store::Keeping::default()
        }
    }

    /// The trunks, with their passwords.
    ///
    /// # Errors
    /// A password cannot be read.
    pub fn trunks(&self) -> Result<Vec<engine::sip::Trunk>, BadSettings> {
        self.trunk.iter().map(Trunk::engine).collect()
    }

    /// How the SIP stack is started.
    ///
    /// # Errors
    /// A file that they name cannot be read.
    pub fn stack(&self, sources: Vec<Network>) -> Result<StackSettings, BadSettings> {
        self.sip.stack(sources, self.trunk.iter().any(Trunk::speaks_tls))
    }

    /// The same for a node of that kind, if one is asked for.
    ///
    /// # Errors
    /// The ledger is not shared.
    pub fn with_role(mut self, role: Option<Role>) -> Result<Self, BadSettings> {
        self.data.role = role.unwrap_or(self.data.role);
        self.data.check_together().map_err(BadSettings)?;
        Ok(self)
    }

    /// What no single key can get wrong.
    fn check_together(&self) -> Result<(), String> {
        match (&self.http.tls_cert, &self.http.tls_key) {
            (Some(_), None) => return Err("http.tls_cert is given, http.tls_key is not".into()),
            (None, Some(_)) => return Err("http.tls_key is given, http.tls_cert is not".into()),
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.data.check_together()?;
        self.sip.check_together()?;
        self.media.check_together()?;
        self.amd.check_together()?;
        trunk::check_together(&self.trunk, self.calls.carrier == Carrier::Sip)
    }
}

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}
