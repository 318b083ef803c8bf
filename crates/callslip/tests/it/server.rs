//! A server in this process, on free ports and a directory of its own, and a client that shows
//! every byte.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use api::{Edge, Listener, Server, Settings, Surface, Tls};
use model::{AccountId, ManualClock, Timestamp};
use serde_json::{Value, json};
use store::{Keeping, Ledger};

use crate::ledger::{Kind, Place};
use crate::telephony::Told;

/// `Aladdin:open sesame`, the seed's own credentials.
pub(crate) const ALADDIN: &str = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";

/// A directory that is removed when it is dropped.
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("callslip-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a test server differs from an ordinary one.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) keeping: Keeping,
    pub(crate) telephony: Told,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) kind: Kind,
}

impl Default for Plan {
    fn default() -> Self {
        // Tests wait for what they expect; a quiet connection is settled soon.
        let settle_after = Duration::from_millis(300);
        let settings = Settings { settle_after, ..Settings::default() };
        Self {
            settings,
            keeping: Keeping::default(),
            telephony: Told::default(),
            tls: None,
            dir: None,
            kind: Kind::Embedded,
        }
    }
}

/// A server with the account `Aladdin` in `Europe/Zagreb`, a feed key and a read key.
pub(crate) struct TestServer {
    runtime: Option<tokio::runtime::Runtime>,
    server: Option<Server>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: ManualClock,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) admin_token: String,
    pub(crate) feed_key: String,
    pub(crate) read_key: String,
    /// Behind the ledger, which has to go before it.
    _place: Place,
    _dir: TestDir,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(Plan::default())
    }

    /// With its ledger in that engine.
    pub(crate) fn on(kind: Kind) -> Self {
        Self::with(Plan { kind, ..Plan::default() })
    }

    pub(crate) fn with(plan: Plan) -> Self {
        let dir = TestDir::new();
        let clock = ManualClock::at(Timestamp::from_millis(1_700_000_000_000));
        let path = plan.dir.clone().unwrap_or_else(|| dir.path().join("ledger"));
        let place = Place::new(plan.kind, &path);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        // Its clock stands still, so that it is never silent.
        let silence_max = Duration::from_secs(3600);
        let opened = place.open(plan.keeping.clone(), Arc::new(clock.clone()), silence_max);
        let ledger = runtime.block_on(opened);
        let public = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").unwrap();
        let addrs = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let (server, admin_token) = runtime.block_on(async {
            let (telephony, own_clock) = (Arc::new(plan.telephony), Arc::new(clock.clone()));
            let edge = Edge::new(Arc::clone(&ledger), telephony, own_clock, plan.settings);
            let edge = edge.await.unwrap();
            let token = edge.admin_token().to_owned();
            let listeners = vec![
                Listener { socket: public, surface: Surface::Public, tls: plan.tls },
                Listener { socket: admin, surface: Surface::Admin, tls: None },
            ];
            (Server::start(edge, listeners).unwrap(), token)
        });
        let mut this = Self {
            runtime: Some(runtime),
            server: Some(server),
            ledger,
            clock,
            public: addrs.0,
            admin: addrs.1,
            admin_token,
            feed_key: String::new(),
            read_key: String::new(),
            _place: place,
            _dir: dir,
        };
        this.open_account();
        this
    }

    fn open_account(&mut self) {
        let account = json!({"name": "Aladdin", "password": "open sesame",
            "timeZone": "Europe/Zagreb"});
        self.admin("POST", "/callslip/1/admin/accounts", &account);
        self.feed_key = self.add_key("Aladdin", &["feed"]);
        self.read_key = self.add_key("Aladdin", &["read"]);
    }

    pub(crate) fn add_key(&self, account: &str, roles: &[&str]) -> String {
        let key = json!({"account": account, "roles": roles});
        let reply = self.admin("POST", "/callslip/1/admin/keys", &key);
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["key"].as_str().unwrap().to_owned()
    }

    /// A request to the admin API, with this process's token.
    pub(crate) fn admin(&self, method: &str, path: &str, body: &Value) -> Reply {
        let auth = format!("Authorization: App {}\r\n", self.admin_token);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Connection::to(self.admin).request(method, path, &auth, body.as_bytes())
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::to(self.public)
    }

    /// A request as Aladdin, on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.connect().request("GET", path, ALADDIN, b"")
    }

    /// Feeds the body, which must be accepted whole.
    pub(crate) fn feed(&self, body: &Value) {
        let reply = self.try_feed("application/json", body.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["refused"], json!([]), "{}", reply.text());
    }

    pub(crate) fn try_feed(&self, content_type: &str, body: &[u8]) -> Reply {
        let headers =
            format!("Authorization: App {}\r\nContent-Type: {content_type}\r\n", self.feed_key);
        self.connect().request("POST", "/callslip/1/reports", &headers, body)
    }

    /// Feeds reports with these message ids, all of one bulk.
    pub(crate) fn feed_ids(&self, ids: &[&str]) {
        let reports: Vec<Value> = ids.iter().map(|id| report(id)).collect();
        self.feed(&json!({"results": reports}));
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    /// Reports of Aladdin that are pending now.
    pub(crate) fn pending(&self) -> u64 {
        self.waiting().pending
    }

    pub(crate) fn waiting(&self) -> store::Waiting {
        let aladdin = self.aladdin();
        self.block_on(self.ledger.waiting(aladdin)).unwrap()
    }

    pub(crate) fn aladdin(&self) -> AccountId {
        let accounts = self.block_on(self.ledger.accounts()).unwrap();
        accounts.iter().find(|account| account.name == "Aladdin").unwrap().id
    }

    /// Waits until the fate of every answer is known.
    pub(crate) fn wait_until_resolved(&self) {
        wait_for("every take to be resolved", || self.waiting().in_flight == 0);
    }

    /// Everything that ordinary requests give from now on, one request after the other.
    pub(crate) fn take_all(&self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let ids = self.get("/tts/3/reports").ids();
            if ids.is_empty() {
                return all;
            }
            all.extend(ids);
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let (Some(runtime), Some(server)) = (self.runtime.take(), self.server.take()) {
            runtime.block_on(server.stop());
        }
    }
}

