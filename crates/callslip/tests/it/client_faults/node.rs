//! A server on a ledger that outlives it, in this process or in one that is killed.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU64;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use api::wire::Format;
use api::{Edge, Listener, Server, Settings, Surface};
use callslip::clock::SystemClock;
use model::{Account, AccountId, Role, Roles, Timestamp, Zone};
use serde_json::json;
use store::{Keeping, Ledger, Waiting};
use testkit::LethalLedger;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::ledger::Place;
use crate::server::{ALADDIN, Connection, Reply, report, wait_for};
use crate::telephony::Told;

/// One runtime for all servers and wires of these tests.
pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// `open sesame`, hashed as cheaply as can be.
const CHEAP_HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$YbNRtU1fS+aRfvlctIKZxw\
    $kUHYAddhZ0C4V4sWbAtoppqg+GW1S8EcEb9ivV/qy7o";

/// How long a node of a shared ledger may be silent here. Even a busy machine does an upkeep in it.
const SILENCE: Duration = Duration::from_secs(3);
const UPKEEP: Duration = Duration::from_millis(250);

/// The reports that a fresh ledger is given, in their order.
pub(super) const FED: [&str; 4] = ["1", "2", "3", "4"];

/// A running server. The first on a ledger gives the account `Aladdin` its reports.
pub(super) struct Node {
    server: Option<Server>,
    ledger: Arc<dyn Ledger>,
    account: AccountId,
    address: SocketAddr,
    upkeep: JoinHandle<()>,
}

impl Node {
    pub(super) fn open(place: &Place, size: Size) -> Self {
        Self::over(open_ledger(place), size)
    }

    fn over(ledger: Arc<dyn Ledger>, size: Size) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (server, account) = RUNTIME.block_on(async {
            let account = match ledger.accounts().await.unwrap().first() {
                Some(account) => account.id,
                None => furnish(&*ledger, size).await,
            };
            let clock = Arc::new(SystemClock);
            let edge = Edge::new(
                Arc::clone(&ledger),
                Arc::new(Told::default()),
                clock,
                Settings::default(),
            );
            let edge = edge.await.unwrap();
            let listener = Listener { socket, surface: Surface::Public, tls: None };
            (Server::start(edge, vec![listener]).unwrap(), account)
        });
        let upkeep = RUNTIME.spawn(keep_up(Arc::clone(&ledger)));
        let this = Self { server: Some(server), ledger, account, address, upkeep };
        // The clients wait for two seconds; what a first request is slow for is not for them.
        this.get("/tts/3/reports?messageId=none", None);
        this
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn waiting(&self) -> Waiting {
        RUNTIME.block_on(self.ledger.waiting(self.account)).unwrap()
    }

    /// One plain request, on a connection of its own.
    pub(super) fn get(&self, path: &str, key: Option<&str>) -> Reply {
        let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
        Connection::to(self.address).request("GET", path, &format!("{ALADDIN}{key}"), b"")
    }

    /// What ordinary requests give from now on, until nothing is pending and no more than
    /// `reserved` reports are held back for a key.
    pub(super) fn drain(&self, reserved: u64) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            wait_for("every answer's fate", || self.waiting().in_flight <= reserved);
            let ids = self.get("/tts/3/reports", None).ids();
            if ids.is_empty() {
                return all;
            }
            all.extend(ids);
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            RUNTIME.block_on(server.stop());
        }
        self.upkeep.abort();
        let _ = RUNTIME.block_on(&mut self.upkeep);
    }
}

/// A node says that it lives, and ends what a dead one had open.
async fn keep_up(ledger: Arc<dyn Ledger>) {
    loop {
        let _ = ledger.upkeep().await;
        tokio::time::sleep(UPKEEP).await;
    }
}

/// How long the reports are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Two of them are too short to be compressed.
    Short,
    /// Two of them, however compressed, do not fit into a narrow wire.
    Long,
}

fn open_ledger(place: &Place) -> Arc<dyn Ledger> {
    RUNTIME.block_on(place.open(Keeping::default(), Arc::new(SystemClock), SILENCE))
}

async fn furnish(ledger: &dyn Ledger, size: Size) -> AccountId {
    let account = Account {
        id: AccountId(0),
        name: "Aladdin".into(),
        zone: Zone::named("Europe/Zagreb").unwrap(),
        password_hash: Some(CHEAP_HASH.into()),
        roles: Roles::default().with(Role::Read),
        disabled: false,
        calling: Default::default(),
        created_at: Timestamp::from_millis(0),
    };
    let account = ledger.add_account(account).await.unwrap().id;
    let reports = FED.map(|id| {
        let mut report = report(id);
        match size {
            Size::Short => report["status"]["description"] = json!("Delivered"),
            Size::Long => report["dtmfCodes"] = json!(digits()),
        }
        report
    });
    let body = json!({"results": reports}).to_string();
    let feed = api::wire::feed::parse(Format::Json, body.as_bytes()).unwrap();
    let reports = feed.items.into_iter().map(Result::unwrap).collect();
    ledger.feed(account, reports).await.unwrap();
    account
}

/// Thousands of digits that no compressor makes much of.
fn digits() -> String {
    let mut state: u32 = 1;
    let digits = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_digit((state >> 16) % 10, 10).unwrap()
    });
    digits.take(6_000).collect()
}

/// A server in a process of its own, which does not live long.
#[derive(Clone)]
pub(super) struct Doomed {
    process: Arc<Mutex<Child>>,
    pub(super) address: SocketAddr,
}

/// How a doomed server's process gets its orders.
const ORDERS: [&str; 2] = ["CALLSLIP_TEST_DOOMED_LEDGER", "CALLSLIP_TEST_DOOMED_TAKE"];

impl Doomed {
    /// Starts one on the ledger. It dies at its first take, or else when it is killed.
    pub(super) fn start(place: &Place, dies_at_take: bool) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "client_faults::node::doomed_server", "--nocapture"])
            .env(ORDERS[0], place.word())
            .env(ORDERS[1], if dies_at_take { "1" } else { "" })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let address = said.lines().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("doomed at ")?;
            address.parse().ok()
        });
        let address = address.expect("the doomed server says where it is");
        Self { process: Arc::new(Mutex::new(process)), address }
    }

    pub(super) fn kill(&self) {
        self.process.lock().unwrap().kill().unwrap();
    }

    /// Waits until it is dead, and not of its own free will.
    pub(super) fn buried(&self) {
        let status = self.process.lock().unwrap().wait().unwrap();
        assert_eq!(status.signal(), Some(9), "the doomed server was killed");
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if let Some(process) = Arc::get_mut(&mut self.process) {
            let process = process.get_mut().unwrap();
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The process of a [`Doomed`] server; a test in name alone, it has nothing to do without orders.
#[test]
fn doomed_server() {
    let [Ok(place), Ok(take)] = ORDERS.map(std::env::var) else { return };
    let ledger = open_ledger(&Place::of_word(&place));
    let take: Option<NonZeroU64> = take.parse().ok();
    let (ledger, size): (Arc<dyn Ledger>, _) = match take {
        Some(take) => (Arc::new(LethalLedger::new(ledger, take)), Size::Short),
        None => (ledger, Size::Long),
    };
    let node = Node::over(ledger, size);
    println!("doomed at {}", node.address());
    loop {
        std::thread::park();
    }
}
