//! The hosts that the database may be on, and which of them can be written to.
//!
//! Each is asked on its own: one that is frozen, or whose machine is gone, answers nothing and
//! refuses nothing, and must hold up nobody who would find the leader on another.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::{CONNECT_MAX, PostgresSettings, read_password};
use super::trouble::tell;
use crate::Result;

/// Between two attempts at one host.
const PAUSE: Duration = Duration::from_millis(100);

/// What a driver of a connection with TLS, or without, is polled as.
pub(super) type Driven = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;
type Attempt = std::result::Result<(Client, Driven), String>;

/// A connection, and to which of the hosts.
pub(super) struct Reached {
    pub(super) host: usize,
    pub(super) client: Client,
    pub(super) driven: Driven,
}

/// The hosts.
pub(super) struct Hosts {
    each: Vec<Config>,
    password_file: Option<PathBuf>,
    tls: MakeRustlsConnect,
}

impl Hosts {
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self> {
        Ok(Self {
            each: settings.hosts()?,
            password_file: settings.password_file.clone(),
            tls: settings.tls()?,
        })
    }

    /// Connects to the first that lets itself be written to. Asks them all side by side, again and
    /// again, without end; as soon as each has said why not, that is said.
    pub(super) async fn reach(&self, mut unreachable: impl FnMut(String)) -> Reached {
        let mut reasons: Vec<Option<String>> = vec![None; self.each.len()];
        let ask = |host| async move { (host, self.connect(host).await) };
        let ask_again = |host| async move {
            tokio::time::sleep(PAUSE).await;
            ask(host).await
        };
        let mut first: FuturesUnordered<_> = (0..self.each.len()).map(ask).collect();
        let mut further = FuturesUnordered::new();
        loop {
            let (host, attempt) = tokio::select! {
                Some(asked) = first.next() => asked,
                Some(asked) = further.next() => asked,
                else => std::future::pending().await,
            };
            match attempt {
                Ok((client, driven)) => return Reached { host, client, driven },
                Err(reason) => reasons[host] = Some(reason),
            }
            if reasons.iter().all(Option::is_some) {
                unreachable(reasons.iter().flatten().cloned().collect::<Vec<_>>().join("; "));
            }
            further.push(ask_again(host));
        }
    }

    /// Connects once. The driver's own bound ends with the kernel's handshake, which a server that
    /// is frozen completes.
    async fn connect(&self, host: usize) -> Attempt {
        let mut config = self.each[host].clone();
        if let Some(path) = &self.password_file {
            let password = read_password(path)
                .map_err(|error| format!("the password's file {}: {error}", path.display()))?;
            config.password(password);
        }
        match tokio::time::timeout(CONNECT_MAX, config.connect(self.tls.clone())).await {
            Ok(connected) => connected.map_err(|error| tell(&error)),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    }
}
