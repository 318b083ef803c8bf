//! A client inside the process, for simulations: its requests go through routes, credentials,
//! negotiation, the ledger and the watch over every answer; only HTTP's framing and the network
//! are left out. In place of the network there is a pair of connected sockets, which nobody writes
//! to: the client says itself what becomes of an answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;

use crate::connection::{Connection, Patience};
use crate::edge::Edge;
use crate::routes;
use crate::server::Surface;

/// A client of one surface.
#[derive(Clone)]
pub struct Client {
    edge: Arc<Edge>,
    router: Router,
    surface: Surface,
}

/// An answer that has begun to arrive.
///
/// Dropped, it is as if the client had vanished before it read a byte.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    body: Option<Body>,
    connection: Arc<Connection>,
    /// The client's end of the connection.
    client: Option<OwnedFd>,
}

impl Client {
    /// A client of that surface.
    pub fn new(edge: &Arc<Edge>, surface: Surface) -> Self {
        Self { edge: Arc::clone(edge), router: routes::router(surface, edge), surface }
    }

    /// Makes a request, on a connection of its own.
    ///
    /// # Errors
    /// There is no socket to be had.
    pub async fn request(&self, request: Request<Bytes>) -> io::Result<Answer> {
        let (server, client) = UnixStream::pair()?;
        let patience = Patience::of(&self.edge.settings);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (ledger, metrics) = (Arc::clone(&self.edge.ledger), Arc::clone(&self.edge.metrics));
        let connection = Connection::new(server.into(), peer, patience, ledger, metrics);
        let (router, request) = (self.router.clone(), request.map(Body::from));
        let answering = self.edge.respond(router, self.surface, Arc::clone(&connection), request);
        let (head, body) = answering.await.into_parts();
        let (status, headers) = (head.status, head.headers);
        Ok(Answer { status, headers, body: Some(body), connection, client: Some(client.into()) })
    }
}

impl Answer {
    /// Reads all of it and closes in order.
    ///
    /// # Errors
    /// The body ended early.
    pub async fn read(mut self) -> Result<Bytes, axum::Error> {
        let body = self.receive().await?;
        self.client = None;
        self.connection.let_go();
        self.connection.watch().await;
        Ok(body)
    }

    /// Reads all of it, and is not heard of again: it settles after a quiet while.
    ///
    /// # Errors
    /// The body ended early.
    pub async fn read_and_stay(mut self) -> Result<Bytes, axum::Error> {
        let body = self.receive().await?;
        self.connection.let_go();
        self.connection.watch().await;
        Ok(body)
    }

    /// Closes without having read all of it, so that its kernel resets the connection.
    ///
    /// # Errors
    /// The body ended early.
    pub async fn receive_and_reset(mut self) -> Result<(), axum::Error> {
        self.receive().await?;
        self.connection.reset_seen();
        self.connection.let_go();
        self.connection.watch().await;
        Ok(())
    }

    /// Every byte reaches the client's kernel.
    async fn receive(&mut self) -> Result<Bytes, axum::Error> {
        let Some(body) = self.body.take() else { return Ok(Bytes::new()) };
        let bytes = body.collect().await?.to_bytes();
        self.connection.written(bytes.len());
        self.connection.flushed();
        Ok(bytes)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Before the connection: the take's guard must find the answer unwritten.
        self.body = None;
        self.connection.let_go();
    }
}
