//! A SIP peer that answers as it is told, or not at all.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// The peer. It is gone when it is dropped.
pub(crate) struct Peer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    codes: HashMap<String, u16>,
    /// Requests, without repetitions.
    heard: Vec<String>,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let mut task = JoinSet::new();
        task.spawn(answer(socket, Arc::clone(&shared)));
        Self { address, shared, _task: task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, requests of that method get that code; none: no answer.
    pub(crate) fn answer(&self, method: &str, code: Option<u16>) {
        let mut shared = self.shared.lock().unwrap();
        match code {
            Some(code) => shared.codes.insert(method.to_owned(), code),
            None => shared.codes.remove(method),
        };
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        let shared = self.shared.lock().unwrap();
        shared.heard.iter().filter(|request| request.starts_with(method)).count()
    }

    pub(crate) fn last(&self, method: &str) -> String {
        let shared = self.shared.lock().unwrap();
        let last = shared.heard.iter().rev().find(|request| request.starts_with(method));
        last.cloned().unwrap_or_default()
    }

    pub(crate) async fn heard(&self, method: &str, count: usize, patience: Duration) {
        let heard = async {
            while self.count(method) < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let heard = tokio::time::timeout(patience, heard).await;
        assert!(heard.is_ok(), "{} of {count} {method}", self.count(method));
    }
}

async fn answer(socket: UdpSocket, shared: Arc<Mutex<Shared>>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let response = {
            let mut shared = shared.lock().unwrap();
            if !shared.heard.contains(&request) {
                shared.heard.push(request.clone());
            }
            let method = request.split(' ').next().unwrap_or_default();
            shared.codes.get(method).map(|code| response(&request, *code))
        };
        if let Some(response) = response {
            let _ = socket.send_to(response.as_bytes(), from).await;
        }
    }
}

fn response(request: &str, code: u16) -> String {
    let mut lines = vec![format!("SIP/2.0 {code} As told")];
    for line in request.lines() {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "via" | "from" | "call-id" | "cseq" | "expires" => lines.push(line.to_owned()),
            "to" => lines.push(format!("{line};tag=peer")),
            _ => {}
        }
    }
    lines.push("Content-Length: 0\r\n\r\n".to_owned());
    lines.join("\r\n")
}
