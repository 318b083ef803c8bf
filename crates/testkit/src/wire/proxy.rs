//! A reverse proxy that has the whole reply and then fails to hand it on.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::carry::{reset, until_given_up};
use super::{Fault, Line, reply};

/// Takes the reply from the server to its last byte, then loses the client in the way of the
/// fault. The server's connection ends in order.
pub(super) async fn fail(fault: Fault, mut client: TcpStream, mut server: TcpStream, line: &Line) {
    let (head, body) = match read_reply(&mut server).await {
        Ok(reply) => reply,
        Err(error) => {
            eprintln!("the proxy cannot read this reply: {error}");
            return reset(client);
        }
    };
    drop(server);
    let part = match fault {
        Fault::CutShort { bytes } => Some(body.len().saturating_sub(bytes)),
        Fault::CutAfter { bytes } => Some(bytes.min(body.len())),
        Fault::Pass | Fault::Close | Fault::Reset | Fault::Stall => None,
    };
    for piece in part.iter().flat_map(|&part| [head.as_slice(), &body[..part]]) {
        if client.write_all(piece).await.is_ok() {
            line.count_delivered(piece.len());
        }
    }
    line.strike();
    match fault {
        Fault::Stall => until_given_up(&mut client).await,
        Fault::Reset => reset(client),
        Fault::Pass | Fault::Close | Fault::CutShort { .. } | Fault::CutAfter { .. } => {}
    }
}

async fn read_reply(server: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let head = reply::read_head(server).await?;
    let mut body = vec![0; reply::body_length(&head, server).await?];
    server.read_exact(&mut body).await?;
    Ok((head, body))
}
