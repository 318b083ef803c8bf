//! Callslip over a ledger of its own, with one account.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::{Edge, Listener, Server, Settings, Surface};
use model::AccountId;
use store::{Embedded, Keeping, Ledger as _};

use crate::raw;
use crate::scratch::Scratch;
use crate::telephony::Rateless;
use crate::work::Running;

/// The account's credentials: `bench:open sesame`.
pub(crate) const BASIC: &str = "Basic YmVuY2g6b3BlbiBzZXNhbWU=";

/// Callslip over a ledger of its own.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) public: SocketAddr,
    pub(crate) ledger: Arc<Embedded>,
    pub(crate) clock: Arc<Running>,
    pub(crate) account: AccountId,
    /// Goes last.
    _dir: Option<Scratch>,
}

impl House {
    /// With nothing that bounds how much is submitted.
    pub(crate) async fn open(dir: Scratch) -> anyhow::Result<Self> {
        let house = Self::in_dir(dir.path()).await?;
        Ok(Self { _dir: Some(dir), ..house })
    }

    /// The same, in a directory of somebody else's.
    pub(crate) async fn in_dir(dir: &Path) -> anyhow::Result<Self> {
        let clock = Arc::new(Running::new());
        let ledger = Embedded::open(dir, Keeping::default(), clock.clone())?;
        let ledger = Arc::new(ledger);
        let settings = Settings {
            drain: Duration::ZERO,
            submits_per_second: u32::MAX,
            waiting_calls_max: u32::MAX,
            ..Settings::default()
        };
        let edge = Edge::new(ledger.clone(), Arc::new(Rateless), clock.clone(), settings).await?;
        let token = format!("App {}", edge.admin_token());
        let sockets = [
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        ];
        let [public, admin] = [sockets[0].local_addr()?, sockets[1].local_addr()?];
        let listeners = sockets
            .into_iter()
            .zip([Surface::Public, Surface::Admin])
            .map(|(socket, surface)| Listener { socket, surface, tls: None });
        let server = Server::start(edge, listeners.collect())?;
        let account = r#"{"name": "bench", "password": "open sesame"}"#;
        raw::ask(admin, "POST /callslip/1/admin/accounts", &token, account).await?;
        let account = ledger.accounts().await?.first().context("the account is there")?.id;
        Ok(Self { server, public, ledger, clock, account, _dir: None })
    }
}
