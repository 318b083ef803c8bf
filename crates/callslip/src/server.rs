//! A running server: the ledger, the HTTP edge and the exchange over it, and the upkeep beside them.
//!
//! Stops in this order: no new requests and no new calls, those begun are finished, upkeep ends, the
//! admin file goes, the ledger is closed.

use std::fs::DirBuilder;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use engine::exchange::{Exchange, Parts};
use engine::prompt::Prompts;
use engine::tariffs::Tariffs;
use engine::time::Time;
use store::{Ledger, StoreError};

use crate::admin_file::{AdminFile, Written};
use crate::carriers::Carriers;
use crate::clock::Pace;
use crate::settings::{BadSettings, Carrier, Settings, resolve};
use crate::telephony::{Switched, Telephony};
use crate::upkeep::Upkeep;

/// A running server.
pub(crate) struct Server {
    http: api::Server,
    exchange: Option<Exchange>,
    carriers: Carriers,
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
    pub(crate) async fn start(settings: &Settings, pace: Pace) -> anyhow::Result<Self> {
        let tls = tls_of(settings)?.map(Arc::new);
        let ledger = open_ledger(settings, &pace).await?;
        let role = settings.data.role;
        let public = role.answers().then(|| listen(&settings.http.listen)).transpose()?;
        let admin = listen(&settings.admin.listen)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut listeners =
            vec![api::Listener { socket: admin, surface: api::Surface::Admin, tls: None }];
        let mut public_url = String::new();
        if let Some(socket) = public {
            public_url = format!("{scheme}://{}", reachable(socket.local_addr()?));
            let surface = api::Surface::Public;
            listeners.push(api::Listener { socket, surface, tls: tls.clone() });
        }
        let tariffs = tariffs_of(&ledger).await?;
        let takes_calls = settings.calls.carrier != Carrier::None;
        let carriers = match role.calls() {
            true => Carriers::start(settings, &pace).await?,
            false => Carriers::None,
        };
        let prompts = Prompts::new(settings.prompts.engine(), pace.clock.clone());
        let prompts = Arc::new(prompts.await);
        let parts = Parts {
            ledger: ledger.clone(),
            carrier: carriers.carrier(settings),
            prompter: prompts.clone(),
            tariffs: tariffs.clone(),
            time: Time::new(pace.clock.clone(), pace.speed),
        };
        let exchange = role.calls().then(|| Exchange::start(parts, settings.calls.exchange()));
        let gauge = exchange.as_ref().map(Exchange::gauge);
        let switched = Switched { prompts, gauge, takes_calls, sip: carriers.sip().cloned() };
        let telephony = Telephony { tariffs, exchange: Some(switched) };
        let edge = api::Edge::new(
            ledger.clone(),
            Arc::new(telephony),
            pace.clock.clone(),
            settings.edge(),
        );
        let mut server = Self::over(ledger, edge, public_url, listeners).await?;
        server.exchange = exchange;
        server.carriers = carriers;
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
        let pace = Pace::of_life();
        let ledger = open_ledger(settings, &pace).await?;
        let socket = listen("127.0.0.1:0")?;
        let listener = api::Listener { socket, surface: api::Surface::Admin, tls: None };
        let telephony = Telephony { tariffs: tariffs_of(&ledger).await?, exchange: None };
        let edge = api::Edge::new(ledger.clone(), Arc::new(telephony), pace.clock, settings.edge());
        Self::over(ledger, edge, String::new(), vec![listener]).await
    }

    /// The first listener is the admin API's.
    async fn over(
        ledger: Arc<dyn Ledger>,
        edge: impl Future<Output = std::io::Result<Arc<api::Edge>>>,
        public_url: String,
        listeners: Vec<api::Listener>,
    ) -> anyhow::Result<Self> {
        let edge = edge.await.context("cannot start the HTTP edge")?;
        let doors = AdminFile {
            url: format!("http://{}", reachable(listeners[0].socket.local_addr()?)),
            public_url,
            token: edge.admin_token().to_owned(),
        };
        let http = api::Server::start(edge, listeners).context("cannot start the HTTP server")?;
        let (exchange, upkeep, admin_file, tls) = (None, None, None, None);
        let carriers = Carriers::None;
        Ok(Self { http, exchange, carriers, upkeep, admin_file, tls, doors, ledger })
    }

    /// Where its APIs are.
    pub(crate) fn doors(&self) -> &AdminFile {
        &self.doors
    }

    /// Its ledger.
    pub(crate) fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// Reads the certificate and its key again, and the trunks, and says what came of it. Nothing
    /// else of the settings is looked at.
    pub(crate) fn reload(&self, settings: Result<Settings, BadSettings>) {
        self.reload_tls();
        match settings {
            Ok(settings) => self.carriers.reload(&settings),
            Err(error) => tracing::error!(%error, "The settings were not read again."),
        }
    }

    fn reload_tls(&self) {
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
        let Self { http, exchange, carriers, upkeep, admin_file, tls: _, doors: _, ledger } = self;
        let calls_end = async {
            if let Some(exchange) = exchange {
                exchange.stop().await;
            }
            carriers.stop().await;
        };
        tokio::join!(http.stop(), calls_end);
        if let Some(upkeep) = upkeep {
            upkeep.stop().await;
        }
        drop(admin_file);
        drop(ledger);
    }
}

/// The accounts and decks of the ledger.
async fn tariffs_of(ledger: &Arc<dyn Ledger>) -> anyhow::Result<Arc<Tariffs>> {
    let tariffs = Tariffs::load(&**ledger).await;
    Ok(Arc::new(tariffs.context("cannot read accounts and decks")?))
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

pub(crate) async fn open_ledger(
    settings: &Settings,
    pace: &Pace,
) -> anyhow::Result<Arc<dyn Ledger>> {
    let dir = &settings.data.dir;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the directory {}", dir.display()))?;
    if let Some(shared) = settings.data.shared() {
        let ledger = store::Postgres::open(shared, settings.keeping(), pace.clock.clone());
        let url = settings.data.url.as_deref().unwrap_or_default();
        let ledger = ledger.await.with_context(|| format!("cannot open the ledger at {url}"))?;
        return Ok(Arc::new(ledger));
    }
    let ledger = store::Embedded::open(dir, settings.keeping(), pace.clock.clone());
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
