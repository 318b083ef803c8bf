//! A TCP wire between an HTTP client and a server, which breaks where the test says.
//!
//! A cable never reads from the server's socket what it does not deliver: to the server it looks
//! as if the client itself had lost its connection. A proxy reads the whole reply first, and to
//! the server all is well whatever becomes of it.

mod carry;
mod proxy;
mod reply;

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What becomes of the first reply on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It arrives, and so does everything after it.
    Pass,
    /// The client's connection ends in order; not a byte of the reply arrives.
    Close,
    /// The client's connection is reset; not a byte of the reply arrives.
    Reset,
    /// Not a byte arrives, until the client gives up.
    Stall,
    /// All but the last so many bytes of the body arrive, then the client's connection ends.
    CutShort {
        /// How many do not arrive.
        bytes: usize,
    },
    /// The head and the first so many bytes of the body arrive, then the client's connection ends.
    CutAfter {
        /// How many arrive.
        bytes: usize,
    },
}

/// What is between the client and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middle {
    /// Nothing that keeps a byte. When the client is lost, the server's connection is reset.
    Cable,
    /// A reverse proxy that reads a reply to its end before it turns to the client.
    Proxy,
}

type Hook = Box<dyn Fn() + Send + Sync>;

/// How a wire is laid.
pub struct Plan {
    middle: Middle,
    faults: Vec<Fault>,
    narrow: bool,
    struck: Option<Hook>,
}

impl Plan {
    /// The fault of each connection that has a reply, in their order; those after them pass.
    pub fn new(middle: Middle, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { middle, faults: faults.into_iter().collect(), narrow: false, struck: None }
    }

    /// Takes in as little of a reply ahead of its delivery as a kernel can be told to, so that
    /// the rest of a long reply stays unacknowledged.
    #[must_use]
    pub fn narrow(self) -> Self {
        Self { narrow: true, ..self }
    }

    /// Called when a fault has struck and before either side is told.
    #[must_use]
    pub fn when_struck(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self { struck: Some(Box::new(hook)), ..self }
    }
}

/// A wire, carrying connections until it is dropped.
pub struct Wire {
    address: SocketAddr,
    line: Arc<Line>,
    accepting: JoinHandle<()>,
}

impl Wire {
    /// Lays a wire to `server`.
    ///
    /// # Errors
    /// No port of the loopback is free.
    pub async fn between(server: SocketAddr, plan: Plan) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line {
            server,
            middle: plan.middle,
            narrow: plan.narrow,
            struck: plan.struck,
            script: Mutex::new(plan.faults.into()),
            requests: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&line)));
        Ok(Self { address, line, accepting })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client is given as the server's address.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests the clients sent; requests are taken to have no body.
    pub fn requests(&self) -> u64 {
        self.line.requests.load(Ordering::SeqCst)
    }

    /// How many faults have struck.
    pub fn faults(&self) -> u64 {
        self.line.faults.load(Ordering::SeqCst)
    }

    /// How many bytes of replies were delivered, heads included.
    pub fn delivered(&self) -> u64 {
        self.line.delivered.load(Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What the connections of a wire share.
struct Line {
    server: SocketAddr,
    middle: Middle,
    narrow: bool,
    struck: Option<Hook>,
    script: Mutex<VecDeque<Fault>>,
    requests: AtomicU64,
    faults: AtomicU64,
    delivered: AtomicU64,
}

impl Line {
    async fn reach_server(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if self.narrow {
            socket.set_recv_buffer_size(1)?; // the kernel's own minimum
        }
        socket.connect(self.server).await
    }

    fn next_fault(&self) -> Fault {
        let mut script = self.script.lock().expect("no holder of this lock panics");
        script.pop_front().unwrap_or(Fault::Pass)
    }

    fn strike(&self) {
        if let Some(hook) = &self.struck {
            hook();
        }
        self.faults.fetch_add(1, Ordering::SeqCst);
    }

    fn count_requests(&self, heads: u64) {
        self.requests.fetch_add(heads, Ordering::SeqCst);
    }

    fn count_delivered(&self, bytes: usize) {
        self.delivered.fetch_add(bytes as u64, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, line: Arc<Line>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let line = Arc::clone(&line);
        connections.spawn(async move {
            match line.reach_server().await {
                Ok(server) => carry::connection(client, server, &line).await,
                Err(_) => carry::reset(client),
            }
        });
    }
}

#[cfg(test)]
mod tests;
