//! How we speak SIP, and what becomes of the media.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::sip::{Network, StackSettings, TlsListener};
use serde::{Deserialize, Serialize};

use super::{BadSettings, bounds};

/// `[sip]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// Address and port for datagrams.
    #[serde(deserialize_with = "bounds::address")]
    pub udp: String,
    /// Address and port for TCP.
    #[serde(deserialize_with = "bounds::address_if_given")]
    pub tcp: Option<String>,
    /// Address and port for TLS.
    #[serde(deserialize_with = "bounds::address_if_given")]
    pub tls: Option<String>,
    /// PEM certificate chain.
    #[serde(deserialize_with = "bounds::path_if_given")]
    pub tls_cert: Option<PathBuf>,
    /// PEM private key.
    #[serde(deserialize_with = "bounds::path_if_given")]
    pub tls_key: Option<PathBuf>,
    /// PEM of the authorities that trunks are verified with.
    #[serde(deserialize_with = "bounds::path")]
    pub tls_ca: PathBuf,
    /// The address that trunks see.
    pub advertised: Option<IpAddr>,
    /// The right side of our URIs.
    #[serde(deserialize_with = "bounds::host_if_given")]
    pub domain: Option<String>,
    /// `User-Agent`.
    #[serde(deserialize_with = "bounds::header_text")]
    pub user_agent: String,
    /// Milliseconds of a round trip.
    #[serde(deserialize_with = "bounds::between::<50, 2000, _, _>")]
    pub t1_ms: u64,
}

/// `[media]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// Address to receive on.
    pub bind: IpAddr,
    /// The address that far ends are told.
    pub advertised: Option<IpAddr>,
    /// The first port.
    #[serde(deserialize_with = "bounds::between::<1024, 65_534, _, _>")]
    pub port_min: u16,
    /// The last port.
    #[serde(deserialize_with = "bounds::between::<1025, 65_535, _, _>")]
    pub port_max: u16,
    /// Threads.
    #[serde(deserialize_with = "bounds::between::<1, 64, _, _>")]
    pub threads: usize,
    /// Seconds without media until a call counts as lost.
    #[serde(deserialize_with = "bounds::between::<5, 3600, _, _>")]
    pub rtp_timeout_s: u64,
    /// The country whose ringback A hears.
    #[serde(deserialize_with = "bounds::country")]
    pub ringback: String,
    /// Which calls are recorded.
    pub recording: Recording,
}

/// Which calls are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recording {
    /// None, whatever is asked for.
    None,
    /// Those for which it is asked.
    Asked,
    /// All.
    All,
}

/// `[amd]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Amd {
    /// Milliseconds of silence before anybody speaks.
    #[serde(deserialize_with = "bounds::between::<100, 30_000, _, _>")]
    pub initial_silence_ms: u64,
    /// Milliseconds of a person's greeting.
    #[serde(deserialize_with = "bounds::between::<100, 30_000, _, _>")]
    pub greeting_ms: u64,
    /// Milliseconds of silence after a greeting.
    #[serde(deserialize_with = "bounds::between::<100, 30_000, _, _>")]
    pub after_greeting_silence_ms: u64,
    /// Milliseconds until it is given up.
    #[serde(deserialize_with = "bounds::between::<500, 60_000, _, _>")]
    pub total_ms: u64,
    /// Milliseconds of the shortest word.
    #[serde(deserialize_with = "bounds::between::<20, 5000, _, _>")]
    pub word_min_ms: u64,
    /// Milliseconds of the longest word.
    #[serde(deserialize_with = "bounds::between::<100, 30_000, _, _>")]
    pub word_max_ms: u64,
    /// Milliseconds of silence between words.
    #[serde(deserialize_with = "bounds::between::<20, 5000, _, _>")]
    pub between_words_ms: u64,
    /// So many words, and it is a machine.
    #[serde(deserialize_with = "bounds::between::<1, 100, _, _>")]
    pub machine_words: u32,
    /// Mean magnitude of silence.
    #[serde(deserialize_with = "bounds::between::<1, 32_767, _, _>")]
    pub silence_threshold: u16,
    /// Who it is if nobody speaks.
    pub on_silence: Who,
    /// Who it is if it cannot be told in time.
    pub on_time_out: Who,
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// A person.
    Human,
    /// An answering machine.
    Machine,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            udp: "0.0.0.0:5060".into(),
            tcp: None,
            tls: None,
            tls_cert: None,
            tls_key: None,
            tls_ca: "/etc/ssl/certs/ca-certificates.crt".into(),
            advertised: None,
            domain: None,
            user_agent: "Callslip".into(),
            t1_ms: 500,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            bind: IpAddr::from([0, 0, 0, 0]),
            advertised: None,
            port_min: 10_000,
            port_max: 19_999,
            threads: 2,
            rtp_timeout_s: 30,
            ringback: "DE".into(),
            recording: Recording::Asked,
        }
    }
}

