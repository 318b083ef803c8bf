//! A wire delivers what it should, and leaves the server no other trace than it should.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
const BODY: &[u8] = b"0123456789";

/// How a connection ended for the server.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    InOrder,
    Reset,
}

/// A server that answers every request with the same ten bytes and tells how connections end.
async fn server() -> (SocketAddr, mpsc::UnboundedReceiver<Seen>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; REQUEST.len()];
                let end = loop {
                    match stream.read_exact(&mut buffer).await {
                        Ok(_) => stream.write_all(&[HEAD, BODY].concat()).await.unwrap(),
                        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                            break Seen::InOrder;
                        }
                        Err(_) => break Seen::Reset,
                    }
                };
                tell.send(end).unwrap();
            });
        }
    });
    (address, told)
}

async fn wire(middle: Middle, fault: Fault) -> (Wire, mpsc::UnboundedReceiver<Seen>) {
    let (server, told) = server().await;
    (Wire::between(server, Plan::new(middle, [fault])).await.unwrap(), told)
}

/// What the client gets, and how the connection ends for it.
async fn ask(wire: &Wire) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(wire.address()).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut got = Vec::new();
    let ended = stream.read_to_end(&mut got).await;
    (got, ended.err().map(|error| error.kind()))
}

#[track_caller]
fn check(seen: Option<Seen>, expect: Seen) {
    assert_eq!(seen, Some(expect), "how the connection ended for the server");
}

#[tokio::test]
async fn a_sound_wire_keeps_a_connection_alive() {
    let (wire, mut told) = wire(Middle::Cable, Fault::Pass).await;
    let mut stream = TcpStream::connect(wire.address()).await.unwrap();
    for _ in 0..2 {
        stream.write_all(REQUEST).await.unwrap();
        let mut got = vec![0; HEAD.len() + BODY.len()];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(got, [HEAD, BODY].concat());
    }
    drop(stream);
    check(told.recv().await, Seen::InOrder);
    assert_eq!(
        (wire.requests(), wire.faults(), wire.delivered()),
        (2, 0, 2 * (HEAD.len() + BODY.len()) as u64)
    );
}

#[tokio::test]
async fn a_sound_wire_hands_on_a_reset() {
    let (wire, mut told) = wire(Middle::Cable, Fault::Pass).await;
    let mut stream = TcpStream::connect(wire.address()).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    stream.readable().await.unwrap();
    drop(stream); // with the reply unread
    check(told.recv().await, Seen::Reset);
}

#[tokio::test]
async fn a_closed_wire_delivers_nothing_and_resets_the_server() {
    let (wire, mut told) = wire(Middle::Cable, Fault::Close).await;
    assert_eq!(ask(&wire).await, (vec![], None));
    check(told.recv().await, Seen::Reset);
    assert_eq!((wire.requests(), wire.faults(), wire.delivered()), (1, 1, 0));
}

#[tokio::test]
async fn a_reset_wire_resets_both() {
    let (wire, mut told) = wire(Middle::Cable, Fault::Reset).await;
    assert_eq!(ask(&wire).await, (vec![], Some(ErrorKind::ConnectionReset)));
    check(told.recv().await, Seen::Reset);
}

#[tokio::test]
async fn a_stalled_wire_resets_the_server_when_the_client_gives_up() {
    let (wire, mut told) = wire(Middle::Cable, Fault::Stall).await;
    let mut stream = TcpStream::connect(wire.address()).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let patience = Duration::from_millis(100);
    assert!(timeout(patience, stream.read_u8()).await.is_err(), "nothing arrives");
    assert!(told.try_recv().is_err(), "the server is not told before the client gives up");
    drop(stream);
    check(told.recv().await, Seen::Reset);
    assert_eq!(wire.delivered(), 0);
}

#[tokio::test]
async fn a_cut_wire_delivers_all_but_the_end() {
    let (wire, mut told) = wire(Middle::Cable, Fault::CutShort { bytes: 3 }).await;
    assert_eq!(ask(&wire).await, ([HEAD, &BODY[..7]].concat(), None));
    check(told.recv().await, Seen::Reset);
    assert_eq!(wire.delivered(), (HEAD.len() + 7) as u64);
}

#[tokio::test]
async fn a_reply_in_chunks_is_cut_short_too() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let plan = Plan::new(Middle::Cable, [Fault::CutShort { bytes: 9 }]);
    let wire = Wire::between(listener.local_addr().unwrap(), plan).await.unwrap();
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut vec![0; REQUEST.len()]).await.unwrap();
        for piece in [CHUNKED, b"a\r\n01234", b"56789\r\n", b"0\r\n\r\n"] {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        stream.read_u8().await.map_err(|error| error.kind())
    };
    let ((got, _), ended) = tokio::join!(ask(&wire), answering);
    assert_eq!(got, [CHUNKED, &b"a\r\n01234567"[..]].concat());
    assert_eq!(ended, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn faults_strike_in_turn_and_then_the_wire_is_sound() {
    let (server, _told) = server().await;
    let plan = Plan::new(Middle::Cable, [Fault::Close, Fault::CutAfter { bytes: 0 }]);
    let wire = Wire::between(server, plan).await.unwrap();
    assert_eq!(ask(&wire).await.0, b"");
    assert_eq!(ask(&wire).await.0, HEAD);
    let mut stream = TcpStream::connect(wire.address()).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut got = vec![0; HEAD.len() + BODY.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!((wire.requests(), wire.faults()), (3, 2));
}

#[tokio::test]
async fn behind_a_proxy_the_server_sees_nothing_wrong() {
    for (fault, arrives) in [
        (Fault::Close, vec![]),
        (Fault::Reset, vec![]),
        (Fault::CutShort { bytes: 3 }, [HEAD, &BODY[..7]].concat()),
    ] {
        let (wire, mut told) = wire(Middle::Proxy, fault).await;
        assert_eq!(ask(&wire).await.0, arrives, "{fault:?}");
        check(told.recv().await, Seen::InOrder);
    }
}

#[tokio::test]
async fn a_server_that_dies_without_a_reply_meets_the_fault_too() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let plan = Plan::new(Middle::Cable, [Fault::CutShort { bytes: 1 }]);
    let wire = Wire::between(listener.local_addr().unwrap(), plan).await.unwrap();
    let dying = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut vec![0; REQUEST.len()]).await.unwrap();
    };
    let (got, ()) = tokio::join!(ask(&wire), dying);
    assert_eq!(got, (vec![], None));
    assert_eq!(wire.faults(), 1);
}
