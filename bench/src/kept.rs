//! A client that keeps its connection.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A client that keeps its connection.
pub(crate) struct Kept {
    stream: BufReader<TcpStream>,
    to: SocketAddr,
}

impl Kept {
    pub(crate) async fn connect(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), to })
    }

    /// Asks, and gives the body of the answer; an error if it is one. Further headers may follow the
    /// credentials.
    pub(crate) async fn ask(
        &mut self,
        line: &str,
        authorization: &str,
        body: &str,
    ) -> anyhow::Result<Vec<u8>> {
        let (to, length) = (self.to, body.len());
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {to}\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            if line.trim_end().is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().context("a length is a number")?;
            }
            head.push_str(&line);
        }
        let status = head.lines().next().unwrap_or_default();
        anyhow::ensure!(status.contains(" 200"), "{line}: {status}");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }
}
