//! The executable, run as a user runs it: in a directory of its own, without the variables of
//! whoever runs the tests.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::ledger::{Database, Kind, Place};
use crate::server::TestDir;

/// Long enough for a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory to run commands in; the ledger is in `ledger` below it, or in a database that the
/// commands are told of.
pub(crate) struct Home {
    dir: TestDir,
    ledger: Place,
}

/// What a command said and did.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A command that runs on. Killed when dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

/// A server that has said where it listens.
pub(crate) struct Serving {
    pub(crate) process: Running,
    /// What it said until then.
    pub(crate) said: Vec<String>,
    /// What `admin.json` says.
    pub(crate) doors: Value,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::on(Kind::Embedded)
    }

    /// With a ledger in that engine.
    pub(crate) fn on(kind: Kind) -> Self {
        let dir = TestDir::new();
        let ledger = Place::new(kind, &dir.path().join("ledger"));
        Self { dir, ledger }
    }

    /// With its ledger in that database.
    pub(crate) fn at(database: Database) -> Self {
        Self { dir: TestDir::new(), ledger: Place::Database(database) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callslip"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CALLSLIP_") {
                command.env_remove(name);
            }
        }
        command.envs(self.ledger.variables());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs a command on the ledger, and expects it to succeed.
    #[track_caller]
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let args = [args, &["--data", "ledger"]].concat();
        let ran = self.run(&args);
        assert_eq!(ran.code, Some(0), "{args:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    pub(crate) fn serve(&self) -> Serving {
        self.serve_with(&["--listen", "127.0.0.1:0"])
    }

    pub(crate) fn serve_with(&self, args: &[&str]) -> Serving {
        self.serve_in("ledger", args).0
    }

    /// A server with a directory of its own below the home, and what it has said so far. On a shared
    /// ledger there may be several.
    pub(crate) fn serve_in(&self, dir: &str, args: &[&str]) -> (Serving, Vec<String>) {
        let first = ["serve", "--data", dir, "--admin-listen", "127.0.0.1:0"];
        let process = Running::start(&mut self.command(&[&first, args].concat()));
        let said = process.wait_for("listens on");
        let doors = serde_json::from_str(&self.read(&format!("{dir}/admin.json"))).unwrap();
        (Serving { process, said: said.clone(), doors }, said)
    }

    /// An account with reports in it, and a key that takes them, in the file `read.key`.
    pub(crate) fn with_account(&self, name: &str) {
        self.done(&["account", "add", name, "--time-zone", "Europe/Zagreb"]);
        let key = self.done(&["key", "add", name, "--role", "read"]);
        self.file("read.key", &key);
    }

    /// Pending reports of the account.
    pub(crate) fn pending(&self, name: &str) -> u64 {
        let list: Value = serde_json::from_str(&self.done(&["account", "list", "--json"])).unwrap();
        let mut accounts = list["accounts"].as_array().unwrap().iter();
        accounts.find(|account| account["name"] == name).unwrap()["pending"].as_u64().unwrap()
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&self, code: i32, text: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(self.err.contains(text) || self.out.contains(text), "{}{}", self.out, self.err);
    }
}

impl Running {
    /// Starts it and listens to both of its outputs.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (line, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let line = line.clone();
            std::thread::spawn(move || {
                for text in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = line.send(text);
                }
            });
        }
        Self { child, lines }
    }

    /// Waits for a line with that text, and gives every line up to it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = line.contains(text);
                    seen.push(line);
                    if found {
                        return seen;
                    }
                }
                Err(_) => panic!("no line with `{text}` in {seen:#?}"),
            }
        }
    }

    /// Every line since the last that was waited for.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Every line that it has said since, once it has ended.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and gives its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    pub(crate) fn url(&self) -> &str {
        self.doors["public_url"].as_str().unwrap()
    }

    pub(crate) fn admin_url(&self) -> &str {
        self.doors["url"].as_str().unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        self.url().strip_prefix("http://").unwrap()
    }

    /// Status of `GET /tts/3/reports` with that user name and password.
    pub(crate) fn login(&self, name: &str, password: &str) -> u16 {
        let login = format!("{name}:{password}");
        let url = format!("{}/tts/3/reports?messageId=none", self.url());
        let args = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", &login, &url];
        Ran::of(Command::new("curl").args(args)).out.parse().unwrap()
    }
}
