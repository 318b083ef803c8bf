//! `[[trunk]]`: a peer that takes our calls.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use engine::exchange::Caps;
use engine::sip::{
    CallerPolicy, Codec, Credentials, Destination, Form, Hop, Keys, KeysBy, Network, NumberFormat,
    Rank, SessionTimer, Transport,
};
use serde::{Deserialize, Serialize};

use super::sip::read;
use super::{BadSettings, bounds};

/// `[[trunk]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// What it is called here.
    #[serde(deserialize_with = "bounds::name")]
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "bounds::some")]
    pub destinations: Vec<Place>,
    /// From where else it may send us requests.
    #[serde(default, deserialize_with = "bounds::networks")]
    pub sources: Vec<String>,
    /// Beginnings of the numbers that it serves.
    #[serde(default, deserialize_with = "bounds::prefixes")]
    pub serves: Vec<String>,
    /// The lowest is tried first.
    #[serde(default = "one", deserialize_with = "bounds::between::<0, 65_535, _, _>")]
    pub priority: u16,
    /// The share among trunks of one priority.
    #[serde(default = "one", deserialize_with = "bounds::between::<1, 65_535, _, _>")]
    pub weight: u16,
    /// Our name there.
    #[serde(default, deserialize_with = "bounds::header_text_if_given")]
    pub user: Option<String>,
    /// The file with our password.
    #[serde(default, deserialize_with = "bounds::path_if_given")]
    pub password_file: Option<PathBuf>,
    /// The variable with our password.
    #[serde(default, deserialize_with = "bounds::header_text_if_given")]
    pub password_env: Option<String>,
    /// Seconds that a registration is asked for.
    #[serde(default, deserialize_with = "bounds::between_if_given::<60, 86_400, _, _>")]
    pub register_s: Option<u64>,
    /// Seconds between pings.
    #[serde(default = "ping", deserialize_with = "bounds::between::<0, 3600, _, _>")]
    pub ping_s: u64,
    /// How numbers begin.
    #[serde(default)]
    pub number_format: Format,
    /// What is taken from their beginning.
    #[serde(default, deserialize_with = "bounds::dialled")]
    pub strip: String,
    /// What is put there.
    #[serde(default, deserialize_with = "bounds::dialled")]
    pub prepend: String,
    /// Parameters of the URI.
    #[serde(default, deserialize_with = "bounds::uri_parameters")]
    pub uri_parameters: Vec<String>,
    /// How the shown number begins.
    #[serde(default)]
    pub caller_format: Format,
    /// Who From says that we are.
    #[serde(default, deserialize_with = "bounds::header_text_if_given")]
    pub identity: Option<String>,
    /// Headers that have the shown number beside, or in place of, From.
    #[serde(default = "asserted")]
    pub caller_headers: Vec<CallerHeader>,
    /// The right side of our URIs.
    #[serde(default, deserialize_with = "bounds::host_if_given")]
    pub from_domain: Option<String>,
    /// Codecs, the best first.
    #[serde(default = "both_codecs", deserialize_with = "bounds::some")]
    pub codecs: Vec<CodecName>,
    /// How keys are sent.
    #[serde(default)]
    pub dtmf: Dtmf,
    /// Whether keys are listened for as tones.
    #[serde(default)]
    pub dtmf_in_band: bool,
    /// Legs begun within a second.
    #[serde(default = "ten", deserialize_with = "bounds::between::<1, 10_000, _, _>")]
    pub calls_per_second: u32,
    /// Legs under way at once.
    #[serde(default = "hundred", deserialize_with = "bounds::between::<1, 100_000, _, _>")]
    pub concurrent_calls: u32,
    /// Seconds that it may ring.
    #[serde(default = "ring", deserialize_with = "bounds::between::<1, 170, _, _>")]
    pub ring_s: u64,
    /// Milliseconds for anything to come back.
    #[serde(default = "no_reply", deserialize_with = "bounds::between::<200, 32_000, _, _>")]
    pub no_reply_ms: u64,
    /// Codes after which no other trunk is tried.
    #[serde(default = "final_codes", deserialize_with = "bounds::codes")]
    pub final_codes: Vec<u16>,
    /// Seconds within which a leg proves that it is still up.
    #[serde(default = "session", deserialize_with = "bounds::zero_or_between::<90, 86_400, _, _>")]
    pub session_timer_s: u64,
}

