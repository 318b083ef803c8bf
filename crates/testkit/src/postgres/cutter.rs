//! A proxy before a PostgreSQL server that loses connections at commits: before what commits has
//! reached the server, or after the server has done it and before the client is told.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What becomes of a connection at something that commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    None,
    /// It is lost before the server gets it.
    Before,
    /// It is lost once the server has done it; the client does not hear of it.
    After,
}

type Decide = Box<dyn FnMut() -> Cut + Send>;

/// What the connections share.
struct Script {
    server: SocketAddr,
    decide: Mutex<Decide>,
    /// Statements that commit by themselves have one of these in them.
    marks: Vec<&'static str>,
    cuts: AtomicU64,
    /// Whether the first connection that is lost takes all others with it.
    is_fatal: bool,
    /// Nothing more is carried to the server.
    shut: AtomicBool,
    /// The server has done the last that it will hear of.
    dead: watch::Sender<bool>,
}

impl Script {
    fn decide(&self) -> Cut {
        if self.is_shut() {
            return Cut::None;
        }
        let cut = (self.decide.lock().unwrap_or_else(PoisonError::into_inner))();
        if cut != Cut::None {
            self.cuts.fetch_add(1, Ordering::SeqCst);
            self.shut.fetch_or(self.is_fatal, Ordering::SeqCst);
        }
        cut
    }

    fn is_shut(&self) -> bool {
        self.shut.load(Ordering::SeqCst)
    }

    async fn dead(&self) {
        // The sender is ours.
        let _ = self.dead.subscribe().wait_for(|dead| *dead).await;
    }
}

/// A proxy, until it is dropped.
pub struct Cutter {
    address: SocketAddr,
    script: Arc<Script>,
    accepting: JoinHandle<()>,
}

impl Cutter {
    /// A proxy before `server`. `decide` is asked at each `COMMIT`, and at each statement that has
    /// one of the `marks` in it.
    ///
    /// # Errors
    /// No port of the loopback is free.
    pub async fn before(
        server: SocketAddr,
        marks: Vec<&'static str>,
        decide: impl FnMut() -> Cut + Send + 'static,
    ) -> io::Result<Self> {
        Self::new(server, marks, Box::new(decide), false).await
    }

    /// The same before a node that dies with the first connection that is lost: whatever it says
    /// after that, on whatever connection, the server does not hear.
    ///
    /// # Errors
    /// No port of the loopback is free.
    pub async fn fatal(
        server: SocketAddr,
        marks: Vec<&'static str>,
        decide: impl FnMut() -> Cut + Send + 'static,
    ) -> io::Result<Self> {
        Self::new(server, marks, Box::new(decide), true).await
    }

    async fn new(
        server: SocketAddr,
        marks: Vec<&'static str>,
        decide: Decide,
        is_fatal: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (decide, cuts, shut) = (Mutex::new(decide), AtomicU64::new(0), AtomicBool::new(false));
        let (dead, _) = watch::channel(false);
        let script = Arc::new(Script { server, decide, marks, cuts, is_fatal, shut, dead });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&script)));
        Ok(Self { address, script, accepting })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were lost.
    pub fn cuts(&self) -> u64 {
        self.script.cuts.load(Ordering::SeqCst)
    }

    /// Shows whether the node behind it has died, and the server has done the last of it.
    pub fn death(&self) -> watch::Receiver<bool> {
        self.script.dead.subscribe()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        connections.spawn(async move {
            // What is lost is lost on both sides, whoever lost it.
            if !script.is_shut()
                && let Ok(server) = TcpStream::connect(script.server).await
            {
                let _ = client.set_nodelay(true);
                let _ = server.set_nodelay(true);
                carry(client, server, &script).await;
            }
        });
    }
}

async fn carry(client: TcpStream, server: TcpStream, script: &Script) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let deaf = AtomicBool::new(false);
    tokio::select! {
        _ = up(from_client, to_server, script, &deaf) => {}
        _ = down(from_server, to_client, &deaf) => {}
        () = script.dead() => {}
    }
    if script.is_fatal && deaf.load(Ordering::SeqCst) {
        script.dead.send_replace(true);
    }
}

/// One message: its kind, and all of it.
async fn message(from: &mut OwnedReadHalf) -> io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut whole = Vec::with_capacity(length as usize + 1);
    whole.push(kind);
    whole.extend_from_slice(&length.to_be_bytes());
    whole.resize(length as usize + 1, 0);
    from.read_exact(&mut whole[5..]).await?;
    Ok((kind, whole))
}

/// What the client says. The statements that commit are known by their names.
async fn up(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    script: &Script,
    deaf: &AtomicBool,
) -> io::Result<()> {
    let length = from.read_u32().await?;
    let mut start = vec![0; length as usize - 4];
    from.read_exact(&mut start).await?;
    to.write_all(&[&length.to_be_bytes(), start.as_slice()].concat()).await?;
    let mut marked: HashSet<Vec<u8>> = HashSet::new();
    loop {
        let (kind, whole) = message(&mut from).await?;
        // What the last of it is may be said in several messages.
        if script.is_shut() && !deaf.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut words = whole[5..].split(|byte| *byte == 0);
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let has = |text: &[u8], mark: &str| {
            text.windows(mark.len()).any(|window| window == mark.as_bytes())
        };
        let commits = match kind {
            b'Q' => first == b"COMMIT",
            b'P' => {
                if script.marks.iter().any(|mark| has(second, mark)) {
                    marked.insert(first.to_vec());
                }
                false
            }
            // Of a portal without a name, the second is the statement's.
            b'B' => marked.contains(second),
            _ => false,
        };
        match if commits { script.decide() } else { Cut::None } {
            Cut::None => {}
            Cut::Before => {
                deaf.store(true, Ordering::SeqCst);
                return Ok(());
            }
            Cut::After => deaf.store(true, Ordering::SeqCst),
        }
        to.write_all(&whole).await?;
    }
}

/// What the server says. Once the client is to hear no more, only until the server is idle.
async fn down(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    deaf: &AtomicBool,
) -> io::Result<()> {
    const READY: u8 = b'Z';
    loop {
        let (kind, whole) = message(&mut from).await?;
        if !deaf.load(Ordering::SeqCst) {
            to.write_all(&whole).await?;
        } else if kind == READY && whole.last() == Some(&b'I') {
            return Ok(());
        }
    }
}
