//! A PostgreSQL server of the tests' own: made in a temporary directory, listening on the loopback,
//! gone with its handle. It writes as durably as any.

mod cutter;

pub use cutter::{Cut, Cutter};

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The role that owns everything.
pub const ROLE: &str = "postgres";
/// How long the server may take to start.
const START_MAX: Duration = Duration::from_secs(60);

/// A server that runs until it is dropped.
pub struct PostgresServer {
    dir: PathBuf,
    programs: PathBuf,
    port: u16,
    /// Ends the server when this process does, however that ends.
    _watchman: Watchman,
}

impl PostgresServer {
    /// The one that the tests of this process share; it goes with the last of them that has it.
    ///
    /// # Panics
    /// The server cannot be started.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *shared = Arc::downgrade(&server);
        server
    }

    /// One of its own.
    ///
    /// # Panics
    /// The server cannot be started.
    pub fn start() -> Self {
        let (dir, programs) = (new_dir(), programs());
        let data = dir.join("data");
        succeed(run_as_owner(&programs.join("initdb")).arg("-D").arg(&data).args([
            "-U",
            ROLE,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        // Small, and as durable as the real one: what is measured is what is promised.
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = on\n\
             synchronous_commit = on\nmax_connections = 200\nshared_buffers = '128MB'\n\
             log_min_messages = fatal\nlogging_collector = off\nautovacuum = on\n",
            dir.display()
        );
        let conf = data.join("postgresql.conf");
        let mut file =
            std::fs::OpenOptions::new().append(true).open(conf).expect("the server's settings");
        file.write_all(settings.as_bytes()).expect("the server's settings");
        let port = free_port();
        let watchman = Watchman::of(&data, &dir);
        let server = Self { dir, programs, port, _watchman: watchman };
        server.control("start", "fast");
        server
    }

    /// A copy of it that follows it, and that each of its commits waits for from now on.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn standby(&self) -> Self {
        let (dir, port) = (new_dir(), free_port());
        let data = dir.join("data");
        let mut copy = run_as_owner(&self.programs.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-U", ROLE, "-R", "-c", "fast", "--no-sync"]);
        succeed(copy.arg("-p").arg(self.port.to_string()).arg("-D").arg(&data));
        let watchman = Watchman::of(&data, &dir);
        let programs = self.programs.clone();
        let standby = Self { dir, programs, port, _watchman: watchman };
        standby.control("start", "fast");
        self.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.ask("postgres", "SELECT pg_reload_conf()");
        standby
    }

    /// Has a standby lead.
    ///
    /// # Panics
    /// It does not.
    pub fn promote(&self) {
        self.control("promote", "fast");
        self.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
        self.ask("postgres", "SELECT pg_reload_conf()");
    }

    /// Stops every process of it where it is: its sockets stay open, and nobody answers.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Sends a signal to the server and to all of its children.
    fn signal(&self, name: &str) {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"));
        if let Some(pid) = file.unwrap_or_default().lines().next().map(str::trim) {
            // The server first: it makes the children.
            let _ = Command::new("kill").args(["-s", name, pid]).status();
            let _ = Command::new("pkill").args([&format!("-{name}"), "-P", pid]).status();
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Makes a database that no other test has, and gives its URL.
    ///
    /// # Panics
    /// The server does not make it.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.ask("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        url_at(self.address(), database)
    }

    /// What the statement gives in the database of the URL, as `psql` prints it bare.
    ///
    /// # Panics
    /// The statement fails.
    pub fn ask_at(&self, url: &str, sql: &str) -> String {
        let database = url.rsplit('/').next().unwrap_or("postgres");
        self.ask(database, sql)
    }

    fn ask(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql.arg(self.url(database));
        let output = succeed(&mut psql);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// From now on everybody needs TLS and the password. The certificate and its key are in PEM.
    ///
    /// # Panics
    /// The server does not take them.
    pub fn secure(&self, certificate: &str, key: &str, password: &str) {
        self.ask("postgres", &format!("ALTER ROLE {ROLE} PASSWORD '{password}'"));
        let data = self.data();
        for (name, content) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            std::fs::write(&path, content).expect("a file of the server's");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
                .expect("its mode");
            if is_root() {
                succeed(Command::new("chown").arg(ROLE).arg(&path));
            }
        }
        std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n")
            .expect("who may connect");
        let conf = data.join("postgresql.conf");
        let mut conf =
            std::fs::OpenOptions::new().append(true).open(conf).expect("the server's settings");
        conf.write_all(b"ssl = on\n").expect("the server's settings");
        self.control("restart", "fast");
    }

    /// Stops without a checkpoint, as a crash does, and starts again.
    pub fn crash(&self) {
        self.control("restart", "immediate");
    }

    /// Stops: `fast`, or `immediate` as a crash does.
    pub fn stop(&self, mode: &str) {
        self.control("stop", mode);
    }

    /// Starts again.
    pub fn start_again(&self) {
        self.control("start", "fast");
    }

    fn control(&self, what: &str, mode: &str) {
        let mut control = run_as_owner(&self.programs.join("pg_ctl"));
        control.arg("-D").arg(self.data()).args(["-w", "-m", mode, "-s", "-l"]);
        control.arg(self.dir.join("log")).arg("-t").arg(START_MAX.as_secs().to_string());
        control.arg("-o").arg(format!("-p {}", self.port)).arg(what);
        succeed(&mut control);
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.thaw();
        let mut stop = run_as_owner(&self.programs.join("pg_ctl"));
        stop.arg("-D").arg(self.data()).args(["-w", "-m", "immediate", "-s", "stop"]);
        let _ = stop.stdin(Stdio::null()).stderr(Stdio::null()).status();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A directory for a server, which belongs to whoever runs it.
fn new_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("pg-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory for the server");
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).expect("its mode");
    if is_root() {
        succeed(Command::new("chown").arg(ROLE).arg(&dir));
    }
    dir
}

/// The URL of a database behind that address.
pub fn url_at(address: SocketAddr, database: &str) -> String {
    format!("postgres://{ROLE}@{address}/{database}")
}

/// A shell that waits for the end of this process, which closes its standard input, and then ends
/// the server and removes its directory: a process that was killed drops nothing.
struct Watchman(std::process::Child);

impl Watchman {
    fn of(data: &Path, dir: &Path) -> Self {
        let script = "read -r _ || : ; pid=$(head -n 1 \"$0/postmaster.pid\" 2>/dev/null) && \
            kill -QUIT \"$pid\" 2>/dev/null && sleep 1; rm -rf \"$1\"";
        let mut shell = Command::new("setsid");
        shell.args(["sh", "-c", script]).arg(data).arg(dir);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().expect("a shell"))
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        // By now the server has been ended and the directory removed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The directory of the newest server's programs.
fn programs() -> PathBuf {
    let all = std::fs::read_dir("/usr/lib/postgresql").map(|all| all.flatten());
    let versions = all.into_iter().flatten().map(|entry| entry.path().join("bin"));
    versions
        .filter(|bin| bin.join("initdb").exists())
        .max()
        .expect("PostgreSQL is installed: scripts/install-test-deps.sh")
}

/// The server refuses to run as root.
fn run_as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", ROLE, "--regid", ROLE, "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn succeed(command: &mut Command) -> Output {
    let log = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", log(&output));
    output
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
