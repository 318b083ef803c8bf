//! As much of HTTP/1.1 as it takes to know where a reply ends (RFC 9112 §6, §7.1).

use std::io::{self, ErrorKind::InvalidData};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The longest reply in chunks whose end can be looked for, in bytes.
const CHUNKED_BYTES_MAX: usize = 256 * 1024;
/// How long to wait before looking again: the kernel does not tell of bytes beyond those seen.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Reads a reply's head and not a byte of its body.
pub(super) async fn read_head(server: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(server.read_u8().await?);
    }
    Ok(head)
}

/// How many bytes the body takes on the wire. Nothing of it is read.
pub(super) async fn body_length(head: &[u8], server: &TcpStream) -> io::Result<usize> {
    let head = std::str::from_utf8(head).map_err(|_| invalid("its head is not text"))?;
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    if let Some(length) = field("content-length") {
        return length.parse().map_err(|_| invalid("its Content-Length is not a number"));
    }
    if field("transfer-encoding") != Some("chunked") {
        return Err(invalid("it has neither a length nor chunks"));
    }
    let mut buffer = vec![0; CHUNKED_BYTES_MAX];
    loop {
        let seen = server.peek(&mut buffer).await?;
        match chunks_end(&buffer[..seen])? {
            Some(end) => return Ok(end),
            None if seen < buffer.len() => sleep(LOOK_AGAIN).await,
            None => return Err(invalid("its chunks are too long")),
        }
    }
}

/// Where the last chunk ends, if it is there.
fn chunks_end(bytes: &[u8]) -> io::Result<Option<usize>> {
    let mut at = 0;
    loop {
        let Some(line) = bytes[at..].windows(2).position(|pair| pair == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[at..at + line]).ok();
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or_else(|| invalid("the size of a chunk is not a number"))?;
        at += line + 2 + size + 2;
        if at > bytes.len() {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(at));
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(InvalidData, what)
}
