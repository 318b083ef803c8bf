//! A running server: the ledger, the HTTP edge over it, and the upkeep beside it.
//!
//! Stops in this order: no new requests, those begun are finished, upkeep ends, the admin file
//! goes, the ledger is closed.

use std::fs::DirBuilder;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use store::{Ledger, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::admin_file::{AdminFile, Written};
use crate::clock::SystemClock;
use crate::settings::{BadSettings, Settings, resolve};
use crate::telephony::NoEngine;

/// A running server.
pub(crate) struct Server {
    http: api::Server,
    upkeep: Option<Upkeep>,
    admin_file: Option<Written>,
    tls: Option<Arc<api::Tls>>,
    doors: AdminFile,
    ledger: Arc<dyn Ledger>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub(crate) struct CannotListen {
    /// The address.
    pub(crate) address: String,
    /// Why.
    pub(crate) source: std::io::Error,
}

impl Server {
    /// Starts everything that the settings ask for. Called inside a runtime.
    pub(crate) async fn start(settings: &Settings) -> anyhow::Result<Self> {
        let tls = tls_of(settings)?.map(Arc::new);
        let ledger = open_ledger(settings)?;
        let public = listen(&settings.http.listen)?;
        let admin = listen(&settings.admin.listen)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut server = Self::over(
            ledger,
            settings,
            format!("{scheme}://{}", reachable(public.local_addr()?)),
            vec![
                api::Listener { socket: admin, surface: api::Surface::Admin, tls: None },
                api::Listener { socket: public, surface: api::Surface::Public, tls: tls.clone() },
            ],
        )
        .await?;
        server.tls = tls;
        server.upkeep = Some(Upkeep::start(server.ledger.clone()));
        let dir = &settings.data.dir;
        let written = server.doors.write(dir);
        server.admin_file =
            Some(written.with_context(|| format!("cannot write to {}", dir.display()))?);
        Ok(server)
    }

    /// Starts the admin API alone, on a free port of this machine, and no upkeep: a command that
    /// was not given the server's settings must not drop what those would keep. Called inside a
    /// runtime.
    pub(crate) async fn start_admin(settings: &Settings) -> anyhow::Result<Self> {
        let ledger = open_ledger(settings)?;
        let socket = listen("127.0.0.1:0")?;
        let listener = api::Listener { socket, surface: api::Surface::Admin, tls: None };
        Self::over(ledger, settings, String::new(), vec![listener]).await
    }

    /// The first listener is the admin API's.
    async fn over(
        ledger: Arc<dyn Ledger>,
        settings: &Settings,
        public_url: String,
        listeners: Vec<api::Listener>,
    ) -> anyhow::Result<Self> {
        let telephony = Arc::new(NoEngine);
        let edge =
            api::Edge::new(ledger.clone(), telephony, Arc::new(SystemClock), settings.edge());
        let edge = edge.await.context("cannot start the HTTP edge")?;
        let doors = AdminFile {
            url: format!("http://{}", reachable(listeners[0].socket.local_addr()?)),
            public_url,
            token: edge.admin_token().to_owned(),
        };
        let http = api::Server::start(edge, listeners).context("cannot start the HTTP server")?;
        Ok(Self { http, upkeep: None, admin_file: None, tls: None, doors, ledger })
    }

    /// Where its APIs are.
    pub(crate) fn doors(&self) -> &AdminFile {
        &self.doors
    }

    /// Its ledger.
    pub(crate) fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// Reads the certificate and its key again, and says what came of it.
    pub(crate) fn reload_tls(&self) {
        match self.tls.as_ref().map(|tls| tls.reload()) {
            None => tracing::info!("Asked to read the certificate again: TLS is not configured."),
            Some(Ok(())) => {
                tracing::info!("The certificate was read again and holds for new connections.")
            }
            Some(Err(error)) => {
                tracing::error!(%error, "The certificate was not replaced; the old one still holds.");
            }
        }
    }

    /// Stops, within the time that the settings allow.
    pub(crate) async fn stop(self) {
        let Self { http, upkeep, admin_file, tls: _, doors: _, ledger } = self;
        http.stop().await;
        if let Some(upkeep) = upkeep {
            upkeep.stop().await;
        }
        drop(admin_file);
        drop(ledger);
    }
}

/// The certificate and key that the settings name.
pub(crate) fn tls_of(settings: &Settings) -> anyhow::Result<Option<api::Tls>> {
    let (Some(cert), Some(key)) = (&settings.http.tls_cert, &settings.http.tls_key) else {
        return Ok(None);
    };
    let loaded = api::Tls::load(cert, key);
    let loaded =
        loaded.map_err(|error| BadSettings(format!("http.tls_cert, http.tls_key: {error}")));
    Ok(Some(loaded?))
}

fn open_ledger(settings: &Settings) -> anyhow::Result<Arc<dyn Ledger>> {
    let dir = &settings.data.dir;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the directory {}", dir.display()))?;
    let ledger = store::Embedded::open(dir, settings.keeping(), Arc::new(SystemClock));
    Ok(Arc::new(ledger.map_err(|error| with_owner(error, dir))?))
}

/// Says who has a directory that is in use.
fn with_owner(error: StoreError, dir: &Path) -> anyhow::Error {
    let owner = AdminFile::read(dir).filter(|_| matches!(error, StoreError::InUse(_)));
    let error = anyhow::Error::new(error);
    match owner {
        Some(owner) => error.context(format!(
            "a Callslip server at {} has {}; two cannot share it",
            owner.public_url,
            dir.display()
        )),
        None => error,
    }
}

fn listen(address: &str) -> anyhow::Result<TcpListener> {
    let resolved = resolve(address).map_err(BadSettings)?;
    let bound = TcpListener::bind(resolved).and_then(|socket| {
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    Ok(bound.map_err(|source| CannotListen { address: address.to_owned(), source })?)
}

/// The address as seen from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// The task that ends what the clock has ended, once a second.
struct Upkeep {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Upkeep {
    fn start(ledger: Arc<dyn Ledger>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut second = tokio::time::interval(Duration::from_secs(1));
            second.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut last_error = None;
            // Upkeep itself is not cancelled: the select only waits.
            loop {
                tokio::select! {
                    _ = second.tick() => {}
                    _ = stopped.changed() => return,
                }
                last_error = upkeep_once(&*ledger, last_error).await;
            }
        });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "Upkeep did not end well.");
        }
    }
}

/// Does one round and gives the error it ended with; the same error is logged once.
async fn upkeep_once(ledger: &dyn Ledger, last_error: Option<String>) -> Option<String> {
    match ledger.upkeep().await {
        Ok(done) if done == store::Upkept::default() => None,
        Ok(done) => {
            tracing::info!(
                windows_settled = done.windows_settled,
                windows_returned = done.windows_returned,
                reports_dropped = done.reports_dropped,
                pending_dropped = done.pending_dropped,
                "Upkeep ended what was due."
            );
            None
        }
        Err(error) => {
            let text = error.to_string();
            if last_error.as_ref() != Some(&text) {
                tracing::error!(%error, "Upkeep failed.");
            }
            Some(text)
        }
    }
}
