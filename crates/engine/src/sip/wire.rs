//! The wire: transactions and transports. The only module that knows `rsipstack`; what it takes
//! and gives are messages and addresses of ours.
//!
//! Of the library we use its transaction layer (RFC 3261 §17, RFC 6026), its parsers, its resolver
//! and its connections. Its dialogs are not used: they take any 2xx for an answer, never release
//! what they do not understand, and keep a transaction for 32 s after each answer.

mod hooks;
mod socket;
mod streams;
mod transaction;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::authenticate::compute_digest;
use rsipstack::platform::CancellationToken;
use rsipstack::sip::headers::auth::{Algorithm as TheirAlgorithm, AuthQop};
use rsipstack::sip::{Host, HostWithPort, SipMessage, Transport as TheirTransport};
use rsipstack::transaction::endpoint::{EndpointInner, EndpointOption};
use rsipstack::transaction::{EndpointBuilder, random_text};
use rsipstack::transport::transport_layer::{DefaultDomainResolver, DomainResolver};
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ladder::Records;
use super::message::Message;
use super::peers::Peers;
use super::settings::{Hop, StackSettings, Transport};
use crate::sockets;

use hooks::Hooks;
use streams::Streams;
pub(super) use transaction::{Asked, Incoming, is_local};

/// The endpoint on the network.
pub(super) struct Wire {
    endpoint: Arc<EndpointInner>,
    cancel: CancellationToken,
    datagrams: SipConnection,
    streams: Streams,
    resolver: DefaultDomainResolver,
    hooks: Hooks,
    peers: Arc<Peers>,
    /// Where it really listens.
    pub(super) local: SocketAddr,
}

/// What comes without having been asked for.
pub(super) enum Arrival {
    /// A request.
    Request(Box<Incoming>),
    /// A 2xx to an INVITE that nobody waits for (any more): a fork's, one that was given up, or
    /// one of a former process.
    Stray(Box<(Message, Route)>),
}

/// How the next hop is reached.
#[derive(Clone)]
pub(super) struct Route {
    connection: SipConnection,
    remote: SipAddr,
    /// What carries it.
    pub(super) transport: Transport,
    /// How we are reached back: `host:port`.
    pub(super) sent_by: String,
}

/// Why something could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsent(pub(super) String);

/// How long a name or a connection is waited for. Less than a trunk has for its first answer.
const REACH: Duration = Duration::from_secs(4);
/// What waits for the stack while it is busy; what comes beyond is sent again by the far end.
const ARRIVALS: usize = 1024;
/// Long after any ring timeout: that one is the call's.
const PROCEEDING_MAX: Duration = Duration::from_secs(600);
/// How long a connection is kept without a word.
const STREAM_IDLE: Duration = Duration::from_secs(600);

impl Wire {
    /// Opens the sockets, and serves them in tasks of that set.
    pub(super) async fn start(
        settings: &StackSettings,
        peers: Arc<Peers>,
        records: Arc<Records>,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<(Arc<Self>, mpsc::Receiver<Arrival>)> {
        let cancel = CancellationToken::new();
        let socket = sockets::sip_datagrams(settings.udp)?;
        let local = socket.local_addr()?;
        let advertised = |address: SocketAddr| {
            settings.advertised.map(|host| SocketAddr::new(host, address.port()))
        };
        let (peers_of_socket, records_of_socket) = (peers.clone(), records.clone());
        let guarded = Arc::new(socket::Guarded::new(socket, peers_of_socket, records_of_socket));
        let udp = UdpConnection::from_socket(guarded, advertised(local), Some(cancel.clone()));
        let datagrams = SipConnection::Udp(udp.await.map_err(io::Error::other)?);

        let transports = TransportLayer::new(cancel.clone());
        transports.add_transport(datagrams.clone());
        transports.set_stream_idle_timeout(STREAM_IDLE);
        let (arrivals_in, arrivals) = mpsc::channel(ARRIVALS);
        let hooks = Hooks::new(records, arrivals_in.clone());
        let endpoint = EndpointBuilder::new()
            .with_cancel_token(cancel.clone())
            .with_transport_layer(transports)
            .with_user_agent(&settings.user_agent)
            .with_option(options(settings))
            .with_inspector(Box::new(hooks.clone()))
            .with_transport_inspector(Box::new(hooks.clone()))
            .build();
        hooks.watch(&endpoint.inner);
        let incoming = endpoint.incoming_transactions().map_err(io::Error::other)?;
        let streams = Streams::start(settings, &endpoint.inner, (&peers, &cancel), tasks).await?;
        let wire = Self {
            endpoint: endpoint.inner.clone(),
            cancel,
            datagrams,
            streams,
            resolver: DefaultDomainResolver::default(),
            hooks,
            peers,
            local,
        };
        tasks.spawn(async move { endpoint.serve().await });
        tasks.spawn(transaction::take_in(incoming, arrivals_in));
        Ok((Arc::new(wire), arrivals))
    }

    /// Finds out how a hop is reached, and connects to it if it must.
    pub(super) async fn route(&self, hop: &Hop) -> Result<Route, Unsent> {
        let remote = self.resolve(hop).await?;
        let transport = remote.r#type.map_or(hop.transport, ours);
        let address = remote.get_socketaddr().map_err(|error| Unsent(error.to_string()))?;
        self.peers.call(address.ip());
        let connection = match transport {
            Transport::Udp => self.datagrams.clone(),
            Transport::Tcp | Transport::Tls => {
                let connection = self.streams.connect(transport, address, &hop.host).await?;
                self.hooks.learn(address, &connection);
                connection
            }
        };
        let sent_by = sent_by(&connection, self.streams.listens(transport));
        Ok(Route { connection, remote, transport, sent_by })
    }

    async fn resolve(&self, hop: &Hop) -> Result<SipAddr, Unsent> {
        let transport = theirs(hop.transport);
        let bare = hop.host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let usual = if hop.transport == Transport::Tls { 5061 } else { 5060 };
            let address = SocketAddr::new(address, hop.port.unwrap_or(usual));
            return Ok(SipAddr::new(transport, address.into()));
        }
        let host = Host::Domain(hop.host.clone().into());
        let target = HostWithPort { host, port: hop.port.map(Into::into) };
        let target = SipAddr::new(transport, target);
        let resolved = tokio::time::timeout(REACH, self.resolver.resolve(&target)).await;
        let resolved =
            resolved.map_err(|_| Unsent(format!("{}: no answer of the DNS", hop.host)))?;
        resolved.map_err(|error| Unsent(error.to_string()))
    }

