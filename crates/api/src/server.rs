//! Listening, connections, and the order in which a server stops.

use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::connection::{Connection, Patience};
use crate::edge::Edge;
use crate::routes;
use crate::socket::Wire;
use crate::tls::Tls;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait when the machine is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long after accounts and keys could not be read they are read again.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Streams of one HTTP/2 connection at the same time.
const STREAMS_MAX: u32 = 200;

/// What a listener shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The API of the accounts.
    Public,
    /// Health, metrics and the admin API.
    Admin,
}

/// A bound socket, and what to show on it.
pub struct Listener {
    /// Bound and listening.
    pub socket: std::net::TcpListener,
    /// What it shows.
    pub surface: Surface,
    /// Its certificate; plain HTTP without one.
    pub tls: Option<Arc<Tls>>,
}

/// A server that runs.
pub struct Server {
    edge: Arc<Edge>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Server {
    /// Starts to serve. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// A socket cannot be used.
    pub fn start(edge: Arc<Edge>, listeners: Vec<Listener>) -> std::io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let mut running = JoinSet::new();
        for Listener { socket, surface, tls } in listeners {
            socket.set_nonblocking(true)?;
            let socket = TcpListener::from_std(socket)?;
            let router = routes::router(surface, &edge);
            let floor = Floor { edge: Arc::clone(&edge), surface, router, tls };
            running.spawn(floor.listen(socket, stopping.clone()));
        }
        running.spawn(follow_settings(Arc::clone(&edge), stopping));
        Ok(Self { edge, stop, listeners: running })
    }

    /// Stops: not ready from now on, no new connection, answers under way are finished and their
    /// fate is awaited, for as long as the setting `drain` allows.
    pub async fn stop(mut self) {
        self.edge.stopping.store(true, Ordering::SeqCst);
        self.stop.send_replace(true);
        let drained = async { while self.listeners.join_next().await.is_some() {} };
        if tokio::time::timeout(self.edge.settings.drain, drained).await.is_err() {
            tracing::warn!("Some connections were still busy at the end of the drain time.");
        }
        self.listeners.shutdown().await;
    }
}

/// Reads accounts and keys again when somebody has changed them, on another node of the same ledger
/// perhaps: a key that was revoked there opens nothing here.
async fn follow_settings(edge: Arc<Edge>, mut stopping: watch::Receiver<bool>) {
    let mut settings = edge.ledger.watch_settings();
    let mut again = false;
    loop {
        tokio::select! {
            changed = settings.changed(), if !again => if changed.is_err() { return },
            () = tokio::time::sleep(READ_AGAIN), if again => {}
            () = stop_asked(&mut stopping) => return,
        }
        settings.mark_unchanged();
        again = match edge.accounts_changed().await {
            Ok(()) => false,
            Err(error) => {
                tracing::warn!(%error, "Accounts and keys could not be read again yet.");
                true
            }
        };
    }
}

/// One listener at work.
struct Floor {
    edge: Arc<Edge>,
    surface: Surface,
    router: Router,
    tls: Option<Arc<Tls>>,
}

impl Floor {
    async fn listen(self, socket: TcpListener, mut stopping: watch::Receiver<bool>) {
        let floor = Arc::new(self);
        let stops = stopping.clone();
        let places = Arc::new(Semaphore::new(floor.edge.settings.connections_max));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                            floor.edge.metrics.connections_refused.inc();
                            continue;
                        };
                        let floor = Arc::clone(&floor);
                        connections.spawn(floor.attend(stream, peer, place, stops.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, "A connection could not be accepted.");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                () = stop_asked(&mut stopping) => break,
            }
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }

    /// One connection, from its first byte until the fate of its last answer is known.
    async fn attend(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        _place: OwnedSemaphorePermit,
        stopping: watch::Receiver<bool>,
    ) {
        let _ = stream.set_nodelay(true);
        let patience = Patience::of(&self.edge.settings);
        let Ok(socket) = stream.as_fd().try_clone_to_owned() else {
            // Out of descriptors: as if it had not been accepted.
            self.edge.metrics.connections_refused.inc();
            return;
        };
        let ledger = Arc::clone(&self.edge.ledger);
        let metrics = Arc::clone(&self.edge.metrics);
        let connection = Connection::new(socket, peer, patience, ledger, metrics);
        let wire = Wire::new(stream, Arc::clone(&connection));
        self.edge.metrics.connections.inc();
        let talk = async {
            match &self.tls {
                None => self.talk(wire, &connection, stopping).await,
                Some(tls) => {
                    let handshake = tls.acceptor().accept(wire);
                    if let Ok(Ok(wire)) = tokio::time::timeout(HANDSHAKE, handshake).await {
                        self.talk(wire, &connection, stopping).await;
                    }
                }
            }
        };
        tokio::join!(talk, connection.watch());
        self.edge.metrics.connections.dec();
    }

    async fn talk<S>(
        self: &Arc<Self>,
        stream: S,
        connection: &Arc<Connection>,
        mut stopping: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (floor, connection) = (Arc::clone(self), Arc::clone(connection));
        let service = service_fn(move |request: http::Request<Incoming>| {
            let (floor, connection) = (Arc::clone(&floor), Arc::clone(&connection));
            async move {
                let (router, request) = (floor.router.clone(), request.map(Body::new));
                let answer = floor.edge.respond(router, floor.surface, connection, request);
                Ok::<_, std::convert::Infallible>(answer.await)
            }
        });
        let builder = self.builder();
        let talk = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(talk);
        tokio::select! {
            ended = talk.as_mut() => return log_end(ended),
            () = stop_asked(&mut stopping) => talk.as_mut().graceful_shutdown(),
        }
        log_end(talk.await);
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let settings = &self.edge.settings;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout)
            .max_buf_size(settings.header_bytes_max.max(8 << 10))
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(settings.header_timeout)
            .keep_alive_timeout(settings.header_timeout);
        builder
    }
}

async fn stop_asked(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server itself is gone, which is a stop too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// A connection that ends in disorder is the client's or the network's doing, and no news.
fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(error = %error, "A connection ended in disorder.");
    }
}
