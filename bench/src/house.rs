//! Callslip's edge: over a ledger of its own with one account, or over somebody's.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::{Edge, Listener, Server, Settings, Surface};
use model::{AccountId, Clock};
use store::{Embedded, Keeping, Ledger};

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
        let front = Front::open(ledger.clone(), clock.clone()).await?;
        front.add_account("bench").await?;
        let account = ledger.accounts().await?.first().context("the account is there")?.id;
        let Front { server, public, .. } = front;
        Ok(Self { server, public, ledger, clock, account, _dir: None })
    }
}

/// Callslip's edge over somebody's ledger, with nothing that bounds how much is submitted.
pub(crate) struct Front {
    server: Server,
    pub(crate) public: SocketAddr,
    admin: SocketAddr,
    token: String,
}

impl Front {
    pub(crate) async fn open(
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let settings = Settings {
            drain: Duration::ZERO,
            submits_per_second: u32::MAX,
            waiting_calls_max: u32::MAX,
            ..Settings::default()
        };
        let edge = Edge::new(ledger, Arc::new(Rateless), clock, settings).await?;
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
        Ok(Self { server, public, admin, token })
    }

    /// Adds an account with the password that everybody has here.
    pub(crate) async fn add_account(&self, name: &str) -> anyhow::Result<()> {
        let account = format!(r#"{{"name": "{name}", "password": "open sesame"}}"#);
        raw::ask(self.admin, "POST /callslip/1/admin/accounts", &self.token, &account).await?;
        Ok(())
    }

    /// Adds an account, and gives a key to it as it is put into a request.
    pub(crate) async fn add_account_with_key(&self, name: &str) -> anyhow::Result<String> {
        self.add_account(name).await?;
        let key = format!(r#"{{"account": "{name}", "roles": ["read"]}}"#);
        let line = "POST /callslip/1/admin/keys";
        let answer = raw::ask(self.admin, line, &self.token, &key).await?.body;
        let answer = std::str::from_utf8(&answer)?;
        let key = answer.split_once(r#""key":""#).and_then(|(_, key)| key.split_once('"'));
        Ok(format!("App {}", key.context("there is no key in the answer")?.0))
    }
}