    /// Whether a connection of that route still stands. Datagrams need none.
    pub(super) fn stands(&self, route: &Route) -> bool {
        !route.connection.cancel_token().is_some_and(|token| token.is_cancelled())
    }

    /// Sends a message outside of any transaction: the ACK of a 2xx.
    pub(super) async fn send_once(
        &self,
        route: &Route,
        mut message: Message,
    ) -> Result<(), Unsent> {
        route.put_via(&mut message);
        let message = SipMessage::try_from(message.to_bytes().as_slice());
        let message = message.map_err(|error| Unsent(error.to_string()))?;
        self.hooks.note_sent_on_stream(&message, &route.remote);
        let sent = route.connection.send(message, Some(&route.remote)).await;
        sent.map_err(|error| Unsent(error.to_string()))
    }

    /// Starts a transaction with that request.
    pub(super) fn ask(&self, route: &Route, message: Message) -> Result<Asked, Unsent> {
        Asked::start(&self.endpoint, route, message)
    }

    /// How many transactions run, or remember what they said.
    pub(super) fn transactions(&self) -> usize {
        let stats = self.endpoint.get_stats();
        stats.running_transactions + stats.finished_transactions
    }

    /// Stops listening and sending.
    pub(super) fn stop(&self) {
        self.cancel.cancel();
    }
}

impl Route {
    /// Says where the response is to be sent (RFC 3261 §18.1.1, RFC 3581).
    fn put_via(&self, message: &mut Message) {
        let transport = self.transport;
        let branch = random(20);
        let via = format!("SIP/2.0/{transport} {};branch=z9hG4bK{branch};rport", self.sent_by);
        message.put_first("Via", &via);
    }

    /// Where it leads.
    pub(super) fn hop(&self) -> Hop {
        let host = self.remote.addr.host.to_string();
        let port = self.remote.addr.port.map(|port| port.value().to_owned());
        Hop { transport: self.transport, host, port }
    }

    /// A Contact by which the far end reaches us.
    pub(super) fn contact(&self) -> String {
        let transport = match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!("<sip:callslip@{}{transport}>", self.sent_by)
    }
}

/// Letters and digits that nobody guesses.
pub(super) fn random(length: usize) -> String {
    random_text(length)
}

/// A digest function that we can do (RFC 8760).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
}

/// What a digest is made of.
pub(super) struct DigestOf<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) username: &'a str,
    pub(super) password: &'a str,
    pub(super) realm: &'a str,
    pub(super) nonce: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    /// With `qop=auth`, in its first use.
    pub(super) cnonce: Option<&'a str>,
}

/// The response to a challenge (RFC 2617 §3.2.2); none for a method that nobody challenges.
pub(super) fn digest(of: &DigestOf) -> Option<String> {
    let algorithm = match of.algorithm {
        Algorithm::Md5 => TheirAlgorithm::Md5,
        Algorithm::Sha256 => TheirAlgorithm::Sha256,
    };
    let qop = of.cnonce.map(|cnonce| AuthQop::Auth { cnonce: cnonce.to_owned(), nc: 1 });
    let method = of.method.parse().ok()?;
    let DigestOf { username, password, realm, nonce, uri, .. } = *of;
    let qop = qop.as_ref();
    Some(compute_digest(username, password, realm, nonce, &method, uri, algorithm, qop))
}

/// How we are reached back: where we listen, else where the connection is.
fn sent_by(connection: &SipConnection, listener: Option<SocketAddr>) -> String {
    match (connection.get_addr().get_socketaddr(), listener) {
        (Ok(local), Some(listener)) if listener.ip().is_unspecified() => {
            SocketAddr::new(local.ip(), listener.port()).to_string()
        }
        (_, Some(listener)) => listener.to_string(),
        (Ok(local), None) => local.to_string(),
        (Err(_), None) => connection.get_addr().addr.to_string(),
    }
}

fn options(settings: &StackSettings) -> EndpointOption {
    let t1 = settings.t1;
    EndpointOption {
        t1,
        t2: t1 * 8,
        t4: t1 * 10,
        t1x64: t1 * 64,
        timerc: PROCEEDING_MAX,
        callid_suffix: Some(settings.domain.clone()),
        ..EndpointOption::default()
    }
}

fn ours(transport: TheirTransport) -> Transport {
    match transport {
        TheirTransport::Tcp => Transport::Tcp,
        TheirTransport::Tls | TheirTransport::Wss | TheirTransport::TlsSctp => Transport::Tls,
        TheirTransport::Udp | TheirTransport::Ws | TheirTransport::Sctp => Transport::Udp,
    }
}

fn theirs(transport: Transport) -> TheirTransport {
    match transport {
        Transport::Udp => TheirTransport::Udp,
        Transport::Tcp => TheirTransport::Tcp,
        Transport::Tls => TheirTransport::Tls,
    }
}
