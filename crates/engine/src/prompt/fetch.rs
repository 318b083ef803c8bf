//! Fetching: the one place from which prompts are asked for over the network.
//!
//! An account names the URL, and the server stands where the account does not. So a host's addresses
//! are found here, checked here, and the connection goes to those very addresses: a name that means
//! something else a moment later gains nothing. A redirect takes the same way.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::address::{Network, is_public};
use super::{PromptError, PromptSettings};

const REDIRECTS_MAX: u32 = 3;
/// As many addresses of one host are tried.
const ADDRESSES_MAX: usize = 16;
/// Pages that say why there is no file. Other types are not believed either way: the decoder sees.
const PAGE_TYPES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// The addresses of a host and port.
pub type Names = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The machine's own way from names to addresses.
pub(super) fn system_names() -> Arc<Names> {
    Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
}

/// Fetches audio files.
pub(super) struct Fetch {
    agent: Agent,
    bytes_max: usize,
    timeout: Duration,
    turns: Arc<Semaphore>,
}

impl Fetch {
    pub(super) fn new(settings: &PromptSettings, names: Arc<Names>) -> Self {
        let config = Config::builder()
            .proxy(None) // a proxy would find the addresses itself
            .max_redirects(REDIRECTS_MAX)
            .max_idle_connections(0)
            .timeout_global(Some(settings.fetch_timeout))
            .user_agent(concat!("callslip/", env!("CARGO_PKG_VERSION")))
            .accept("audio/*, */*;q=0.1")
            .accept_encoding("identity")
            .build();
        let private = settings.private_networks.clone();
        Self {
            agent: Agent::with_parts(
                config,
                DefaultConnector::default(),
                Checked { names, private },
            ),
            bytes_max: settings.fetch_bytes_max,
            timeout: settings.fetch_timeout,
            turns: Arc::new(Semaphore::new(settings.fetch_at_once.max(1))),
        }
    }

    /// µ-law samples of the file at that URL. When this is dropped, a fetch under way ends by
    /// itself within its timeout, and keeps its turn until then.
    pub(super) async fn sound(&self, url: &str) -> Result<Vec<u8>, PromptError> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|error| PromptError::NotFetched(error.to_string()))?;
        let (agent, url, bytes_max) = (self.agent.clone(), url.to_owned(), self.bytes_max);
        let fetched = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            Ok(voip::sound::decode(get(&agent, &url, bytes_max)?)?)
        });
        // Asking for a name knows no timeout of its own.
        let fetched = timeout(self.timeout, fetched).await;
        let fetched = fetched.map_err(|_| PromptError::NotFetched("it took too long".into()))?;
        fetched.map_err(|error| PromptError::NotFetched(error.to_string()))?
    }
}

/// The file.
fn get(agent: &Agent, url: &str, bytes_max: usize) -> Result<Vec<u8>, PromptError> {
    let mut answer = agent.get(url).call().map_err(|error| not_fetched(&error))?;
    let body = answer.body_mut();
    let media_type = body.mime_type().unwrap_or_default().to_ascii_lowercase();
    if PAGE_TYPES.contains(&media_type.as_str()) {
        return Err(PromptError::Unsupported(format!("it is {media_type}")));
    }
    let read = body.with_config().limit(bytes_max as u64).read_to_vec();
    read.map_err(|error| not_fetched(&error))
}

/// What to say of it. The URL is left out: it may hold a key.
fn not_fetched(error: &Error) -> PromptError {
    PromptError::NotFetched(match error {
        Error::StatusCode(code) => format!("the answer is {code}"),
        Error::BodyExceedsLimit(bytes) => format!("it has more than {bytes} bytes"),
        Error::Timeout(_) => "it took too long".into(),
        Error::TooManyRedirects => format!("there are more than {REDIRECTS_MAX} redirects"),
        Error::HostNotFound => "the host is not known".into(),
        Error::BadUri(_) => "it is no http or https URL".into(),
        Error::Io(error) => error.to_string(),
        Error::Tls(error) => format!("TLS: {error}"),
        _ => "the answer cannot be read".into(),
    })
}

/// Gives out only addresses that may be asked.
struct Checked {
    names: Arc<Names>,
    private: Vec<Network>,
}

impl Checked {
    fn may_be_asked(&self, address: SocketAddr) -> bool {
        let ip = address.ip();
        is_public(ip) || self.private.iter().any(|network| network.contains(ip))
    }
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let default_port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(Error::BadUri("scheme".into())),
        };
        let port = uri.port_u16().unwrap_or(default_port);
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let host = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).unwrap_or(host);
        let found = (self.names)(host, port).map_err(|_| Error::HostNotFound)?;
        let mut checked = self.empty();
        let allowed = found.iter().filter(|address| self.may_be_asked(**address));
        for address in allowed.take(ADDRESSES_MAX) {
            checked.push(*address);
        }
        match (found.is_empty(), checked.is_empty()) {
            (true, _) => Err(Error::HostNotFound),
            (false, true) => Err(Error::Io(io::Error::other("the host's address is not public"))),
            (false, false) => Ok(checked),
        }
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("private", &self.private).finish_non_exhaustive()
    }
}
