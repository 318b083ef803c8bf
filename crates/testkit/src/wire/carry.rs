//! One connection over a wire: requests go up until a reply comes, then the fault decides.

use std::io::{self, ErrorKind::InvalidData};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::select;

use super::{Fault, Line, Middle, proxy, reply};

/// Carries the connection to its end.
pub(super) async fn connection(mut client: TcpStream, mut server: TcpStream, line: &Line) {
    match until_reply(&mut client, &mut server, line).await {
        Ok(Reply::Coming | Reply::NeverComing) => {}
        Ok(Reply::NotAwaited) => return,
        Err(_) => return reset_both(client, server),
    }
    let fault = line.next_fault();
    if fault == Fault::Pass {
        return match relay(&mut client, &mut server, line).await {
            Ok(()) => (),
            Err(_) => reset_both(client, server),
        };
    }
    match line.middle {
        Middle::Cable => break_cable(fault, client, server, line).await,
        Middle::Proxy => proxy::fail(fault, client, server, line).await,
    }
}

/// What came of waiting for a reply.
enum Reply {
    /// Its first byte can be read, and has not been.
    Coming,
    /// The server ended the connection instead.
    NeverComing,
    /// The server ended a connection that nothing was asked on, or whose client had gone.
    NotAwaited,
}

/// Carries what the client sends until the server has something to say.
async fn until_reply(
    client: &mut TcpStream,
    server: &mut TcpStream,
    line: &Line,
) -> io::Result<Reply> {
    let (mut from_client, _) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut heads = Heads::default();
    let mut client_open = true;
    let mut asked = false;
    let mut buffer = [0; 4096];
    let mut first = [0; 1];
    loop {
        select! {
            read = from_client.read(&mut buffer), if client_open => {
                let read = read?;
                client_open = read > 0;
                asked |= read > 0;
                line.count_requests(heads.count(&buffer[..read]));
                if read == 0 {
                    to_server.shutdown().await?;
                } else if to_server.write_all(&buffer[..read]).await.is_err() {
                    return Ok(Reply::NeverComing);
                }
            }
            seen = from_server.peek(&mut first) => {
                return Ok(match seen {
                    Ok(1..) => Reply::Coming,
                    Ok(0) | Err(_) if asked && client_open => Reply::NeverComing,
                    Ok(0) | Err(_) => Reply::NotAwaited,
                });
            }
        }
    }
}

/// Loses the client in the way of the fault, and with it the server's connection.
async fn break_cable(fault: Fault, mut client: TcpStream, mut server: TcpStream, line: &Line) {
    if let Fault::CutShort { .. } | Fault::CutAfter { .. } = fault
        && let Err(error) = deliver_part(fault, &mut client, &mut server, line).await
        // A server that died without a reply left nothing to cut.
        && error.kind() == InvalidData
    {
        eprintln!("the wire cannot cut this reply: {error}");
        return reset_both(client, server);
    }
    line.strike();
    match fault {
        Fault::Stall => until_given_up(&mut client).await,
        Fault::Reset => return reset_both(client, server),
        Fault::Pass | Fault::Close | Fault::CutShort { .. } | Fault::CutAfter { .. } => {}
    }
    drop(client);
    reset(server);
}

/// Reads from the server exactly what it delivers: the head, and the body as far as the fault
/// lets it.
async fn deliver_part(
    fault: Fault,
    client: &mut TcpStream,
    server: &mut TcpStream,
    line: &Line,
) -> io::Result<()> {
    let head = reply::read_head(server).await?;
    let part = match fault {
        Fault::CutShort { bytes } => reply::body_length(&head, server).await?.checked_sub(bytes),
        Fault::CutAfter { bytes } => Some(bytes),
        Fault::Pass | Fault::Close | Fault::Reset | Fault::Stall => return Ok(()),
    };
    let part = part.ok_or_else(|| io::Error::new(InvalidData, "its body is too short"))?;
    client.write_all(&head).await?;
    line.count_delivered(head.len());
    copy(&mut server.take(part as u64), client).await?;
    line.count_delivered(part);
    Ok(())
}

/// Waits until the client ends the connection, in order or not.
pub(super) async fn until_given_up(client: &mut TcpStream) {
    let mut ignored = [0; 4096];
    while client.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}

/// Carries both ways until both are ended. An error on one side is an error.
async fn relay(client: &mut TcpStream, server: &mut TcpStream, line: &Line) -> io::Result<()> {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let mut heads = Heads::default();
    let up = pump(from_client, to_server, |bytes| line.count_requests(heads.count(bytes)));
    let down = pump(from_server, to_client, |bytes| line.count_delivered(bytes.len()));
    tokio::try_join!(up, down).map(|((), ())| ())
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut count: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        count(&buffer[..read]);
    }
}

fn reset_both(client: TcpStream, server: TcpStream) {
    reset(client);
    reset(server);
}

/// Ends the connection with a reset.
pub(super) fn reset(stream: TcpStream) {
    // Refused only for a socket that is dead already.
    let _ = stream.set_zero_linger();
}

/// Counts the ends of request heads in a stream that comes in pieces.
#[derive(Default)]
struct Heads {
    matched: usize,
}

impl Heads {
    fn count(&mut self, bytes: &[u8]) -> u64 {
        const END: &[u8] = b"\r\n\r\n";
        let mut ends = 0;
        for &byte in bytes {
            self.matched = match byte {
                _ if byte == END[self.matched] => self.matched + 1,
                b'\r' => 1,
                _ => 0,
            };
            if self.matched == END.len() {
                self.matched = 0;
                ends += 1;
            }
        }
        ends
    }
}
