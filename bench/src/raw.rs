//! One HTTP request on a connection of its own, and every byte of its answer.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer with status 2xx.
pub(crate) struct Reply {
    /// As they came, but for those that every server makes itself: the date and the length.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Asks, and reads the answer; an error if it is one.
pub(crate) async fn ask(
    to: SocketAddr,
    line: &str,
    authorization: &str,
    body: &str,
) -> anyhow::Result<Reply> {
    let mut stream = TcpStream::connect(to).await?;
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {to}\r\nAuthorization: {authorization}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no whole head")?;
    let body = Bytes::copy_from_slice(&answer[end + 4..]);
    let head = std::str::from_utf8(&answer[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    anyhow::ensure!(status.contains(" 2"), "{line}: {status}");
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if !["date", "content-length", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
    Ok(Reply { headers, body })
}
