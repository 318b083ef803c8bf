//! How the database is reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::{Result, StoreError};

/// A peer that acknowledges nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often one that has nothing to say is asked whether it is there, once it has been silent.
const PROBE: Duration = Duration::from_secs(2);
/// The longest that one attempt to connect may take.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Every session's own settings. A node that stops in the middle of a transaction must not hold a
/// lock for ever. All that is asked for is a few rows by an index; the planner does not know, because
/// tables grow faster than their statistics.
const SESSION: &str = "-c idle_in_transaction_session_timeout=10s -c jit=off \
    -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off";

/// Where the database is, and how this node works on it.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// `postgres://user@host:port/database`. `sslmode=require` asks for TLS, checked against
    /// [`Self::ca_file`] and the host's name; without it nothing is encrypted.
    pub url: String,
    /// A file with the password, if one is asked for; a last newline is not part of it. Read again
    /// at each connection, so that it can be changed while the node runs.
    pub password_file: Option<PathBuf>,
    /// The certificates, in PEM, that the server's may be signed by.
    pub ca_file: Option<PathBuf>,
    /// The schema that the tables are in; made if it is not there.
    pub schema: String,
    /// Connections at most; there is one more to listen on.
    pub connections: usize,
    /// How long a verb waits for a database that cannot be reached.
    pub patience: Duration,
    /// How long a node may be silent before the others return what it had in flight. A node says
    /// that it lives with each upkeep.
    pub silence_max: Duration,
}

impl PostgresSettings {
    /// Usual settings for the database at that URL.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password_file: None,
            ca_file: None,
            schema: "callslip".to_owned(),
            connections: 8,
            patience: Duration::from_secs(5),
            silence_max: Duration::from_secs(30),
        }
    }

    /// The configuration of the driver for each host, but for the password.
    pub(super) fn hosts(&self) -> Result<Vec<Config>> {
        let all = self.config()?;
        let (names, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
        let count = names.len().max(addresses.len());
        let fits = |length: usize| length <= 1 || length == count;
        let agree = names.is_empty() || addresses.is_empty() || names.len() == addresses.len();
        if count == 0 || !agree || !fits(ports.len()) {
            let what = "the database's URL: hosts and ports do not fit together";
            return Err(StoreError::Settings(what.to_owned()));
        }
        let host = |number: usize| {
            let mut config = without_hosts(&all);
            match names.get(number) {
                Some(Host::Tcp(name)) => _ = config.host(name),
                Some(Host::Unix(path)) => _ = config.host_path(path),
                None => {}
            }
            if let Some(address) = addresses.get(number) {
                config.hostaddr(*address);
            }
            if let Some(port) = ports.get(number).or(ports.first()) {
                config.port(*port);
            }
            if count > 1 {
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            config
        };
        Ok((0..count).map(host).collect())
    }

    /// The configuration of the driver for all of them.
    pub(super) fn config(&self) -> Result<Config> {
        let wrong = |what: &str| StoreError::Settings(what.to_owned());
        let mut config: Config =
            self.url.parse().map_err(|error| wrong(&format!("the database's URL: {error}")))?;
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.schema.is_empty() || self.schema.len() > 60 || !self.schema.chars().all(is_name) {
            return Err(wrong("the schema's name may have a-z, 0-9 and _"));
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(SslMode::Disable);
        }
        if config.get_ssl_mode() != SslMode::Disable && self.ca_file.is_none() {
            return Err(wrong("TLS to the database needs the CA's certificate as a file"));
        }
        let own = format!("-c search_path={} {SESSION}", self.schema);
        let options = config.get_options().map_or(own.clone(), |given| format!("{given} {own}"));
        config
            .options(options)
            .application_name("callslip")
            .connect_timeout(CONNECT_MAX)
            .tcp_user_timeout(SILENCE_MAX)
            .keepalives_idle(SILENCE_MAX / 2)
            .keepalives_interval(PROBE);
        Ok(config)
    }

    /// The connector for TLS. Without a CA it trusts nobody, and is not used.
    pub(super) fn tls(&self) -> Result<MakeRustlsConnect> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = &self.ca_file {
            let unusable = |reason: String| {
                StoreError::Settings(format!("the CA's file {}: {reason}", path.display()))
            };
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?
            {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("it has no certificate".to_owned()));
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Settings(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

/// The same, for a host that is yet to be named: the driver has no way to take one away.
fn without_hosts(all: &Config) -> Config {
    let mut config = Config::new();
    config
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .target_session_attrs(all.get_target_session_attrs())
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle());
    all.get_user().map(|user| config.user(user));
    all.get_password().map(|password| config.password(password));
    all.get_dbname().map(|name| config.dbname(name));
    all.get_options().map(|options| config.options(options));
    all.get_application_name().map(|name| config.application_name(name));
    all.get_connect_timeout().map(|most| config.connect_timeout(*most));
    all.get_tcp_user_timeout().map(|most| config.tcp_user_timeout(*most));
    all.get_keepalives_interval().map(|pause| config.keepalives_interval(pause));
    all.get_keepalives_retries().map(|most| config.keepalives_retries(most));
    config
}

/// The password as it is in the file now.
pub(super) fn read_password(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut password = std::fs::read(path)?;
    while password.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        password.pop();
    }
    Ok(password)
}