/// Where a trunk is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// A name or an address.
    #[serde(deserialize_with = "bounds::host")]
    pub host: String,
    /// Its port.
    #[serde(default, deserialize_with = "bounds::between_if_given::<1, 65_535, _, _>")]
    pub port: Option<u16>,
    /// What carries SIP there.
    #[serde(default)]
    pub transport: TransportName,
    /// The lowest is tried first.
    #[serde(default = "one", deserialize_with = "bounds::between::<0, 65_535, _, _>")]
    pub priority: u16,
    /// The share among destinations of one priority.
    #[serde(default = "one", deserialize_with = "bounds::between::<1, 65_535, _, _>")]
    pub weight: u16,
}

/// What carries SIP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportName {
    /// Datagrams.
    #[default]
    Udp,
    /// A connection.
    Tcp,
    /// An encrypted connection.
    Tls,
}

/// How a number begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// With its country code.
    #[serde(rename = "e164")]
    Digits,
    /// With `+` before that.
    #[default]
    #[serde(rename = "+e164")]
    Plus,
    /// With `00` before that.
    #[serde(rename = "00")]
    Zeros,
}

/// A header with the shown number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallerHeader {
    /// RFC 3325.
    PAssertedIdentity,
    /// What came before that.
    RemotePartyId,
}

/// A codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodecName {
    /// G.711 A-law.
    Pcma,
    /// G.711 µ-law.
    Pcmu,
}

/// How keys are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtmf {
    /// As telephone events.
    #[default]
    Rfc4733,
    /// By SIP INFO.
    Info,
}

fn one() -> u16 {
    Rank::default().weight
}

fn usual() -> engine::sip::Trunk {
    engine::sip::Trunk::new("", Vec::new())
}

fn ping() -> u64 {
    usual().ping.map_or(0, |every| every.as_secs())
}

fn asserted() -> Vec<CallerHeader> {
    vec![CallerHeader::PAssertedIdentity]
}

fn both_codecs() -> Vec<CodecName> {
    vec![CodecName::Pcma, CodecName::Pcmu]
}

fn ten() -> u32 {
    usual().caps.calls_per_second
}

fn hundred() -> u32 {
    usual().caps.concurrent_calls
}

fn ring() -> u64 {
    usual().ring.as_secs()
}

fn no_reply() -> u64 {
    u64::try_from(usual().no_reply.as_millis()).unwrap_or(u64::MAX)
}

fn final_codes() -> Vec<u16> {
    usual().final_codes
}

fn session() -> u64 {
    usual().session.map_or(0, |session| session.expires.as_secs())
}

impl Trunk {
    /// The trunk as the engine has it.
    ///
    /// # Errors
    /// Its password cannot be read.
    pub fn engine(&self) -> Result<engine::sip::Trunk, BadSettings> {
        let parse = |text: &String| network(text);
        let destinations = self.destinations.iter().map(Place::engine).collect();
        let shown = |header| self.caller_headers.contains(&header);
        let codecs = self.codecs.iter().map(|codec| match codec {
            CodecName::Pcma => Codec::Pcma,
            CodecName::Pcmu => Codec::Pcmu,
        });
        let by = match self.dtmf {
            Dtmf::Rfc4733 => KeysBy::Events,
            Dtmf::Info => KeysBy::Info,
        };
        let session = |expires| SessionTimer { expires, least: Duration::from_secs(90) };
        Ok(engine::sip::Trunk {
            name: self.name.clone(),
            destinations,
            sources: self.sources.iter().filter_map(parse).collect(),
            serves: self.serves.iter().map(|prefix| digits(prefix).to_owned()).collect(),
            rank: Rank { priority: self.priority, weight: self.weight },
            credentials: self.credentials()?,
            register: self.register_s.map(Duration::from_secs),
            ping: seconds(self.ping_s),
            called: NumberFormat {
                form: self.number_format.engine(),
                strip: self.strip.clone(),
                prepend: self.prepend.clone(),
                parameters: self.uri_parameters.clone(),
            },
            caller: CallerPolicy {
                form: self.caller_format.engine(),
                identity: self.identity.clone(),
                asserted: shown(CallerHeader::PAssertedIdentity),
                remote_party: shown(CallerHeader::RemotePartyId),
                domain: self.from_domain.clone(),
            },
            codecs: codecs.collect(),
            keys: Keys { by, in_band: self.dtmf_in_band },
            caps: Caps {
                calls_per_second: self.calls_per_second,
                concurrent_calls: self.concurrent_calls,
            },
            ring: Duration::from_secs(self.ring_s),
            no_reply: Duration::from_millis(self.no_reply_ms),
            final_codes: self.final_codes.clone(),
            session: seconds(self.session_timer_s).map(session),
        })
    }

