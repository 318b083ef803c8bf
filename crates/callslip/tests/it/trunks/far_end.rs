//! A far end: sipp, which does with every call what the number that is called stands for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::script::Script;
use crate::server::{TestDir, wait_for};

/// Longer than any script.
const PATIENCE: Duration = Duration::from_secs(20);

/// sipp, killed if it is dropped before its end.
pub(crate) struct FarEnd {
    child: Child,
    dir: TestDir,
    pub(crate) port: u16,
    transport: &'static str,
}

/// A call of the numbers that end in these digits, a pattern that may go on beyond an `@` to the end
/// of the message; and what is done with it.
pub(crate) type Entry<'a> = (&'a str, Script);

/// What a far end noted of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// `INVITE`, or a word of its script.
    pub(crate) word: String,
    /// The number that was called.
    pub(crate) number: String,
    /// Seconds since the epoch.
    pub(crate) at: f64,
    /// Where our media is to be sent.
    pub(crate) media: u16,
}

impl FarEnd {
    /// Plays the first script whose number is called; other numbers do not exist.
    pub(crate) fn new(book: &[Entry<'_>]) -> Self {
        Self::with(book, &[])
    }

    /// The same with more options of sipp.
    pub(crate) fn with(book: &[Entry<'_>], options: &[&str]) -> Self {
        let transport = if options.contains(&"t1") { "tcp" } else { "udp" };
        let dir = TestDir::new();
        std::fs::write(dir.path().join("book.xml"), xml(book)).unwrap();
        std::fs::write(dir.path().join("notes"), "").unwrap();
        let port = free_port();
        let child = Command::new("sipp")
            .current_dir(dir.path())
            .args(["-sf", "book.xml", "-i", "127.0.0.1", "-p", &port.to_string()])
            // Nothing is on any of these ports when it begins to look for a free one.
            .args(["-mp", &fastrand::u16(32_768..60_000).to_string()])
            // What is sent again because sipp was busy is no fault.
            .args(["-default_behaviors", "bye", "-nostdin", "-trace_err", "-error_file", "errors"])
            .args(["-trace_logs", "-log_file", "notes"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(File::create(dir.path().join("out")).unwrap())
            .stderr(File::create(dir.path().join("err")).unwrap())
            .spawn()
            .expect("sipp (package sip-tester)");
        let mut far = Self { child, dir, port, transport };
        wait_for("sipp to listen", || {
            assert!(far.child.try_wait().unwrap().is_none(), "sipp: {}", far.log());
            far.listens()
        });
        far
    }

    /// Looked up, not tried: trying would take the port from under its hands.
    fn listens(&self) -> bool {
        let table = std::fs::read_to_string(format!("/proc/net/{}", self.transport)).unwrap();
        table.contains(&format!(" 0100007F:{:04X} 00000000:0000 ", self.port))
    }

    /// As a destination of a trunk, with more of its keys.
    pub(crate) fn destination(&self, more: &str) -> String {
        let Self { port, transport, .. } = self;
        format!("{{ host = \"127.0.0.1\", port = {port}, transport = \"{transport}\"{more} }}")
    }

    /// Everything that it noted with that word.
    pub(crate) fn notes(&self, word: &str) -> Vec<Note> {
        let text = std::fs::read_to_string(self.dir.path().join("notes")).unwrap();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(note).filter(|note| note.word == word).collect()
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        self.notes(word).len()
    }

    /// How often each number was called.
    pub(crate) fn invites(&self) -> BTreeMap<String, usize> {
        let mut invites = BTreeMap::new();
        for note in self.notes("INVITE") {
            *invites.entry(note.number).or_default() += 1;
        }
        invites
    }

    /// Takes no more calls and waits for the end of those that it has: each of them must have gone
    /// as its script says.
    #[track_caller]
    pub(crate) fn ends_well(mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, Signal::USR1).unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "sipp goes on: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        };
        // 99: nobody called.
        assert!(matches!(status.code(), Some(0 | 99)), "sipp: {status}: {}", self.log());
    }

    /// What it says for itself.
    fn log(&self) -> String {
        ["err", "errors", "notes", "out"].map(|name| tail(&self.dir.path().join(name))).join("\n")
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let from = text.len().saturating_sub(6000);
    String::from_utf8_lossy(&text[from..]).into_owned()
}

fn note(line: &str) -> Note {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [word, number, _, _, at, media @ ..] = words.as_slice() else { panic!("{line}") };
    let media = media.first().map_or(0, |port| port.parse().unwrap());
    Note { word: (*word).into(), number: (*number).into(), at: at.parse().unwrap(), media }
}

/// A scenario that begins with an INVITE and goes on with the script of the number.
fn xml(book: &[Entry<'_>]) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<scenario name=\"book\">\n\
         <recv request=\"INVITE\" crlf=\"true\"><action>\n\
         <ereg regexp=\"[^ ]* sip:[+]?([0-9]+)@\" search_in=\"msg\" assign_to=\"all,number\"/>\n\
         <ereg regexp=\"m=audio ([0-9]+)\" search_in=\"msg\" assign_to=\"all,media\"/>\n\
         <ereg regexp=\".*\" search_in=\"hdr\" header=\"From:\" assign_to=\"remote\"/>\n\
         <ereg regexp=\"sip:[^&gt;]*\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"target\"/>\n",
    );
    for (place, (digits, _)) in book.iter().enumerate() {
        let at = if digits.contains('@') { "" } else { "@" };
        let _ = writeln!(
            xml,
            "<ereg regexp=\"INVITE sip:[+]?[0-9]*{digits}{at}\" search_in=\"msg\" assign_to=\"is{place}\"/>"
        );
    }
    xml.push_str("<log message=\"INVITE [$number] [timestamp] [$media]\"/>\n</action></recv>\n");
    for place in 0..book.len() {
        let _ = writeln!(xml, "<nop next=\"{place}\" test=\"is{place}\"/>");
    }
    xml.push_str(Script::refuses("404 Not In The Book", "").xml());
    for (place, (_, script)) in book.iter().enumerate() {
        let script = script.xml();
        let _ = writeln!(xml, "<nop next=\"end\"/>\n<label id=\"{place}\"/>\n{script}");
    }
    // A variable that is used but once aborts sipp.
    let variables: Vec<String> = (0..book.len()).map(|place| format!("is{place}")).collect();
    let seen = if xml.contains("\"seen\"") { ",seen" } else { "" };
    let _ = write!(
        xml,
        "<label id=\"end\"/>\n<Reference variables=\"all,number,media,remote,target{seen},{}\"/>\n\
         </scenario>\n",
        variables.join(",")
    );
    xml
}

/// A port that is free for datagrams and connections, and will not be handed out by chance: below
/// the ephemeral ones, and above our media. No other test of this process gets it.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(151);
    let port = || {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        20_000 + u16::try_from(first.wrapping_add(step) % 12_000).unwrap()
    };
    let is_free = |port: &u16| {
        let here = (Ipv4Addr::LOCALHOST, *port);
        UdpSocket::bind(here).is_ok() && TcpListener::bind(here).is_ok()
    };
    std::iter::repeat_with(port).take(1000).find(is_free).expect("a free port")
}