/// A plausible report in the seed's shape.
pub(crate) fn report(message_id: &str) -> Value {
    json!({
        "bulkId": "8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb",
        "messageId": message_id,
        "to": "385981178",
        "sentAt": "2015-02-12T09:58:20.323+0100",
        "doneAt": "2015-02-12T09:58:20.337+0100",
        "duration": 10,
        "mccMnc": "21901",
        "dtmfCodes": "1",
        "price": {"pricePerSecond": 0.01, "currency": "EUR"},
        "status": {"groupId": 3, "groupName": "DELIVERED", "id": 5,
            "name": "DELIVERED_TO_HANDSET", "description": "Message delivered to handset"},
        "error": {"groupId": 0, "groupName": "OK", "id": 5000, "name": "VOICE_ANSWERED",
            "description": "Call answered by human", "permanent": true},
    })
}

/// Waits for an event that is certain to come; fails if it does not within a long time.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !happened() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A reply, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The message ids of a JSON answer.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text());
        let json = self.json();
        let results = json["results"].as_array().unwrap();
        results.iter().map(|r| r["messageId"].as_str().unwrap().to_owned()).collect()
    }

    /// `messageId` of the `requestError`, in either format.
    #[track_caller]
    pub(crate) fn error_id(&self) -> String {
        if self.header("content-type") == Some("application/xml") {
            let text = self.text();
            let start = text.find("<messageId>").unwrap() + "<messageId>".len();
            return text[start..text.find("</messageId>").unwrap()].to_owned();
        }
        let json = self.json();
        let id = &json["requestError"]["serviceException"]["messageId"];
        id.as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
    }
}

/// One HTTP/1.1 connection.
pub(crate) struct Connection {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn to(addr: SocketAddr) -> Self {
        Self::try_to(addr).unwrap()
    }

    pub(crate) fn try_to(addr: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        // A body follows its head in a write of its own, and must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Reply {
        self.ask(method, path, headers, body);
        self.reply(method == "HEAD")
    }

    /// Sends a request and leaves its reply unread.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) {
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n");
        // A server that refuses a body may close before it has read all of it.
        let stream = self.stream.get_mut();
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    }

    pub(crate) fn reply(&mut self, head_only: bool) -> Reply {
        self.try_reply(head_only).unwrap()
    }

    /// Reads a reply whole, or fails.
    pub(crate) fn try_reply(&mut self, head_only: bool) -> std::io::Result<Reply> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        if head_only || status == 204 {
            return Ok(reply);
        }
        match reply.header("content-length").map(str::parse::<usize>) {
            Some(length) => {
                reply.body = vec![0; length.unwrap()];
                self.stream.read_exact(&mut reply.body)?;
            }
            None => reply.body = self.chunks()?,
        }
        Ok(reply)
    }

    /// A line with its end.
    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.ends_with('\n') { Ok(line) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    }

    fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(self.line()?.trim(), 16).unwrap();
            let start = body.len();
            body.resize(start + length + 2, 0);
            self.stream.read_exact(&mut body[start..])?;
            body.truncate(start + length);
            if length == 0 {
                return Ok(body);
            }
        }
    }

    /// Ends the connection with a reset, whatever was or was not read.
    pub(crate) fn reset(self) {
        let stream = self.stream.into_inner();
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    }
}