    /// Whether any of its destinations is spoken to over TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        self.destinations.iter().any(|place| place.transport == TransportName::Tls)
    }

    fn credentials(&self) -> Result<Option<Credentials>, BadSettings> {
        let Some(username) = self.user.clone() else { return Ok(None) };
        let wrong = |why: String| BadSettings(format!("trunk {}: {why}", self.name));
        let password = match (&self.password_file, &self.password_env) {
            (Some(file), _) => {
                let bytes = read(&format!("trunk {}: password_file", self.name), file)?;
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_| wrong(format!("{} is not UTF-8", file.display())))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            (None, Some(name)) => std::env::var(name)
                .map_err(|error| wrong(format!("password_env {name}: {error}")))?,
            (None, None) => String::new(),
        };
        if password.is_empty() {
            return Err(wrong("its password is empty".into()));
        }
        Ok(Some(Credentials { username, password }))
    }

    /// What no single key can get wrong.
    fn check_together(&self) -> Result<(), String> {
        let passwords =
            usize::from(self.password_file.is_some()) + usize::from(self.password_env.is_some());
        match (&self.user, passwords) {
            (_, 2) => return Err("password_file and password_env are both given".into()),
            (Some(_), 0) => {
                return Err("user is given, neither password_file nor password_env is".into());
            }
            (None, 1) => return Err("a password is given, user is not".into()),
            (None, _) if self.register_s.is_some() => {
                return Err("register_s is given, user is not".into());
            }
            _ => {}
        }
        let mut places = HashSet::new();
        for place in &self.destinations {
            if !places.insert((place.host.to_ascii_lowercase(), place.port, place.transport as u8))
            {
                return Err(format!("destinations has {} twice", place.host));
            }
        }
        if self.codecs.iter().collect::<HashSet<_>>().len() < self.codecs.len() {
            return Err("codecs has one twice".into());
        }
        Ok(())
    }
}

/// What no single trunk can get wrong.
pub(super) fn check_together(trunks: &[Trunk], are_needed: bool) -> Result<(), String> {
    if are_needed && trunks.is_empty() {
        return Err("calls.carrier is \"sip\", and there is no [[trunk]]".into());
    }
    let mut names = HashSet::new();
    for trunk in trunks {
        if !names.insert(&trunk.name) {
            return Err(format!("there are two trunks of the name {}", trunk.name));
        }
        trunk.check_together().map_err(|text| format!("trunk {}: {text}", trunk.name))?;
    }
    Ok(())
}

impl Place {
    fn engine(&self) -> Destination {
        let transport = match self.transport {
            TransportName::Udp => Transport::Udp,
            TransportName::Tcp => Transport::Tcp,
            TransportName::Tls => Transport::Tls,
        };
        let rank = Rank { priority: self.priority, weight: self.weight };
        Destination { hop: Hop { transport, host: self.host.clone(), port: self.port }, rank }
    }
}

impl Format {
    fn engine(self) -> Form {
        match self {
            Self::Digits => Form::Digits,
            Self::Plus => Form::Plus,
            Self::Zeros => Form::Zeros,
        }
    }
}

fn seconds(count: u64) -> Option<Duration> {
    (count > 0).then(|| Duration::from_secs(count))
}

/// A prefix may be written with `+`.
fn digits(prefix: &str) -> &str {
    prefix.strip_prefix('+').unwrap_or(prefix)
}

/// A network that was found to be one when the settings were read.
fn network(text: &str) -> Option<Network> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let mut network = Network::from(address.parse::<std::net::IpAddr>().ok()?);
    if let Some(bits) = bits {
        network.bits = bits.parse().ok()?;
    }
    Some(network)
}
