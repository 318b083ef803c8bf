//! The HTTP edge against bare handlers that send the same bytes, on the same runtime.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use api::{Edge, Listener, Server, Settings, Surface};
use model::AccountId;
use store::{Embedded, Keeping, Ledger};

use crate::Plan;
use crate::bare::Bare;
use crate::raw;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};
use crate::telephony::Rateless;
use crate::work::{self, Numbers, Running, TAKE};
use crate::wrk::{self, Rounds};

const PATH: &str = "/tts/3/reports";
/// `bench:open sesame`.
const BASIC: &str = "Basic YmVuY2g6b3BlbiBzZXNhbWU=";
const POLL_SECONDS: u32 = 2;
const TAKE_SECONDS: u32 = 1;
/// Reports pending before the first take round; later ones go by what it took.
const PENDING_FIRST: u64 = 400_000;

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let own = Own::start(scratch.sub("edge")?).await?;
    let empty = own.get().await?;
    let bare = Bare::start(&empty, PATH).await?;
    let [mut ours, mut axum, mut hyper] = <[Rounds; 3]>::default();
    for _ in 0..plan.rounds {
        ours.add(wrk::load(own.public, PATH, BASIC, POLL_SECONDS).await?);
        axum.add(wrk::load(bare.axum, PATH, BASIC, POLL_SECONDS).await?);
        hyper.add(wrk::load(bare.hyper, PATH, BASIC, POLL_SECONDS).await?);
    }
    compare(table, "empty poll", &ours, [&axum, &hyper], Goal::AtLeast(0.9));

    work::fill(&own.ledger, own.account, &own.numbers, TAKE as u64).await?;
    let full = own.get().await?;
    let bare = Bare::start(&full, PATH).await?;
    let [mut ours, mut axum, mut hyper] = <[Rounds; 3]>::default();
    let mut enough = PENDING_FIRST;
    own.take_round(&mut enough).await?;
    for _ in 0..plan.rounds {
        ours.add(own.take_round(&mut enough).await?);
        axum.add(wrk::load(bare.axum, PATH, BASIC, TAKE_SECONDS).await?);
        hyper.add(wrk::load(bare.hyper, PATH, BASIC, TAKE_SECONDS).await?);
    }
    let what = format!("take of 50 ({} KB)", full.body.len() / 1000);
    compare(table, &what, &ours, [&axum, &hyper], Goal::AtLeast(0.5));
    own.server.stop().await;
    Ok(())
}

fn compare(table: &mut Table, what: &str, ours: &Rounds, bare: [&Rounds; 2], goal: Goal) {
    for (name, bare) in ["bare axum", "bare hyper"].into_iter().zip(bare) {
        let what = format!("{what}, 64 connections");
        table.compare(&what, (&ours.rates, Unit::PerSecond), (name, &bare.rates), goal);
        let (ours, bare) = (&ours.per_cpu_second, &bare.per_cpu_second);
        let what = format!("{what}, per second of the server's CPU");
        table.compare(&what, (ours, Unit::PerSecond), (name, bare), Goal::None);
    }
}

/// Callslip's edge over a ledger of its own.
struct Own {
    server: Server,
    public: SocketAddr,
    ledger: Arc<Embedded>,
    account: AccountId,
    numbers: Arc<Numbers>,
    /// Goes last.
    _dir: Scratch,
}

impl Own {
    async fn start(dir: Scratch) -> anyhow::Result<Self> {
        let clock = Arc::new(Running::new());
        let ledger = Embedded::open(dir.path(), Keeping::default(), clock.clone())?;
        let ledger = Arc::new(ledger);
        let settings = Settings { drain: std::time::Duration::ZERO, ..Settings::default() };
        let edge = Edge::new(ledger.clone(), Arc::new(Rateless), clock, settings).await?;
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
        let account = ledger.accounts().await?[0].id;
        Ok(Self { server, public, ledger, account, numbers: Arc::default(), _dir: dir })
    }

    async fn get(&self) -> anyhow::Result<raw::Reply> {
        raw::ask(self.public, &format!("GET {PATH}"), BASIC, "").await
    }

    /// Takes for a while, from a queue that does not run out.
    async fn take_round(&self, enough: &mut u64) -> anyhow::Result<(f64, f64)> {
        loop {
            let pending = self.ledger.waiting(self.account).await?.pending;
            let missing = enough.saturating_sub(pending);
            work::fill(&self.ledger, self.account, &self.numbers, missing).await?;
            wrk::quiet().await;
            let load = wrk::load(self.public, PATH, BASIC, TAKE_SECONDS).await?;
            if self.ledger.waiting(self.account).await?.pending > 0 {
                return Ok(load);
            }
            // It ran out, and the rest were empty answers: not a round.
            *enough *= 2;
        }
    }
}