impl Default for Amd {
    fn default() -> Self {
        Self {
            initial_silence_ms: 2500,
            greeting_ms: 1500,
            after_greeting_silence_ms: 800,
            total_ms: 5000,
            word_min_ms: 100,
            word_max_ms: 5000,
            between_words_ms: 50,
            machine_words: 4,
            silence_threshold: 256,
            on_silence: Who::Human,
            on_time_out: Who::Human,
        }
    }
}

impl Sip {
    /// The right side of our URIs.
    pub fn host(&self) -> String {
        let listening = bounds::resolve(&self.udp).ok().map(|address| address.ip());
        let address = self.advertised.or(listening.filter(|ip| !ip.is_unspecified()));
        let address = address.map(|ip| ip.to_string());
        self.domain.clone().or(address).unwrap_or_else(|| "callslip.invalid".into())
    }

    /// How the stack is started.
    ///
    /// # Errors
    /// A file cannot be read, or a name has no address any more.
    pub fn stack(
        &self,
        sources: Vec<Network>,
        speaks_tls: bool,
    ) -> Result<StackSettings, BadSettings> {
        let listen = |key: &str, text: &str| -> Result<SocketAddr, BadSettings> {
            bounds::resolve(text).map_err(|why| BadSettings(format!("sip.{key}: {why}")))
        };
        let tls = match (&self.tls, &self.tls_cert, &self.tls_key) {
            (Some(address), Some(cert), Some(key)) => Some(TlsListener {
                address: listen("tls", address)?,
                certificate: read("sip.tls_cert", cert)?,
                key: read("sip.tls_key", key)?,
            }),
            _ => None,
        };
        let tls_roots = speaks_tls.then(|| read("sip.tls_ca", &self.tls_ca)).transpose()?;
        Ok(StackSettings {
            tcp: self.tcp.as_deref().map(|text| listen("tcp", text)).transpose()?,
            tls,
            tls_roots,
            advertised: self.advertised,
            domain: self.host(),
            user_agent: self.user_agent.clone(),
            t1: Duration::from_millis(self.t1_ms),
            ..StackSettings::new(listen("udp", &self.udp)?, sources)
        })
    }

    /// What no single key can get wrong.
    pub(super) fn check_together(&self) -> Result<(), String> {
        match (&self.tls, &self.tls_cert, &self.tls_key) {
            (Some(_), None, _) => Err("sip.tls is given, sip.tls_cert is not".into()),
            (Some(_), _, None) => Err("sip.tls is given, sip.tls_key is not".into()),
            (None, Some(_), _) => Err("sip.tls_cert is given, sip.tls is not".into()),
            (None, _, Some(_)) => Err("sip.tls_key is given, sip.tls is not".into()),
            (Some(_), Some(_), Some(_)) | (None, None, None) => Ok(()),
        }
    }
}

impl Media {
    /// What no single key can get wrong.
    pub(super) fn check_together(&self) -> Result<(), String> {
        let (from, to) = (self.port_min, self.port_max);
        // An even port and the next, for each leg.
        if from.next_multiple_of(2) >= to {
            return Err(format!(
                "media.port_min and media.port_max: {from} to {to} has no room for a leg"
            ));
        }
        if self.advertised.is_some_and(|shown| shown.is_ipv4() != self.bind.is_ipv4()) {
            return Err("media.advertised and media.bind: one is IPv4, the other IPv6".into());
        }
        Ok(())
    }
}

impl Amd {
    /// What no single key can get wrong.
    pub(super) fn check_together(&self) -> Result<(), String> {
        if self.word_min_ms >= self.word_max_ms {
            return Err("amd.word_min_ms must be less than amd.word_max_ms".into());
        }
        if self.initial_silence_ms > self.total_ms {
            return Err("amd.initial_silence_ms must not be more than amd.total_ms".into());
        }
        Ok(())
    }
}

/// What a file holds.
pub(super) fn read(key: &str, file: &Path) -> Result<Vec<u8>, BadSettings> {
    std::fs::read(file)
        .map_err(|error| BadSettings(format!("{key}: cannot read {}: {error}", file.display())))
}
