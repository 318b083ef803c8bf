//! The far end of a trunk: a few lines of SIP over UDP that do what the number called says.
//!
//! A number that ends in 486 is busy, one in 180 rings for ever; one in 2 hangs up as soon as the
//! call is up, and any other is answered and waits.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A far end. Gone when it is dropped.
pub(crate) struct FarEnd {
    address: SocketAddr,
    manners: Arc<Manners>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What can be changed meanwhile.
#[derive(Default)]
struct Manners {
    /// It answers nothing at all.
    is_silent: AtomicBool,
    /// It wants a password for OPTIONS, any.
    asks_password: AtomicBool,
}

impl FarEnd {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let address = socket.local_addr().unwrap();
        let (manners, ends) = (Arc::new(Manners::default()), Arc::new(AtomicBool::new(false)));
        let (known, over) = (Arc::clone(&manners), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            // Where it says that it receives sound; nobody listens there.
            let media = UdpSocket::bind("127.0.0.1:0").unwrap();
            let line = Line { media: media.local_addr().unwrap().port(), socket };
            let mut buffer = [0; 65_536];
            while !over.load(Ordering::SeqCst) {
                let Ok((length, from)) = line.socket.recv_from(&mut buffer) else { continue };
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if !known.is_silent.load(Ordering::SeqCst) {
                    line.hear(&text, from, &known);
                }
            }
        });
        Self { address, manners, ends, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn be_silent(&self) {
        self.manners.is_silent.store(true, Ordering::SeqCst);
    }

    pub(crate) fn ask_for_a_password(&self) {
        self.manners.asks_password.store(true, Ordering::SeqCst);
    }

    /// Settings of a server whose only trunk it is, with more of them for the trunk.
    pub(crate) fn settings(&self, more: &str) -> String {
        let port = self.port();
        format!(
            "[calls]\ncarrier = \"sip\"\n[sip]\nudp = \"127.0.0.1:0\"\nt1_ms = 50\n\
             [media]\nbind = \"127.0.0.1\"\n[[trunk]]\nname = \"north\"\n\
             destinations = [{{ host = \"127.0.0.1\", port = {port} }}]\n{more}\n"
        )
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Line {
    socket: UdpSocket,
    media: u16,
}

impl Line {
    fn hear(&self, request: &str, from: SocketAddr, manners: &Manners) {
        let answer = |status: &str, more: &str, body: &str| {
            self.send(&response(request, status, more, body), from);
        };
        let contact = format!("Contact: <sip:far@{}>\r\n", self.socket.local_addr().unwrap());
        let user = user(request);
        match request.split(' ').next().unwrap() {
            "OPTIONS" => {
                let asks = manners.asks_password.load(Ordering::SeqCst);
                match asks && header(request, "Authorization").is_none() {
                    true => {
                        let challenge = "WWW-Authenticate: Digest realm=\"far\", nonce=\"n1\"\r\n";
                        answer("401 Unauthorized", challenge, "");
                    }
                    false => answer("200 OK", "", ""),
                }
            }
            "INVITE" if user.ends_with("486") => {
                answer("486 Busy Here", "Reason: Q.850;cause=17\r\n", "");
            }
            "INVITE" => {
                answer("180 Ringing", &contact, "");
                if !user.ends_with("180") {
                    let sdp = format!("{contact}Content-Type: application/sdp\r\n");
                    answer("200 OK", &sdp, &description(self.media));
                }
            }
            "CANCEL" => {
                answer("200 OK", "", "");
                let invite = request.replace("CANCEL", "INVITE");
                self.send(&response(&invite, "487 Request Terminated", "", ""), from);
            }
            "ACK" if user.ends_with('2') || contact_calls_two(request) => {
                self.hang_up(request, from)
            }
            "BYE" => answer("200 OK", "", ""),
            _ => {}
        }
    }

    /// Its own BYE, from what the ACK says of the dialog.
    fn hang_up(&self, ack: &str, from: SocketAddr) {
        let own = self.socket.local_addr().unwrap();
        let value = |name: &str| header(ack, name).unwrap_or_default();
        let bye = format!(
            "BYE sip:callslip@{from} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKbye{}\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\n\
             Reason: Q.850;cause=16\r\nContent-Length: 0\r\n\r\n",
            value("Call-ID").replace('@', ""),
            value("To"),
            value("From"),
            value("Call-ID"),
        );
        self.send(&bye, from);
    }

    fn send(&self, text: &str, to: SocketAddr) {
        self.socket.send_to(text.as_bytes(), to).unwrap();
    }
}

/// An ACK goes to our Contact, which names no number; its To does.
fn contact_calls_two(request: &str) -> bool {
    header(request, "To").is_some_and(|to| to.split('@').next().unwrap().ends_with('2'))
}

/// The number in the Request-URI.
fn user(request: &str) -> &str {
    let uri = request.split(' ').nth(1).unwrap_or_default();
    uri.trim_start_matches("sip:").split('@').next().unwrap()
}

fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn response(request: &str, status: &str, more: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let value = header(request, name).unwrap_or_default();
        let tag = if name == "To" && !value.contains(";tag=") { ";tag=far" } else { "" };
        text.push_str(&format!("{name}: {value}{tag}\r\n"));
    }
    format!("{text}{more}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn description(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )
}
