//! A web server of a customer, which answers as a test tells it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::prompt::Network;

/// Listens on a loopback address until the end of the test.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

/// What was asked for.
pub(super) struct Request {
    /// How many came before.
    pub(super) number: usize,
    pub(super) path: String,
    /// In lower case.
    pub(super) headers: Vec<String>,
}

/// The way back.
pub(super) struct Answer(pub(super) TcpStream);

impl Answer {
    /// These bytes, as they are. Who asked may have gone.
    pub(super) fn raw(mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// An answer with a body.
    pub(super) fn body(self, status: &str, headers: &str, body: &[u8]) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
        self.raw(&[head.as_bytes(), body].concat());
    }

    pub(super) fn sound(self, body: &[u8]) {
        self.body("200 OK", "Content-Type: audio/wav\r\n", body);
    }

    pub(super) fn status(self, status: &str) {
        self.body(status, "", b"");
    }

    pub(super) fn redirect(self, to: &str) {
        self.body("302 Found", &format!("Location: {to}\r\n"), b"");
    }
}

impl Server {
    pub(super) fn start(answer: impl Fn(Request, Answer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, answer, count) = (stream.unwrap(), answer.clone(), count.clone());
                std::thread::spawn(move || serve(stream, &count, &*answer));
            }
        });
        Self { address, requests }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// What must be allowed to reach it: 127.0.0.2 and none of the other loopback addresses.
    pub(super) fn networks(&self) -> Vec<Network> {
        vec!["127.0.0.2".parse().unwrap()]
    }
}

fn serve(stream: TcpStream, count: &AtomicUsize, answer: &dyn Fn(Request, Answer)) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let headers = headers.map(|line| line.to_ascii_lowercase()).collect();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let number = count.fetch_add(1, Ordering::SeqCst);
    answer(Request { number, path, headers }, Answer(stream));
}

/// A wav file of silence, that many samples at 8000 a second.
pub(super) fn wav(samples: usize) -> Vec<u8> {
    let bytes = u32::try_from(samples * 2).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((bytes + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.resize(44 + samples * 2, 0);
    file
}
