//! Connections: made by us or by a trunk, plain or encrypted. One to each place, shared.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rsipstack::platform::CancellationToken;
use rsipstack::transaction::endpoint::EndpointInner;
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::tls::TlsConnection;
use rsipstack::transport::{SipAddr, SipConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{REACH, Unsent, theirs};
use crate::sip::peers::Peers;
use crate::sip::settings::{StackSettings, TlsListener, Transport};
use crate::sockets;

/// The connections.
pub(super) struct Streams {
    opener: Opener,
    open: Mutex<HashMap<Place, Arc<OnceCell<SipConnection>>>>,
    connector: Option<TlsConnector>,
    tcp: Option<SocketAddr>,
    tls: Option<SocketAddr>,
}

type Place = (Transport, SocketAddr, String);

/// Hands connections to the library.
#[derive(Clone)]
struct Opener {
    endpoint: Arc<EndpointInner>,
    cancel: CancellationToken,
}

/// Handshakes under way at a time.
const HANDSHAKES: usize = 64;

impl Streams {
    pub(super) async fn start(
        settings: &StackSettings,
        endpoint: &Arc<EndpointInner>,
        (peers, cancel): (&Arc<Peers>, &CancellationToken),
        tasks: &mut JoinSet<()>,
    ) -> io::Result<Self> {
        let opener = Opener { endpoint: endpoint.clone(), cancel: cancel.clone() };
        let mut listen = |address: SocketAddr, acceptor: Option<TlsAcceptor>| {
            let listener = sockets::sip_listener(address)?;
            let local = listener.local_addr()?;
            let host = settings.advertised.unwrap_or(local.ip());
            let known_as = SocketAddr::new(host, local.port());
            let door = Door { opener: opener.clone(), peers: peers.clone(), known_as, acceptor };
            tasks.spawn(door.accept(listener));
            io::Result::Ok(known_as)
        };
        let tcp = settings.tcp.map(|address| listen(address, None)).transpose()?;
        let tls = match &settings.tls {
            Some(tls) => Some(listen(tls.address, Some(acceptor(tls)?))?),
            None => None,
        };
        let connector = settings.tls_roots.as_deref().map(connector).transpose()?;
        Ok(Self { opener, open: Mutex::default(), connector, tcp, tls })
    }

    /// Where we listen for such connections, as the far end sees it.
    pub(super) fn listens(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => None,
            Transport::Tcp => self.tcp,
            Transport::Tls => self.tls,
        }
    }

    /// The connection to there; made, if there is none.
    pub(super) async fn connect(
        &self,
        transport: Transport,
        address: SocketAddr,
        name: &str,
    ) -> Result<SipConnection, Unsent> {
        let place = (transport, address, name.to_owned());
        let cell = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|_, cell| !cell.get().is_some_and(is_gone));
            open.entry(place).or_default().clone()
        };
        // Whoever comes meanwhile waits for the same connection.
        let made = cell.get_or_try_init(|| self.make(transport, address, name)).await;
        made.cloned().map_err(|error| Unsent(format!("{address}: {error}")))
    }

    async fn make(
        &self,
        transport: Transport,
        address: SocketAddr,
        name: &str,
    ) -> io::Result<SipConnection> {
        let stream = sockets::connect(address, REACH).await?;
        let remote = SipAddr::new(theirs(transport), address.into());
        let token = Some(self.opener.cancel.child_token());
        let connection = match transport {
            Transport::Udp | Transport::Tcp => {
                let local = SipAddr::new(theirs(transport), stream.local_addr()?.into());
                let made = TcpConnection::from_stream(stream, local, token);
                SipConnection::Tcp(made.map_err(io::Error::other)?)
            }
            Transport::Tls => {
                let connector = self.connector.as_ref();
                let connector = connector.ok_or_else(|| io::Error::other("no TLS authorities"))?;
                let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
                let handshake = connector.connect(name, stream);
                let stream = tokio::time::timeout(REACH, handshake).await??;
                let made = TlsConnection::from_client_stream(stream, remote, token).await;
                SipConnection::Tls(made.map_err(io::Error::other)?)
            }
        };
        self.opener.open(connection.clone());
        Ok(connection)
    }
}

impl Opener {
    fn open(&self, connection: SipConnection) {
        self.endpoint.transport_layer.add_connection(connection);
    }
}

/// Where trunks connect to us.
struct Door {
    opener: Opener,
    peers: Arc<Peers>,
    known_as: SocketAddr,
    acceptor: Option<TlsAcceptor>,
}

impl Door {
    async fn accept(self, listener: TcpListener) {
        let door = Arc::new(self);
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
        let mut guests = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = guests.join_next() => continue,
                () = door.opener.cancel.cancelled() => return,
            };
            match accepted {
                Ok((stream, remote)) if door.peers.are_heard(remote.ip()) => {
                    // If too many knock, the others come again.
                    if let Ok(permit) = handshakes.clone().try_acquire_owned() {
                        let door = door.clone();
                        guests.spawn(async move {
                            if let Err(error) = door.let_in(stream, remote).await {
                                tracing::debug!(%remote, %error, "no SIP connection came of it");
                            }
                            drop(permit);
                        });
                    }
                }
                Ok(_) => {}
                // Out of file descriptors, for instance; that passes.
                Err(error) => {
                    tracing::warn!(%error, "a SIP connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn let_in(&self, stream: TcpStream, remote: SocketAddr) -> io::Result<()> {
        let token = Some(self.opener.cancel.child_token());
        let local = match self.known_as.ip().is_unspecified() {
            true => stream.local_addr()?,
            false => self.known_as,
        };
        let connection = match &self.acceptor {
            None => {
                let local = SipAddr::new(theirs(Transport::Tcp), local.into());
                let made = TcpConnection::from_stream(stream, local, token);
                SipConnection::Tcp(made.map_err(io::Error::other)?)
            }
            Some(acceptor) => {
                let stream = tokio::time::timeout(REACH, acceptor.accept(stream)).await??;
                let local = SipAddr::new(theirs(Transport::Tls), local.into());
                let remote = SipAddr::new(theirs(Transport::Tls), remote.into());
                let made = TlsConnection::from_server_stream(stream, local, remote, token).await;
                SipConnection::Tls(made.map_err(io::Error::other)?)
            }
        };
        self.opener.open(connection);
        Ok(())
    }
}

fn is_gone(connection: &SipConnection) -> bool {
    connection.cancel_token().is_some_and(|token| token.is_cancelled())
}

fn acceptor(listener: &TlsListener) -> io::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_slice_iter(&listener.certificate).collect::<Result<_, _>>();
    let key = PrivateKeyDer::from_pem_slice(&listener.key).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(io::Error::other)?, key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn connector(roots: &[u8]) -> io::Result<TlsConnector> {
    let mut trusted = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots) {
        // A system's bundle may hold some that are not understood; the others still count.
        let _ = trusted.add(root.map_err(io::Error::other)?);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
